//! Narrow: a slice along an axis.

use super::{Layer, LayerField, Operator, ShapeError, inputs, slicing};
use crate::diagnostic::Code;
use crate::graph::NodeId;
use crate::kernels::KernelBuilder;
use crate::onnx::{Nodes, Value};
use crate::shape::{Dim, Relation, Requirements, Shape};

crate::layer! {
    /// Elements along an axis from `start` on, every `step`-th of them: some of the channels, say, or every other row.
    ///
    /// # Shape
    /// `length` along `dim`, or as many as there are, `⌈(size − start) / step⌉`; the other sizes as they are.
    ///
    /// # Errors
    /// E306 an axis that does not exist; E307 a negative start along a symbol; E310 a slice past the end
    ///
    /// # Source
    /// PyTorch `torch.narrow`, with Python's step.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 64, H, 14]
    /// Narrow(dim=1, start=32, length=32)
    /// Narrow(dim=2, start=1, step=2)
    /// expect [N, 32, H // 2, 14]
    /// ```
    Narrow {
        /// The axis; from the end when negative.
        dim: i64,
        /// The first element; from the end when negative.
        start: i64,
        /// The number of elements; all that there are when left out.
        length: Option<Dim> = None,
        /// From one to the next.
        step: usize = 1,
    }
}

impl Narrow {
    /// The first element, counted from the front.
    fn first(&self, size: &Dim) -> Result<i64, ShapeError> {
        match size.number() {
            _ if self.start >= 0 => Ok(self.start),
            Some(size) => Ok(self.start + size),
            None => Err(ShapeError::Unknown { axis: "axis that `start` counts back from", size: size.clone() }),
        }
    }

    fn past_the_end(&self, size: &Dim, first: i64, end: &Dim) -> ShapeError {
        let step = self.step as i64;
        let room = size.number().map(|size| size - first).filter(|&room| first >= 0 && room > 0);
        let length = self.length.as_ref();
        let taken = length.map_or_else(String::new, |length| format!(" and length={length}"));
        let by = if step == 1 { String::new() } else { format!(" in steps of {step}") };
        ShapeError::Other {
            code: Code::E310,
            message: format!("elements {first} .. {end} do not lie in an axis of {size}"),
            argument: Some(if room.is_some() { "length" } else { "start" }),
            note: Some(format!("start={}{taken}{by} end at {end}", self.start)),
            mend: room.and(length).and(room).map(|room| ("length", ((room - 1) / step + 1).to_string())),
        }
    }

    /// The first element and the number of elements of a slice of an axis of that size.
    fn range(&self, size: &Dim, requirements: &mut Requirements) -> Result<(i64, Dim), ShapeError> {
        let (first, step) = (self.first(size)?, Dim::from(self.step));
        let reason = "the slice must lie in its input";
        let length = match &self.length {
            Some(length) => length.clone(),
            None => Dim::Number(1),
        };
        requirements.require(&length, Relation::AtLeast, &Dim::Number(1), "a slice has an element")?;
        let end = length.plus_number(-1)?.times(&step)?.plus_number(first)?.plus_number(1)?;
        if first < 0 || !requirements.require(size, Relation::AtLeast, &end, reason)? {
            return Err(self.past_the_end(size, first, &end));
        }
        let step = i64::try_from(self.step).map_err(|_| ShapeError::TooLarge)?;
        let all = size.plus_number(-first)?.ceiling_divided(step)?;
        Ok((first, if self.length.is_some() { length } else { all }))
    }
}

impl Operator for Narrow {
    fn infer(&self, inputs: &[Shape], requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        let input = inputs::single(inputs)?;
        let axis = inputs::axis("dim", self.dim, &input)?;
        let mut sizes = input.to_vec();
        let Some(size) = sizes.get_mut(axis) else { return Err(ShapeError::TooLarge) };
        *size = self.range(size, requirements)?.1;
        Ok(Shape::from(sizes))
    }

