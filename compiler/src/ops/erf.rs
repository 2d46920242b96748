//! Erf: the error function.

use super::pointwise::pointwise;
use crate::kernels::Unary;

pointwise! {
    /// The error function, `2/√π` times the integral of `e^(−t²)` from 0 to `x`.
    ///
    /// # Shape
    /// The input's, whatever its axes.
    ///
    /// # Source
    /// PyTorch `torch.erf`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 8, 4, 4]
    /// Erf
    /// ```
    Erf {}
    _layer, x => x.unary(Unary::Erf)
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::on;

    #[test]
    fn shape_text_and_expression() {
        let layer = on("Erf", &["[N, 8, H, W]"]);
        assert_eq!(layer.shape.to_string(), "[N, 8, H, W]");
        assert_eq!(layer.describe(), "");
        assert_eq!(layer.kernels, ["map erf(x0)"]);
    }
}
