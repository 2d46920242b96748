//! `torch.optim.RMSprop`: gradients over the root of a running mean of their squares.

use super::{One, Rule, Step, decayed, names, rest};
use crate::graph::NodeId;
use crate::kernels::Expression;

/// Options of RMSprop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RmsProp {
    /// Decay of the running mean of squares, in `0..1`.
    pub alpha: f64,
    /// Added to the root, so that it is never zero.
    pub eps: f64,
    /// Share of the last step's direction that is kept, in `0..1`; 0 needs no state.
    pub momentum: f64,
    /// Whether the mean of gradients is taken off: what is left of the squares is their variance.
    pub centered: bool,
    /// How much of the parameter is added to its gradient.
    pub weight_decay: f64,
}

impl Default for RmsProp {
    /// PyTorch's.
    fn default() -> Self {
        RmsProp { alpha: 0.99, eps: 1e-8, momentum: 0.0, centered: false, weight_decay: 0.0 }
    }
}

impl Rule for RmsProp {
    fn name(&self) -> &'static str {
        "RMSprop"
    }

    fn momentum(&self) -> f64 {
        self.momentum
    }

    fn scalars(&self, _step: &mut Step<'_>, rate: NodeId, _once: &[NodeId]) -> Vec<NodeId> {
        vec![rate]
    }

    fn update(&self, one: &mut One<'_>) {
        let [p, g, old] = [0, 1, 2].map(Expression::operand);
        let g = decayed(g, p.clone(), self.weight_decay);
        let square = one.state(names::SQUARE_AVG);
        let second = old.clone() * self.alpha + g.clone() * g.clone() * (1.0 - self.alpha);
        let second = one.map(&[one.parameter, one.gradient, square.1], second);
        one.becomes(square.0, second);
        let mut operands = vec![one.gradient, second];
        let mut variance = old.clone();
        if self.centered {
            let mean = one.state(names::GRAD_AVG);
            let first = old.clone() + (g.clone() - old.clone()) * rest(self.alpha.into());
            let first = one.map(&[one.parameter, one.gradient, mean.1], first);
            one.becomes(mean.0, first);
            operands.push(first);
            // Of gradients that stay the same it is zero, which rounding may bring below; PyTorch's root is no number there.
            variance = (variance - Expression::operand(3) * Expression::operand(3)).maximum(0.0);
        }
        let direction = g / (variance.sqrt() + self.eps);
        if self.momentum == 0.0 && !one.is_told() {
            let rate = Expression::operand(operands.len() + 1);
            one.learn(&operands, 0..1, p - rate * direction);
            return;
        }
        let before = one.state(names::MOMENTUM_BUFFER);
        let all = [&[one.parameter], &operands[..], &[before.1, one.told()]].concat();
        let moved = Expression::operand(all.len() - 2) * one.kept(self.momentum, all.len() - 1) + direction;
        let moved = one.map(&all, moved);
        one.becomes(before.0, moved);
        one.learn(&[moved], 0..1, p - old * Expression::operand(1));
    }
}
