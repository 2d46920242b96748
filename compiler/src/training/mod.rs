//! A training step as a kernel graph: forward, loss, backward and update, to be fused and planned like any other.
//!
//! What comes in is a network whose shapes are known and what to do with it ([`Training`]). What goes out takes, by name,
//! the network's inputs and those of [`names`], gives the outputs `loss` and `correct`, and lists in
//! its updates which parameters, running statistics and optimiser states a run writes.

mod options;

pub use options::{Adam, Loss, Optimiser, Sgd, SumOrMean, Training};

/// What a training step calls the inputs and outputs that it adds to the network's own.
pub mod names {
    /// Input: what the network should answer. For the cross-entropy a class number each, `[N]`, or `[N, H, W]` when the network answers
    /// `[N, classes, H, W]`; for the mean squared error a tensor of the answer's shape.
    pub const LABELS: &str = "labels";
    /// Input `[]`: the learning rate, so that a schedule changes no plan.
    pub const LEARNING_RATE: &str = "learning_rate";
    /// Input `[]`: the number of this step, from 1 on and below 2²⁴: for Adam's bias correction and for random numbers.
    pub const STEP: &str = "step";
    /// Input `[]`: a whole number from 0 and below 2²⁴, from which dropout draws, together with the step.
    pub const SEED: &str = "seed";
    /// Output `[]`: the batch's loss.
    pub const LOSS: &str = "loss";
    /// Output `[]`, of the cross-entropy alone: how many of the batch's labels are the class of the highest score, the first of equals.
    pub const CORRECT: &str = "correct";

    /// Optimiser states are parameters too. `0.weight/momentum_buffer` is a momentum of SGD.
    pub const MOMENTUM_BUFFER: &str = "momentum_buffer";
    /// Adam's running mean of gradients.
    pub const EXP_AVG: &str = "exp_avg";
    /// Adam's running mean of squared gradients.
    pub const EXP_AVG_SQ: &str = "exp_avg_sq";
}
