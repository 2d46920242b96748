//! Losses in kernels, as PyTorch computes them.

use super::{Loss, SumOrMean};
use crate::graph::NodeId;
use crate::kernels::{Expression, KernelBuilder, Reduction, Unary};

/// What a loss gives.
pub(super) struct LossNodes {
    /// `[]`
    pub loss: NodeId,
    /// `[]`, where there are classes.
    pub correct: Option<NodeId>,
}

/// The shape of what an answer is compared with; `None` when the loss cannot be taken of such an answer.
pub(super) fn target_shape(loss: Loss, answer: &[usize]) -> Option<Vec<usize>> {
    match (loss, answer) {
        (Loss::MeanSquaredError(_), _) => Some(answer.to_vec()),
        (Loss::SoftCrossEntropy { .. }, [_, _, ..]) => Some(answer.to_vec()),
        (Loss::CrossEntropy { .. }, [batch, _, places @ ..]) => Some([&[*batch], places].concat()),
        (Loss::CrossEntropy { .. } | Loss::SoftCrossEntropy { .. }, _) => None,
    }
}

/// Writes the loss of the builder's first input against its second.
pub(super) fn write(builder: &mut KernelBuilder, loss: Loss) -> LossNodes {
    match loss {
        Loss::CrossEntropy { label_smoothing } => cross_entropy(builder, label_smoothing),
        Loss::SoftCrossEntropy { label_smoothing } => soft_cross_entropy(builder, label_smoothing),
        Loss::MeanSquaredError(made) => LossNodes { loss: squared_error(builder, made), correct: None },
    }
}

/// All elements added up, times a factor: `[]`.
fn total(builder: &mut KernelBuilder, x: NodeId, factor: f64) -> NodeId {
    let axes: Vec<usize> = (0..builder.shape(x).len()).collect();
    let sum = builder.reduce(x, Reduction::Sum, &axes);
    let scaled = builder.map(&[sum], Expression::operand(0) * factor);
    builder.reshape(scaled, &[])
}

fn squared_error(builder: &mut KernelBuilder, made: SumOrMean) -> NodeId {
    let (answer, target) = (builder.input(0), builder.input(1));
    let count: usize = builder.shape(answer).iter().product();
    let difference = Expression::operand(0) - Expression::operand(1);
    let squares = builder.map(&[answer, target], difference.clone() * difference);
    total(builder, squares, if made == SumOrMean::Mean { 1.0 / count as f64 } else { 1.0 })
}

/// The mean of `−Σ t·ln p` over images and places, where `p` is the softmax of the scores and `t` the label's 1, less and spread
/// by the smoothing. Also how many labels no other class outdoes.
fn cross_entropy(builder: &mut KernelBuilder, smoothing: f64) -> LossNodes {
    let scores = builder.input(0);
    let shape = builder.shape(scores);
    let classes = shape.get(1).copied().unwrap_or(1);
    let places = shape.iter().product::<usize>() / classes.max(1);
    let mut label_shape = shape.clone();
    if let Some(axis) = label_shape.get_mut(1) {
        *axis = 1;
    }
    let label = builder.reshape(builder.input(1), &label_shape);
    let [a, b, c] = [0, 1, 2].map(Expression::operand);
    let (shifted, sum) = powers(builder, scores);
    let target = is_label(&c).select(1.0 - smoothing, 0.0) + smoothing / classes as f64;
    let losses = builder.map(&[shifted, sum, label], (b.clone().unary(Unary::Log) - a.clone()) * target);
    let loss = total(builder, losses, 1.0 / places as f64);

    let of_label = builder.map(&[scores, label], is_label(&b).select(a.clone(), 0.0));
    let of_label = builder.reduce(of_label, Reduction::Sum, &[1]);
    // A class before the label outdoes it with an equal score already.
    let before = c.greater(Expression::Index(1) + 0.5);
    let at_least = Expression::Constant(1.0) - b.clone().greater(a.clone());
    let better = builder.map(&[scores, of_label, label], before.select(at_least, a.clone().greater(b)));
    let better = builder.reduce(better, Reduction::Sum, &[1]);
    let hits = builder.map(&[better], a.greater(0.5).select(0.0, 1.0));
    LossNodes { loss, correct: Some(total(builder, hits, 1.0)) }
}

/// The scores less their largest, and the sum of the powers of these.
fn powers(builder: &mut KernelBuilder, scores: NodeId) -> (NodeId, NodeId) {
    let [a, b] = [0, 1].map(Expression::operand);
    // The shift keeps powers in range and cancels out, so gradients need not pass it.
    let largest = builder.reduce(scores, Reduction::Max, &[1]);
    let shifted = builder.map(&[scores, largest], a.clone() - b.unary(Unary::Fixed));
    let powers = builder.map(&[shifted], a.unary(Unary::Exp));
    (shifted, builder.reduce(powers, Reduction::Sum, &[1]))
}

/// The same of targets that are given: the chances of all classes, less and spread by the smoothing. No class is the right one.
fn soft_cross_entropy(builder: &mut KernelBuilder, smoothing: f64) -> LossNodes {
    let scores = builder.input(0);
    let shape = builder.shape(scores);
    let classes = shape.get(1).copied().unwrap_or(1);
    let places = shape.iter().product::<usize>() / classes.max(1);
    let [a, b, c] = [0, 1, 2].map(Expression::operand);
    let (shifted, sum) = powers(builder, scores);
    let target = c * (1.0 - smoothing) + smoothing / classes as f64;
    let losses = builder.map(&[shifted, sum, builder.input(1)], (b.unary(Unary::Log) - a) * target);
    LossNodes { loss: total(builder, losses, 1.0 / places as f64), correct: None }
}

/// Whether the element's class is the label, which is a whole number.
fn is_label(label: &Expression) -> Expression {
    let class = || Expression::Index(1) + 0.5;
    class().greater(label.clone()) * (label.clone() + 1.0).greater(class())
}
