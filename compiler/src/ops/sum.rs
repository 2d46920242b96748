//! `sum { }`: branches added.

use super::{Operator, ShapeError, broadcast};
use crate::graph::NodeId;
use crate::kernels::{Expression, KernelBuilder};
use crate::shape::{Requirements, Shape};

crate::layer! {
    /// Adds its branches element by element, with PyTorch's broadcasting.
    ///
    /// # Shape
    /// Axes are aligned at the last; a size of 1 is repeated, other sizes must be equal.
    ///
    /// # Errors
    /// E304 branches whose shapes differ
    ///
    /// # Source
    /// PyTorch `torch.add`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 8, 4, 4]
    /// sum { Conv2d(8, kernel_size=3, padding=1); Identity }
    /// ```
    Sum as "sum" {}
}

impl Operator for Sum {
    fn infer(&self, inputs: &[Shape], requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        broadcast::shape(inputs, requirements, "`sum` adds element by element")
    }

    fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
        broadcast::fold(builder, |left, right: Expression| left + right)
    }
}
