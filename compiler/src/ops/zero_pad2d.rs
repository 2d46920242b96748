//! ZeroPad2d: zeros around a plane, or a plane cut smaller.

use super::{Argument, Operator, Reach, ShapeError, Sides, inputs};
use crate::diagnostic::Code;
use crate::graph::NodeId;
use crate::kernels::KernelBuilder;
use crate::shape::{Dim, Relation, Requirements, Shape};

crate::layer! {
    /// Zeros at each side of `[N, C, H, W]`; negative numbers cut rows and columns off.
    ///
    /// # Shape
    /// `H' = H + top + bottom`, `W' = W + left + right`
    ///
    /// # Errors
    /// E303 an input of another number of axes; E310 more cut off than there is
    ///
    /// # Source
    /// PyTorch `nn.ZeroPad2d`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 3, 32, 32]
    /// ZeroPad2d((0, 1, 0, 1)); Conv2d(16, kernel_size=3, stride=2)
    /// expect [N, 16, 16, 16]
    /// ```
    ZeroPad2d {
        /// Columns at the left and right, rows at the top and bottom, in this order; one int is all four.
        padding: Sides,
    }
}

impl ZeroPad2d {
    fn padded(
        &self,
        name: &'static str,
        size: &Dim,
        before: i64,
        after: i64,
        requirements: &mut Requirements,
    ) -> Result<Dim, ShapeError> {
        let padded = size.plus_number(before)?.plus_number(after)?;
        let grows = before.min(after) >= 0;
        if grows || requirements.require(&padded, Relation::AtLeast, &Dim::Number(1), "cutting must leave an element")? {
            return Ok(padded);
        }
        Err(ShapeError::Other {
            code: Code::E310,
            message: format!("padding={} leaves nothing of the {name}", self.padding.write()),
            argument: Some("padding"),
            note: Some(format!("{name}: {size} + ({before}) + ({after}) = {padded}").replace('-', "−")),
            mend: None,
        })
    }
}

impl Operator for ZeroPad2d {
    fn infer(&self, inputs: &[Shape], requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        let [batch, channels, height, width] = inputs::planes(inputs)?;
        let Sides { left, right, top, bottom } = self.padding;
        let height = self.padded("height", height, top, bottom, requirements)?;
        let width = self.padded("width", width, left, right, requirements)?;
        Ok(Shape(vec![batch.clone(), channels.clone(), height, width]))
    }

    fn reach(&self, _inputs: &[Shape]) -> Reach {
        Reach::Window { extent: [1, 1], stride: [1, 1], before: [self.padding.top, self.padding.left] }
    }

    fn describe(&self, _inputs: &[Shape]) -> String {
        self.padding.python()
    }

    fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
        let Sides { left, right, top, bottom } = self.padding;
        let side = |number: i64| isize::try_from(number).unwrap_or(0);
        let planes = [(0, 0), (0, 0), (side(top), side(bottom)), (side(left), side(right))];
        builder.pad(builder.input(0), &planes)
    }
}
