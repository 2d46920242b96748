//! What the layers that drop share: the identity at inference; in training, by chance, zero, and else enlarged so that the mean
//! stays.

use super::Probability;
use crate::graph::NodeId;
use crate::kernels::{Expression, KernelBuilder};

/// The layer's input with elements dropped; those that share their index along the axes for which `together` says so are dropped
/// together.
pub fn drop(builder: &mut KernelBuilder, p: Probability, together: impl Fn(usize) -> bool) -> NodeId {
    let (x, value) = (builder.input(0), Expression::operand(0));
    let shape = builder.shape(x);
    let chances: Vec<usize> =
        shape.iter().enumerate().map(|(axis, &size)| if together(axis) { 1 } else { size }).collect();
    let kept = value.clone() * (1.0 / (1.0 - p.0));
    let alone = chances == shape;
    let drawn = if p.0 > 0.0 { builder.uniform(usize::from(alone), shape.len()) } else { None };
    let Some((uniform, [seed, step])) = drawn else { return builder.map(&[x], value) };
    let dropped = Expression::Constant(p.0).greater(uniform);
    if alone {
        return builder.map(&[x, seed, step], dropped.select(0.0, kept));
    }
    let dropped = builder.map_to(&chances, &[seed, step], dropped);
    builder.map(&[x, dropped], Expression::operand(1).select(0.0, kept))
}
