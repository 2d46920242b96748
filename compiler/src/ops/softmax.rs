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

/// The layer's input less its largest element along an axis, so that no power overflows; and the axis counted from
/// the front.
pub fn shifted(builder: &mut KernelBuilder, dim: i64) -> (NodeId, usize) {
    let x = builder.input(0);
    let shape = Shape::from(builder.shape(x).as_slice());
    let axis = inputs::axis("dim", dim, &shape).unwrap_or(0);
    let largest = builder.reduce(x, Reduction::Max, &[axis]);
    let shift = builder.fixed(Expression::operand(1));
    (builder.map(&[x, largest], Expression::operand(0) - shift), axis)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{bind, on, refusal};
    use super::super::BindError;
    use super::*;

    #[test]
    fn along_an_axis_that_is_said() {
        let softmax = on("Softmax(dim=-1)", &["[N, 10]"]);
        assert_eq!(softmax.shape.to_string(), "[N, 10]");
        assert_eq!(softmax.describe(), "dim=-1");
        assert_eq!(softmax.reach(), Reach::Whole(vec![1]));
        assert_eq!(softmax.kernels, ["reduce_max", "map x0 - x1", "map exp(x0)", "reduce_sum", "map x0 / x1"]);
        assert!(matches!(bind("Softmax"), Err(BindError::Missing { argument: "dim", .. })));
    }

    #[test]
    fn the_axis_must_exist() {
        let input = Shape::from([3, 10]);
        for axis in [2, -3] {
            let expected = ShapeError::NoSuchAxis { argument: "dim", axis, input: input.clone() };
            assert_eq!(refusal(&format!("Softmax({axis})"), &["[3, 10]"]), expected);
        }
    }
}
