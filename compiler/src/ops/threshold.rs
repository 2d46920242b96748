//! Threshold: what is not above a bound becomes one number.

use super::pointwise::{pointwise, zero_of};

pointwise! {
    /// `x` where it is above `threshold`, `value` elsewhere.
    ///
    /// # Shape
    /// The input's, whatever its axes.
    ///
    /// # Source
    /// PyTorch `nn.Threshold`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 8, 4, 4]
    /// Threshold(0.1, 20)
    /// ```
    Threshold {
        /// The bound.
        threshold: f64,
        /// What stands for all that is not above it.
        value: f64,
    }
    layer, x => x.clone().greater(layer.threshold).select(x.clone(), zero_of(x) + layer.value)
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::on;

    #[test]
    fn shape_text_and_expression() {
        let layer = on("Threshold(0.1, 20)", &["[N, 8, H, W]"]);
        assert_eq!(layer.shape.to_string(), "[N, 8, H, W]");
        assert_eq!(layer.describe(), "threshold=0.1, value=20.0");
        assert_eq!(layer.kernels, ["map select(x0 > 0.1, x0, max(min(x0, 0), 0) + 20)"]);
    }
}
