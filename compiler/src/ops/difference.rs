//! `difference { }`: the first branch without the others.

use super::{Operator, ShapeError, broadcast};
use crate::graph::NodeId;
use crate::kernels::{Expression, KernelBuilder};
use crate::onnx::{Nodes, Value};
use crate::shape::{Requirements, Shape};

crate::layer! {
    /// Takes its other branches away from the first, element by element, with PyTorch's broadcasting.
    ///
    /// # Shape
    /// Axes are aligned at the last; a size of 1 is repeated, other sizes must be equal.
    ///
    /// # Errors
    /// E304 branches whose shapes differ
    ///
    /// # Source
    /// PyTorch `torch.sub`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 8, 4, 4]
    /// difference { Identity; { AdaptiveAvgPool2d(1) } }
    /// ```
    Difference as "difference" {}
}

impl Operator for Difference {
    fn infer(&self, inputs: &[Shape], requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        broadcast::shape(inputs, requirements, "`difference` takes away element by element")
    }

    fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
        broadcast::fold(builder, |left, right: Expression| left - right)
    }

    fn onnx(&self, nodes: &mut Nodes) -> Option<Value> {
        nodes.fold("Sub")
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::{on, refusal};
    use super::*;

    #[test]
    fn branches_broadcast() {
        let join = on("difference", &["[N, 8, H, W]", "[8, 1, 1]", "[N, 1, H, W]"]);
        assert_eq!(join.shape.to_string(), "[N, 8, H, W]");
        assert_eq!(join.kernels, ["reshape", "map (x0 - x1) - x2"]);
        assert!(matches!(refusal("difference", &["[N, 8, 9]", "[N, 4, 9]"]), ShapeError::Mismatch { axis: 1, .. }));
    }
}
