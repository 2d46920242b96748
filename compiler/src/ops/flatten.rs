//! Flatten: several axes become one.

use super::{Layer, LayerField, Operator, ShapeError, inputs};
use crate::diagnostic::Code;
use crate::graph::NodeId;
use crate::kernels::KernelBuilder;
use crate::onnx::{Attribute, Nodes, Value};
use crate::shape::{Requirements, Shape};
use std::ops::RangeInclusive;

crate::layer! {
    /// Makes one axis of several neighbours; without arguments, of all but the batch.
    ///
    /// # Shape
    /// The sizes from `start_dim` to `end_dim` multiplied, the others as they are.
    ///
    /// # Errors
    /// E306 an axis that does not exist, or the last before the first
    ///
    /// # Source
    /// PyTorch `nn.Flatten`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 16, 5, 5]
    /// Flatten
    /// expect [N, 400]
    /// ```
    Flatten {
        /// The first of the axes; from the end when negative.
        start_dim: i64 = 1,
        /// The last of the axes; from the end when negative.
        end_dim: i64 = -1,
    }
}

impl Flatten {
    fn axes(&self, input: &Shape) -> Result<RangeInclusive<usize>, ShapeError> {
        let first = inputs::axis("start_dim", self.start_dim, input)?;
        let last = inputs::axis("end_dim", self.end_dim, input)?;
        if first <= last {
            return Ok(first..=last);
        }
        Err(ShapeError::Other {
            code: Code::E306,
            message: format!("start_dim={} comes after end_dim={}", self.start_dim, self.end_dim),
            argument: Some("start_dim"),
            note: Some(format!("of {input}, these are the axes {first} and {last}")),
            mend: Some(("start_dim", last.to_string())),
        })
    }
}

impl Operator for Flatten {
    fn infer(&self, inputs: &[Shape], _requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        let input = inputs::single(inputs)?;
        let axes = self.axes(&input)?;
        let (first, last) = (*axes.start(), *axes.end());
        let folded = Shape::from(input.get(axes).unwrap_or_default().to_vec()).elements()?;
        let before = input.iter().take(first).cloned();
        Ok(before.chain([folded]).chain(input.iter().skip(last + 1).cloned()).collect())
    }

    fn receptive_field(&self, inputs: &[Shape], _output: &Shape) -> LayerField {
        let input = inputs.first().cloned().unwrap_or_default();
        let Ok(axes) = self.axes(&input) else { return LayerField::Point };
        let (first, last) = (*axes.start(), *axes.end());
        let place = |axis: usize| if axis > last { axis - (last - first) } else { axis.min(first) };
        LayerField::Moved((0..input.rank()).map(place).collect())
    }

    fn describe(&self, _inputs: &[Shape]) -> String {
        self.keywords()
    }

    fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
        let output = builder.output();
        builder.reshape(builder.input(0), &output)
    }

    /// ONNX's own makes two axes of all; any other is a reshaping, as its kernel is.
    fn onnx(&self, nodes: &mut Nodes) -> Option<Value> {
        let x = nodes.input(0)?;
        let (axes, rank) = (self.axes(&nodes.shape(x)).ok()?, nodes.shape(x).rank());
        (*axes.start() == 1 && *axes.end() + 1 == rank)
            .then(|| nodes.node("Flatten", &[x], vec![("axis", Attribute::Int(1))]))
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::{on, refusal};
    use super::*;

    #[test]
    fn neighbours_become_one() {
        let flat = on("Flatten", &["[N, 16, 5, 5]"]);
        assert_eq!(flat.shape.to_string(), "[N, 400]");
        assert_eq!(flat.describe(), "start_dim=1, end_dim=-1");
        assert_eq!(flat.receptive_field(), LayerField::Moved(vec![0, 1, 1, 1]));
        let middle = on("Flatten(1, -2)", &["[N, 2, H, W]"]);
        assert_eq!(middle.shape.to_string(), "[N, 2*H, W]");
        assert_eq!(middle.receptive_field(), LayerField::Moved(vec![0, 1, 1, 2]));
        assert_eq!(on("Flatten", &["[N, 7]"]).kernels, Vec::<String>::new());
    }

    #[test]
    fn axes_exist_and_are_in_order() {
        assert!(matches!(refusal("Flatten", &["[N]"]), ShapeError::NoSuchAxis { argument: "start_dim", .. }));
        let ShapeError::Other { message, mend, .. } = refusal("Flatten(2, 1)", &["[N, 2, 3]"]) else {
            panic!("another error");
        };
        assert_eq!(message, "start_dim=2 comes after end_dim=1");
        assert_eq!(mend, Some(("start_dim", "1".into())));
        assert_eq!(refusal("Flatten", &["[N, 4000000000, 4000000000]"]), ShapeError::TooLarge);
    }
}
