//! Conv1d: the convolution of sequences.

use super::convolution::{PaddingMode, convolution};
use super::{Extents, Margins, PaddingOf};

crate::layer! {
    /// 1-D convolution (cross-correlation), `[N, C, L]` to `[N, out_channels, L']`.
    ///
    /// # Shape
    /// `L' = ⌊(L + 2·padding − dilation·(kernel_size − 1) − 1) / stride⌋ + 1`; `C` and `out_channels`
    /// must be multiples of `groups`.
    ///
    /// # Parameters
    /// weight `[out_channels, C / groups, kernel_size]`, bias `[out_channels]`
    ///
    /// # Errors
    /// E206 `out_channels` not divisible by groups, or `padding="same"` with a stride; E301 channels not divisible by
    /// groups; E302 window larger than its padded input; E303 an input of another number of axes; E307 channels that
    /// are a symbol; E310 padding of another mode than zeros that takes more than there is
    ///
    /// # Source
    /// PyTorch `nn.Conv1d`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 1, 16000]
    /// Conv1d(128, kernel_size=80, stride=4)
    /// expect [N, 128, 3981]
    /// ```
    Conv1d {
        /// Channels of the output.
        out_channels: usize,
        /// Length of the window.
        kernel_size: Extents<1>,
        /// Step of the window.
        stride: Extents<1> = Extents([1; 1]),
        /// Zeros on each side, or `"same"` (keeps the size, stride 1 only) or `"valid"` (none).
        padding: PaddingOf<Margins<1>> = PaddingOf::Sizes(Margins([0; 1])),
        /// Step between the window's elements.
        dilation: Extents<1> = Extents([1; 1]),
        /// Parts that channels are divided into, each convolved by itself.
        groups: usize = 1,
        /// Whether a number is added to each output channel.
        bias: bool = true,
        /// What lies in the padding: `"zeros"`, `"reflect"`, `"replicate"` or `"circular"`.
        padding_mode: PaddingMode = PaddingMode::Zeros,
    }
}

convolution! { Conv1d }

#[cfg(test)]
mod tests {
    use super::super::test_layer::{bind, on, refusal};
    use super::super::{BindError, LayerField, ShapeError, Taps};

    #[test]
    fn a_sequence_is_a_plane_of_one_row() {
        let conv = on("Conv1d(6, kernel_size=5, stride=2, padding=2)", &["[N, 4, 28]"]);
        assert_eq!(conv.shape.to_string(), "[N, 6, 14]");
        assert_eq!(conv.parameters(), "weight [6, 4, 5], bias [6]");
        assert_eq!(conv.describe(), "4, 6, kernel_size=(5,), stride=(2,), padding=(2,)");
        assert_eq!(conv.macs(), 6 * 14 * 4 * 5);
        assert_eq!(conv.receptive_field(), LayerField::Line(Taps::window(5, 1, 2, 2)));
        let kernels = ["reshape", "reshape", "conv", "reshape", "reshape", "map x0 + x1"];
        assert_eq!(conv.kernels, kernels);
    }

    #[test]
    fn padding_can_be_something_else_than_zeros() {
        let conv = on("Conv1d(4, 3, padding=1, groups=4, padding_mode=\"circular\")", &["[N, 4, L]"]);
        assert_eq!(conv.shape.to_string(), "[N, 4, L]");
        assert_eq!(
            conv.describe(),
            "4, 4, kernel_size=(3,), stride=(1,), padding=(1,), groups=4, padding_mode=circular"
        );
        assert_eq!(conv.receptive_field(), LayerField::Plane([Taps::POINT, Taps::window(3, 1, 1, 1)]));
        let refused = refusal("Conv1d(4, 9, padding=5, padding_mode=\"reflect\")", &["[N, 4, 5]"]);
        assert!(matches!(refused, ShapeError::Other { argument: Some("padding"), .. }));
    }

    #[test]
    fn what_does_not_fit_is_said_in_numbers_of_one_axis() {
        let ShapeError::WindowTooLarge { needs, least_padding, same_padding, axis, .. } =
            refusal("Conv1d(4, 7)", &["[N, 4, 5]"])
        else {
            panic!("another error");
        };
        assert_eq!((needs.as_str(), axis), ("7", "length"));
        assert_eq!((least_padding.as_deref(), same_padding.as_deref()), (Some("1"), Some("3")));
        assert!(matches!(refusal("Conv1d(4, 7)", &["[N, 4, 5, 5]"]), ShapeError::Rank { .. }));
        let stride = bind("Conv1d(4, 3, stride=2, padding=\"same\")");
        assert!(matches!(stride, Err(BindError::Conflict { argument: "padding", .. })));
    }
}
