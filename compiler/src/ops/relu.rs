//! ReLU: the simplest pointwise layer.

use super::{Operator, ShapeError, inputs};
use crate::graph::NodeId;
use crate::kernels::{Expression, KernelBuilder};
use crate::shape::{Requirements, Shape};

crate::layer! {
    /// Rectified linear unit, `max(x, 0)`, for any shape.
    ///
    /// # Shape
    /// The input's.
    ///
    /// # Source
    /// PyTorch `nn.ReLU`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 8, 4, 4]
    /// ReLU
    /// ```
    ReLU {}
}

impl Operator for ReLU {
    fn infer(&self, inputs: &[Shape], _requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        inputs::single(inputs)
    }

    fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
        builder.map(&[builder.input(0)], Expression::operand(0).maximum(0.0))
    }
}
