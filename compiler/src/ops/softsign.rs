//! Softsign: a sigmoid without an exponential.

use super::pointwise::pointwise;

pointwise! {
    /// `x / (1 + |x|)`.
    ///
    /// # Shape
    /// The input's, whatever its axes.
    ///
    /// # Source
    /// PyTorch `nn.Softsign`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 8, 4, 4]
    /// Softsign
    /// ```
    Softsign {}
    _layer, x => x.clone() / (x.clone().maximum(-x) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::on;

    #[test]
    fn shape_text_and_expression() {
        let layer = on("Softsign", &["[N, 8, H, W]"]);
        assert_eq!(layer.shape.to_string(), "[N, 8, H, W]");
        assert_eq!(layer.describe(), "");
        assert_eq!(layer.kernels, ["map x0 / (max(x0, -x0) + 1)"]);
    }
}
