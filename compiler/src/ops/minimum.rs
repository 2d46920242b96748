//! `minimum { }`: the smallest of its branches.

use super::{Operator, ShapeError, broadcast};
use crate::graph::NodeId;
use crate::kernels::{Expression, KernelBuilder};
use crate::onnx::{Nodes, Value};
use crate::shape::{Requirements, Shape};

crate::layer! {
    /// The smallest of its branches, element by element, with PyTorch's broadcasting; not-a-number where any is.
    ///
    /// # Shape
    /// Axes are aligned at the last; a size of 1 is repeated, other sizes must be equal.
    ///
    /// # Errors
    /// E304 branches whose shapes differ
    ///
    /// # Source
    /// PyTorch `torch.minimum`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 8, 4, 4]
    /// minimum { Identity; 6.0 }
    /// ```
    Minimum as "minimum" {}
}

impl Operator for Minimum {
    fn infer(&self, inputs: &[Shape], requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        broadcast::shape(inputs, requirements, "`minimum` compares element by element")
    }

    fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
        broadcast::fold(builder, |left, right: Expression| left.minimum(right))
    }

    fn onnx(&self, nodes: &mut Nodes) -> Option<Value> {
        nodes.fold("Min")
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::{on, refusal};
    use super::*;

    #[test]
    fn branches_broadcast() {
        let join = on("minimum", &["[N, 8, H, W]", "[8, 1, 1]", "[N, 1, H, W]"]);
        assert_eq!(join.shape.to_string(), "[N, 8, H, W]");
        assert_eq!(join.kernels, ["reshape", "map min(min(x0, x1), x2)"]);
        assert!(matches!(refusal("minimum", &["[N, 8, 9]", "[N, 4, 9]"]), ShapeError::Mismatch { axis: 1, .. }));
    }
}
