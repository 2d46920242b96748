//! Min: the smallest along some axes. (`minimum { }` compares branches.)

use super::{Layer, LayerField, OneOrMore, Operator, ShapeError, reduction};
use crate::graph::NodeId;
use crate::kernels::{Expression, KernelBuilder, Reduction};
use crate::onnx::{Nodes, Value};
use crate::shape::{Requirements, Shape};

crate::layer! {
    /// The smallest of all elements along one axis or several; not-a-number where any is. Its gradient goes to all of the
    /// smallest in equal parts.
    ///
    /// # Shape
    /// The input's without the axes `dim`, or with size 1 there, `keepdim`.
    ///
    /// # Errors
    /// E306 an axis that does not exist; E310 an axis that is named twice
    ///
    /// # Source
    /// PyTorch `torch.amin`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 64, 7, 7]
    /// Min(1)
    /// expect [N, 7, 7]
    /// ```
    Min {
        /// The axis or axes; from the end when negative.
        dim: OneOrMore,
        /// Whether the axes stay, with size 1.
        keepdim: bool = false,
    }
}

impl Operator for Min {
    fn infer(&self, inputs: &[Shape], _requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        reduction::infer(&self.dim, self.keepdim, inputs)
    }

    fn receptive_field(&self, inputs: &[Shape], _output: &Shape) -> LayerField {
        reduction::field(&self.dim, self.keepdim, inputs)
    }

    fn describe(&self, _inputs: &[Shape]) -> String {
        self.keywords()
    }

    fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
        let negative = |builder: &mut KernelBuilder, x| builder.map(&[x], -Expression::operand(0));
        reduction::lower(builder, &self.dim, |builder, x, axes| {
            let turned = negative(builder, x);
            let largest = builder.reduce(turned, Reduction::Max, axes);
            negative(builder, largest)
        })
    }

    fn onnx(&self, nodes: &mut Nodes) -> Option<Value> {
        reduction::onnx(nodes, "ReduceMin", &self.dim, self.keepdim)
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::on;

    #[test]
    fn axes_go() {
        let layer = on("Min((2, 3))", &["[N, 8, 5, 4]"]);
        assert_eq!(layer.shape.to_string(), "[N, 8]");
        assert_eq!(layer.kernels, ["map -x0", "reduce_max", "map -x0", "reshape"]);
    }
}
