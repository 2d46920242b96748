//! MaxPool2d: the largest element of each window.

use super::pooling::largest;
use super::{PadPair, Pair};

crate::layer! {
    /// The largest element of each window, `[N, C, H, W]` to `[N, C, H', W']`. Padding never wins.
    ///
    /// # Shape
    /// `H' = ⌊(H + 2·padding − dilation·(kernel_size − 1) − 1) / stride⌋ + 1`, `W'` alike. With `ceil_mode` the
    /// division rounds up, and a last window that would start past the input and the padding before it is dropped.
    ///
    /// # Errors
    /// E206 padding of more than half of `kernel_size`; E302 window larger than its padded input; E303 an input of
    /// another number of axes
    ///
    /// # Source
    /// PyTorch `nn.MaxPool2d`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 64, 112, 112]
    /// MaxPool2d(3, stride=2, padding=1)
    /// expect [N, 64, 56, 56]
    /// ```
    MaxPool2d {
        /// Height and width of the window.
        kernel_size: Pair,
        /// Step of the window; `kernel_size` when left out.
        stride: Option<Pair> = None,
        /// Rows and columns on each side that windows may reach into, at most half of `kernel_size`.
        padding: PadPair = PadPair(0, 0),
        /// Step between the window's elements.
        dilation: Pair = Pair(1, 1),
        /// Whether the number of windows rounds up.
        ceil_mode: bool = false,
    }
}

largest! { MaxPool2d }

#[cfg(test)]
mod tests {
    use super::super::test_layer::{bind, on, refusal};
    use super::super::{BindError, ShapeError};

    #[test]
    fn windows_lie_side_by_side_unless_told_otherwise() {
        let pool = on("MaxPool2d(2)", &["[N, 6, H, 28]"]);
        assert_eq!(pool.shape.to_string(), "[N, 6, H//2, 14]");
        assert_eq!(pool.requirements, ["H AtLeast 2"]);
        assert_eq!(pool.describe(), "kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False");
        assert_eq!(pool.kernels, ["pool_max"]);
        let text = "MaxPool2d((2, 3), stride=(2, 1), padding=1, dilation=(1, 2), ceil_mode=true)";
        let other = on(text, &["[N, 6, 9, 9]"]);
        assert_eq!(other.describe(), "kernel_size=(2, 3), stride=(2, 1), padding=1, dilation=(1, 2), ceil_mode=True");
    }

    #[test]
    fn ceil_mode_rounds_up_and_drops_windows_in_the_padding() {
        for (text, size, expected) in [
            ("MaxPool2d(3, stride=2, ceil_mode=true)", 6, 3),
            ("MaxPool2d(3, stride=2, ceil_mode=true)", 2, 1),
            ("MaxPool2d(2, stride=2, padding=1, ceil_mode=true)", 3, 2),
            ("MaxPool2d(2, stride=3, padding=1, ceil_mode=true)", 5, 2),
            ("MaxPool2d(1, stride=3, ceil_mode=true)", 5, 2),
        ] {
            let input = format!("[1, 1, {size}, {size}]");
            let output = format!("[1, 1, {expected}, {expected}]");
            assert_eq!(on(text, &[&input]).shape.to_string(), output, "{text} on {input}");
        }
    }

    #[test]
    fn padding_is_at_most_half_the_window() {
        let message = "padding=2 is more than half of kernel_size=3".into();
        let expected = BindError::Conflict { argument: "padding", message, mend: Some("1".into()) };
        assert_eq!(bind("MaxPool2d(3, padding=2)"), Err(expected));
        assert!(bind("MaxPool2d(3, padding=2, dilation=2)").is_err());
    }

    #[test]
    fn a_padding_is_offered_only_where_it_is_allowed() {
        let ShapeError::WindowTooLarge { least_padding, .. } = refusal("MaxPool2d(5)", &["[N, 8, 3, 3]"]) else {
            panic!("another error");
        };
        assert_eq!(least_padding.as_deref(), Some("1"));
        let ShapeError::WindowTooLarge { least_padding, .. } = refusal("MaxPool2d((5, 1))", &["[N, 8, 3, 3]"]) else {
            panic!("another error");
        };
        assert_eq!(least_padding.as_deref(), Some("(1, 0)"));
        let ShapeError::WindowTooLarge { least_padding, .. } = refusal("MaxPool2d(7)", &["[N, 8, 0, 0]"]) else {
            panic!("another error");
        };
        assert_eq!(least_padding, None);
    }
}
