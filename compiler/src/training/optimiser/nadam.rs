//! `torch.optim.NAdam`: Adam that looks one step ahead, as Nesterov's momentum does, by a share that grows with the steps
//! (Dozat, "Incorporating Nesterov momentum into Adam", 2016).

use super::adam::{correction, means};
use super::one::state;
use super::{One, Rule, Step, decayed, names, rest};
use crate::graph::NodeId;
use crate::kernels::{Expression, Unary, Update};

/// Options of NAdam.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NAdam {
    /// Decay of the running means of gradients and of their squares, in `0..1`.
    pub betas: [f64; 2],
    /// Added to the root, so that it is never zero.
    pub eps: f64,
    /// How fast the share of the mean in a step grows towards the first beta.
    pub momentum_decay: f64,
    /// Whether the weight decay shrinks the parameter itself, and is not part of its gradient.
    pub decoupled_weight_decay: bool,
    /// Weight decay.
    pub weight_decay: f64,
}

impl Default for NAdam {
    /// PyTorch's.
    fn default() -> Self {
        let (momentum_decay, decoupled_weight_decay) = (4e-3, false);
        NAdam { betas: [0.9, 0.999], eps: 1e-8, momentum_decay, decoupled_weight_decay, weight_decay: 0.0 }
    }
}

impl NAdam {
    /// The mean's share in that step: β₁ · (1 − 0.96^(step · momentum_decay) / 2).
    fn share(&self, beta: Expression, step: Expression) -> Expression {
        beta * (Expression::Constant(1.0) - (step * (self.momentum_decay * 0.96_f64.ln())).unary(Unary::Exp) * 0.5)
    }
}

impl Rule for NAdam {
    fn name(&self) -> &'static str {
        "NAdam"
    }

    fn momentum(&self) -> f64 {
        self.betas[0]
    }

    /// The product of the shares so far, a state of its own that starts at 1.
    fn once(&self, step: &mut Step<'_>) -> Vec<NodeId> {
        let key = match step.since {
            0 => names::MU_PRODUCT.into(),
            since => format!("{}.{since}", names::MU_PRODUCT),
        };
        let (id, before) = state(step.graph, key, Vec::new(), 1.0);
        let operands = [before, step.number, step.told()];
        let share = self.share(step.kept(self.betas[0], 2), Expression::operand(1));
        let product = step.map(self.name(), &operands, Expression::operand(0) * share);
        step.graph.updates.push(Update { parameter: id, node: product });
        vec![product]
    }

    /// The rate, that of the gradient, that of the mean, and the root of the second bias correction.
    fn scalars(&self, step: &mut Step<'_>, rate: NodeId, once: &[NodeId]) -> Vec<NodeId> {
        let operands = [&[rate, step.number], once, &[step.told()]].concat();
        let [lr, number, product] = [0, 1, 2].map(Expression::operand);
        let beta = step.kept(self.betas[0], 3);
        let here = self.share(beta.clone(), number.clone());
        let next = self.share(beta, number.clone() + 1.0);
        let of_gradient = lr.clone() * rest(here) / rest(product.clone());
        let of_gradient = step.map(self.name(), &operands, of_gradient);
        let of_mean = lr * next.clone() / rest(product * next);
        let of_mean = step.map(self.name(), &operands, of_mean);
        let root = step.map(self.name(), &operands, correction(self.betas[1].into(), number).sqrt());
        vec![rate, of_gradient, of_mean, root]
    }

    fn update(&self, one: &mut One<'_>) {
        let [p, g] = [0, 1].map(Expression::operand);
        let NAdam { weight_decay, decoupled_weight_decay: is_decoupled, .. } = *self;
        let gradient = if is_decoupled { g.clone() } else { decayed(g.clone(), p.clone(), weight_decay) };
        let [first, second] = means(one, &gradient, self.betas);
        let [m, v, rate, of_gradient, of_mean, root] = [2, 3, 4, 5, 6, 7].map(Expression::operand);
        let shrunk = if is_decoupled && weight_decay != 0.0 {
            p.clone() * (Expression::Constant(1.0) - rate * weight_decay)
        } else {
            p
        };
        let direction = (of_gradient * gradient + of_mean * m) / (v.sqrt() / root + self.eps);
        one.learn(&[one.gradient, first, second], 0..4, shrunk - direction);
    }
}
