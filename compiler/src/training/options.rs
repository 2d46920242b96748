//! What a training step is told: loss, optimiser, clipping. Names and formulas are PyTorch's.

use super::Loss;
use super::optimiser::{Optimiser, Sgd};

/// A training step. Learning rate, step number and seed are inputs of the plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Training {
    /// What is made smaller.
    pub loss: Loss,
    /// How parameters follow their gradients.
    pub optimiser: Optimiser,
    /// The largest norm of all gradients together; longer ones are shortened to it (`clip_grad_norm_`).
    pub max_gradient_norm: Option<f64>,
    /// Whether the backward half computes values of the forward half again instead of keeping them: the same numbers in less
    /// memory and more time.
    pub recompute: bool,
    /// A running mean that is kept of each parameter as it learns.
    pub average: Option<Average>,
    /// Whether the momentum, or the first of Adam's betas, is an input of the step, because a schedule changes it.
    pub scheduled_momentum: bool,
}

impl Training {
    /// Cross-entropy and plain SGD: what is timed when nothing else is asked for.
    pub fn plain() -> Training {
        let loss = Loss::cross_entropy(0.0);
        let (optimiser, max_gradient_norm) = (Optimiser::Sgd(Sgd::default()), None);
        let (average, scheduled_momentum) = (None, false);
        Training { loss, optimiser, max_gradient_norm, recompute: false, average, scheduled_momentum }
    }
}

/// Running means of parameters: PyTorch's `AveragedModel` with `get_ema_multi_avg_fn`, which begins with what the first step
/// makes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Average {
    /// The share of the mean that a step leaves, in `0..1`.
    pub decay: f64,
    /// Whether means are kept of running statistics too; else they stay those of the parameters that learn.
    pub use_buffers: bool,
}
