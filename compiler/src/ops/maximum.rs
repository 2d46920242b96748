//! `maximum { }`: the largest of its branches.

use super::{Operator, ShapeError, broadcast};
use crate::graph::NodeId;
use crate::kernels::{Expression, KernelBuilder};
use crate::onnx::{Nodes, Value};
use crate::shape::{Requirements, Shape};

crate::layer! {
    /// The largest of its branches, element by element, with PyTorch's broadcasting; not-a-number where any is.
    ///
    /// # Shape
    /// Axes are aligned at the last; a size of 1 is repeated, other sizes must be equal.
    ///
    /// # Errors
    /// E304 branches whose shapes differ
    ///
    /// # Source
    /// PyTorch `torch.maximum`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 8, 4, 4]
    /// maximum { Conv2d(8, kernel_size=1); Identity }
    /// ```
    Maximum as "maximum" {}
}

impl Operator for Maximum {
    fn infer(&self, inputs: &[Shape], requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        broadcast::shape(inputs, requirements, "`maximum` compares element by element")
    }

    fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
        broadcast::fold(builder, |left, right: Expression| left.maximum(right))
    }

    fn onnx(&self, nodes: &mut Nodes) -> Option<Value> {
        nodes.fold("Max")
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::{on, refusal};
    use super::*;

    #[test]
    fn branches_broadcast() {
        let join = on("maximum", &["[N, 8, H, W]", "[8, 1, 1]", "[N, 1, H, W]"]);
        assert_eq!(join.shape.to_string(), "[N, 8, H, W]");
        assert_eq!(join.kernels, ["reshape", "map max(max(x0, x1), x2)"]);
        assert!(matches!(refusal("maximum", &["[N, 8, 9]", "[N, 4, 9]"]), ShapeError::Mismatch { axis: 1, .. }));
    }
}
