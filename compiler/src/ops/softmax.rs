//! Softmax: scores that become chances.

use super::{Layer, Operator, Reach, ShapeError, inputs};
use crate::graph::NodeId;
use crate::kernels::{Expression, KernelBuilder, Reduction, Unary};
use crate::shape::{Requirements, Shape};

crate::layer! {
    /// `eˣ / Σ eˣ` along an axis, computed against the largest element. The axis has to be said.
    ///
    /// # Shape
    /// The input's.
    ///
    /// # Errors
    /// E306 an axis that does not exist
    ///
    /// # Source
    /// PyTorch `nn.Softmax`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 10]
    /// Softmax(dim=1)
    /// ```
    Softmax {
        /// The axis whose elements add up to 1; from the end when negative.
        dim: i64,
    }
}

impl Operator for Softmax {
    fn infer(&self, inputs: &[Shape], _requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        let shape = inputs::single(inputs)?;
        inputs::axis("dim", self.dim, &shape)?;
        Ok(shape)
    }

    fn reach(&self, inputs: &[Shape]) -> Reach {
        along(self.dim, inputs)
    }

    fn describe(&self, _inputs: &[Shape]) -> String {
        self.keywords()
    }

    fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
        let (a, b) = (Expression::operand(0), Expression::operand(1));
        let (shifted, axis) = shifted(builder, self.dim);
        let powers = builder.map(&[shifted], a.clone().unary(Unary::Exp));
        let sum = builder.reduce(powers, Reduction::Sum, &[axis]);
        builder.map(&[powers, sum], a / b)
    }
}

/// The reach of a softmax along an axis: all of that axis.
pub fn along(dim: i64, inputs: &[Shape]) -> Reach {
    let axis = inputs.first().and_then(|shape| inputs::axis("dim", dim, shape).ok());
    Reach::Whole(axis.into_iter().collect())
}

/// The layer's input less its largest element along an axis, so that no power overflows; and the axis counted from the front.
pub fn shifted(builder: &mut KernelBuilder, dim: i64) -> (NodeId, usize) {
    let x = builder.input(0);
    let shape = Shape::from(builder.shape(x).as_slice());
    let axis = inputs::axis("dim", dim, &shape).unwrap_or(0);
    let largest = builder.reduce(x, Reduction::Max, &[axis]);
    (builder.map(&[x, largest], Expression::operand(0) - Expression::operand(1)), axis)
}
