//! ReLU6: ReLU with a ceiling.

use super::pointwise::pointwise;

pointwise! {
    /// `min(max(x, 0), 6)` (Krizhevsky 2010; MobileNet).
    ///
    /// # Shape
    /// The input's, whatever its axes.
    ///
    /// # Source
    /// PyTorch `nn.ReLU6`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 8, 4, 4]
    /// ReLU6
    /// ```
    ReLU6 {}
    _layer, x => x.maximum(0.0).minimum(6.0)
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::on;

    #[test]
    fn shape_text_and_expression() {
        let layer = on("ReLU6", &["[N, 8, H, W]"]);
        assert_eq!(layer.shape.to_string(), "[N, 8, H, W]");
        assert_eq!(layer.describe(), "");
        assert_eq!(layer.kernels, ["map min(max(x0, 0), 6)"]);
    }
}
