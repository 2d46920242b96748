//! `torch.optim.Adam` and `AdamW`: running means of gradients and of their squares, each corrected for its start at zero.

use super::{One, Rule, Step, decayed, names, rest};
use crate::graph::NodeId;
use crate::kernels::{Expression, Unary};

/// Options of Adam and AdamW.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    /// Decay of the running means of gradients and of their squares, in `0..1`.
    pub betas: [f64; 2],
    /// Added to the root, so that it is never zero.
    pub eps: f64,
    /// Weight decay, in the optimiser's own way.
    pub weight_decay: f64,
}

impl Default for Adam {
    /// PyTorch's, but for the weight decay, which is 0 in Adam and 0.01 in AdamW there.
    fn default() -> Self {
        Adam { betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0.0 }
    }
}

/// AdamW.
pub(super) fn decoupled(options: Adam) -> Box<dyn Rule> {
    Box::new(Decoupled(options))
}

/// Adam whose weight decay shrinks the parameter itself.
struct Decoupled(Adam);

impl Rule for Adam {
    fn name(&self) -> &'static str {
        "Adam"
    }

    fn momentum(&self) -> f64 {
        self.betas[0]
    }

    fn scalars(&self, step: &mut Step<'_>, rate: NodeId, _once: &[NodeId]) -> Vec<NodeId> {
        sizes(step, rate, self.betas, self.name())
    }

    fn update(&self, one: &mut One<'_>) {
        adam(one, *self, false);
    }
}

impl Rule for Decoupled {
    fn name(&self) -> &'static str {
        "AdamW"
    }

    fn momentum(&self) -> f64 {
        self.0.betas[0]
    }

    fn scalars(&self, step: &mut Step<'_>, rate: NodeId, _once: &[NodeId]) -> Vec<NodeId> {
        sizes(step, rate, self.0.betas, self.name())
    }

    fn update(&self, one: &mut One<'_>) {
        adam(one, self.0, true);
    }
}

/// The rate, the rate over the first bias correction, and the root of the second one. Of a first beta that is told PyTorch
/// takes the present one to the power of all steps, and so is it here.
pub(super) fn sizes(step: &mut Step<'_>, rate: NodeId, betas: [f64; 2], name: &str) -> Vec<NodeId> {
    let kept = step.kept(betas[0], 2);
    let operands = [rate, step.number, step.told()];
    let [a, b] = [0, 1].map(Expression::operand);
    let size = step.map(name, &operands, a.clone() / correction(kept, b));
    let root = step.map(name, &[step.number], correction(betas[1].into(), a).sqrt());
    vec![rate, size, root]
}

/// 1 − βᵗ, exact where it is small.
pub(super) fn correction(beta: Expression, step: Expression) -> Expression {
    let logarithm = match beta {
        Expression::Constant(beta) => beta.ln().into(),
        beta => beta.unary(Unary::Log),
    };
    -(step * logarithm).unary(Unary::ExpM1)
}

/// Moves the running means of a gradient, which may be an expression of operands 0 and 1, parameter and gradient.
pub(super) fn means(one: &mut One<'_>, gradient: &Expression, betas: [f64; 2]) -> [NodeId; 2] {
    let old = Expression::operand(2);
    let (mean, square) = (one.state(names::EXP_AVG), one.state(names::EXP_AVG_SQ));
    let first = old.clone() + (gradient.clone() - old.clone()) * rest(one.kept(betas[0], 3));
    let first = one.map(&[one.parameter, one.gradient, mean.1, one.told()], first);
    one.becomes(mean.0, first);
    let second = old * betas[1] + gradient.clone() * gradient.clone() * (1.0 - betas[1]);
    let second = one.map(&[one.parameter, one.gradient, square.1], second);
    one.becomes(square.0, second);
    [first, second]
}

fn adam(one: &mut One<'_>, Adam { betas, eps, weight_decay }: Adam, is_decoupled: bool) {
    let [p, g] = [0, 1].map(Expression::operand);
    let gradient = if is_decoupled { g } else { decayed(g, p.clone(), weight_decay) };
    let [first, second] = means(one, &gradient, betas);
    let [m, v, rate, size, root] = [1, 2, 3, 4, 5].map(Expression::operand);
    let shrunk = if is_decoupled && weight_decay != 0.0 {
        p.clone() * (Expression::Constant(1.0) - rate * weight_decay)
    } else {
        p
    };
    one.learn(&[first, second], 0..3, shrunk - size * m / (v.sqrt() / root + eps));
}
