//! ConvTranspose3d: the layer that enlarges volumes.

use super::transposed::transposed;
use super::{Extents, Margins};

crate::layer! {
    /// Transposed 3-D convolution ("fractional stride"), `[N, C, D, H, W]` to `[N, out_channels, D', H', W']`: every element
    /// of the input adds its multiple of the kernel to the output.
    ///
    /// # Shape
    /// `D' = (D − 1)·stride − 2·padding + dilation·(kernel_size − 1) + output_padding + 1`, `H'` and `W'` alike; `C` and
    /// `out_channels` must be multiples of `groups`.
    ///
    /// # Parameters
    /// weight `[C, out_channels / groups, kernel_d, kernel_h, kernel_w]`, bias `[out_channels]`
    ///
    /// # Errors
    /// E206 `out_channels` not divisible by groups, or too large an `output_padding`; E301 channels not divisible by
    /// groups; E303 an input of another number of axes; E307 channels that are a symbol; E310 padding that leaves
    /// nothing
    ///
    /// # Source
    /// PyTorch `nn.ConvTranspose3d`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 64, 4, 28, 28]
    /// ConvTranspose3d(32, kernel_size=2, stride=2)
    /// expect [N, 32, 8, 56, 56]
    /// ```
    ConvTranspose3d {
        /// Channels of the output.
        out_channels: usize,
        /// Depth, height and width of the kernel.
        kernel_size: Extents<3>,
        /// Step, in the output, from one element of the input to the next.
        stride: Extents<3> = Extents([1; 3]),
        /// Planes, rows and columns cut off on each side of the output.
        padding: Margins<3> = Margins([0; 3]),
        /// Planes, rows and columns added after the last; less than `stride` or `dilation`.
        output_padding: Margins<3> = Margins([0; 3]),
        /// Parts that channels are divided into, each convolved by itself.
        groups: usize = 1,
        /// Whether a number is added to each output channel.
        bias: bool = true,
        /// Step between the kernel's elements.
        dilation: Extents<3> = Extents([1; 3]),
    }
}

transposed! { ConvTranspose3d }

#[cfg(test)]
mod tests {
    use super::super::BindError;
    use super::super::test_layer::{bind, on};

    #[test]
    fn shape_parameters_and_text() {
        let up = on("ConvTranspose3d(6, 3, 2, 1, 1)", &["[N, 4, 3, 4, 5]"]);
        assert_eq!(up.shape.to_string(), "[N, 6, 6, 8, 10]");
        assert_eq!(up.parameters(), "weight [4, 6, 3, 3, 3], bias [6]");
        assert_eq!(
            up.describe(),
            "4, 6, kernel_size=(3, 3, 3), stride=(2, 2, 2), padding=(1, 1, 1), output_padding=(1, 1, 1)"
        );
        assert_eq!(up.kernels.iter().filter(|kernel| *kernel == "conv_data").count(), 1);
        let refused = bind("ConvTranspose3d(6, 3, output_padding=1)");
        assert!(matches!(refused, Err(BindError::Conflict { argument: "output_padding", .. })));
    }
}
