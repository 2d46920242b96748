//! SoftPool2d: a mean of each window in which large elements weigh more.

use super::dimensions::Over;
use super::pooling::pooling;
use super::{Argument, PadPair, Pair, Window};

crate::layer! {
    /// Softmax pooling, `Σ x·eˣ / Σ eˣ` over each window, `[N, C, H, W]` to `[N, C, H', W']`: between the mean and
    /// the largest element (Stergiou et al. 2021). Padding has no weight.
    ///
    /// # Shape
    /// `H' = ⌊(H + 2·padding − kernel_size) / stride⌋ + 1`, `W'` alike. With `ceil_mode` the division rounds up, and
    /// a last window that would start past the input and the padding before it is dropped.
    ///
    /// # Errors
    /// E206 padding of more than half of `kernel_size`; E302 window larger than its padded input; E303 an input of
    /// another number of axes
    ///
    /// # Source
    /// Arguments as PyTorch's `nn.AvgPool2d`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 6, 28, 28]
    /// SoftPool2d(2)
    /// expect [N, 6, 14, 14]
    /// ```
    SoftPool2d {
        /// Height and width of the window.
        kernel_size: Pair,
        /// Step of the window; `kernel_size` when left out.
        stride: Option<Pair> = None,
        /// Rows and columns on each side that windows may reach into, at most half of `kernel_size`.
        padding: PadPair = PadPair(0, 0),
        /// Whether the number of windows rounds up.
        ceil_mode: bool = false,
    }
}

impl SoftPool2d {
    fn window(&self) -> Window {
        Window::pooling(&self.kernel_size, &self.stride, &self.padding, &[1; 2], self.ceil_mode)
    }

    fn over(&self) -> Over {
        Over::Softmax
    }

    fn text(&self) -> String {
        let stride = self.stride.unwrap_or(self.kernel_size);
        let (kernel_size, stride, padding) = (self.kernel_size.python(), stride.python(), self.padding.python());
        format!("kernel_size={kernel_size}, stride={stride}, padding={padding}")
    }
}

pooling! { SoftPool2d }

#[cfg(test)]
mod tests {
    use super::super::test_layer::on;

    #[test]
    fn shape_and_kernel() {
        let pool = on("SoftPool2d(3, stride=2, padding=1, ceil_mode=true)", &["[N, 6, 28, 27]"]);
        assert_eq!(pool.shape.to_string(), "[N, 6, 15, 14]");
        assert_eq!(pool.describe(), "kernel_size=3, stride=2, padding=1");
        assert_eq!(pool.kernels, ["pool_softmax"]);
    }
}
