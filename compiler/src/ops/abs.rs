//! Abs: the size of a number.

use super::pointwise::pointwise;

pointwise! {
    /// `|x|`; its gradient at 0 is 0.
    ///
    /// # Shape
    /// The input's, whatever its axes.
    ///
    /// # Source
    /// PyTorch `torch.abs`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 8, 4, 4]
    /// Abs; Mean((2, 3))
    /// expect [N, 8]
    /// ```
    Abs {}
    _layer, x => x.clone().maximum(-x)
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::on;

    #[test]
    fn shape_text_and_expression() {
        let layer = on("Abs", &["[N, 8, H, W]"]);
        assert_eq!(layer.shape.to_string(), "[N, 8, H, W]");
        assert_eq!(layer.describe(), "");
        assert_eq!(layer.kernels, ["map max(x0, -x0)"]);
    }
}
