//! Narrow: a slice along an axis.

use super::{Layer, Operator, Reach, ShapeError, inputs};
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
        let mut shape = inputs::single(inputs)?;
        let axis = inputs::axis("dim", self.dim, &shape)?;
        let Some(size) = shape.0.get_mut(axis) else { return Err(ShapeError::TooLarge) };
        let first = self.first(size)?;
        let end = Dim::from(self.length).plus_number(first)?;
        if first < 0 || !requirements.require(size, Relation::AtLeast, &end, "the slice must lie in its input")? {
            return Err(self.past_the_end(size, first, &end));
        }
        *size = Dim::from(self.length);
        Ok(shape)
    }

    fn reach(&self, inputs: &[Shape]) -> Reach {
        let Some(shape) = inputs.first() else { return Reach::Point };
        let axis = inputs::axis("dim", self.dim, shape).unwrap_or(0);
        let start = shape.get(axis).and_then(|size| self.first(size).ok()).unwrap_or(0);
        let before = match shape.rank() - axis {
            1 => [0, -start],
            2 => [-start, 0],
            _ => return Reach::Point,
        };
        Reach::Window { extent: [1, 1], stride: [1, 1], before }
    }

    fn describe(&self, _inputs: &[Shape]) -> String {
        self.keywords()
    }

    fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
        let x = builder.input(0);
        let shape = Shape::from(builder.shape(x).as_slice());
        let axis = inputs::axis("dim", self.dim, &shape).unwrap_or(0);
        let first = shape.get(axis).and_then(|size| self.first(size).ok()).and_then(|first| usize::try_from(first).ok());
        builder.slice(x, axis, first.unwrap_or(0), self.length)
    }
}
