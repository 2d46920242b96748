//! Losses in kernels: a network's answer and what it is compared with come in, the loss of the batch goes out, and how many
//! samples were answered rightly. Each is stable: no power overflows, however large a score is.

mod options;

pub use options::{BinaryCrossEntropy, BinaryFocal, ClassWeights, CrossEntropy, Loss, SumOrMean};

use crate::graph::NodeId;
use crate::kernels::{Expression, KernelBuilder, Reduction, Unary};

/// What divisors and the base of a power are at least: the least normal number of float32. Below it both are 0, and their
/// quotient and the slope of the power would be no numbers.
const LEAST: f64 = f32::MIN_POSITIVE as f64;

/// What a loss gives.
pub(super) struct LossNodes {
    /// `[]`
    pub loss: NodeId,
    /// `[]`, where there are classes.
    pub correct: Option<NodeId>,
}

/// The shape of what an answer is compared with; `None` when the loss cannot be taken of such an answer.
pub(super) fn target_shape(loss: &Loss, answer: &[usize]) -> Option<Vec<usize>> {
    match (loss, answer) {
        (Loss::MeanSquaredError(_), _) => Some(answer.to_vec()),
        (Loss::BinaryCrossEntropy(options), _) => {
            (answer.len() > usize::from(options.pos_weight.is_some())).then(|| answer.to_vec())
        }
        (Loss::SoftCrossEntropy(_), [_, _, ..]) => Some(answer.to_vec()),
        (Loss::CrossEntropy(_), [batch, _, places @ ..]) => Some([&[*batch], places].concat()),
        (Loss::CrossEntropy(_) | Loss::SoftCrossEntropy(_), _) => None,
    }
}

/// Writes the loss of the builder's first input against its second; the third is the number of each class, where there are
/// such.
pub(super) fn write(builder: &mut KernelBuilder, loss: &Loss) -> LossNodes {
    match loss {
        Loss::CrossEntropy(options) => cross_entropy(builder, options),
        Loss::SoftCrossEntropy(options) => soft_cross_entropy(builder, options),
        Loss::BinaryCrossEntropy(options) => binary_cross_entropy(builder, options),
        Loss::MeanSquaredError(made) => LossNodes { loss: squared_error(builder, *made), correct: None },
    }
}

/// All elements added up, times a factor: `[]`.
fn total(builder: &mut KernelBuilder, x: NodeId, factor: f64) -> NodeId {
    let axes: Vec<usize> = (0..builder.shape(x).len()).collect();
    let sum = builder.reduce(x, Reduction::Sum, &axes);
    let scaled = builder.map(&[sum], Expression::operand(0) * factor);
    builder.reshape(scaled, &[])
}

