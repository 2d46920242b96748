//! AdaptiveAvgPool3d: the mean of each part of a volume.

use super::OutputSizes;
use super::adaptive::adaptive;
use super::dimensions::Over;

adaptive! {
    /// Divides the volume into `output_size` parts and takes the mean of each, `[N, C, D, H, W]` to `[N, C, *output_size]`.
    ///
    /// # Shape
    /// `output_size`, whatever the sizes are. Part `i` of `n` is `⌊i·D/n⌋ .. ⌈(i + 1)·D/n⌉`.
    ///
    /// # Errors
    /// E303 an input of another number of axes
    ///
    /// # Source
    /// PyTorch `nn.AdaptiveAvgPool3d`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 512, 8, H, W]
    /// AdaptiveAvgPool3d(1)
    /// expect [N, 512, 1, 1, 1]
    /// ```
    AdaptiveAvgPool3d {
        /// Depth, height and width of the output; `"same"` keeps the input's, as PyTorch's `None` does.
        output_size: OutputSizes<3>,
    }
    Over::Mean
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::on;

    #[test]
    fn shape_text_and_kernels() {
        let layer = on("AdaptiveAvgPool3d((2, \"same\", 3))", &["[N, 4, 5, 6, 7]"]);
        assert_eq!(layer.shape.to_string(), "[N, 4, 2, 6, 3]");
        assert_eq!(layer.describe(), "output_size=(2, None, 3)");
        assert_eq!(layer.kernels, ["reshape", "pool_mean", "reshape", "pool_mean", "reshape"]);
        let whole = on("AdaptiveAvgPool3d((1, 1, 2))", &["[N, 4, 5, 6, 8]"]);
        assert_eq!(whole.kernels, ["reshape", "pool_mean", "reshape"]);
    }
}
