//! Identity: nothing is done.

use super::inputs::single;
use super::{Operator, ShapeError};
use crate::graph::NodeId;
use crate::kernels::{Expression, KernelBuilder};
use crate::layer;
use crate::shape::{Requirements, Shape};

layer! {
    /// Gives back what it takes: a branch that changes nothing.
    ///
    /// # Shape
    /// The input's, whatever its axes.
    ///
    /// # Source
    /// PyTorch `nn.Identity`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 8, 4, 4]
    /// sum { Conv2d(8, kernel_size=1); Identity }
    /// ```
    Identity {}
}

impl Operator for Identity {
    const IS_IDENTITY: bool = true;

    fn infer(&self, inputs: &[Shape], _requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        single(inputs)
    }

    fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
        builder.map(&[builder.input(0)], Expression::operand(0))
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::on;

    #[test]
    fn shape_text_and_expression() {
        let layer = on("Identity", &["[N, 8, H, W]"]);
        assert_eq!(layer.shape.to_string(), "[N, 8, H, W]");
        assert_eq!(layer.describe(), "");
        assert_eq!(layer.kernels, ["map x0"]);
    }
}
