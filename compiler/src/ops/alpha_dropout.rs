//! AlphaDropout: the identity at inference.

use super::drop::alone;
use super::pointwise::pointwise;
use super::{Layer, Probability};
use crate::kernels::Expression;

pointwise! {
    /// Sets elements by chance to what SELU gives far below zero in training, and scales and shifts all so that mean and
    /// variance stay (Klambauer et al. 2017); the identity at inference.
    ///
    /// # Shape
    /// The input's, whatever its axes.
    ///
    /// # Source
    /// PyTorch `nn.AlphaDropout`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 8, 4, 4]
    /// SELU; AlphaDropout(0.1)
    /// ```
    AlphaDropout {
        /// The chance of an element to be dropped.
        p: Probability = Probability(0.5),
    }
    layer, builder = alone(builder, layer.p, layer.dropped(), layer.kept(Expression::operand(0)));
    describe format!("{}, inplace=False", layer.keywords())
}

/// What SELU gives far below zero, negated.
const FLOOR: f64 = 1.758_099_340_847_376_6;

impl AlphaDropout {
    /// By what all are scaled, `(1 − p + p·(1 − p)·floor²)^(−½)`; of which nothing is kept, by 0.
    fn scale(&self) -> f64 {
        let p = self.p.0;
        if p < 1.0 { ((FLOOR * FLOOR * p + 1.0) * (1.0 - p)).sqrt().recip() } else { 0.0 }
    }

    fn dropped(&self) -> f64 {
        FLOOR * self.scale() * (self.p.0 - 1.0)
    }

    fn kept(&self, x: Expression) -> Expression {
        x * self.scale() + FLOOR * self.scale() * self.p.0
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::on;

    #[test]
    fn shape_text_and_expression() {
        let layer = on("AlphaDropout(0.1)", &["[N, 8, H, W]"]);
        assert_eq!(layer.shape.to_string(), "[N, 8, H, W]");
        assert_eq!(layer.describe(), "p=0.1, inplace=False");
        assert_eq!(layer.kernels, ["map x0"]);
    }

    #[test]
    fn mean_and_variance_stay() {
        let layer = super::AlphaDropout { p: super::Probability(0.3) };
        let (a, shift) = (layer.scale(), layer.kept(super::Expression::from(0.0)).evaluate(&[]));
        let mean = 0.3 * layer.dropped() + 0.7 * shift;
        let square = 0.3 * layer.dropped().powi(2) + 0.7 * (a * a + shift * shift);
        assert!(mean.abs() < 1e-12 && (square - 1.0).abs() < 1e-12, "{mean} {square}");
    }
}
