//! Max: the largest along some axes. (`maximum { }` compares branches.)

use super::{Layer, LayerField, OneOrMore, Operator, ShapeError, reduction};
use crate::graph::NodeId;
use crate::kernels::{KernelBuilder, Reduction};
use crate::onnx::{Nodes, Value};
use crate::shape::{Requirements, Shape};

crate::layer! {
    /// The largest of all elements along one axis or several; not-a-number where any is. Its gradient goes to all of the
    /// largest in equal parts.
    ///
    /// # Shape
    /// The input's without the axes `dim`, or with size 1 there, `keepdim`.
    ///
    /// # Errors
    /// E306 an axis that does not exist; E310 an axis that is named twice
    ///
    /// # Source
    /// PyTorch `torch.amax`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 64, 7, 7]
    /// Max((2, 3))
    /// expect [N, 64]
    /// ```
    Max {
        /// The axis or axes; from the end when negative.
        dim: OneOrMore,
        /// Whether the axes stay, with size 1.
        keepdim: bool = false,
    }
}

impl Operator for Max {
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
        reduction::lower(builder, &self.dim, |builder, x, axes| builder.reduce(x, Reduction::Max, axes))
    }

    fn onnx(&self, nodes: &mut Nodes) -> Option<Value> {
        reduction::onnx(nodes, "ReduceMax", &self.dim, self.keepdim)
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::on;

    #[test]
    fn axes_go() {
        let layer = on("Max((2, 3))", &["[N, 8, 5, 4]"]);
        assert_eq!(layer.shape.to_string(), "[N, 8]");
        assert_eq!(layer.kernels, ["reduce_max", "reshape"]);
    }
}
