//! What is laid around sequences, planes and volumes: zeros, a number, or elements of their own, axis by axis.
//!
//! Zeros are the kernel `Pad`. All else is a `Concat` of slices, which the planner writes straight into the place of the
//! whole: what is copied is what any kernel for it would copy, and gradients and engines need nothing new.
//!
//! `padding! { /// doc  Name { fields }  layer => filling }` declares a layer, whose field `padding` are its [`Sides`].

use super::argument_types::tuple;
use super::window::names;
use super::{LayerField, ShapeError, Sides, Taps, inputs};
use crate::diagnostic::Code;
use crate::graph::NodeId;
use crate::kernels::{Expression, KernelBuilder};
use crate::onnx::{Attribute, Nodes, Value};
use crate::shape::{Dim, Relation, Requirements, Shape};

/// What is laid around.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Filling {
    /// Zeros.
    Zeros,
    /// That number.
    Constant(f64),
    /// What lies as far inside of the border, which itself is not repeated.
    Reflection,
    /// The element at the border.
    Replication,
    /// What lies at the other end.
    Circular,
}

macro_rules! padding {
    ($(#[doc = $doc:literal])* $name:ident { $($fields:tt)* } $layer:ident => $filling:expr) => {
        $crate::layer! { $(#[doc = $doc])* $name { $($fields)* } }

        impl $crate::ops::Operator for $name {
            fn infer(
                &self,
                inputs: &[$crate::shape::Shape],
                requirements: &mut $crate::shape::Requirements,
            ) -> Result<$crate::shape::Shape, $crate::ops::ShapeError> {
                let $layer = self;
                $crate::ops::padding::shape(&self.padding, $filling, inputs, requirements)
            }

            fn receptive_field(
                &self,
                _inputs: &[$crate::shape::Shape],
                _output: &$crate::shape::Shape,
            ) -> $crate::ops::LayerField {
                let $layer = self;
                $crate::ops::padding::receptive_field(&self.padding, $filling)
            }

            fn describe(&self, _inputs: &[$crate::shape::Shape]) -> String {
                let $layer = self;
                $crate::ops::padding::describe(&self.padding, $filling)
            }

            fn lower(&self, builder: &mut $crate::kernels::KernelBuilder) -> $crate::graph::NodeId {
                let $layer = self;
                let sides = $crate::ops::padding::in_order(&self.padding);
                $crate::ops::padding::pad(builder, builder.input(0), &sides, $filling)
            }

            fn onnx(&self, nodes: &mut $crate::onnx::Nodes) -> Option<$crate::onnx::Value> {
                let $layer = self;
                $crate::ops::padding::onnx(nodes, &$crate::ops::padding::in_order(&self.padding), $filling)
            }
        }
    };
}

pub(super) use padding;

/// The sides in the order of the axes.
pub fn in_order<const D: usize>(padding: &Sides<D>) -> Vec<[i64; 2]> {
    padding.0.iter().rev().copied().collect()
}

/// `[N, C, ...]` with its sides.
pub fn shape<const D: usize>(
    padding: &Sides<D>,
    filling: Filling,
    inputs: &[Shape],
    requirements: &mut Requirements,
) -> Result<Shape, ShapeError> {
    let (batch, channels, sizes) = inputs::spatial(inputs, D)?;
    let written = tuple(padding.0.as_flattened());
    let sizes = check(&in_order(padding), filling, sizes, &written, requirements)?;
    Ok([batch.clone(), channels.clone()].into_iter().chain(sizes).collect())
}

/// The sizes with their sides, which must be there to be laid around; `written` is the argument as it stands in the spec.
pub fn check(
    sides: &[[i64; 2]],
    filling: Filling,
    sizes: &[Dim],
    written: &str,
    requirements: &mut Requirements,
) -> Result<Vec<Dim>, ShapeError> {
    let axes = names(sides.len()).iter().zip(sides).zip(sizes);
    axes.map(|((name, sides), size)| along(name, *sides, filling, size, written, requirements)).collect()
}

fn along(
    name: &str,
    [before, after]: [i64; 2],
    filling: Filling,
    size: &Dim,
    written: &str,
    requirements: &mut Requirements,
) -> Result<Dim, ShapeError> {
    let refused = |message: String, note: String| ShapeError::Other {
        code: Code::E310,
        message,
        argument: Some("padding"),
        note: Some(note.replace('-', "−")),
        mend: None,
    };
    let (cut_before, cut_after) = (before.min(0), after.min(0));
    let left = size.plus_number(cut_before)?.plus_number(cut_after)?;
    let whole = size.plus_number(before)?.plus_number(after)?;
    let is_cut = cut_before != 0 || cut_after != 0;
    // As in PyTorch all of the input may be cut off where zeros are left.
    let fills = matches!(filling, Filling::Zeros | Filling::Constant(_)) && (before > 0 || after > 0);
    let least = Dim::Number(if fills { 0 } else { 1 });
    if is_cut && !requirements.require(&left, Relation::AtLeast, &least, "no more can be cut off than there is")? {
        let (cut_before, cut_after) = (cut_before.unsigned_abs(), cut_after.unsigned_abs());
        let message = format!("padding={written} cuts off more of the {name} than there is");
        return Err(refused(message, format!("{name}: {size} - {cut_before} - {cut_after} = {left}")));
    }
    let most = before.max(after);
    let (needed, source) = match filling {
        Filling::Zeros | Filling::Constant(_) | Filling::Replication => (0, size),
        Filling::Reflection => (most.saturating_add(1), size),
        Filling::Circular => (most, &left),
    };
    let reason = "as much must be there as is laid around it";
    if most > 0 && needed > 1 && !requirements.require(source, Relation::AtLeast, &Dim::Number(needed), reason)? {
        let message = format!("padding={written} takes more of the {name} than there is");
        return Err(refused(message, format!("{name}: {most} more need {needed}, and there are {source}")));
    }
    Ok(whole)
}

/// Of what is made of an axis's own elements, all of it where any are laid around.
pub fn receptive_field<const D: usize>(padding: &Sides<D>, filling: Filling) -> LayerField {
    let own = !matches!(filling, Filling::Zeros | Filling::Constant(_));
    if own && padding.0.iter().take(2).flatten().any(|&side| side > 0) {
        let rank = D + 2;
        let last = padding.0.iter().take(2).enumerate();
        let around = last.filter(|(_, sides)| sides.iter().any(|&side| side > 0));
        return LayerField::Whole(around.map(|(axis, _)| rank - 1 - axis).collect());
    }
    LayerField::of_axes(in_order(padding).into_iter().map(|[before, _]| Taps::window(1, 1, 1, before)))
}

/// What PyTorch prints.
pub fn describe<const D: usize>(padding: &Sides<D>, filling: Filling) -> String {
    let sides = tuple(padding.0.as_flattened());
    match filling {
        Filling::Constant(value) => format!("padding={sides}, value={}", super::Argument::python(&value)),
        _ => sides,
    }
}

/// `x` with its sides, those of the last axes in their order.
pub fn pad(builder: &mut KernelBuilder, x: NodeId, sides: &[[i64; 2]], filling: Filling) -> NodeId {
    let rank = builder.shape(x).len();
    let side = |number: i64| isize::try_from(number).unwrap_or(0);
    let first = rank.saturating_sub(sides.len());
    if matches!(filling, Filling::Zeros | Filling::Constant(0.0)) {
        let around = sides.iter().map(|&[before, after]| (side(before), side(after)));
        let all: Vec<(isize, isize)> = std::iter::repeat_n((0, 0), first).chain(around).collect();
        return builder.pad(x, &all);
    }
    // The last axis first, so that what is laid around it is copied with its lines.
    sides.iter().enumerate().rev().fold(x, |x, (index, &[before, after])| {
        pad_axis(builder, x, first + index, [side(before), side(after)], filling)
    })
}

fn pad_axis(
    builder: &mut KernelBuilder,
    x: NodeId,
    axis: usize,
    [before, after]: [isize; 2],
    filling: Filling,
) -> NodeId {
    let size = builder.shape(x).get(axis).copied().unwrap_or(1);
    let (cut_before, cut_after) = ((-before).max(0) as usize, (-after).max(0) as usize);
    let (more_before, more_after) = (before.max(0) as usize, after.max(0) as usize);
    let kept = size.saturating_sub(cut_before).saturating_sub(cut_after);
    let middle = match kept == size {
        true => x,
        false => builder.slice(x, axis, cut_before.min(size), kept),
    };
    let mut parts = side_of(builder, [x, middle], axis, more_before, true, filling);
    if kept > 0 {
        parts.push(middle);
    }
    parts.extend(side_of(builder, [x, middle], axis, more_after, false, filling));
    if let [single] = parts.as_slice() { *single } else { builder.concat(&parts, axis) }
}

/// What lies before or after the middle: `count` elements, made of the whole `x` or, around in a circle, of what is left of it.
fn side_of(
    builder: &mut KernelBuilder,
    [x, middle]: [NodeId; 2],
    axis: usize,
    count: usize,
    is_before: bool,
    filling: Filling,
) -> Vec<NodeId> {
    if count == 0 {
        return Vec::new();
    }
    let of = |builder: &KernelBuilder, node| builder.shape(node).get(axis).copied().unwrap_or(1);
    let size = of(builder, x);
    match filling {
        Filling::Zeros | Filling::Constant(_) => {
            let value = if let Filling::Constant(value) = filling { value } else { 0.0 };
            vec![builder.map_to(&with(builder, x, axis, count), &[], Expression::Constant(value))]
        }
        Filling::Replication => {
            let border = builder.slice(x, axis, if is_before { 0 } else { size.saturating_sub(1) }, 1);
            vec![builder.map_to(&with(builder, x, axis, count), &[border], Expression::operand(0))]
        }
        Filling::Reflection if is_before => (1..=count).rev().map(|at| builder.slice(x, axis, at, 1)).collect(),
        Filling::Reflection => {
            (2..=count + 1).map(|back| builder.slice(x, axis, size.saturating_sub(back), 1)).collect()
        }
        Filling::Circular => {
            let first = if is_before { of(builder, middle).saturating_sub(count) } else { 0 };
            vec![builder.slice(middle, axis, first, count)]
        }
    }
}

/// The shape of a value with another size along an axis.
fn with(builder: &KernelBuilder, x: NodeId, axis: usize, size: usize) -> Vec<usize> {
    let mut shape = builder.shape(x);
    if let Some(slot) = shape.get_mut(axis) {
        *slot = size;
    }
    shape
}

/// ONNX's own padding, which may cut off where zeros or a number are laid around. What comes in at the other end is left to the
/// kernels.
pub fn onnx(nodes: &mut Nodes, sides: &[[i64; 2]], filling: Filling) -> Option<Value> {
    let (x, rank) = (nodes.input(0)?, nodes.output().rank());
    let (mode, value) = match filling {
        Filling::Zeros => ("constant", 0.0),
        Filling::Constant(value) => ("constant", value),
        Filling::Reflection => ("reflect", 0.0),
        Filling::Replication => ("edge", 0.0),
        Filling::Circular => return None,
    };
    if mode != "constant" && sides.iter().flatten().any(|&side| side < 0) {
        return None;
    }
    let side = |which: usize| {
        let around = sides.iter().map(move |sides| sides[which]);
        std::iter::repeat_n(0, rank.saturating_sub(sides.len())).chain(around)
    };
    let pads: Vec<i64> = side(0).chain(side(1)).collect();
    let mut inputs = vec![x, nodes.ints(&pads)];
    if value != 0.0 {
        inputs.push(nodes.float(value));
    }
    Some(nodes.node("Pad", &inputs, vec![("mode", Attribute::Text(mode))]))
}
