//! Tanhshrink: what a hyperbolic tangent takes away.

use super::pointwise::pointwise;
use crate::kernels::Unary;

pointwise! {
    /// `x − tanh(x)`.
    ///
    /// # Shape
    /// The input's, whatever its axes.
    ///
    /// # Source
    /// PyTorch `nn.Tanhshrink`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 8, 4, 4]
    /// Tanhshrink
    /// ```
    Tanhshrink {}
    _layer, x => x.clone() - x.unary(Unary::Tanh)
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::on;

    #[test]
    fn shape_text_and_expression() {
        let layer = on("Tanhshrink", &["[N, 8, H, W]"]);
        assert_eq!(layer.shape.to_string(), "[N, 8, H, W]");
        assert_eq!(layer.describe(), "");
        assert_eq!(layer.kernels, ["map x0 - tanh(x0)"]);
    }
}
