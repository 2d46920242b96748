//! Conv3d: the convolution of volumes.

use super::convolution::{PaddingMode, convolution};
use super::{Extents, Margins, PaddingOf};

crate::layer! {
    /// 3-D convolution (cross-correlation), `[N, C, D, H, W]` to `[N, out_channels, D', H', W']`.
    ///
    /// # Shape
    /// `D' = ⌊(D + 2·padding − dilation·(kernel_size − 1) − 1) / stride⌋ + 1`, `H'` and `W'` alike; `C` and `out_channels`
    /// must be multiples of `groups`.
    ///
    /// # Parameters
    /// weight `[out_channels, C / groups, kernel_d, kernel_h, kernel_w]`, bias `[out_channels]`
    ///
    /// # Errors
    /// E206 `out_channels` not divisible by groups, or `padding="same"` with a stride; E301 channels not divisible by
    /// groups; E302 window larger than its padded input; E303 an input of another number of axes; E307 channels that
    /// are a symbol; E310 padding of another mode than zeros that takes more than there is
    ///
    /// # Source
    /// PyTorch `nn.Conv3d`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 3, 16, 112, 112]
    /// Conv3d(64, kernel_size=3, padding=1)
    /// expect [N, 64, 16, 112, 112]
    /// ```
    Conv3d {
        /// Channels of the output.
        out_channels: usize,
        /// Depth, height and width of the window.
        kernel_size: Extents<3>,
        /// Step of the window.
        stride: Extents<3> = Extents([1; 3]),
        /// Zeros on each side, or `"same"` (keeps the size, stride 1 only) or `"valid"` (none).
        padding: PaddingOf<Margins<3>> = PaddingOf::Sizes(Margins([0; 3])),
        /// Step between the window's elements.
        dilation: Extents<3> = Extents([1; 3]),
        /// Parts that channels are divided into, each convolved by itself.
        groups: usize = 1,
        /// Whether a number is added to each output channel.
        bias: bool = true,
        /// What lies in the padding: `"zeros"`, `"reflect"`, `"replicate"` or `"circular"`.
        padding_mode: PaddingMode = PaddingMode::Zeros,
    }
}

convolution! { Conv3d }

#[cfg(test)]
mod tests {
    use super::super::test_layer::{on, refusal};
    use super::super::{LayerField, ShapeError, Taps};

    #[test]
    fn neighbours_along_the_depth_are_channels_of_planes() {
        let conv = on("Conv3d(6, kernel_size=3, padding=1)", &["[N, 4, 8, 10, 12]"]);
        assert_eq!(conv.shape.to_string(), "[N, 6, 8, 10, 12]");
        assert_eq!(conv.parameters(), "weight [6, 4, 3, 3, 3], bias [6]");
        assert_eq!(conv.describe(), "4, 6, kernel_size=(3, 3, 3), stride=(1, 1, 1), padding=(1, 1, 1)");
        assert_eq!(conv.macs(), 6 * 8 * 10 * 12 * 4 * 27);
        assert_eq!(conv.receptive_field(), LayerField::Plane([Taps::window(3, 1, 1, 1); 2]));
        assert_eq!(conv.kernels.iter().filter(|kernel| *kernel == "conv").count(), 1);
        let strided =
            on("Conv3d(6, (2, 3, 1), stride=(2, 1, 3), dilation=(2, 1, 1), groups=2)", &["[N, 4, D, 10, 12]"]);
        assert_eq!(strided.shape.to_string(), "[N, 6, (D - 1)//2, 8, 4]");
        assert_eq!(strided.requirements, ["D AtLeast 3"]);
    }

    #[test]
    fn volumes_have_five_axes() {
        assert!(matches!(refusal("Conv3d(4, 3)", &["[N, 4, 5, 5]"]), ShapeError::Rank { help: Some(_), .. }));
    }
}
