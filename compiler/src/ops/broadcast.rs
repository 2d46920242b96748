//! PyTorch's broadcasting, for the joins that work element by element.
//!
//! Shapes are aligned at their last axes; a size of 1 is repeated. Sizes that symbols leave open must be equal.

use super::ShapeError;
use crate::graph::NodeId;
use crate::kernels::{Expression, KernelBuilder};
use crate::shape::{Dim, Requirements, Shape};

/// The common shape of all inputs.
pub fn shape(inputs: &[Shape], requirements: &mut Requirements, reason: &'static str) -> Result<Shape, ShapeError> {
    let mut common = inputs.first().cloned().unwrap_or_default();
    for (branch, input) in inputs.iter().enumerate().skip(1) {
        common = pair(&common, input, branch, requirements, reason)?;
    }
    Ok(common)
}

fn pair(
    left: &Shape,
    right: &Shape,
    branch: usize,
    requirements: &mut Requirements,
    reason: &'static str,
) -> Result<Shape, ShapeError> {
    let rank = left.rank().max(right.rank());
    let size = |shape: &Shape, axis: usize| -> Dim {
        axis.checked_sub(rank - shape.rank()).and_then(|axis| shape.get(axis)).cloned().unwrap_or(Dim::Number(1))
    };
    let mut common = Vec::with_capacity(rank);
    for axis in 0..rank {
        let (a, b) = (size(left, axis), size(right, axis));
        common.push(match (&a, &b) {
            (Dim::Number(1), _) => b,
            (_, Dim::Number(1)) => a,
            _ if requirements.equal(&a, &b, reason)? => {
                if a.number().is_some() {
                    a
                } else {
                    b
                }
            }
            _ => {
                return Err(ShapeError::Mismatch { left: left.clone(), right: right.clone(), branch, axis, reason });
            }
        });
    }
    Ok(Shape(common))
}

/// All inputs combined in one `Map`, left to right.
pub fn fold(builder: &mut KernelBuilder, combine: impl Fn(Expression, Expression) -> Expression) -> NodeId {
    let rank = builder.output().len();
    let inputs: Vec<NodeId> = builder.inputs().into_iter().map(|input| builder.with_rank(input, rank)).collect();
    let whole = (1..inputs.len()).fold(Expression::operand(0), |left, index| combine(left, Expression::operand(index)));
    builder.map(&inputs, whole)
}
