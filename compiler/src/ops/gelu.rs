//! GELU: an input weighted by the chance of a normal variable to be smaller.

use super::argument_types::words;
use super::pointwise::pointwise;
use crate::kernels::{Expression, Unary};
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

words! {
    /// How the normal distribution is computed.
    Approximate {
        /// By the error function.
        None = "none",
        /// By a hyperbolic tangent.
        Tanh = "tanh",
    }
}

pointwise! {
    /// `x · Φ(x)`, where `Φ` is the normal distribution's (Hendrycks & Gimpel 2016).
    ///
    /// # Shape
    /// The input's, whatever its axes.
    ///
    /// # Source
    /// PyTorch `nn.GELU`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 5, 64]
    /// GELU(approximate="tanh")
    /// ```
    GELU {
        /// `"tanh"` computes `Φ` by `½ · (1 + tanh(√(2/π) · (x + 0.044715·x³)))`.
        approximate: Approximate = Approximate::None,
    }
    layer, x => layer.expression(x)
}

impl GELU {
    fn expression(&self, x: Expression) -> Expression {
        match self.approximate {
            Approximate::None => x.clone() * 0.5 * ((x * FRAC_1_SQRT_2).unary(Unary::Erf) + 1.0),
            Approximate::Tanh => {
                let cubic = x.clone() + x.clone() * x.clone() * x.clone() * 0.044715;
                x * 0.5 * ((cubic * (FRAC_2_SQRT_PI * FRAC_1_SQRT_2)).unary(Unary::Tanh) + 1.0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::on;
    use super::*;

    #[test]
    fn shape_and_text() {
        let layer = on("GELU", &["[N, 5, 64]"]);
        assert_eq!(layer.shape.to_string(), "[N, 5, 64]");
        assert_eq!(layer.describe(), "approximate='none'");
        assert_eq!(on("GELU(approximate=\"tanh\")", &["[N, 64]"]).describe(), "approximate='tanh'");
    }

    #[test]
    fn values_are_those_of_pytorch() {
        let at = |approximate, x: f64| GELU { approximate }.expression(Expression::operand(0)).evaluate(&[x]);
        assert!((at(Approximate::None, -0.7) - -0.169375).abs() < 1e-6);
        assert!((at(Approximate::Tanh, -0.7) - -0.169430).abs() < 1e-6);
    }
}
