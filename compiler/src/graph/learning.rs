//! How a training changes one parameter, where that is not how it changes all.

/// How a training changes a parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Learning {
    /// Whether nothing changes it. A layer of which a buffer is frozen, such as a batch norm's running mean, answers in
    /// training as it does at inference, and moves none of its buffers.
    pub frozen: bool,
    /// What the learning rate is multiplied by.
    pub rate: f64,
    /// Its weight decay, in the place of the optimiser's.
    pub weight_decay: Option<f64>,
    /// Steps of the run that were over when it began to learn: its own first step is the one behind them, as of a parameter that
    /// PyTorch's optimisers get a gradient of later.
    pub since: u64,
}

impl Default for Learning {
    fn default() -> Self {
        Learning { frozen: false, rate: 1.0, weight_decay: None, since: 0 }
    }
}
