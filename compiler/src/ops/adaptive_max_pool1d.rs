//! AdaptiveMaxPool1d: the largest element of each part of a sequence.

use super::OutputSizes;
use super::adaptive::adaptive;
use super::dimensions::Over;

adaptive! {
    /// Divides the sequence into `output_size` parts and takes the largest element of each, `[N, C, L]` to `[N, C,
    /// output_size]`.
    ///
    /// # Shape
    /// `output_size`, whatever `L` is. Part `i` of `n` is `⌊i·L/n⌋ .. ⌈(i + 1)·L/n⌉`.
    ///
    /// # Errors
    /// E303 an input of another number of axes
    ///
    /// # Source
    /// PyTorch `nn.AdaptiveMaxPool1d`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 512, 100]
    /// AdaptiveMaxPool1d(1)
    /// expect [N, 512, 1]
    /// ```
    AdaptiveMaxPool1d {
        /// Length of the output.
        output_size: OutputSizes<1>,
    }
    Over::Max
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::on;

    #[test]
    fn shape_text_and_kernels() {
        let layer = on("AdaptiveMaxPool1d(3)", &["[N, 4, 7]"]);
        assert_eq!(layer.shape.to_string(), "[N, 4, 3]");
        assert_eq!(layer.describe(), "output_size=3");
        assert_eq!(layer.kernels, ["reshape", "pool_max", "reshape"]);
    }
}
