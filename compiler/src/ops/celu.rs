//! CELU: an ELU whose slope is continuous for every `alpha`.

use super::BindError;
use super::pointwise::pointwise;
use crate::kernels::Unary;

pointwise! {
    /// `x` where it is positive, `alpha · (e^(x / alpha) − 1)` elsewhere (Barron 2017).
    ///
    /// # Shape
    /// The input's, whatever its axes.
    ///
    /// # Errors
    /// E206 an `alpha` of 0
    ///
    /// # Source
    /// PyTorch `nn.CELU`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 8, 4, 4]
    /// CELU(0.5)
    /// ```
    CELU {
        /// The value far below zero, negated; not 0.
        alpha: f64 = 1.0,
    }
    layer, x => x.clone().greater(0.0).select(x.clone(), (x / layer.alpha).unary(Unary::ExpM1) * layer.alpha);
    validate layer.divides()
}

impl CELU {
    fn divides(&self) -> Result<(), BindError> {
        if self.alpha != 0.0 {
            return Ok(());
        }
        let message = "alpha=0.0 divides by zero".into();
        Err(BindError::Conflict { argument: "alpha", message, mend: Some("1.0".into()) })
    }
}

#[cfg(test)]
mod tests {
    use super::super::BindError;
    use super::super::test_layer::{bind, on};

    #[test]
    fn shape_text_and_expression() {
        let layer = on("CELU(0.5)", &["[N, 8, H, W]"]);
        assert_eq!(layer.shape.to_string(), "[N, 8, H, W]");
        assert_eq!(layer.describe(), "alpha=0.5");
        assert_eq!(layer.kernels, ["map select(x0 > 0, x0, expm1(x0 / 0.5) * 0.5)"]);
    }

    #[test]
    fn alpha_is_not_zero() {
        assert!(matches!(bind("CELU(0)"), Err(BindError::Conflict { argument: "alpha", .. })));
    }
}
