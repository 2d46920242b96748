//! AvgPool2d: the mean of each window.

use super::{Argument, BindError, Operator, PadPair, Pair, Reach, ShapeError, Window};
use crate::graph::NodeId;
use crate::kernels::{Divisor, KernelBuilder, Pooling};
use crate::shape::{Requirements, Shape};

crate::layer! {
    /// The mean of each window, `[N, C, H, W]` to `[N, C, H', W']`.
    ///
    /// # Shape
    /// `H' = ⌊(H + 2·padding − kernel_size) / stride⌋ + 1`, `W'` alike. With `ceil_mode` the division rounds up, and a last window that
    /// would start past the input and the padding before it is dropped.
    ///
    /// # Errors
    /// E206 padding of more than half the window; E302 window larger than its padded input; E303 an input of another number of axes
    ///
    /// # Source
    /// PyTorch `nn.AvgPool2d`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 6, 28, 28]
    /// AvgPool2d(2, stride=2)
    /// expect [N, 6, 14, 14]
    /// ```
    AvgPool2d {
        /// Height and width of the window.
        kernel_size: Pair,
        /// Step of the window; `kernel_size` when left out.
        stride: Option<Pair> = None,
        /// Zeros on each side, at most half the window.
        padding: PadPair = PadPair(0, 0),
        /// Whether the number of windows rounds up.
        ceil_mode: bool = false,
        /// Whether the zeros of the padding count as elements.
        count_include_pad: bool = true,
        /// What sums are divided by, instead of the number of elements; not 0.
        divisor_override: Option<i64> = None,
    }
}

impl AvgPool2d {
    fn window(&self) -> Window {
        Window::pooling(self.kernel_size, self.stride, self.padding, Pair(1, 1), self.ceil_mode)
    }

    fn divisor(&self) -> Divisor {
        match self.divisor_override {
            Some(number) => Divisor::Fixed(number as f64),
            None if self.count_include_pad => Divisor::Padded { after: [self.padding.0, self.padding.1] },
            None => Divisor::Elements,
        }
    }
}

impl Operator for AvgPool2d {
    fn validate(&self) -> Result<(), BindError> {
        if self.divisor_override == Some(0) {
            let message = "divisor_override=0 divides by zero".into();
            return Err(BindError::Conflict { argument: "divisor_override", message, mend: Some("1".into()) });
        }
        self.window().validate()
    }

    fn infer(&self, inputs: &[Shape], requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        self.window().pooled(inputs, requirements)
    }

    fn reach(&self, _inputs: &[Shape]) -> Reach {
        self.window().reach()
    }

    fn describe(&self, _inputs: &[Shape]) -> String {
        let stride = self.stride.unwrap_or(self.kernel_size);
        let (kernel_size, stride, padding) = (self.kernel_size.python(), stride.python(), self.padding.python());
        format!("kernel_size={kernel_size}, stride={stride}, padding={padding}")
    }

    fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
        let pooling = Pooling::Mean(self.divisor());
        builder.window(builder.input(0), self.window().pool_axes(), pooling, builder.output_size())
    }
}
