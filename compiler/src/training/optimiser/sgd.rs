//! `torch.optim.SGD`: what a step leaves of parameter and momentum.

use super::{One, Rule, Step, decayed, names};
use crate::graph::NodeId;
use crate::kernels::Expression;

/// Options of SGD, without dampening.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sgd {
    /// Share of the last step's direction that is kept, in `0..1`; 0 needs no state.
    pub momentum: f64,
    /// Whether the momentum looks one step ahead; needs one.
    pub nesterov: bool,
    /// How much of the parameter is added to its gradient.
    pub weight_decay: f64,
}

impl Rule for Sgd {
    fn name(&self) -> &'static str {
        "SGD"
    }

    fn momentum(&self) -> f64 {
        self.momentum
    }

    fn scalars(&self, _step: &mut Step<'_>, rate: NodeId, _once: &[NodeId]) -> Vec<NodeId> {
        vec![rate]
    }

    fn update(&self, one: &mut One<'_>) {
        let [p, g, rate] = [0, 1, 2].map(Expression::operand);
        let decayed = decayed(g, p.clone(), self.weight_decay);
        if self.momentum == 0.0 && !one.is_told() {
            one.learn(&[one.gradient], 0..1, p - rate * decayed);
            return;
        }
        let before = one.state(names::MOMENTUM_BUFFER);
        let moved = Expression::operand(2) * one.kept(self.momentum, 3) + decayed.clone();
        let moved = one.map(&[one.parameter, one.gradient, before.1, one.told()], moved);
        one.becomes(before.0, moved);
        if self.nesterov {
            let ahead = decayed + Expression::operand(2) * one.kept(self.momentum, 4);
            one.learn(&[one.gradient, moved], 0..1, p - Expression::operand(3) * ahead);
        } else {
            one.learn(&[moved], 0..1, p - rate * Expression::operand(1));
        }
    }
}
