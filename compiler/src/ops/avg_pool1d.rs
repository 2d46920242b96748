//! AvgPool1d: the mean of each window.

use super::argument_types::{PerAxis, tuple};
use super::dimensions::Over;
use super::pooling::pooling;
use super::{Extents, Margins, Window};

crate::layer! {
    /// The mean of each window, `[N, C, L]` to `[N, C, L']`.
    ///
    /// # Shape
    /// `L' = ⌊(L + 2·padding − kernel_size) / stride⌋ + 1`. With `ceil_mode` the division rounds up, and
    /// a last window that would start past the input and the padding before it is dropped.
    ///
    /// # Errors
    /// E206 padding of more than half of `kernel_size`; E302 window larger than its padded input; E303 an input of
    /// another number of axes
    ///
    /// # Source
    /// PyTorch `nn.AvgPool1d`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 6, 28]
    /// AvgPool1d(2, stride=2)
    /// expect [N, 6, 14]
    /// ```
    AvgPool1d {
        /// Length of the window.
        kernel_size: Extents<1>,
        /// Step of the window; `kernel_size` when left out.
        stride: Option<Extents<1>> = None,
        /// Zeros on each side, at most half of `kernel_size`.
        padding: Margins<1> = Margins([0; 1]),
        /// Whether the number of windows rounds up.
        ceil_mode: bool = false,
        /// Whether the zeros of the padding count as elements.
        count_include_pad: bool = true,
    }
}

impl AvgPool1d {
    fn window(&self) -> Window {
        Window::pooling(&self.kernel_size, &self.stride, &self.padding, &[1], self.ceil_mode)
    }

    fn over(&self) -> Over {
        if self.count_include_pad { Over::MeanWithPadding(self.padding.per_axis()) } else { Over::Mean }
    }

    fn text(&self) -> String {
        let stride = self.stride.unwrap_or(self.kernel_size);
        let [kernel_size, stride] = [self.kernel_size, stride].map(|sizes| tuple(&sizes.per_axis()));
        format!("kernel_size={kernel_size}, stride={stride}, padding={}", tuple(&self.padding.per_axis()))
    }
}

pooling! { AvgPool1d }

#[cfg(test)]
mod tests {
    use super::super::test_layer::on;

    #[test]
    fn shape_text_and_kernels() {
        let layer = on("AvgPool1d(3, stride=2, padding=1)", &["[N, 4, 9]"]);
        assert_eq!(layer.shape.to_string(), "[N, 4, 5]");
        assert_eq!(layer.describe(), "kernel_size=(3,), stride=(2,), padding=(1,)");
        assert_eq!(layer.kernels, ["reshape", "pool_mean", "reshape"]);
    }
}
