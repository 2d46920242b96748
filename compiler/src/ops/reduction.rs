//! What layers share that make one element of all along some axes, or take axes away.

use super::receptive_field::AxisMove;
use super::{Argument, LayerField, OneOrMore, ShapeError, inputs};
use crate::diagnostic::Code;
use crate::graph::NodeId;
use crate::kernels::KernelBuilder;
use crate::onnx::{Nodes, Value};
use crate::shape::{Dim, Shape};

/// The axes that an argument names, in order, each once.
pub fn axes(argument: &'static str, dim: &OneOrMore, input: &Shape) -> Result<Vec<usize>, ShapeError> {
    let mut axes = Vec::with_capacity(dim.0.len());
    for &axis in &dim.0 {
        let position = inputs::axis(argument, axis, input)?;
        if axes.contains(&position) {
            return Err(ShapeError::Other {
                code: Code::E310,
                message: format!("{argument}={} names axis {position} twice", dim.write()),
                argument: Some(argument),
                note: None,
                mend: None,
            });
        }
        axes.push(position);
    }
    axes.sort_unstable();
    Ok(axes)
}

/// A shape without some of its axes.
pub fn without(input: &Shape, axes: &[usize]) -> Shape {
    input.iter().enumerate().filter(|(axis, _)| !axes.contains(axis)).map(|(_, size)| size.clone()).collect()
}

/// The shape when one element is made of all along `dim`, whose axes stay with size 1 or go.
pub fn infer(dim: &OneOrMore, keepdim: bool, inputs: &[Shape]) -> Result<Shape, ShapeError> {
    let input = inputs::single(inputs)?;
    let axes = axes("dim", dim, &input)?;
    if !keepdim {
        return Ok(without(&input, &axes));
    }
    let size = |(axis, size): (usize, &Dim)| if axes.contains(&axis) { Dim::Number(1) } else { size.clone() };
    Ok(input.iter().enumerate().map(size).collect())
}

/// What an element sees: all along `dim`.
pub fn field(dim: &OneOrMore, keepdim: bool, inputs: &[Shape]) -> LayerField {
    let input = inputs.first().cloned().unwrap_or_default();
    let axes = axes("dim", dim, &input).unwrap_or_default();
    let place = |axis: usize| if keepdim { axis } else { axis - axes.iter().filter(|&&gone| gone < axis).count() };
    let one = |axis: usize| match axes.contains(&axis) {
        true => AxisMove::Gathered(place(axis)),
        false => AxisMove::To(place(axis)),
    };
    LayerField::Axes((0..input.rank()).map(one).collect())
}

/// The layer in kernels, where `reduce` leaves axes of size 1.
pub fn lower(
    builder: &mut KernelBuilder,
    dim: &OneOrMore,
    reduce: impl Fn(&mut KernelBuilder, NodeId, &[usize]) -> NodeId,
) -> NodeId {
    let (x, output) = (builder.input(0), builder.output());
    let input = Shape::from(builder.shape(x).as_slice());
    let reduced = reduce(builder, x, &axes("dim", dim, &input).unwrap_or_default());
    builder.reshape(reduced, &output)
}

/// An operator of ONNX along axes.
pub fn onnx(nodes: &mut Nodes, operator: &'static str, dim: &OneOrMore, keepdim: bool) -> Option<Value> {
    let x = nodes.input(0)?;
    let axes = axes("dim", dim, &nodes.shape(x)).ok()?;
    Some(nodes.reduce(operator, x, &axes, keepdim))
}
