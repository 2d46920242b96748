//! What a training step is told: loss, optimiser, clipping. Names and formulas are PyTorch's.

use super::Loss;

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

impl Training {
    /// Cross-entropy and plain SGD: what is timed when nothing else is asked for.
    pub fn plain() -> Training {
        let loss = Loss::cross_entropy(0.0);
        let (optimiser, max_gradient_norm) = (Optimiser::Sgd(Sgd::default()), None);
        Training { loss, optimiser, max_gradient_norm, recompute: false, average: None }
    }
}

/// How a parameter follows its gradient.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Optimiser {
    /// `torch.optim.SGD`.
    Sgd(Sgd),
    /// `torch.optim.Adam`: weight decay is part of the gradient.
    Adam(Adam),
    /// `torch.optim.AdamW`: weight decay shrinks the parameter itself.
    AdamW(Adam),
}

impl Optimiser {
    /// The weight decay.
    pub fn weight_decay(self) -> f64 {
        match self {
            Optimiser::Sgd(options) => options.weight_decay,
            Optimiser::Adam(options) | Optimiser::AdamW(options) => options.weight_decay,
        }
    }

    /// The same with another weight decay, where one is given.
    pub fn with_weight_decay(self, weight_decay: Option<f64>) -> Optimiser {
        let weight_decay = weight_decay.unwrap_or(self.weight_decay());
        match self {
            Optimiser::Sgd(options) => Optimiser::Sgd(Sgd { weight_decay, ..options }),
            Optimiser::Adam(options) => Optimiser::Adam(Adam { weight_decay, ..options }),
            Optimiser::AdamW(options) => Optimiser::AdamW(Adam { weight_decay, ..options }),
        }
    }
}

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
