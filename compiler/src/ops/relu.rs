//! ReLU: what is negative becomes zero.

use super::pointwise::pointwise;

pointwise! {
    /// Rectified linear unit, `max(x, 0)`.
    ///
    /// # Shape
    /// The input's, whatever its axes.
    ///
    /// # Source
    /// PyTorch `nn.ReLU`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 8, 4, 4]
    /// ReLU
    /// ```
    ReLU {}
    _layer, x => x.maximum(0.0)
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::on;

    #[test]
    fn shape_text_and_expression() {
        let layer = on("ReLU", &["[N, 8, H, W]"]);
        assert_eq!(layer.shape.to_string(), "[N, 8, H, W]");
        assert_eq!(layer.describe(), "");
        assert_eq!(layer.kernels, ["map max(x0, 0)"]);
    }
}
