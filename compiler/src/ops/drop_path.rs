//! DropPath: nothing at inference.

use super::Probability;
use super::drop::drop_scaled;
use super::pointwise::pointwise;

pointwise! {
    /// Leaves a residual branch out by chance in training, each row of the batch by itself; the identity at inference.
    ///
    /// # Shape
    /// The input's, whatever its axes.
    ///
    /// # Source
    /// timm `layers.DropPath`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 8, 4, 4]
    /// sum { { Conv2d(8, kernel_size=1); DropPath(0.1) }; Identity }
    /// ```
    DropPath {
        /// The chance of a branch to be left out.
        drop_prob: Probability = Probability(0.0),
        /// Whether the branches that stay are divided by their chance to, so that the mean stays.
        scale_by_keep: bool = true,
    }
    layer, builder = {
        let kept = 1.0 - layer.drop_prob.0;
        drop_scaled(builder, layer.drop_prob, if layer.scale_by_keep { kept } else { 1.0 }, |axis| axis > 0)
    }; describe format!("drop_prob={:.3}", layer.drop_prob.0)
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::on;

    #[test]
    fn shape_text_and_expression() {
        let layer = on("DropPath(0.1)", &["[N, 8, H, W]"]);
        assert_eq!(layer.shape.to_string(), "[N, 8, H, W]");
        assert_eq!(layer.describe(), "drop_prob=0.100");
        assert_eq!(layer.kernels, ["map x0"]);
    }
}