    fn receptive_field(&self, inputs: &[Shape], _output: &Shape) -> LayerField {
        let Some(shape) = inputs.first() else { return LayerField::Point };
        let axis = inputs::axis("dim", self.dim, shape).unwrap_or(0);
        let start = shape.get(axis).and_then(|size| self.first(size).ok());
        slicing::field(shape.rank(), axis, start, self.step)
    }

    fn describe(&self, _inputs: &[Shape]) -> String {
        self.keywords()
    }

    fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
        let x = builder.input(0);
        let shape = Shape::from(builder.shape(x).as_slice());
        let axis = inputs::axis("dim", self.dim, &shape).unwrap_or(0);
        let first = shape.get(axis).and_then(|size| self.first(size).ok()).unwrap_or(0);
        let length = builder.output().get(axis).copied().unwrap_or(1);
        slicing::lower(builder, x, axis, [usize::try_from(first).unwrap_or(0), length, self.step])
    }

    fn onnx(&self, nodes: &mut Nodes) -> Option<Value> {
        let (x, output) = (nodes.input(0)?, nodes.output());
        let shape = nodes.shape(x);
        let axis = inputs::axis("dim", self.dim, &shape).ok()?;
        let first = Dim::Number(self.first(shape.get(axis)?).ok()?);
        slicing::onnx(nodes, axis, [&first, output.get(axis)?], self.step)
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::{on, refusal};
    use super::super::{AxisMove, Taps};
    use super::*;

    #[test]
    fn a_slice_of_an_axis() {
        let slice = on("Narrow(dim=1, start=32, length=32)", &["[N, 64, H, W]"]);
        assert_eq!(slice.shape.to_string(), "[N, 32, H, W]");
        assert_eq!(slice.kernels, ["slice"]);
        assert_eq!(on("Narrow(1, -3, 2)", &["[N, 4, 5, 6]"]).shape.to_string(), "[N, 2, 5, 6]");
        let rows = on("Narrow(-2, 4, 1)", &["[N, 4, H, 6]"]);
        assert_eq!(rows.requirements, ["H AtLeast 5"]);
        let taken = AxisMove::Through(2, Taps::window(1, 1, 1, -4));
        assert_eq!(
            rows.receptive_field(),
            LayerField::Axes(vec![AxisMove::To(0), AxisMove::To(1), taken, AxisMove::To(3)])
        );
    }

    #[test]
    fn every_other_element() {
        let odd = on("Narrow(-1, 1, step=2)", &["[N, H]"]);
        assert_eq!((odd.shape.to_string().as_str(), odd.requirements), ("[N, H//2]", vec!["H AtLeast 2".into()]));
        let even = on("Narrow(1, 0, step=2)", &["[2, 7]"]);
        assert_eq!(even.shape.to_string(), "[2, 4]");
        assert_eq!(even.kernels, ["pad", "slice", "reshape", "slice", "reshape"]);
        let last = on("Narrow(1, 2, 3, 2)", &["[2, 7]"]);
        assert_eq!(last.kernels, ["slice", "reshape", "slice", "reshape"]);
        assert!(matches!(
            refusal("Narrow(1, 2, 4, 2)", &["[2, 7]"]),
            ShapeError::Other { mend: Some(("length", _)), .. }
        ));
    }

    #[test]
    fn a_slice_lies_in_its_axis() {
        let ShapeError::Other { message, mend, .. } = refusal("Narrow(1, start=6, length=4)", &["[N, 8, 5, 5]"]) else {
            panic!("another error");
        };
        assert_eq!(message, "elements 6 .. 10 do not lie in an axis of 8");
        assert_eq!(mend, Some(("length", "2".into())));
        assert!(matches!(refusal("Narrow(1, -9, 2)", &["[N, 8, 5, 5]"]), ShapeError::Other { mend: None, .. }));
        assert!(matches!(refusal("Narrow(2, -1, 1)", &["[N, 8, H, 5]"]), ShapeError::Unknown { .. }));
    }
}
