//! SELU: an exponential below zero, scaled so that mean and variance stay.

use super::pointwise::pointwise;
use crate::kernels::Unary;

/// `alpha` and `scale` of the paper, as PyTorch has them.
const ALPHA: f64 = 1.673_263_242_354_377_2;
const SCALE: f64 = 1.050_700_987_355_480_5;

pointwise! {
    /// `scale · x` where it is positive, `scale · alpha · (eˣ − 1)` elsewhere, with the constants for which mean 0 and
    /// variance 1 stay from layer to layer (Klambauer et al. 2017).
    ///
    /// # Shape
    /// The input's, whatever its axes.
    ///
    /// # Source
    /// PyTorch `nn.SELU`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 8, 4, 4]
    /// SELU
    /// ```
    SELU {}
    _layer, x => x.clone().greater(0.0).select(x.clone() * SCALE, x.unary(Unary::ExpM1) * (ALPHA * SCALE))
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::on;

    #[test]
    fn shape_text_and_expression() {
        let layer = on("SELU", &["[N, 8, H, W]"]);
        assert_eq!(layer.shape.to_string(), "[N, 8, H, W]");
        assert_eq!(layer.describe(), "");
        assert_eq!(layer.kernels, ["map select(x0 > 0, x0 * 1.0507009873554805, expm1(x0) * 1.7580993408473766)"]);
    }
}
