//! Hardsigmoid: a sigmoid of three straight lines.

use super::pointwise::pointwise;

pointwise! {
    /// `min(max(x + 3, 0), 6) / 6` (MobileNetV3).
    ///
    /// # Shape
    /// The input's, whatever its axes.
    ///
    /// # Source
    /// PyTorch `nn.Hardsigmoid`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 8, 1, 1]
    /// Hardsigmoid
    /// ```
    Hardsigmoid {}
    _layer, x => (x + 3.0).maximum(0.0).minimum(6.0) / 6.0
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::on;

    #[test]
    fn shape_text_and_expression() {
        let layer = on("Hardsigmoid", &["[N, 8, H, W]"]);
        assert_eq!(layer.shape.to_string(), "[N, 8, H, W]");
        assert_eq!(layer.describe(), "");
        assert_eq!(layer.kernels, ["map min(max(x0 + 3, 0), 6) / 6"]);
    }
}
