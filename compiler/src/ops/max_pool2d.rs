//! MaxPool2d: the largest element of each window.

use super::{Argument, BindError, Operator, PadPair, Pair, Reach, ShapeError, Window};
use crate::graph::NodeId;
use crate::kernels::{KernelBuilder, Pooling};
use crate::shape::{Requirements, Shape};

crate::layer! {
    /// The largest element of each window, `[N, C, H, W]` to `[N, C, H', W']`. Padding never wins.
    ///
    /// # Shape
    /// `H' = ⌊(H + 2·padding − dilation·(kernel_size − 1) − 1) / stride⌋ + 1`, `W'` alike. With `ceil_mode` the division rounds up, and a
    /// last window that would start past the input and the padding before it is dropped.
    ///
    /// # Errors
    /// E206 padding of more than half the window; E302 window larger than its padded input; E303 an input of another number of axes
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
        /// Rows and columns on each side that windows may reach into, at most half the window.
        padding: PadPair = PadPair(0, 0),
        /// Step between the window's elements.
        dilation: Pair = Pair(1, 1),
        /// Whether the number of windows rounds up.
        ceil_mode: bool = false,
    }
}

impl MaxPool2d {
    fn window(&self) -> Window {
        Window::pooling(self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode)
    }
}

impl Operator for MaxPool2d {
    fn validate(&self) -> Result<(), BindError> {
        self.window().validate()
    }

    fn infer(&self, inputs: &[Shape], requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        self.window().pooled(inputs, requirements)
    }

    fn reach(&self, _inputs: &[Shape]) -> Reach {
        self.window().reach()
    }

    fn describe(&self, _inputs: &[Shape]) -> String {
        format!(
            "kernel_size={}, stride={}, padding={}, dilation={}, ceil_mode={}",
            self.kernel_size.python(),
            self.stride.unwrap_or(self.kernel_size).python(),
            self.padding.python(),
            self.dilation.python(),
            self.ceil_mode.python()
        )
    }

    fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
        builder.window(builder.input(0), self.window().pool_axes(), Pooling::Max, builder.output_size())
    }
}
