//! ZeroPad2d: zeros around a plane, or a plane cut smaller.

use super::{Argument, Operator, LayerField, ShapeError, Sides, Taps, inputs};
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
    /// E303 an input of another number of axes; E310 more cut off than there is, or nothing left
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
    /// The size with zeros before and after. As in PyTorch all of the input may be cut off where zeros are left.
    fn padded(
        &self,
        name: &'static str,
        size: &Dim,
        before: i64,
        after: i64,
        requirements: &mut Requirements,
    ) -> Result<Dim, ShapeError> {
        let (cut_before, cut_after) = (before.min(0), after.min(0));
        let left = size.plus_number(cut_before)?.plus_number(cut_after)?;
        let whole = size.plus_number(before)?.plus_number(after)?;
        let is_cut = cut_before != 0 || cut_after != 0;
        let least = Dim::Number(if before > 0 || after > 0 { 0 } else { 1 });
        if !is_cut || requirements.require(&left, Relation::AtLeast, &least, "no more can be cut off than there is")? {
            return Ok(whole);
        }
        let (cut_before, cut_after) = (cut_before.unsigned_abs(), cut_after.unsigned_abs());
        Err(ShapeError::Other {
            code: Code::E310,
            message: format!("padding={} cuts off more of the {name} than there is", self.padding.write()),
            argument: Some("padding"),
            note: Some(format!("{name}: {size} - {cut_before} - {cut_after} = {left}").replace('-', "−")),
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
        Ok(Shape::from(vec![batch.clone(), channels.clone(), height, width]))
    }

    fn receptive_field(&self, _inputs: &[Shape]) -> LayerField {
        LayerField::Plane([self.padding.top, self.padding.left].map(|before| Taps::window(1, 1, 1, before)))
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

#[cfg(test)]
mod tests {
    use super::super::test_layer::{on, refusal};
    use super::*;

    #[test]
    fn sides_in_pytorchs_order() {
        let padded = on("ZeroPad2d((1, 2, -3, 4))", &["[N, 3, 9, W]"]);
        assert_eq!(padded.shape.to_string(), "[N, 3, 10, W + 3]");
        assert_eq!(padded.describe(), "(1, 2, -3, 4)");
        assert_eq!(padded.receptive_field(), LayerField::Plane([-3, 1].map(|before| Taps::window(1, 1, 1, before))));
        assert_eq!(on("ZeroPad2d(1)", &["[N, 3, 9, 9]"]).describe(), "(1, 1, 1, 1)");
    }

    #[test]
    fn cutting_must_leave_something() {
        let cut = on("ZeroPad2d(-1)", &["[N, 3, H, 9]"]);
        assert_eq!(cut.requirements, ["H - 2 AtLeast 1"]);
        let ShapeError::Other { note, .. } = refusal("ZeroPad2d((0, 0, -3, 3))", &["[N, 3, 2, 2]"]) else {
            panic!("another error");
        };
        assert_eq!(note.as_deref(), Some("height: 2 − 3 − 0 = −1"));
    }
}
