//! ConvTranspose1d: the layer that lengthens.

use super::transposed::transposed;
use super::{Extents, Margins};

crate::layer! {
    /// Transposed 1-D convolution ("fractional stride"), `[N, C, L]` to `[N, out_channels, L']`: every element
    /// of the input adds its multiple of the kernel to the output.
    ///
    /// # Shape
    /// `L' = (L − 1)·stride − 2·padding + dilation·(kernel_size − 1) + output_padding + 1`; `C` and
    /// `out_channels` must be multiples of `groups`.
    ///
    /// # Parameters
    /// weight `[C, out_channels / groups, kernel_size]`, bias `[out_channels]`
    ///
    /// # Errors
    /// E206 `out_channels` not divisible by groups, or too large an `output_padding`; E301 channels not divisible by
    /// groups; E303 an input of another number of axes; E307 channels that are a symbol; E310 padding that leaves
    /// nothing
    ///
    /// # Source
    /// PyTorch `nn.ConvTranspose1d`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 64, 28]
    /// ConvTranspose1d(32, kernel_size=2, stride=2)
    /// expect [N, 32, 56]
    /// ```
    ConvTranspose1d {
        /// Channels of the output.
        out_channels: usize,
        /// Length of the kernel.
        kernel_size: Extents<1>,
        /// Step, in the output, from one element of the input to the next.
        stride: Extents<1> = Extents([1; 1]),
        /// Elements cut off on each side of the output.
        padding: Margins<1> = Margins([0; 1]),
        /// Elements added at the end; less than `stride` or `dilation`.
        output_padding: Margins<1> = Margins([0; 1]),
        /// Parts that channels are divided into, each convolved by itself.
        groups: usize = 1,
        /// Whether a number is added to each output channel.
        bias: bool = true,
        /// Step between the kernel's elements.
        dilation: Extents<1> = Extents([1; 1]),
    }
}

transposed! { ConvTranspose1d }

#[cfg(test)]
mod tests {
    use super::super::BindError;
    use super::super::test_layer::{bind, on};

    #[test]
    fn shape_parameters_and_text() {
        let up = on("ConvTranspose1d(6, 3, 2, 1, 1, 2)", &["[N, 4, L]"]);
        assert_eq!(up.shape.to_string(), "[N, 6, 2*L]");
        assert_eq!(up.parameters(), "weight [4, 3, 3], bias [6]");
        assert_eq!(up.describe(), "4, 6, kernel_size=(3,), stride=(2,), padding=(1,), output_padding=(1,), groups=2");
        assert_eq!(up.kernels.iter().filter(|kernel| *kernel == "conv_data").count(), 1);
        let refused = bind("ConvTranspose1d(6, 3, output_padding=1)");
        assert!(matches!(refused, Err(BindError::Conflict { argument: "output_padding", .. })));
    }
}
