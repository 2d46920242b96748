//! `sum { }`: branches added.

use super::{Operator, ShapeError, broadcast};
use crate::graph::NodeId;
use crate::kernels::{Expression, KernelBuilder};
use crate::shape::{Requirements, Shape};

/// Adds its inputs element by element, with PyTorch's broadcasting.
#[derive(Clone, Debug, PartialEq)]
pub struct Sum;

impl Sum {
    /// The word of the language.
    pub const NAME: &'static str = "sum";
}

impl Operator for Sum {
    fn infer(&self, inputs: &[Shape], requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        broadcast::shape(inputs, requirements, "`sum` adds element by element")
    }

    fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
        broadcast::fold(builder, |left, right: Expression| left + right)
    }
}
