//! MaxPool1d: the largest element of each window.

use super::pooling::largest;
use super::{Extents, Margins};

crate::layer! {
    /// The largest element of each window, `[N, C, L]` to `[N, C, L']`. Padding never wins.
    ///
    /// # Shape
    /// `L' = ⌊(L + 2·padding − dilation·(kernel_size − 1) − 1) / stride⌋ + 1`. With `ceil_mode` the
    /// division rounds up, and a last window that would start past the input and the padding before it is dropped.
    ///
    /// # Errors
    /// E206 padding of more than half of `kernel_size`; E302 window larger than its padded input; E303 an input of
    /// another number of axes
    ///
    /// # Source
    /// PyTorch `nn.MaxPool1d`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 64, 16000]
    /// MaxPool1d(4)
    /// expect [N, 64, 4000]
    /// ```
    MaxPool1d {
        /// Length of the window.
        kernel_size: Extents<1>,
        /// Step of the window; `kernel_size` when left out.
        stride: Option<Extents<1>> = None,
        /// Elements on each side that windows may reach into, at most half of `kernel_size`.
        padding: Margins<1> = Margins([0; 1]),
        /// Step between the window's elements.
        dilation: Extents<1> = Extents([1; 1]),
        /// Whether the number of windows rounds up.
        ceil_mode: bool = false,
    }
}

largest! { MaxPool1d }

#[cfg(test)]
mod tests {
    use super::super::test_layer::on;

    #[test]
    fn shape_text_and_kernels() {
        let layer = on("MaxPool1d(3, stride=2, padding=1)", &["[N, 4, 9]"]);
        assert_eq!(layer.shape.to_string(), "[N, 4, 5]");
        assert_eq!(layer.describe(), "kernel_size=3, stride=2, padding=1, dilation=1, ceil_mode=False");
        assert_eq!(layer.kernels, ["reshape", "pool_max", "reshape"]);
    }
}
