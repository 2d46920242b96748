//! Hardtanh: an input held between two bounds.

use super::pointwise::pointwise;
use super::{Argument, BindError};

pointwise! {
    /// `min(max(x, min_val), max_val)`.
    ///
    /// # Shape
    /// The input's, whatever its axes.
    ///
    /// # Errors
    /// E206 a `max_val` that is not above `min_val`
    ///
    /// # Source
    /// PyTorch `nn.Hardtanh`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 8, 4, 4]
    /// Hardtanh(0, 6)
    /// ```
    Hardtanh {
        /// The lower bound.
        min_val: f64 = -1.0,
        /// The upper bound, above the lower.
        max_val: f64 = 1.0,
    }
    layer, x => x.maximum(layer.min_val).minimum(layer.max_val);
    validate layer.has_room()
}

impl Hardtanh {
    fn has_room(&self) -> Result<(), BindError> {
        if self.max_val > self.min_val {
            return Ok(());
        }
        let message = format!("max_val={} must be above min_val={}", self.max_val.write(), self.min_val.write());
        Err(BindError::Conflict { argument: "max_val", message, mend: None })
    }
}

#[cfg(test)]
mod tests {
    use super::super::BindError;
    use super::super::test_layer::{bind, on};

    #[test]
    fn shape_text_and_expression() {
        let layer = on("Hardtanh(-2, 2.5)", &["[N, 8, H, W]"]);
        assert_eq!(layer.shape.to_string(), "[N, 8, H, W]");
        assert_eq!(layer.describe(), "min_val=-2.0, max_val=2.5");
        assert_eq!(layer.kernels, ["map min(max(x0, -2), 2.5)"]);
    }

    #[test]
    fn the_upper_bound_is_above_the_lower() {
        assert!(matches!(bind("Hardtanh(1, -1)"), Err(BindError::Conflict { argument: "max_val", .. })));
    }
}
