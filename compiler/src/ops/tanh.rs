//! Tanh: the hyperbolic tangent.

use super::pointwise::pointwise;
use crate::kernels::Unary;

pointwise! {
    /// The hyperbolic tangent.
    ///
    /// # Shape
    /// The input's, whatever its axes.
    ///
    /// # Source
    /// PyTorch `nn.Tanh`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 120]
    /// Tanh
    /// ```
    Tanh {}
    _layer, x => x.unary(Unary::Tanh)
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::on;

    #[test]
    fn shape_text_and_expression() {
        let layer = on("Tanh", &["[N, 8, H, W]"]);
        assert_eq!(layer.shape.to_string(), "[N, 8, H, W]");
        assert_eq!(layer.describe(), "");
        assert_eq!(layer.kernels, ["map tanh(x0)"]);
    }
}
