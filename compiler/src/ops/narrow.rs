//! Narrow: a slice along an axis.

use super::{Layer, Operator, LayerField, ShapeError, Taps, inputs};
use crate::diagnostic::Code;
use crate::graph::NodeId;
use crate::kernels::KernelBuilder;
use crate::shape::{Dim, Relation, Requirements, Shape};

crate::layer! {
    /// Elements `start .. start + length` along an axis: some of the channels, say.
    ///
    /// # Shape
    /// `length` along `dim`, the other sizes as they are.
    ///
    /// # Errors
    /// E306 an axis that does not exist; E307 a negative start along a symbol; E310 a slice past the end
    ///
    /// # Source
    /// PyTorch `torch.narrow`.
    ///
    /// # Example
    /// ```cnn
    /// input [N, 64, 14, 14]
    /// Narrow(dim=1, start=32, length=32)
    /// expect [N, 32, 14, 14]
    /// ```
    Narrow {
        /// The axis; from the end when negative.
        dim: i64,
        /// The first element; from the end when negative.
        start: i64,
        /// The number of elements.
        length: usize,
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
        let room = size.number().map(|size| size - first).filter(|&room| first >= 0 && room > 0);
        ShapeError::Other {
            code: Code::E310,
            message: format!("elements {first} .. {end} do not lie in an axis of {size}"),
            argument: Some(if room.is_some() { "length" } else { "start" }),
            note: Some(format!("start={} and length={} end at {end}", self.start, self.length)),
            mend: room.map(|room| ("length", room.to_string())),
        }
    }
}

impl Operator for Narrow {
    fn infer(&self, inputs: &[Shape], requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        let input = inputs::single(inputs)?;
        let axis = inputs::axis("dim", self.dim, &input)?;
        let mut sizes = input.to_vec();
        let Some(size) = sizes.get_mut(axis) else { return Err(ShapeError::TooLarge) };
        let first = self.first(size)?;
        let end = Dim::from(self.length).plus_number(first)?;
        if first < 0 || !requirements.require(size, Relation::AtLeast, &end, "the slice must lie in its input")? {
            return Err(self.past_the_end(size, first, &end));
        }
        *size = Dim::from(self.length);
        Ok(Shape::from(sizes))
    }

    fn receptive_field(&self, inputs: &[Shape]) -> LayerField {
        let Some(shape) = inputs.first() else { return LayerField::Point };
        let axis = inputs::axis("dim", self.dim, shape).unwrap_or(0);
        let start = shape.get(axis).and_then(|size| self.first(size).ok()).unwrap_or(0);
        let slice = Taps::window(1, 1, 1, -start);
        match shape.rank() - axis {
            1 => LayerField::Plane([Taps::POINT, slice]),
            2 => LayerField::Plane([slice, Taps::POINT]),
            _ => LayerField::Point,
        }
    }

    fn describe(&self, _inputs: &[Shape]) -> String {
        self.keywords()
    }

    fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
        let x = builder.input(0);
        let shape = Shape::from(builder.shape(x).as_slice());
        let axis = inputs::axis("dim", self.dim, &shape).unwrap_or(0);
        let first = shape.get(axis).and_then(|size| self.first(size).ok()).unwrap_or(0);
        builder.slice(x, axis, usize::try_from(first).unwrap_or(0), self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::{on, refusal};
    use super::*;

    #[test]
    fn a_slice_of_an_axis() {
        let slice = on("Narrow(dim=1, start=32, length=32)", &["[N, 64, H, W]"]);
        assert_eq!(slice.shape.to_string(), "[N, 32, H, W]");
        assert_eq!(slice.kernels, ["slice"]);
        assert_eq!(slice.receptive_field(), LayerField::Point);
        assert_eq!(on("Narrow(1, -3, 2)", &["[N, 4, 5, 6]"]).shape.to_string(), "[N, 2, 5, 6]");
        let rows = on("Narrow(-2, 4, 1)", &["[N, 4, H, 6]"]);
        assert_eq!(rows.requirements, ["H AtLeast 5"]);
        assert_eq!(rows.receptive_field(), LayerField::Plane([Taps::window(1, 1, 1, -4), Taps::POINT]));
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
