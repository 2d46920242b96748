//! LeakyReLU: a small slope where ReLU has none.

use super::pointwise::pointwise;

pointwise! {
    /// `x` where it is positive, `negative_slope · x` elsewhere (Maas et al. 2013).
    ///
    /// # Shape
    /// The input's, whatever its axes.
    ///
    /// # Source
    /// PyTorch `nn.LeakyReLU`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 8, 4, 4]
    /// LeakyReLU(0.1)
    /// ```
    LeakyReLU {
        /// The slope below zero.
        negative_slope: f64 = 0.01,
    }
    layer, x => x.clone().greater(0.0).select(x.clone(), x * layer.negative_slope)
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::on;

    #[test]
    fn shape_text_and_expression() {
        let layer = on("LeakyReLU", &["[N, 8, H, W]"]);
        assert_eq!(layer.shape.to_string(), "[N, 8, H, W]");
        assert_eq!(layer.describe(), "negative_slope=0.01");
        assert_eq!(layer.kernels, ["map select(x0 > 0, x0, x0 * 0.01)"]);
    }
}
