//! Mish: an input gated by the tangent of its softplus.

use super::pointwise::pointwise;
use crate::kernels::{Expression, Unary};

pointwise! {
    /// `x · tanh(ln(1 + eˣ))` (Misra 2019).
    ///
    /// # Shape
    /// The input's, whatever its axes.
    ///
    /// # Source
    /// PyTorch `nn.Mish`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 8, 4, 4]
    /// Mish
    /// ```
    Mish {}
    _layer, x => x.clone() * gate(x)
}

/// `tanh(ln(1 + eˣ)) = (e²ˣ + 2eˣ) / (e²ˣ + 2eˣ + 2)`, written with `e = exp(−|x|)` so that no power overflows; above zero both
/// sides are divided by `e²ˣ`.
fn gate(x: Expression) -> Expression {
    let below = x.clone().greater(0.0).select(-x.clone(), x.clone());
    let e = below.unary(Unary::Exp);
    let above = e.clone() * 2.0 + 1.0;
    let beneath = e.clone() * (e.clone() + 2.0);
    let positive = x.greater(0.0);
    positive.clone().select(above.clone(), beneath.clone())
        / positive.select(above + e.clone() * e * 2.0, beneath + 2.0)
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::on;
    use crate::kernels::Expression;

    #[test]
    fn shape_text_and_expression() {
        let layer = on("Mish", &["[N, 8, H, W]"]);
        assert_eq!(layer.shape.to_string(), "[N, 8, H, W]");
        assert_eq!(layer.describe(), "");
        assert_eq!(layer.kernels.len(), 1);
    }

    #[test]
    fn values_are_those_of_the_definition() {
        let mish = |x: f64| (super::gate(Expression::operand(0)) * Expression::operand(0)).evaluate(&[x]);
        for x in [-30.0, -3.0, -0.4, 0.0, 1e-9, 0.7, 5.0, 40.0] {
            let expected = x * f64::exp(x).ln_1p().tanh();
            assert!((mish(x) - expected).abs() <= 1e-15 * (1.0 + expected.abs()), "{x}");
        }
        assert_eq!((mish(-1e38), mish(1e38), mish(f64::INFINITY)), (0.0, 1e38, f64::INFINITY));
        assert!(mish(f64::NEG_INFINITY).is_nan(), "as in PyTorch");
    }
}
