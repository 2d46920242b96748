//! Sizes of a convolution and of a window, and what follows from them.

use cnnc_compiler::kernels::AxisWindow;
use cnnc_compiler::plan::{SizedConvolution, merged_groups};

/// How a window moves over an image; each pair is height, then width. Windows may reach past the image on any side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Size of the image.
    pub input: [usize; 2],
    /// Size of the output: the number of windows.
    pub output: [usize; 2],
    /// The window along each axis.
    pub axes: [AxisWindow; 2],
}

impl Window {
    /// A square window with equal padding on all sides; what is left at the end is not seen.
    #[cfg(any(test, feature = "internals"))]
    pub fn square(input: usize, kernel: usize, stride: usize, padding: usize) -> Self {
        let output = (input + 2 * padding - kernel) / stride + 1;
        let axis = AxisWindow { kernel, stride, dilation: 1, before: padding };
        Self { input: [input; 2], output: [output; 2], axes: [axis; 2] }
    }

    /// Elements along `axis` from the first to the last of one window.
    pub fn extent(&self, axis: usize) -> usize {
        self.axes[axis].kernel.saturating_sub(1) * self.axes[axis].dilation + 1
    }

    /// Elements of a window.
    pub fn area(&self) -> usize {
        self.axes[0].kernel * self.axes[1].kernel
    }

    /// Pixels of the input.
    pub fn input_pixels(&self) -> usize {
        self.input[0] * self.input[1]
    }

    /// Pixels of the output.
    pub fn output_pixels(&self) -> usize {
        self.output[0] * self.output[1]
    }

    /// Whether every output pixel sees just the pixel of the same place.
    pub(crate) fn is_pointwise(&self) -> bool {
        let axis = AxisWindow { kernel: 1, stride: 1, dilation: 1, before: 0 };
        let same = |window: AxisWindow| AxisWindow { dilation: 1, ..window } == axis;
        self.input == self.output && self.axes.into_iter().all(same)
    }
}

/// Sizes of a convolution: weights are `[out_channels, in_channels / groups, height, width]`; those of a transposed one
/// `[in_channels, out_channels / groups, height, width]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvolutionShape {
    /// Images.
    pub batch: usize,
    /// Channels in, over all groups.
    pub in_channels: usize,
    /// Channels out, over all groups.
    pub out_channels: usize,
    /// Groups.
    pub groups: usize,
    /// The window; that of the convolution which is transposed, for a transposed one.
    pub window: Window,
}

impl ConvolutionShape {
    /// Those of a convolution in a plan.
    pub fn of(convolution: &SizedConvolution) -> Self {
        let SizedConvolution { batch, channels: [in_channels, out_channels], groups, sizes: [input, output], .. } =
            *convolution;
        let window = Window { input, output, axes: convolution.window };
        ConvolutionShape { batch, in_channels, out_channels, groups, window }
    }

    /// Multiply-adds of a convolution, padding counted as if it were multiplied.
    pub fn macs(&self) -> usize {
        self.batch * self.window.output_pixels() * self.weight_count()
    }

    /// Weights.
    pub fn weight_count(&self) -> usize {
        self.out_channels * (self.in_channels / self.groups) * self.window.area()
    }

    /// Floats of an image of the input when its channels are blocked by `lanes`.
    #[cfg(any(test, feature = "internals"))]
    pub fn input_length(&self, lanes: usize) -> usize {
        self.in_channels.next_multiple_of(lanes) * self.window.input_pixels()
    }

    /// Floats of an image of the output when its channels are blocked by `lanes`.
    #[cfg(any(test, feature = "internals"))]
    pub fn output_length(&self, lanes: usize) -> usize {
        self.out_channels.next_multiple_of(lanes) * self.window.output_pixels()
    }

    /// The same convolution with groups joined, so that the channels of each fill whole blocks in and out; weights between
    /// channels that were of different groups are zeros.
    pub fn merged(&self, lanes: usize) -> Self {
        Self { groups: merged_groups(self.groups, [self.in_channels, self.out_channels], lanes), ..*self }
    }
}
