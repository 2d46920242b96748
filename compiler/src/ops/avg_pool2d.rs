//! AvgPool2d: the mean of each window.

use super::pooling::mean;
use super::{PadPair, Pair};

crate::layer! {
    /// The mean of each window, `[N, C, H, W]` to `[N, C, H', W']`.
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
    /// PyTorch `nn.AvgPool2d`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 6, 28, 28]
    /// AvgPool2d(2, stride=2)
    /// expect [N, 6, 14, 14]
    /// ```
    AvgPool2d {
        /// Height and width of the window.
        kernel_size: Pair,
        /// Step of the window; `kernel_size` when left out.
        stride: Option<Pair> = None,
        /// Zeros on each side, at most half of `kernel_size`.
        padding: PadPair = PadPair(0, 0),
        /// Whether the number of windows rounds up.
        ceil_mode: bool = false,
        /// Whether the zeros of the padding count as elements.
        count_include_pad: bool = true,
        /// What sums are divided by, instead of the number of elements; not 0.
        divisor_override: Option<i64> = None,
    }
}

mean! { AvgPool2d, 2 }

#[cfg(test)]
mod tests {
    use super::super::dimensions::Over;
    use super::super::test_layer::{bind, on};

    #[test]
    fn shape_and_text_are_those_of_pytorch() {
        let pool = on("AvgPool2d(2, stride=2)", &["[N, 6, 28, 28]"]);
        assert_eq!(pool.shape.to_string(), "[N, 6, 14, 14]");
        assert_eq!(pool.describe(), "kernel_size=2, stride=2, padding=0");
        let other = on("AvgPool2d((2, 3), padding=(1, 0), divisor_override=3)", &["[N, 6, 7, 7]"]);
        assert_eq!(other.shape.to_string(), "[N, 6, 4, 2]");
        assert_eq!(other.describe(), "kernel_size=(2, 3), stride=(2, 3), padding=(1, 0)");
    }

    #[test]
    fn the_divisor_is_what_was_asked_for() {
        let divisor = |text: &str| match bind(text) {
            Ok(super::super::Op::AvgPool2d(pool)) => pool.over(),
            other => panic!("{other:?}"),
        };
        assert_eq!(divisor("AvgPool2d(3, padding=1)"), Over::MeanWithPadding(vec![1, 1]));
        assert_eq!(divisor("AvgPool2d(3, padding=1, count_include_pad=false)"), Over::Mean);
        assert_eq!(divisor("AvgPool2d(3, divisor_override=-2)"), Over::SumBy(-2.0));
        assert!(bind("AvgPool2d(3, divisor_override=0)").is_err());
    }
}
