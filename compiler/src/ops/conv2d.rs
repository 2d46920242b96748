//! Conv2d: the layer that the product is named after.

use super::convolution::{PaddingMode, convolution};
use super::{PadPair, Padding, Pair};

crate::layer! {
    /// 2-D convolution (cross-correlation), `[N, C, H, W]` to `[N, out_channels, H', W']`.
    ///
    /// # Shape
    /// `H' = ⌊(H + 2·padding − dilation·(kernel_size − 1) − 1) / stride⌋ + 1`, `W'` alike; `C` and `out_channels`
    /// must be multiples of `groups`.
    ///
    /// # Parameters
    /// weight `[out_channels, C / groups, kernel_h, kernel_w]`, bias `[out_channels]`
    ///
    /// # Errors
    /// E206 `out_channels` not divisible by groups, or `padding="same"` with a stride; E301 channels not divisible by
    /// groups; E302 window larger than its padded input; E303 an input of another number of axes; E307 channels that
    /// are a symbol; E310 padding of another mode than zeros that takes more than there is
    ///
    /// # Source
    /// PyTorch `nn.Conv2d`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 3, 32, 32]
    /// Conv2d(16, kernel_size=3, padding=1)
    /// expect [N, 16, 32, 32]
    /// ```
    Conv2d {
        /// Channels of the output.
        out_channels: usize,
        /// Height and width of the window.
        kernel_size: Pair,
        /// Step of the window.
        stride: Pair = Pair(1, 1),
        /// Zeros on each side, or `"same"` (keeps the size, stride 1 only) or `"valid"` (none).
        padding: Padding = Padding::Sizes(PadPair(0, 0)),
        /// Step between the window's elements.
        dilation: Pair = Pair(1, 1),
        /// Parts that channels are divided into, each convolved by itself.
        groups: usize = 1,
        /// Whether a number is added to each output channel.
        bias: bool = true,
        /// What lies in the padding: `"zeros"`, `"reflect"`, `"replicate"` or `"circular"`.
        padding_mode: PaddingMode = PaddingMode::Zeros,
    }
}

convolution! { Conv2d }

#[cfg(test)]
mod tests {
    use super::super::test_layer::{bind, on, refusal};
    use super::super::{BindError, LayerField, ShapeError};

    #[test]
    fn shape_follows_the_formula() {
        let conv = on("Conv2d(6, kernel_size=5, padding=2)", &["[N, 1, 28, 28]"]);
        assert_eq!(conv.shape.to_string(), "[N, 6, 28, 28]");
        assert_eq!(conv.parameters(), "weight [6, 1, 5, 5], bias [6]");
        assert_eq!(conv.describe(), "1, 6, kernel_size=(5, 5), stride=(1, 1), padding=(2, 2)");
        assert_eq!(conv.macs(), 6 * 25 * 28 * 28);
        assert_eq!(conv.kernels, ["conv", "reshape", "map x0 + x1"]);
        let strided = on("Conv2d(8, (3, 5), (3, 4), (0, 1), 2, 4, false)", &["[N, 4, H, W]"]);
        assert_eq!(strided.shape.to_string(), "[N, 8, (H - 2)//3, (W - 3)//4]");
        assert_eq!(strided.requirements, ["H AtLeast 5", "W AtLeast 7"]);
        assert_eq!(strided.parameters(), "weight [8, 1, 3, 5]");
        assert_eq!(
            strided.describe(),
            "4, 8, kernel_size=(3, 5), stride=(3, 4), padding=(0, 1), dilation=(2, 2), groups=4, bias=False"
        );
    }

    #[test]
    fn padding_can_be_a_word() {
        let same = on("Conv2d(3, kernel_size=4, padding=\"same\")", &["[N, 2, 7, 7]"]);
        assert_eq!(same.shape.to_string(), "[N, 3, 7, 7]");
        assert_eq!(same.receptive_field(), LayerField::Plane([super::super::Taps::window(4, 1, 1, 1); 2]));
        assert_eq!(on("Conv2d(3, 4, padding=\"valid\")", &["[N, 2, 7, 7]"]).shape.to_string(), "[N, 3, 4, 4]");
    }

    #[test]
    fn a_window_that_does_not_fit_shows_the_arithmetic_and_a_padding() {
        let expected = ShapeError::WindowTooLarge {
            axis: "height",
            arithmetic: "(5 + 2·0 − 1·(7 − 1) − 1) / 1 + 1 = −1".into(),
            needs: "7×7".into(),
            least_padding: Some("1".into()),
            same_padding: Some("3".into()),
        };
        assert_eq!(refusal("Conv2d(32, kernel_size=7)", &["[N, 16, 5, 5]"]), expected);
    }

    #[test]
    fn groups_divide_both_channels() {
        let ShapeError::NotDivisible { mends, .. } = refusal("Conv2d(16, 3, groups=4)", &["[N, 6, 9, 9]"]) else {
            panic!("another error");
        };
        assert_eq!(mends, [2]);
        let message = "out_channels=16 is not a multiple of groups=3".into();
        let expected = BindError::Conflict { argument: "groups", message, mend: Some("2".into()) };
        assert_eq!(bind("Conv2d(16, 3, groups=3)"), Err(expected));
    }

    #[test]
    fn impossible_inputs_are_refused() {
        assert!(matches!(refusal("Conv2d(6, 5)", &["[N, 400]"]), ShapeError::Rank { help: Some(_), .. }));
        assert!(matches!(refusal("Conv2d(6, 5)", &["[N, C, 9, 9]"]), ShapeError::Unknown { axis: "channels", .. }));
        let vast = "Conv2d(1099511627776, kernel_size=1)";
        assert_eq!(refusal(vast, &["[N, 1099511627776, 1, 1]"]), ShapeError::TooLarge);
    }
}
