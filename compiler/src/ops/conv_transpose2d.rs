//! ConvTranspose2d: the layer that enlarges.

use super::transposed::transposed;
use super::{PadPair, Pair};

crate::layer! {
    /// Transposed 2-D convolution ("fractional stride"), `[N, C, H, W]` to `[N, out_channels, H', W']`: every element
    /// of the input adds its multiple of the kernel to the output.
    ///
    /// # Shape
    /// `H' = (H − 1)·stride − 2·padding + dilation·(kernel_size − 1) + output_padding + 1`, `W'` alike; `C` and
    /// `out_channels` must be multiples of `groups`.
    ///
    /// # Parameters
    /// weight `[C, out_channels / groups, kernel_h, kernel_w]`, bias `[out_channels]`
    ///
    /// # Errors
    /// E206 `out_channels` not divisible by groups, or too large an `output_padding`; E301 channels not divisible by
    /// groups; E303 an input of another number of axes; E307 channels that are a symbol; E310 padding that leaves
    /// nothing
    ///
    /// # Source
    /// PyTorch `nn.ConvTranspose2d`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 64, 28, 28]
    /// ConvTranspose2d(32, kernel_size=2, stride=2)
    /// expect [N, 32, 56, 56]
    /// ```
    ConvTranspose2d {
        /// Channels of the output.
        out_channels: usize,
        /// Height and width of the kernel.
        kernel_size: Pair,
        /// Step, in the output, from one element of the input to the next.
        stride: Pair = Pair(1, 1),
        /// Rows and columns cut off on each side of the output.
        padding: PadPair = PadPair(0, 0),
        /// Rows and columns added at the bottom and the right; less than `stride` or `dilation`.
        output_padding: PadPair = PadPair(0, 0),
        /// Parts that channels are divided into, each convolved by itself.
        groups: usize = 1,
        /// Whether a number is added to each output channel.
        bias: bool = true,
        /// Step between the kernel's elements.
        dilation: Pair = Pair(1, 1),
    }
}

transposed! { ConvTranspose2d }

#[cfg(test)]
mod tests {
    use super::super::test_layer::{bind, on, refusal};
    use super::super::{BindError, ShapeError};
    use crate::shape::Shape;

    #[test]
    fn shape_follows_the_formula() {
        let up = on("ConvTranspose2d(32, kernel_size=2, stride=2)", &["[N, 64, H, W]"]);
        assert_eq!(up.shape.to_string(), "[N, 32, 2*H, 2*W]");
        assert_eq!(up.parameters(), "weight [64, 32, 2, 2], bias [32]");
        assert_eq!(up.describe(), "64, 32, kernel_size=(2, 2), stride=(2, 2)");
        assert_eq!(up.macs(), 64 * 32 * 4);
        let padded = on("ConvTranspose2d(6, 3, 2, 1, 1, 2, false, 2)", &["[N, 4, 5, 5]"]);
        assert_eq!(padded.shape.to_string(), "[N, 6, 12, 12]");
        assert_eq!(padded.parameters(), "weight [4, 3, 3, 3]");
        let text = "4, 6, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1), dilation=(2, 2), output_padding=(1, 1), \
                    groups=2, bias=False";
        assert_eq!(padded.describe(), text);
    }

    #[test]
    fn the_bound_of_first_values_comes_from_the_axes_after_the_first() {
        let layer = bind("ConvTranspose2d(32, kernel_size=3)").unwrap();
        let declared = layer.parameters(&[Shape::from([1, 64, 5, 5])]).unwrap();
        let expected = crate::graph::Initialiser::fan_in(32 * 9);
        assert!(declared.iter().all(|declared| declared.initialiser == expected));
    }

    #[test]
    fn padding_must_leave_something() {
        let ShapeError::Other { message, note, mend, .. } =
            refusal("ConvTranspose2d(8, kernel_size=1, padding=2)", &["[N, 8, 3, 3]"])
        else {
            panic!("another error");
        };
        assert_eq!(message, "padding=2 leaves nothing of the height");
        assert_eq!(note.as_deref(), Some("height: (3 − 1)·1 − 2·2 + 1·(1 − 1) + 0 + 1 = −1"));
        assert_eq!(mend, Some(("padding", "1".into())));
        on("ConvTranspose2d(8, kernel_size=1, padding=1)", &["[N, 8, 3, 3]"]);
    }

    #[test]
    fn output_padding_is_less_than_a_step() {
        let text = "ConvTranspose2d(1, 3, stride=(2, 1), output_padding=1)";
        let Err(BindError::Conflict { mend, .. }) = bind(text) else {
            panic!("it should be refused");
        };
        assert_eq!(mend.as_deref(), Some("(1, 0)"));
    }
}
