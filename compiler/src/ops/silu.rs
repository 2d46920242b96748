//! SiLU: an input gated by its own sigmoid.

use super::pointwise::pointwise;

pointwise! {
    /// `x · sigmoid(x)`, also called swish (Elfwing et al. 2017).
    ///
    /// # Shape
    /// The input's, whatever its axes.
    ///
    /// # Source
    /// PyTorch `nn.SiLU`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 8, 4, 4]
    /// SiLU
    /// ```
    SiLU {}
    _layer, x => x.clone() * x.sigmoid()
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::on;

    #[test]
    fn shape_text_and_expression() {
        let layer = on("SiLU", &["[N, 8, H, W]"]);
        assert_eq!(layer.shape.to_string(), "[N, 8, H, W]");
        assert_eq!(layer.describe(), "");
        assert_eq!(layer.kernels, ["map x0 * (1 / (1 + exp(-x0)))"]);
    }
}
