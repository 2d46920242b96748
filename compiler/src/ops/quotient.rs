//! `quotient { }`: the first branch divided by the others.

use super::{Operator, ShapeError, broadcast};
use crate::graph::NodeId;
use crate::kernels::{Expression, KernelBuilder};
use crate::onnx::{Nodes, Value};
use crate::shape::{Requirements, Shape};

crate::layer! {
    /// Divides its first branch by the others, element by element, with PyTorch's broadcasting.
    ///
    /// # Shape
    /// Axes are aligned at the last; a size of 1 is repeated, other sizes must be equal.
    ///
    /// # Errors
    /// E304 branches whose shapes differ
    ///
    /// # Source
    /// PyTorch `torch.div`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 8, 4, 4]
    /// quotient { Identity; { AdaptiveAvgPool2d(1) } }
    /// ```
    Quotient as "quotient" {}
}

impl Operator for Quotient {
    fn infer(&self, inputs: &[Shape], requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        broadcast::shape(inputs, requirements, "`quotient` divides element by element")
    }

    fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
        broadcast::fold(builder, |left, right: Expression| left / right)
    }

    fn onnx(&self, nodes: &mut Nodes) -> Option<Value> {
        nodes.fold("Div")
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::{on, refusal};
    use super::*;

    #[test]
    fn branches_broadcast() {
        let join = on("quotient", &["[N, 8, H, W]", "[8, 1, 1]", "[N, 1, H, W]"]);
        assert_eq!(join.shape.to_string(), "[N, 8, H, W]");
        assert_eq!(join.kernels, ["reshape", "map (x0 / x1) / x2"]);
        assert!(matches!(refusal("quotient", &["[N, 8, 9]", "[N, 4, 9]"]), ShapeError::Mismatch { axis: 1, .. }));
    }
}
