//! Softshrink: numbers move towards zero by so much.

use super::pointwise::{pointwise, zero_of};
use super::{Argument, BindError};
use crate::kernels::Expression;

pointwise! {
    /// `x − lambd` above `lambd`, `x + lambd` below `−lambd`, 0 between them.
    ///
    /// # Shape
    /// The input's, whatever its axes.
    ///
    /// # Errors
    /// E206 a `lambd` below 0
    ///
    /// # Source
    /// PyTorch `nn.Softshrink`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 8, 4, 4]
    /// Softshrink(0.1)
    /// ```
    Softshrink {
        /// By how much; at least 0.
        lambd: f64 = 0.5,
    }
    layer, x => {
        let above = x.clone().greater(layer.lambd);
        let below = Expression::from(-layer.lambd).greater(x.clone());
        above.select(x.clone() - layer.lambd, below.select(x.clone() + layer.lambd, zero_of(x)))
    }; describe layer.lambd.python(); validate layer.shrinks()
}

impl Softshrink {
    fn shrinks(&self) -> Result<(), BindError> {
        if self.lambd >= 0.0 {
            return Ok(());
        }
        let message = format!("lambd={} must not be below 0", self.lambd.write());
        Err(BindError::Conflict { argument: "lambd", message, mend: Some((-self.lambd).write()) })
    }
}

#[cfg(test)]
mod tests {
    use super::super::BindError;
    use super::super::test_layer::{bind, on};

    #[test]
    fn shape_text_and_expression() {
        let layer = on("Softshrink", &["[N, 8, H, W]"]);
        assert_eq!(layer.shape.to_string(), "[N, 8, H, W]");
        assert_eq!(layer.describe(), "0.5");
        assert_eq!(layer.kernels, ["map select(x0 > 0.5, x0 - 0.5, select(-0.5 > x0, x0 + 0.5, max(min(x0, 0), 0)))"]);
    }

    #[test]
    fn nothing_grows() {
        assert!(matches!(bind("Softshrink(-1)"), Err(BindError::Conflict { argument: "lambd", .. })));
    }
}
