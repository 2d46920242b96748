//! LogSoftmax: the logarithm of a softmax, computed without one.

use super::softmax::{along, shifted};
use super::{Layer, Operator, Reach, ShapeError, inputs};
use crate::graph::NodeId;
use crate::kernels::{Expression, KernelBuilder, Reduction, Unary};
use crate::shape::{Requirements, Shape};

crate::layer! {
    /// `x − ln Σ eˣ` along an axis, computed against the largest element. The axis has to be said.
    ///
    /// # Shape
    /// The input's.
    ///
    /// # Errors
    /// E306 an axis that does not exist
    ///
    /// # Source
    /// PyTorch `nn.LogSoftmax`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 10]
    /// LogSoftmax(dim=1)
    /// ```
    LogSoftmax {
        /// The axis whose powers add up to 1; from the end when negative.
        dim: i64,
    }
}

impl Operator for LogSoftmax {
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
        builder.map(&[shifted, sum], a - b.unary(Unary::Log))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::on;

    #[test]
    fn no_logarithm_of_a_quotient() {
        let layer = on("LogSoftmax(1)", &["[N, 10, H, W]"]);
        assert_eq!(layer.shape.to_string(), "[N, 10, H, W]");
        assert_eq!(layer.describe(), "dim=1");
        assert_eq!(layer.kernels.last().map(String::as_str), Some("map x0 - log(x1)"));
    }
}
