//! Softmax2d: chances over the channels of each place.

use super::exponentials::{self, Exponentials};
use super::{LayerField, Operator, ShapeError, inputs};
use crate::graph::NodeId;
use crate::kernels::KernelBuilder;
use crate::onnx::{Nodes, Value};
use crate::shape::{Requirements, Shape};

crate::layer! {
    /// A softmax over the channels of `[N, C, H, W]`, each place by itself.
    ///
    /// # Shape
    /// The input's.
    ///
    /// # Errors
    /// E303 an input of another number of axes
    ///
    /// # Source
    /// PyTorch `nn.Softmax2d`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 21, 32, 32]
    /// Softmax2d
    /// ```
    Softmax2d {}
}

impl Operator for Softmax2d {
    fn infer(&self, inputs: &[Shape], _requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        inputs::planes(inputs)?;
        inputs::single(inputs)
    }

    fn receptive_field(&self, inputs: &[Shape], _output: &Shape) -> LayerField {
        exponentials::receptive_field(1, inputs)
    }

    fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
        Exponentials::of_input(builder, 1).chances(builder)
    }

    fn onnx(&self, nodes: &mut Nodes) -> Option<Value> {
        exponentials::onnx(nodes, "Softmax", 1)
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::{on, refusal};
    use super::ShapeError;

    #[test]
    fn over_channels() {
        let softmax = on("Softmax2d", &["[N, 5, H, W]"]);
        assert_eq!(softmax.shape.to_string(), "[N, 5, H, W]");
        assert_eq!(softmax.kernels, ["reduce_max", "map x0 - x1", "map exp(x0)", "reduce_sum", "map x0 / x1"]);
        assert!(matches!(refusal("Softmax2d", &["[N, 5]"]), ShapeError::Rank { .. }));
    }
}
