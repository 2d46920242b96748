//! Sizes of a convolution and of a window, and what follows from them.

/// How a window moves over an image, in PyTorch's terms; each pair is `[height, width]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Size of the image.
    pub input: [usize; 2],
    /// Size of the window.
    pub kernel_size: [usize; 2],
    /// Steps between windows.
    pub stride: [usize; 2],
    /// Steps between the elements of a window.
    pub dilation: [usize; 2],
    /// Padding above and left.
    pub padding: [usize; 2],
    /// Padding below and right.
    pub padding_end: [usize; 2],
}

impl Window {
    /// A square window with equal padding on all sides.
    pub fn square(input: usize, kernel_size: usize, stride: usize, padding: usize) -> Self {
        Self {
            input: [input; 2],
            kernel_size: [kernel_size; 2],
            stride: [stride; 2],
            dilation: [1; 2],
            padding: [padding; 2],
            padding_end: [padding; 2],
        }
    }

    /// Elements along `axis` from the first to the last of one window.
    pub fn reach(&self, axis: usize) -> usize {
        (self.kernel_size[axis] - 1) * self.dilation[axis] + 1
    }

    /// Size of the output.
    pub fn output(&self) -> [usize; 2] {
        [0, 1].map(|axis| {
            (self.input[axis] + self.padding[axis] + self.padding_end[axis] - self.reach(axis)) / self.stride[axis] + 1
        })
    }

    /// Elements of a window.
    pub fn area(&self) -> usize {
        self.kernel_size[0] * self.kernel_size[1]
    }

    /// Whether every window lies inside the image.
    pub fn is_unpadded(&self) -> bool {
        self.padding == [0; 2] && self.padding_end == [0; 2]
    }
}

/// Sizes of a convolution: weights are `[out_channels, in_channels / groups, height, width]`.
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
    /// The window.
    pub window: Window,
}

impl ConvolutionShape {
    /// Multiply-adds, padding counted as if it were multiplied.
    pub fn macs(&self) -> usize {
        let [height, width] = self.window.output();
        self.batch * height * width * self.out_channels * self.in_channels / self.groups * self.window.area()
    }

    /// Weights.
    pub fn weight_count(&self) -> usize {
        self.out_channels * self.in_channels / self.groups * self.window.area()
    }

    /// Floats of the input when its channels are blocked by `lanes`.
    pub fn input_length(&self, lanes: usize) -> usize {
        let [height, width] = self.window.input;
        self.batch * self.in_channels.next_multiple_of(lanes) * height * width
    }

    /// Floats of the output when its channels are blocked by `lanes`.
    pub fn output_length(&self, lanes: usize) -> usize {
        let [height, width] = self.window.output();
        self.batch * self.out_channels.next_multiple_of(lanes) * height * width
    }
}
