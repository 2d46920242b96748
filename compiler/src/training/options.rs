//! What a training step is told: loss, optimiser, clipping. Names and formulas are PyTorch's.

use super::optimiser::{Optimiser, Sgd};

/// A training step. Learning rate, step number and seed are inputs of the plan.
#[derive(Clone, Copy, Debug, PartialEq)]
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
    /// The decay of a running mean that is kept of each parameter as it learns, in `0..1`: PyTorch's `get_ema_multi_avg_fn`,
    /// which begins with what the first step makes.
    pub average: Option<f64>,
    /// Whether the momentum, or the first of Adam's betas, is an input of the step, because a schedule changes it.
    pub scheduled_momentum: bool,
}

impl Training {
    /// Cross-entropy and plain SGD: what is timed when nothing else is asked for.
    pub fn plain() -> Training {
        let loss = Loss::CrossEntropy { label_smoothing: 0.0 };
        let (optimiser, max_gradient_norm) = (Optimiser::Sgd(Sgd::default()), None);
        let (average, scheduled_momentum) = (None, false);
        Training { loss, optimiser, max_gradient_norm, recompute: false, average, scheduled_momentum }
    }
}

/// The loss of a batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Loss {
    /// `nn.CrossEntropyLoss`: the mean over the batch of the negative logarithm of the label's softmax, on scores along axis 1.
    CrossEntropy {
        /// The share of the target, in `0..=1`, that is spread evenly over all classes.
        label_smoothing: f64,
    },
    /// The same against the chance of each class, a tensor of the answer's shape; where images are mixed, so are their labels.
    SoftCrossEntropy {
        /// As of [`Loss::CrossEntropy`].
        label_smoothing: f64,
    },
    /// `nn.MSELoss`: squared differences from a target of the answer's shape.
    MeanSquaredError(SumOrMean),
}

impl Loss {
    /// The loss against the chance of each class, in the place of that against the number of one.
    pub fn soft(self) -> Loss {
        match self {
            Loss::CrossEntropy { label_smoothing } => Loss::SoftCrossEntropy { label_smoothing },
            other => other,
        }
    }

    /// What the loss of so many of a batch's samples, and its gradients, are of those of the whole batch.
    pub fn share(self, samples: usize, batch: usize) -> f64 {
        match self {
            Loss::MeanSquaredError(SumOrMean::Sum) => 1.0,
            _ => samples as f64 / batch.max(1) as f64,
        }
    }
}

/// What is made of a loss's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SumOrMean {
    /// Added up.
    Sum,
    /// Added up and divided by their number.
    Mean,
}
