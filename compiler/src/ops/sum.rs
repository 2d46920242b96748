//! `sum { }`: branches added.

use super::{Operator, ShapeError, broadcast};
use crate::graph::NodeId;
use crate::kernels::{Expression, KernelBuilder};
use crate::onnx::{Nodes, Value};
use crate::shape::{Requirements, Shape};

crate::layer! {
    /// Adds its branches element by element, with PyTorch's broadcasting.
    ///
    /// # Shape
    /// Axes are aligned at the last; a size of 1 is repeated, other sizes must be equal.
    ///
    /// # Errors
    /// E304 branches whose shapes differ
    ///
    /// # Source
    /// PyTorch `torch.add`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 8, 4, 4]
    /// sum { Conv2d(8, kernel_size=3, padding=1); Identity }
    /// ```
    Sum as "sum" {}
}

impl Operator for Sum {
    fn infer(&self, inputs: &[Shape], requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        broadcast::shape(inputs, requirements, "`sum` adds element by element")
    }

    fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
        broadcast::fold(builder, |left, right: Expression| left + right)
    }

    fn onnx(&self, nodes: &mut Nodes) -> Option<Value> {
        nodes.fold("Add")
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::{on, refusal};
    use super::*;

    #[test]
    fn branches_broadcast() {
        let join = on("sum", &["[N, 8, H, W]", "[8, 1, 1]", "[N, 1, H, W]"]);
        assert_eq!(join.shape.to_string(), "[N, 8, H, W]");
        assert_eq!(join.kernels, ["reshape", "map (x0 + x1) + x2"]);
        assert_eq!(on("sum", &["[N, 1, 5, 1]", "[N, 4, 1, 6]"]).shape.to_string(), "[N, 4, 5, 6]");
        assert_eq!(on("sum", &["[N, 8]", "[N, F]"]).requirements, ["8 Equal F"]);
    }

    #[test]
    fn sizes_that_differ_are_refused() {
        let refused = |branches: &[&str]| match refusal("sum", branches) {
            ShapeError::Mismatch { left, branches, axis, .. } => (left.to_string(), branches, axis),
            other => panic!("{other:?}"),
        };
        assert_eq!(refused(&["[N, 8, 9]", "[N, 8, 9]", "[N, 4, 9]"]), ("[N, 8, 9]".to_owned(), [0, 2], 1));
        assert_eq!(refused(&["[N, 1, 9]", "[8, 1]", "[1, 4, 9]"]), ("[8, 1]".to_owned(), [1, 2], 1));
    }
}
