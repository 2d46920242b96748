//! LAMB (You et al., "Large batch optimization for deep learning", 2020): Adam whose step on each parameter is as long as a share
//! of the parameter itself.
//!
//! PyTorch has none. This is timm's `Lamb` and NVIDIA's `FusedLAMB`, with Adam's bias corrections and without the clipping that
//! both do by themselves (`clip_grad_norm` does it): the ratio of norms is 1 where either is zero and, unless `always_adapt`,
//! where there is no weight decay. With `always_adapt` it is the paper's algorithm, whose φ is the norm itself.

use super::adam::{means, sizes};
use super::{One, Rule, Step};
use crate::graph::NodeId;
use crate::kernels::Expression;

/// Options of LAMB.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lamb {
    /// Decay of the running means of gradients and of their squares, in `0..1`.
    pub betas: [f64; 2],
    /// Added to the root, so that it is never zero.
    pub eps: f64,
    /// How much of the parameter is added to its direction.
    pub weight_decay: f64,
    /// Whether parameters without a weight decay have a ratio of norms too.
    pub always_adapt: bool,
}

impl Default for Lamb {
    /// timm's and NVIDIA's.
    fn default() -> Self {
        Lamb { betas: [0.9, 0.999], eps: 1e-6, weight_decay: 0.01, always_adapt: false }
    }
}

impl Rule for Lamb {
    fn name(&self) -> &'static str {
        "LAMB"
    }

    fn momentum(&self) -> f64 {
        self.betas[0]
    }

    /// The rate, 1 over the first bias correction, and the root of the second one.
    fn scalars(&self, step: &mut Step<'_>, rate: NodeId, _once: &[NodeId]) -> Vec<NodeId> {
        let one = step.map(self.name(), &[], Expression::Constant(1.0));
        let corrected = sizes(step, one, self.betas, self.name());
        [&[rate], &corrected[1..]].concat()
    }

    fn update(&self, one: &mut One<'_>) {
        let [p, g] = [0, 1].map(Expression::operand);
        let [first, second] = means(one, &g, self.betas);
        let [m, v, size, root] = [1, 2, 3, 4].map(Expression::operand);
        let mut direction = size * m / (v.sqrt() / root + self.eps);
        if self.weight_decay != 0.0 {
            direction = direction + p.clone() * self.weight_decay;
        }
        let scalars = [1, 2].map(|scalar| one.scalar(scalar));
        let direction = one.map(&[&[one.parameter, first, second][..], &scalars].concat(), direction);
        let [u, rate, ratio] = [1, 2, 3].map(Expression::operand);
        if self.weight_decay == 0.0 && !self.always_adapt {
            one.learn(&[direction], 0..1, p - rate * u);
            return;
        }
        let squares = [one.sum_of_squares(one.parameter), one.sum_of_squares(direction)];
        let [a, b] = [0, 1].map(Expression::operand);
        let norms = a.clone().sqrt() / b.clone().sqrt();
        let norms = a.greater(0.0).select(b.greater(0.0).select(norms, 1.0), 1.0);
        let norms = one.map(&squares, norms);
        let norms = one.broadcast(norms);
        let scalars = [one.scalar(0), norms];
        one.learn(&[&[direction][..], &scalars].concat(), 0..0, p - rate * ratio * u);
    }
}
