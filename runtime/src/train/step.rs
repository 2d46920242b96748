//! The learner that people use: a [`Trainer`], which is given the batches of a data set.

use super::learner::{Learner, StepInputs, StepOutputs};
use crate::data::Batch;
use crate::failure::failure;
use crate::trainer::Target;
use crate::view::AsTensorView;
use crate::{Device, Model, Parameters, Result, Tensor, Trainer, Weights, labels};
use cnnc_compiler::diagnostic::Code;
use cnnc_compiler::training::Training;

/// A network that learns to tell classes apart, or to answer with numbers.
pub struct StepLearner {
    trainer: Trainer,
    classes: usize,
}

impl StepLearner {
    /// A network with these weights, for batches of this shape and of fewer samples, on a device. Where the batches of a step may
    /// have more, `in_parts` says so, and they are computed in parts of this shape.
    ///
    /// # Errors
    /// When the step cannot be compiled, or needs more memory than there is.
    pub fn new(
        model: &Model,
        training: Training,
        weights: &Weights,
        shape: impl AsRef<[usize]>,
        classes: usize,
        device: &Device,
        in_parts: bool,
    ) -> Result<StepLearner> {
        let (mut trainer, shape) = (model.trainer(weights, training, device), shape.as_ref());
        if in_parts {
            trainer = trainer.in_parts_of(shape.first().copied().unwrap_or(1));
        }
        trainer.ready_for(&[shape])?;
        Ok(StepLearner { trainer, classes })
    }

    /// Whether a batch has a label for each sample, and each is a class; numbers the trainer itself holds against the answer.
    fn check(&self, batch: &Batch) -> Result<()> {
        if batch.targets.is_some() {
            return Ok(());
        }
        let (samples, labels) = (batch.inputs.shape().first().copied().unwrap_or(0), batch.labels.len());
        if samples != labels {
            return Err(failure(Code::E604, format!("a batch of {samples} samples has {labels} labels")));
        }
        labels::check(&batch.labels, self.classes)
    }
}

/// What should be answered to a batch.
fn target(batch: &Batch) -> Target<'_> {
    batch.targets.as_ref().map_or(Target::Classes(&batch.labels), |targets| Target::Tensor(targets.view()))
}

impl Learner for StepLearner {
    fn begin(&mut self, batch: Batch, told: StepInputs) -> Result<()> {
        self.check(&batch)?;
        self.trainer.begin(&[&batch.inputs] as &[&Tensor; 1], target(&batch), told)
    }

    fn stage(&mut self, batch: &Batch, told: StepInputs) -> Result<()> {
        self.check(batch)?;
        let inputs: &[&Tensor; 1] = &[&batch.inputs];
        self.trainer.stage(inputs, target(batch), told)
    }

    fn finish(&mut self) -> Result<StepOutputs> {
        self.trainer.finish()
    }

    fn tuning(&self) -> Option<String> {
        self.trainer.tuning()
    }

    fn relearn(&mut self, model: &Model) -> Result<()> {
        self.trainer.relearn(model)
    }

    fn state(&self) -> Result<Parameters> {
        self.trainer.state()
    }

    fn load(&mut self, state: &Parameters) -> Result<()> {
        self.trainer.load(state)
    }
}
