//! Roll: elements moved along an axis, those pushed out at the end coming in at the front.

use super::receptive_field::AxisMove;
use super::reduction::axes;
use super::{Argument, BindError, Layer, LayerField, OneOrMore, Operator, ShapeError, inputs};
use crate::graph::NodeId;
use crate::kernels::KernelBuilder;
use crate::shape::{Requirements, Shape};

crate::layer! {
    /// Moves all elements along an axis, or several, and lets those that are pushed out at one end in at the other.
    ///
    /// # Shape
    /// The input's.
    ///
    /// # Errors
    /// E206 another number of shifts than axes; E306 an axis that does not exist; E310 an axis that is named twice
    ///
    /// # Source
    /// PyTorch `torch.roll`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 56, 56, 96]
    /// Roll((-3, -3), (1, 2))
    /// ```
    Roll {
        /// By how many elements; backwards when negative.
        shifts: OneOrMore,
        /// Along which axis or axes, a shift for each; from the end when negative.
        dims: OneOrMore,
    }
}

impl Operator for Roll {
    fn validate(&self) -> Result<(), BindError> {
        let (shifts, dims) = (self.shifts.0.len(), self.dims.0.len());
        if shifts == dims {
            return Ok(());
        }
        let message = format!("shifts={} and dims={} are not as many", self.shifts.write(), self.dims.write());
        Err(BindError::Conflict { argument: "dims", message, mend: None })
    }

    fn infer(&self, inputs: &[Shape], _requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        let input = inputs::single(inputs)?;
        axes("dims", &self.dims, &input)?;
        Ok(input)
    }

    fn receptive_field(&self, inputs: &[Shape], _output: &Shape) -> LayerField {
        let input = inputs.first().cloned().unwrap_or_default();
        let rolled = axes("dims", &self.dims, &input).unwrap_or_default();
        let one = |axis| if rolled.contains(&axis) { AxisMove::Among(axis) } else { AxisMove::To(axis) };
        LayerField::Axes((0..input.rank()).map(one).collect())
    }

    fn describe(&self, _inputs: &[Shape]) -> String {
        self.keywords()
    }

    fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
        let (mut x, sizes) = (builder.input(0), builder.output());
        let shape = Shape::from(sizes.as_slice());
        for (&shift, &dim) in self.shifts.0.iter().zip(&self.dims.0) {
            let axis = inputs::axis("dims", dim, &shape).unwrap_or(0);
            let size = sizes.get(axis).copied().unwrap_or(1);
            let first = usize::try_from(shift.rem_euclid(size as i64)).unwrap_or(0);
            if first > 0 {
                let parts = [(size - first, first), (0, size - first)];
                let parts = parts.map(|(start, length)| builder.slice(x, axis, start, length));
                x = builder.concat(&parts, axis);
            }
        }
        x
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::{bind, on, refusal};
    use super::*;

    #[test]
    fn elements_come_in_at_the_other_end() {
        let layer = on("Roll((-3, 0), (1, -1))", &["[N, 7, 9]"]);
        assert_eq!(layer.shape.to_string(), "[N, 7, 9]");
        assert_eq!(layer.kernels, ["slice", "slice", "concat"]);
        let moves = vec![AxisMove::To(0), AxisMove::Among(1), AxisMove::Among(2)];
        assert_eq!(layer.receptive_field(), LayerField::Axes(moves));
        assert_eq!(on("Roll(7, 1)", &["[N, 7]"]).kernels, Vec::<String>::new());
    }

    #[test]
    fn every_shift_has_an_axis() {
        assert!(matches!(bind("Roll((1, 2), 1)"), Err(BindError::Conflict { argument: "dims", .. })));
        assert!(matches!(refusal("Roll(1, 2)", &["[N, 7]"]), ShapeError::NoSuchAxis { argument: "dims", .. }));
        assert!(matches!(refusal("Roll((1, 1), (1, -1))", &["[N, 7]"]), ShapeError::Other { .. }));
    }
}