/// The number of each class, along axis 1 of the answer.
fn class_weights(builder: &mut KernelBuilder) -> NodeId {
    let rank = builder.shape(builder.input(0)).len();
    builder.per_channel(builder.input(2), rank)
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
fn cross_entropy(builder: &mut KernelBuilder, options: &CrossEntropy) -> LossNodes {
    let scores = builder.input(0);
    let (classes, places) = classes_and_places(builder, scores);
    let mut label_shape = builder.shape(scores);
    if let Some(axis) = label_shape.get_mut(1) {
        *axis = 1;
    }
    let label = builder.reshape(builder.input(1), &label_shape);
    let [a, b, c] = [0, 1, 2].map(Expression::operand);
    let smoothing = options.label_smoothing;
    let target = is_label(&c).select(1.0 - smoothing, 0.0) + smoothing / classes as f64;
    let losses = by_class(builder, options, label, target);
    let loss = match (&options.weight, options.focal) {
        (Some(_), None) => {
            let weights = class_weights(builder);
            let of_labels = builder.map(&[label, weights], is_label(&a).select(b.clone(), 0.0));
            let sums = [losses, of_labels].map(|elements| total(builder, elements, 1.0));
            // A batch whose labels all count nothing teaches nothing.
            let mean = a.clone() / b.clone().maximum(LEAST);
            builder.map(&sums, b.clone().greater(0.0).select(mean, 0.0))
        }
        _ => total(builder, losses, 1.0 / places as f64),
    };

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

/// The classes of an answer, and how many images and places it has scores for.
fn classes_and_places(builder: &KernelBuilder, scores: NodeId) -> (usize, usize) {
    let shape = builder.shape(scores);
    let classes = shape.get(1).copied().unwrap_or(1);
    (classes, shape.iter().product::<usize>() / classes.max(1))
}

/// What each class adds: its share of the target, which is an expression of `given` as operand 2, times its negative logarithm,
/// its weight and the focal loss's factor.
fn by_class(builder: &mut KernelBuilder, options: &CrossEntropy, given: NodeId, target: Expression) -> NodeId {
    let scores = builder.input(0);
    let [a, b, weight] = [0, 1, 3].map(Expression::operand);
    let (shifted, sum) = powers(builder, scores);
    let negative_logarithm = b.unary(Unary::Log) - a;
    let mut part = negative_logarithm.clone() * target;
    let mut operands = vec![shifted, sum, given];
    if options.weight.is_some() {
        operands.push(class_weights(builder));
        part = part * weight;
    }
    if let Some(gamma) = options.focal {
        let others = -(-negative_logarithm).unary(Unary::ExpM1);
        part = part * others.maximum(LEAST).power(gamma);
    }
    builder.map(&operands, part)
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
fn soft_cross_entropy(builder: &mut KernelBuilder, options: &CrossEntropy) -> LossNodes {
    let (classes, places) = classes_and_places(builder, builder.input(0));
    let smoothing = options.label_smoothing;
    let target = Expression::operand(2) * (1.0 - smoothing) + smoothing / classes as f64;
    let losses = by_class(builder, options, builder.input(1), target);
    LossNodes { loss: total(builder, losses, 1.0 / places as f64), correct: None }
}

/// The mean of `−t·ln p − (1 − t)·ln(1 − p)`, where `p` is the sigmoid of a score and `t` its target, less and spread by the
/// smoothing. Also how many samples have all scores on the right side of 0.
fn binary_cross_entropy(builder: &mut KernelBuilder, options: &BinaryCrossEntropy) -> LossNodes {
    let (scores, targets) = (builder.input(0), builder.input(1));
    let shape = builder.shape(scores);
    let [x, given, weight] = [0, 1, 2].map(Expression::operand);
    let smoothing = options.label_smoothing;
    let target = if smoothing > 0.0 { given.clone() * (1.0 - smoothing) + 0.5 * smoothing } else { given.clone() };
    // −ln p and −ln(1 − p) are 0 or the distance from 0, and this in both.
    let is_positive = || x.clone().greater(0.0);
    let around = is_positive().select(-x.clone(), x.clone()).unary(Unary::Exp).unary(Unary::Log1P);
    let of_one = is_positive().select(0.0, -x.clone()) + around.clone();
    let of_zero = is_positive().select(x.clone(), 0.0) + around;
    let mut operands = vec![scores, targets];
    let (mut of_ones, of_zeros) = match options.focal {
        None => (of_one, of_zero),
        Some(BinaryFocal { gamma, alpha }) => {
            // (1 − p)^γ is e^(γ ln(1 − p)).
            let power = |logarithm: &Expression| (logarithm.clone() * -gamma).unary(Unary::Exp);
            let (ones, zeros) = (of_one.clone() * power(&of_zero), of_zero * power(&of_one));
            alpha.map_or((ones.clone(), zeros.clone()), |alpha| (ones * alpha, zeros * (1.0 - alpha)))
        }
    };
    if options.pos_weight.is_some() {
        operands.push(class_weights(builder));
        of_ones = of_ones * weight;
    }
    let losses = builder.map(&operands, target.clone() * of_ones + (Expression::Constant(1.0) - target) * of_zeros);
    let count = shape.iter().product::<usize>();
    let loss = total(builder, losses, 1.0 / count as f64);

    let (answer, wanted) = (is_positive(), given.greater(0.5));
    let mut wrong = builder.map(&[scores, targets], wanted.select(Expression::Constant(1.0) - answer.clone(), answer));
    if shape.len() > 1 {
        wrong = builder.reduce(wrong, Reduction::Sum, &(1..shape.len()).collect::<Vec<usize>>());
    }
    let hits = builder.map(&[wrong], x.greater(0.5).select(0.0, 1.0));
    LossNodes { loss, correct: Some(total(builder, hits, 1.0)) }
}

/// Whether the element's class is the label, which is a whole number.
fn is_label(label: &Expression) -> Expression {
    let class = || Expression::Index(1) + 0.5;
    class().greater(label.clone()) * (label.clone() + 1.0).greater(class())
}
