//! Exp: powers of e.

use super::pointwise::pointwise;
use crate::kernels::Unary;

pointwise! {
    /// `e^x`.
    ///
    /// # Shape
    /// The input's, whatever its axes.
    ///
    /// # Source
    /// PyTorch `torch.exp`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 8, 4, 4]
    /// Exp
    /// ```
    Exp {}
    _layer, x => x.unary(Unary::Exp)
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::on;

    #[test]
    fn shape_text_and_expression() {
        let layer = on("Exp", &["[N, 8, H, W]"]);
        assert_eq!(layer.shape.to_string(), "[N, 8, H, W]");
        assert_eq!(layer.describe(), "");
        assert_eq!(layer.kernels, ["map exp(x0)"]);
    }
}
