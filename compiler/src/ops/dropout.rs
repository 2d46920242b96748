//! Dropout: nothing at inference.

use super::{Operator, ShapeError, inputs};
use crate::graph::NodeId;
use crate::kernels::{Expression, KernelBuilder};
use crate::shape::{Requirements, Shape};

crate::layer! {
    /// Dropout (Srivastava et al. 2014), for any shape: sets elements to zero in training, is the identity at inference.
    ///
    /// # Shape
    /// The input's.
    ///
    /// # Source
    /// PyTorch `nn.Dropout`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 64]
    /// Dropout(0.5)
    /// ```
    Dropout {
        /// The chance of an element to become zero, from 0 to 1.
        p: f64 = 0.5,
    }
}

impl Operator for Dropout {
    fn infer(&self, inputs: &[Shape], _requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        inputs::single(inputs)
    }

    fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
        builder.map(&[builder.input(0)], Expression::operand(0))
    }
}
