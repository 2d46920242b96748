//! Mean: one element of all along some axes.

use super::{Layer, LayerField, OneOrMore, Operator, ShapeError, reduction};
use crate::graph::NodeId;
use crate::kernels::KernelBuilder;
use crate::onnx::{Nodes, Value};
use crate::shape::{Requirements, Shape};

crate::layer! {
    /// The mean of all elements along one axis or several.
    ///
    /// # Shape
    /// The input's without the axes `dim`, or with size 1 there, `keepdim`.
    ///
    /// # Errors
    /// E306 an axis that does not exist; E310 an axis that is named twice
    ///
    /// # Source
    /// PyTorch `torch.mean`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 64, 7, 7]
    /// Mean((2, 3)); Linear(10)
    /// expect [N, 10]
    /// ```
    Mean {
        /// The axis or axes; from the end when negative.
        dim: OneOrMore,
        /// Whether the axes stay, with size 1.
        keepdim: bool = false,
    }
}

impl Operator for Mean {
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
        reduction::lower(builder, &self.dim, |builder, x, axes| builder.mean(x, axes))
    }

    fn onnx(&self, nodes: &mut Nodes) -> Option<Value> {
        reduction::onnx(nodes, "ReduceMean", &self.dim, self.keepdim)
    }
}

#[cfg(test)]
mod tests {
    use super::super::AxisMove::{Gathered, To};
    use super::super::test_layer::{on, refusal};
    use super::*;

    #[test]
    fn axes_go_or_stay() {
        let layer = on("Mean((1, -1))", &["[N, 8, H, 4]"]);
        assert_eq!(layer.shape.to_string(), "[N, H]");
        assert_eq!(layer.describe(), "dim=(1, -1), keepdim=False");
        assert_eq!(layer.kernels, ["reduce_sum", "map x0 * 0.03125", "reshape"]);
        assert_eq!(layer.receptive_field(), LayerField::Axes(vec![To(0), Gathered(1), To(1), Gathered(2)]));
        let kept = on("Mean(2, keepdim=true)", &["[N, 8, H, W]"]);
        assert_eq!(kept.shape.to_string(), "[N, 8, 1, W]");
        assert_eq!(kept.kernels.len(), 2);
        assert!(matches!(refusal("Mean(2)", &["[N, 8]"]), ShapeError::NoSuchAxis { .. }));
        assert!(matches!(refusal("Mean((1, -1))", &["[N, 8]"]), ShapeError::Other { .. }));
    }
}
