//! Softplus: a smooth ReLU.

use super::pointwise::pointwise;
use crate::kernels::Unary;

pointwise! {
    /// `ln(1 + e^(beta · x)) / beta`, and `x` itself where `beta · x` is above `threshold`, where the two hardly differ.
    ///
    /// # Shape
    /// The input's, whatever its axes.
    ///
    /// # Source
    /// PyTorch `nn.Softplus`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 8, 4, 4]
    /// Softplus
    /// ```
    Softplus {
        /// How sharp the bend is.
        beta: f64 = 1.0,
        /// Where the straight line begins.
        threshold: f64 = 20.0,
    }
    layer, x => {
        let scaled = x.clone() * layer.beta;
        let smooth = scaled.clone().unary(Unary::Exp).unary(Unary::Log1P) / layer.beta;
        scaled.greater(layer.threshold).select(x, smooth)
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::on;

    #[test]
    fn shape_text_and_expression() {
        let layer = on("Softplus(2)", &["[N, 8, H, W]"]);
        assert_eq!(layer.shape.to_string(), "[N, 8, H, W]");
        assert_eq!(layer.describe(), "beta=2.0, threshold=20.0");
        assert_eq!(layer.kernels, ["map select((x0 * 2) > 20, x0, log1p(exp(x0 * 2)) / 2)"]);
    }
}
