//! Hardswish: SiLU with a sigmoid of straight lines.

use super::pointwise::pointwise;

pointwise! {
    /// `x · min(max(x + 3, 0), 6) / 6` (MobileNetV3).
    ///
    /// # Shape
    /// The input's, whatever its axes.
    ///
    /// # Source
    /// PyTorch `nn.Hardswish`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 8, 4, 4]
    /// Hardswish
    /// ```
    Hardswish {}
    _layer, x => x.clone() * (x + 3.0).maximum(0.0).minimum(6.0) / 6.0
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::on;

    #[test]
    fn shape_text_and_expression() {
        let layer = on("Hardswish", &["[N, 8, H, W]"]);
        assert_eq!(layer.shape.to_string(), "[N, 8, H, W]");
        assert_eq!(layer.describe(), "");
        assert_eq!(layer.kernels, ["map (x0 * min(max(x0 + 3, 0), 6)) / 6"]);
    }
}
