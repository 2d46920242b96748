//! What the loop asks of that which learns: a step on a batch, and the state that a run is gone on from.

use crate::data::Batch;
use crate::failure::failure;
pub use crate::trainer::{StepInputs, StepOutputs};
use crate::{Model, Parameters, Result};
use cnnc_compiler::diagnostic::Code;

/// Parameters that a step changes.
pub trait Learner {
    /// Begins a step.
    ///
    /// # Errors
    /// When the batch does not fit, or there is too little memory for a batch of that size.
    fn begin(&mut self, batch: Batch, inputs: StepInputs) -> Result<()>;

    /// Tells of the step that is begun next, so that its batch may be on its way while this one is computed.
    ///
    /// # Errors
    /// As [`Learner::begin`].
    fn stage(&mut self, _batch: &Batch, _inputs: StepInputs) -> Result<()> {
        Ok(())
    }

    /// Waits for the step that was begun.
    ///
    /// # Errors
    /// When the device fails.
    fn finish(&mut self) -> Result<StepOutputs>;

    /// Does one step.
    ///
    /// # Errors
    /// As [`Learner::begin`].
    fn step(&mut self, batch: Batch, inputs: StepInputs) -> Result<StepOutputs> {
        self.begin(batch, inputs)?;
        self.finish()
    }

    /// As [`TrainingExecutable::tuning`](crate::TrainingExecutable::tuning).
    fn tuning(&self) -> Option<String> {
        None
    }

    /// Goes on with the same network of which other parameters are frozen. What was learnt stays, and what becomes free begins
    /// with the state that the optimiser begins with.
    ///
    /// # Errors
    /// When the steps cannot be compiled so; E609 of a learner that cannot do it.
    fn relearn(&mut self, _model: &Model) -> Result<()> {
        Err(failure(Code::E609, "this learner cannot go on with other parameters frozen"))
    }

    /// Everything that steps change: parameters and running statistics under PyTorch's keys, the optimiser's state under keys
    /// with a `/`.
    ///
    /// # Errors
    /// When it cannot be read back.
    fn state(&self) -> Result<Parameters>;

    /// Puts a state in the place of its own. It has the keys and shapes of [`Learner::state`].
    ///
    /// # Errors
    /// When it does not fit.
    fn load(&mut self, state: &Parameters) -> Result<()>;
}
