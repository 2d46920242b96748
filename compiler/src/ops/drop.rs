//! What the layers that drop share: the identity at inference; in training, by chance, zero, and else enlarged so that the mean
//! stays.

use super::Probability;
use crate::graph::NodeId;
use crate::kernels::{Expression, KernelBuilder};
use crate::onnx::{Nodes, Value};

/// The layer's input with elements dropped; those that share their index along the axes for which `together` says so are dropped
/// together.
pub fn drop(builder: &mut KernelBuilder, p: Probability, together: impl Fn(usize) -> bool) -> NodeId {
    drop_scaled(builder, p, 1.0 - p.0, together)
}

/// The same where what is kept is divided by that number.
pub fn drop_scaled(
    builder: &mut KernelBuilder,
    p: Probability,
    divisor: f64,
    together: impl Fn(usize) -> bool,
) -> NodeId {
    let (x, value) = (builder.input(0), Expression::operand(0));
    let shape = builder.shape(x);
    let chances: Vec<usize> =
        shape.iter().enumerate().map(|(axis, &size)| if together(axis) { 1 } else { size }).collect();
    let kept = value.clone() * (1.0 / divisor);
    if chances == shape {
        return alone(builder, p, 0.0, kept);
    }
    let drawn = if p.0 > 0.0 { builder.uniform(0, shape.len()) } else { None };
    let Some((uniform, [seed, step])) = drawn else { return builder.map(&[x], value) };
    let dropped = builder.map_to(&chances, &[seed, step], Expression::Constant(p.0).greater(uniform));
    builder.map(&[x, dropped], Expression::operand(1).select(0.0, kept))
}

/// The layer's input where every element has a chance of its own to become `dropped`, else `kept`, which is written of operand 0.
pub fn alone(builder: &mut KernelBuilder, p: Probability, dropped: f64, kept: Expression) -> NodeId {
    let x = builder.input(0);
    let rank = builder.shape(x).len();
    let drawn = if p.0 > 0.0 { builder.uniform(1, rank) } else { None };
    let Some((uniform, [seed, step])) = drawn else { return builder.map(&[x], Expression::operand(0)) };
    builder.map(&[x, seed, step], Expression::Constant(p.0).greater(uniform).select(dropped, kept))
}

/// ONNX's own, which drops where it is told to train.
pub fn onnx(nodes: &mut Nodes, p: Probability) -> Option<Value> {
    let (x, share) = (nodes.input(0)?, nodes.float(p.0));
    Some(nodes.node("Dropout", &[x, share], Vec::new()))
}
