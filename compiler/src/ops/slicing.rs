//! What layers share that take a part of an axis.

use super::receptive_field::AxisMove;
use super::{LayerField, ShapeError, Taps, inputs};
use crate::graph::NodeId;
use crate::kernels::KernelBuilder;
use crate::onnx::{Nodes, Value};
use crate::shape::{Dim, Relation, Requirements, Shape};

/// What an element sees of which the axis begins at `start`, where that is known, and goes on by `step`.
pub fn field(rank: usize, axis: usize, start: Option<i64>, step: usize) -> LayerField {
    let taken = match start {
        Some(start) => AxisMove::Through(axis, Taps::window(1, 1, step, -start)),
        None => AxisMove::Gathered(axis),
    };
    LayerField::Axes((0..rank).map(|other| if other == axis { taken } else { AxisMove::To(other) }).collect())
}

/// One of the parts that an axis `dim` is cut into: first element and number of elements of it, of an axis of some size.
pub struct Part<F: Fn(&Dim) -> Result<[Dim; 2], ShapeError>> {
    /// The axis; from the end when negative.
    pub dim: i64,
    /// First element and number of elements.
    pub range: F,
}

impl<F: Fn(&Dim) -> Result<[Dim; 2], ShapeError>> Part<F> {
    /// The shape of the part; `absent` says of an axis too short for it why.
    pub fn infer(
        &self,
        inputs: &[Shape],
        requirements: &mut Requirements,
        absent: impl Fn(&Dim, &Dim) -> ShapeError,
    ) -> Result<Shape, ShapeError> {
        let input = inputs::single(inputs)?;
        let axis = inputs::axis("dim", self.dim, &input)?;
        let mut sizes = input.to_vec();
        let Some(size) = sizes.get_mut(axis) else { return Err(ShapeError::TooLarge) };
        let [first, length] = (self.range)(size)?;
        let enough = first.plus_number(1)?;
        let is_there = first.number() == Some(0)
            || requirements.require(size, Relation::AtLeast, &enough, "there must be as many parts")?;
        if !is_there {
            return Err(absent(size, &first));
        }
        *size = length;
        Ok(Shape::from(sizes))
    }

    /// What an element of the part sees.
    pub fn field(&self, inputs: &[Shape]) -> LayerField {
        let Some(shape) = inputs.first() else { return LayerField::Point };
        let axis = inputs::axis("dim", self.dim, shape).unwrap_or(0);
        let first = shape.get(axis).and_then(|size| (self.range)(size).ok()).and_then(|[first, _]| first.number());
        field(shape.rank(), axis, first, 1)
    }

    /// The part in kernels.
    pub fn onnx(&self, nodes: &mut Nodes) -> Option<Value> {
        let shape = nodes.shape(nodes.input(0)?);
        let axis = inputs::axis("dim", self.dim, &shape).ok()?;
        let [first, length] = (self.range)(shape.get(axis)?).ok()?;
        onnx(nodes, axis, [&first, &length], 1)
    }

    pub fn lower(&self, builder: &mut KernelBuilder) -> NodeId {
        let x = builder.input(0);
        let shape = Shape::from(builder.shape(x).as_slice());
        let axis = inputs::axis("dim", self.dim, &shape).unwrap_or(0);
        let range =
            shape.get(axis).and_then(|size| (self.range)(size).ok()).unwrap_or([Dim::Number(0), Dim::Number(1)]);
        let [first, length] = range.map(|size| size.number().and_then(|size| usize::try_from(size).ok()).unwrap_or(0));
        lower(builder, x, axis, [first, length, 1])
    }
}

/// Elements `start, start + step, …` along an axis, `length` of them.
///
/// Of steps longer than 1 the axis is cut into as many pieces as there are elements, each with one of them in the same place;
/// zeros are laid behind it where the last piece would end past it.
pub fn lower(builder: &mut KernelBuilder, x: NodeId, axis: usize, [start, length, step]: [usize; 3]) -> NodeId {
    if step == 1 || length == 1 {
        return builder.slice(x, axis, start, length);
    }
    let shape = builder.shape(x);
    let size = shape.get(axis).copied().unwrap_or(1);
    let (whole, missing) = (length * step, (start + length * step).saturating_sub(size));
    let (x, first) = if missing <= start {
        (x, start - missing)
    } else {
        let around = |other: usize| if other == axis { (0, missing as isize) } else { (0, 0) };
        let around: Vec<(isize, isize)> = (0..shape.len()).map(around).collect();
        (builder.pad(x, &around), start)
    };
    let pieces = builder.slice(x, axis, first, whole);
    let mut sizes = builder.shape(pieces);
    sizes.splice(axis..=axis, [length, step]);
    let pieces = builder.reshape(pieces, &sizes);
    let taken = builder.slice(pieces, axis + 1, start - first, 1);
    sizes.remove(axis + 1);
    builder.reshape(taken, &sizes)
}

/// As many elements along an axis, from the first on.
pub fn onnx(nodes: &mut Nodes, axis: usize, [first, length]: [&Dim; 2], step: usize) -> Option<Value> {
    let step_size = i64::try_from(step).ok()?;
    let end = length.plus_number(-1).and_then(|last| last.times_number(step_size)).and_then(|last| last.plus(first));
    let end = end.and_then(|last| last.plus_number(1)).ok()?;
    let x = nodes.input(0)?;
    Some(nodes.slice(x, axis, [first, &end], step))
}
