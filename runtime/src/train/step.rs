//! The learner that people use: a [`Trainer`], which is given the batches of a data set.

use super::learner::{Learner, StepInputs, StepOutputs};
use crate::data::Batch;
use crate::failure::failure;
use crate::trainer::Target;
use crate::{Device, Model, Parameters, Result, Tensor, Trainer, Weights, labels};
use cnnc_compiler::diagnostic::Code;
use cnnc_compiler::training::Training;

/// A network that learns to tell classes apart.
pub struct StepLearner {
    trainer: Trainer,
    classes: usize,
}

impl StepLearner {
    /// A network with these weights, for batches of this shape and of fewer samples, on a device.
    ///
    /// # Errors
    /// When the step cannot be compiled, or needs more memory than there is.
    pub fn new(
        model: &Model,
        training: Training,
        weights: &Weights,
        shape: [usize; 4],
        classes: usize,
        device: &Device,
    ) -> Result<StepLearner> {
        let mut trainer = model.trainer(weights, training, device);
        trainer.ready_for(&[&shape])?;
        Ok(StepLearner { trainer, classes })
    }

    /// Whether a batch has a label for each sample, and each is a class.
    fn check(&self, batch: &Batch) -> Result<()> {
        let (samples, labels) = (batch.inputs.shape().first().copied().unwrap_or(0), batch.labels.len());
        if samples != labels {
            return Err(failure(Code::E604, format!("a batch of {samples} samples has {labels} labels")));
        }
        labels::check(&batch.labels, self.classes)
    }
}

impl Learner for StepLearner {
    fn begin(&mut self, batch: Batch, told: StepInputs) -> Result<()> {
        self.check(&batch)?;
        self.trainer.begin(&[batch.inputs], Target::Classes(&batch.labels), told)
    }

    fn stage(&mut self, batch: &Batch, told: StepInputs) -> Result<()> {
        self.check(batch)?;
        let inputs: &[&Tensor; 1] = &[&batch.inputs];
        self.trainer.stage(inputs, Target::Classes(&batch.labels), told)
    }

    fn finish(&mut self) -> Result<StepOutputs> {
        self.trainer.finish()
    }

    fn tuning(&self) -> Option<String> {
        self.trainer.tuning()
    }

    fn state(&self) -> Result<Parameters> {
        self.trainer.state()
    }

    fn load(&mut self, state: &Parameters) -> Result<()> {
        self.trainer.load(state)
    }
}
