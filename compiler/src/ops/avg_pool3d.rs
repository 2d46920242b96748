//! AvgPool3d: the mean of each window.

use super::pooling::mean;
use super::{Extents, Margins};

crate::layer! {
    /// The mean of each window, `[N, C, D, H, W]` to `[N, C, D', H', W']`.
    ///
    /// # Shape
    /// `D' = ⌊(D + 2·padding − kernel_size) / stride⌋ + 1`, `H'` and `W'` alike. With `ceil_mode` the division rounds up, and
    /// a last window that would start past the input and the padding before it is dropped.
    ///
    /// # Errors
    /// E206 padding of more than half of `kernel_size`; E302 window larger than its padded input; E303 an input of
    /// another number of axes
    ///
    /// # Source
    /// PyTorch `nn.AvgPool3d`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 6, 8, 28, 28]
    /// AvgPool3d(2, stride=2)
    /// expect [N, 6, 4, 14, 14]
    /// ```
    AvgPool3d {
        /// Depth, height and width of the window.
        kernel_size: Extents<3>,
        /// Step of the window; `kernel_size` when left out.
        stride: Option<Extents<3>> = None,
        /// Zeros on each side, at most half of `kernel_size`.
        padding: Margins<3> = Margins([0; 3]),
        /// Whether the number of windows rounds up.
        ceil_mode: bool = false,
        /// Whether the zeros of the padding count as elements.
        count_include_pad: bool = true,
        /// What sums are divided by, instead of the number of elements; not 0.
        divisor_override: Option<i64> = None,
    }
}

mean! { AvgPool3d, 3 }

#[cfg(test)]
mod tests {
    use super::super::test_layer::on;

    #[test]
    fn shape_text_and_kernels() {
        let layer = on("AvgPool3d(2, padding=1)", &["[N, 4, 6, 8, 8]"]);
        assert_eq!(layer.shape.to_string(), "[N, 4, 4, 5, 5]");
        assert_eq!(layer.describe(), "kernel_size=2, stride=2, padding=1");
        assert_eq!(layer.kernels, ["reshape", "pool_mean", "reshape", "pool_mean", "reshape"]);
    }
}
