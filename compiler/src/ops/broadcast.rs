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
        let rank = common.rank().max(input.rank());
        if let Some(axis) = misplaced_batch(&common, input) {
            return Err(mismatch(inputs, branch, axis, &from_end(&common, axis), reason));
        }
        let mut sizes = Vec::with_capacity(rank);
        for axis in (0..rank).map(|axis| rank - axis) {
            let (a, b) = (from_end(&common, axis), from_end(input, axis));
            sizes.push(match (a.number(), b.number()) {
                (Some(1), _) => b,
                (_, Some(1)) => a,
                _ if meets_by_chance(&a, &b, axis == rank) || !requirements.equal(&a, &b, reason)? => {
                    return Err(mismatch(inputs, branch, axis, &a, reason));
                }
                (Some(_), _) => a,
                _ => b,
            });
        }
        common = Shape::from(sizes);
    }
    Ok(common)
}

/// The axis, from the end, at which the open first size of the shorter shape would meet another one than the same of the longer.
fn misplaced_batch(a: &Shape, b: &Shape) -> Option<usize> {
    let (shorter, longer) = if a.rank() < b.rank() { (a, b) } else { (b, a) };
    let batch = shorter.first().filter(|size| size.number().is_none())?;
    (shorter.rank() < longer.rank() && longer.first() == Some(batch)).then(|| shorter.rank())
}

/// Whether two sizes are open, or one of the batch, and only certain inputs would make them equal: sizes of no symbol in common,
/// or the first axis, which is no other's number.
fn meets_by_chance(a: &Dim, b: &Dim, is_first: bool) -> bool {
    let (left, right) = (a.symbols(), b.symbols());
    match (left.is_empty(), right.is_empty()) {
        (false, false) => !left.iter().any(|symbol| right.contains(symbol)),
        (true, true) => false,
        _ => is_first,
    }
}

/// The size of an axis counted from the end, where 1 is the last; 1 where there is none.
fn from_end(shape: &Shape, axis: usize) -> Dim {
    shape.rank().checked_sub(axis).and_then(|axis| shape.get(axis)).cloned().unwrap_or(Dim::Number(1))
}

/// The refusal of a branch, beside the earlier one that has the other size.
fn mismatch(inputs: &[Shape], branch: usize, axis: usize, size: &Dim, reason: &'static str) -> ShapeError {
    let earlier = inputs.iter().take(branch).position(|input| from_end(input, axis) == *size).unwrap_or(0);
    let shape = |branch: usize| inputs.get(branch).cloned().unwrap_or_default();
    let (left, right) = (shape(earlier), shape(branch));
    let axis = left.rank().max(right.rank()).saturating_sub(axis);
    ShapeError::Mismatch { left, right, branches: [earlier, branch], axis, reason }
}

/// The most inputs that one `Map` combines: expressions are walked by recursion, and a join may have any number of branches.
const TOGETHER: usize = 32;

/// All inputs combined left to right, [`TOGETHER`] at a time. A number is written into the expression.
pub fn fold(builder: &mut KernelBuilder, combine: impl Fn(Expression, Expression) -> Expression) -> NodeId {
    let rank = builder.output().len();
    let (mut operands, mut whole, mut terms) = (Vec::new(), None, 0);
    for input in builder.inputs() {
        if let Some(full) = whole.take_if(|_| terms == TOGETHER) {
            operands = vec![combined(builder, &operands, full, rank)];
            (whole, terms) = (Some(Expression::operand(0)), 1);
        }
        let term = match builder.number(input) {
            Some(number) => Expression::Constant(number),
            None => {
                operands.push(builder.with_rank(input, rank));
                Expression::operand(operands.len() - 1)
            }
        };
        whole = Some(whole.map_or_else(|| term.clone(), |whole| combine(whole, term.clone())));
        terms += 1;
    }
    match (whole, operands.as_slice()) {
        (None, _) => NodeId::end(),
        (Some(_), [single]) if terms == 1 => *single,
        (Some(whole), operands) => combined(builder, operands, whole, rank),
    }
}

/// An expression over operands of one rank; over none, one element.
fn combined(builder: &mut KernelBuilder, operands: &[NodeId], expression: Expression, rank: usize) -> NodeId {
    match operands {
        [] => builder.map_to(&vec![1; rank], &[], expression),
        operands => builder.map(operands, expression),
    }
}
