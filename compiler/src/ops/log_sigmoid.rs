//! LogSigmoid: the logarithm of a sigmoid.

use super::pointwise::pointwise;
use crate::kernels::Unary;

pointwise! {
    /// `ln(sigmoid(x)) = −ln(1 + e⁻ˣ)`, exact on both sides of zero.
    ///
    /// # Shape
    /// The input's, whatever its axes.
    ///
    /// # Source
    /// PyTorch `nn.LogSigmoid`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 8, 4, 4]
    /// LogSigmoid
    /// ```
    LogSigmoid {}
    _layer, x => {
        let positive = x.clone().greater(0.0);
        let below = positive.clone().select(-x.clone(), x.clone());
        positive.select(0.0, x) - below.unary(Unary::Exp).unary(Unary::Log1P)
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::on;

    #[test]
    fn shape_text_and_expression() {
        let layer = on("LogSigmoid", &["[N, 8, H, W]"]);
        assert_eq!(layer.shape.to_string(), "[N, 8, H, W]");
        assert_eq!(layer.describe(), "");
        assert_eq!(layer.kernels, ["map select(x0 > 0, 0, x0) - log1p(exp(select(x0 > 0, -x0, x0)))"]);
    }
}
