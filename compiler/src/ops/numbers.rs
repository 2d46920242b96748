//! Numbers as a branch of a join: `3.0`, `[0.5, 2]`.

use super::argument::{Arguments, BindError, Signature};
use super::{Layer, Operator, ShapeError};
use crate::graph::NodeId;
use crate::kernels::{Expression, KernelBuilder};
use crate::onnx::{Nodes, Value};
use crate::shape::{Requirements, Shape};

/// An array that the spec writes out. It takes no input and has no parameters; no spec calls it by name.
#[derive(Clone, Debug, PartialEq)]
pub struct Numbers {
    /// Its elements, the last axis fastest.
    pub numbers: Vec<f64>,
    /// Its sizes, as nested lists have them; none for one number.
    pub sizes: Vec<usize>,
}

impl Numbers {
    /// The sizes as an array has them: one number alone is an array of one.
    fn shape(&self) -> &[usize] {
        if self.sizes.is_empty() { &[1] } else { &self.sizes }
    }
}

impl Layer for Numbers {
    const SIGNATURE: Signature = Signature { name: "numbers", documentation: &[], arguments: &[] };

    fn bind(_: &Arguments) -> Result<Self, BindError> {
        Err(BindError::Missing { argument: "numbers", accepts: "numbers" })
    }

    fn keywords(&self) -> String {
        String::new()
    }
}

impl Operator for Numbers {
    const TAKES_INPUT: bool = false;

    fn infer(&self, _: &[Shape], _: &mut Requirements) -> Result<Shape, ShapeError> {
        Ok(Shape::from(self.shape()))
    }

    fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
        let number = |builder: &mut KernelBuilder, shape: &[usize], number: f64| {
            builder.map_to(shape, &[], Expression::Constant(number))
        };
        if let Some((&first, others)) = self.numbers.split_first()
            && others.iter().all(|other| other.to_bits() == first.to_bits())
        {
            return number(builder, self.shape(), first);
        }
        let all: Vec<NodeId> = self.numbers.iter().map(|&each| number(builder, &[1], each)).collect();
        let row = builder.concat(&all, 0);
        builder.reshape(row, self.shape())
    }

    fn onnx(&self, nodes: &mut Nodes) -> Option<Value> {
        Some(nodes.floats(self.numbers.iter().map(|&number| number as f32).collect(), self.shape()))
    }
}
