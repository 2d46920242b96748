//! Parameter: a bare tensor.

use super::{Argument, Operator, ParameterDeclaration, ShapeError, Sizes};
use crate::graph::{Initialiser, NodeId};
use crate::kernels::KernelBuilder;
use crate::onnx::{Nodes, Value};
use crate::shape::{Requirements, Shape};

crate::layer! {
    /// A tensor of one's own, which training changes. It takes no input: it stands in a join, which adds it or
    /// multiplies by it.
    ///
    /// # Shape
    /// `shape`, whatever came before.
    ///
    /// # Parameters
    /// one of `shape`, whose key is the layer's own path
    ///
    /// # Source
    /// PyTorch `nn.Parameter(torch.full(shape, value))`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 96, 56, 56]
    /// product { Identity; layer_scale: Parameter((96, 1, 1), value=1e-6) }
    /// ```
    Parameter {
        /// Its sizes.
        shape: Sizes,
        /// What every element starts as; ones change nothing in a product.
        value: f64 = 1.0,
    }
}

impl Operator for Parameter {
    const TAKES_INPUT: bool = false;

    fn infer(&self, _inputs: &[Shape], _requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        Ok(Shape::from(self.shape.0.as_slice()))
    }

    fn parameters(&self, _inputs: &[Shape]) -> Result<Vec<ParameterDeclaration>, ShapeError> {
        let start = Initialiser::Constant(self.value);
        Ok(vec![ParameterDeclaration::trainable("", self.shape.0.clone(), start)])
    }

    fn describe(&self, _inputs: &[Shape]) -> String {
        self.shape.python()
    }

    fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
        builder.parameter(0).unwrap_or(NodeId::end())
    }

    /// A tensor of the file, and no node.
    fn onnx(&self, nodes: &mut Nodes) -> Option<Value> {
        nodes.parameter(0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::{bind, on, refusal};
    use super::*;

    #[test]
    fn a_tensor_of_ones_unless_told_otherwise() {
        let parameter = on("Parameter((96, 1, 1))", &[]);
        assert_eq!(parameter.shape.to_string(), "[96, 1, 1]");
        assert_eq!(parameter.parameters(), " [96, 1, 1]");
        assert_eq!(parameter.describe(), "(96, 1, 1)");
        assert!(!bind("Parameter(3)").unwrap().takes_input());
        let declared = bind("Parameter([2], value=1e-6)").unwrap().parameters(&[]).unwrap();
        assert_eq!(declared.first().map(|declared| declared.initialiser.clone()), Some(Initialiser::Constant(1e-6)));
        assert_eq!(refusal("Parameter((1000000000000, 1000000000000))", &[]), ShapeError::TooLarge);
    }
}
