//! MaxPool3d: the largest element of each window.

use super::pooling::largest;
use super::{Extents, Margins};

crate::layer! {
    /// The largest element of each window, `[N, C, D, H, W]` to `[N, C, D', H', W']`. Padding never wins.
    ///
    /// # Shape
    /// `D' = ⌊(D + 2·padding − dilation·(kernel_size − 1) − 1) / stride⌋ + 1`, `H'` and `W'` alike. With `ceil_mode` the
    /// division rounds up, and a last window that would start past the input and the padding before it is dropped.
    ///
    /// # Errors
    /// E206 padding of more than half of `kernel_size`; E302 window larger than its padded input; E303 an input of
    /// another number of axes
    ///
    /// # Source
    /// PyTorch `nn.MaxPool3d`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 64, 16, 56, 56]
    /// MaxPool3d((1, 2, 2))
    /// expect [N, 64, 16, 28, 28]
    /// ```
    MaxPool3d {
        /// Depth, height and width of the window.
        kernel_size: Extents<3>,
        /// Step of the window; `kernel_size` when left out.
        stride: Option<Extents<3>> = None,
        /// Planes, rows and columns on each side that windows may reach into, at most half of `kernel_size`.
        padding: Margins<3> = Margins([0; 3]),
        /// Step between the window's elements.
        dilation: Extents<3> = Extents([1; 3]),
        /// Whether the number of windows rounds up.
        ceil_mode: bool = false,
    }
}

largest! { MaxPool3d }

#[cfg(test)]
mod tests {
    use super::super::test_layer::on;

    #[test]
    fn shape_text_and_kernels() {
        let layer = on("MaxPool3d(2, stride=(1, 2, 2))", &["[N, 4, 5, 8, 9]"]);
        assert_eq!(layer.shape.to_string(), "[N, 4, 4, 4, 4]");
        assert_eq!(layer.describe(), "kernel_size=2, stride=(1, 2, 2), padding=0, dilation=1, ceil_mode=False");
        assert_eq!(layer.kernels, ["reshape", "pool_max", "reshape", "pool_max", "reshape"]);
    }
}
