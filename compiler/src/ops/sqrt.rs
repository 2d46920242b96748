//! Sqrt: square roots.

use super::pointwise::pointwise;

pointwise! {
    /// `√x`: of numbers below 0 there is none, and at 0 its gradient is infinite.
    ///
    /// # Shape
    /// The input's, whatever its axes.
    ///
    /// # Source
    /// PyTorch `torch.sqrt`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 8, 4, 4]
    /// Pow(2); Mean((2, 3), keepdim=true); Sqrt
    /// expect [N, 8, 1, 1]
    /// ```
    Sqrt {}
    _layer, x => x.sqrt()
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::on;

    #[test]
    fn shape_text_and_expression() {
        let layer = on("Sqrt", &["[N, 8, H, W]"]);
        assert_eq!(layer.shape.to_string(), "[N, 8, H, W]");
        assert_eq!(layer.describe(), "");
        assert_eq!(layer.kernels, ["map sqrt(x0)"]);
    }
}
