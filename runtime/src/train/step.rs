//! The learner that people use: a compiled training step on a device, with a plan for every batch size that occurs, over one
//! state.

use super::labels;
use super::learner::{Learner, StepInputs, StepOutputs};
use super::scorer::bindings_of;
use crate::data::Batch;
use crate::failure::failure;
use crate::{Backend, Inputs, Parameters, Result, Tensor, Trainer};
use cnnc_compiler::diagnostic::Code;
use cnnc_compiler::graph::ShapedGraph;
use cnnc_compiler::plan::{Plan, Target};
use cnnc_compiler::training::{Loss, Training, compile_step, names};
use std::collections::HashMap;
use std::sync::Arc;

/// A network that learns.
pub struct StepLearner<'g> {
    step: Step<'g>,
    trainer: Box<dyn Trainer>,
    /// The trainer's plan for each number of samples.
    plans: HashMap<usize, usize>,
    /// The plan of the step that was begun.
    begun: usize,
    /// The number of the step whose inputs are on their way, and its samples.
    staged: Option<(u64, usize)>,
}

/// What a step does, for batches of any size.
struct Step<'g> {
    graph: &'g ShapedGraph,
    training: Training,
    classes: usize,
    target: Target,
}

impl<'g> StepLearner<'g> {
    /// A network with these parameters, for batches of this shape and of fewer samples, on a device.
    ///
    /// # Errors
    /// When the step cannot be compiled, or needs more memory than there is.
    pub fn new(
        graph: &'g ShapedGraph,
        training: Training,
        parameters: &Parameters,
        shape: [usize; 4],
        classes: usize,
        backend: &dyn Backend,
    ) -> Result<StepLearner<'g>> {
        let step = Step { graph, training, classes, target: backend.target() };
        let trainer = backend.trainer(step.plan(&shape)?, parameters)?;
        Ok(StepLearner { step, trainer, plans: HashMap::from([(shape[0], 0)]), begun: 0, staged: None })
    }
}

impl Step<'_> {
    fn plan(&self, inputs: &[usize]) -> Result<Arc<Plan>> {
        let (plan, _) = compile_step(self.graph, &bindings_of(self.graph, inputs), &self.training, &self.target)?;
        Ok(Arc::new(plan))
    }

    /// Whether a batch has a label for each sample, and each is a class.
    fn check(&self, batch: &Batch) -> Result<()> {
        let (samples, labels) = (batch.inputs.shape().first().copied().unwrap_or(0), batch.labels.len());
        if samples != labels {
            return Err(failure(Code::E604, format!("a batch of {samples} samples has {labels} labels")));
        }
        labels::check(&batch.labels, self.classes)
    }

    /// What the network should answer: class numbers, or ones and zeros. The labels are known to be classes.
    fn labels(&self, labels: &[usize]) -> Option<Tensor> {
        match self.training.loss {
            Loss::CrossEntropy { .. } => {
                Tensor::new(&[labels.len()], labels.iter().map(|&label| label as f32).collect())
            }
            Loss::MeanSquaredError(_) => {
                let mut target = Tensor::filled(&[labels.len(), self.classes], 0.0);
                for (row, &label) in target.data_mut().chunks_exact_mut(self.classes.max(1)).zip(labels) {
                    row[label] = 1.0;
                }
                Some(target)
            }
        }
    }

    /// What a plan takes, in its order.
    fn inputs(&self, plan: &Plan, pictures: Tensor, labels: &[usize], told: StepInputs) -> Option<Vec<Tensor>> {
        let labels = self.labels(labels);
        let mut pictures = Some(pictures);
        let number = |number: f64| Tensor::new(&[], vec![number as f32]);
        let input = |name: &str| match name {
            names::LABELS => labels.clone(),
            names::LEARNING_RATE => number(told.learning_rate),
            names::STEP => Some(Tensor::count(told.step)),
            names::SEED => Some(Tensor::count(told.seed)),
            _ => pictures.take(),
        };
        plan.inputs.iter().map(|port| port.name.as_ref()).map(input).collect()
    }
}

fn fault() -> crate::Error {
    failure(Code::E499, "a training step without its inputs or outputs")
}

impl Learner for StepLearner<'_> {
    fn begin(&mut self, batch: Batch, told: StepInputs) -> Result<()> {
        self.step.check(&batch)?;
        let samples = batch.labels.len();
        if !self.plans.contains_key(&samples) {
            let number = self.trainer.add(self.step.plan(batch.inputs.shape())?)?;
            self.plans.insert(samples, number);
        }
        self.begun = *self.plans.get(&samples).ok_or_else(fault)?;
        if self.staged.take() == Some((told.step, samples)) {
            return self.trainer.begin(self.begun, Inputs::Staged);
        }
        let plan = self.trainer.plan(self.begun).ok_or_else(fault)?;
        let inputs = self.step.inputs(plan, batch.inputs, &batch.labels, told).ok_or_else(fault)?;
        self.trainer.begin(self.begun, Inputs::Given(&inputs))
    }

    fn stage(&mut self, batch: &Batch, told: StepInputs) -> Result<()> {
        self.step.check(batch)?;
        let samples = batch.labels.len();
        // A size that did not occur yet has no plan, which is made when its step begins.
        let Some(&number) = self.plans.get(&samples) else { return Ok(()) };
        let plan = self.trainer.plan(number).ok_or_else(fault)?;
        let inputs = self.step.inputs(plan, batch.inputs.clone(), &batch.labels, told).ok_or_else(fault)?;
        self.trainer.stage(number, inputs)?;
        self.staged = Some((told.step, samples));
        Ok(())
    }

    fn finish(&mut self) -> Result<StepOutputs> {
        let answers = self.trainer.finish(self.begun)?;
        let plan = self.trainer.plan(self.begun).ok_or_else(fault)?;
        let outputs = plan.outputs.iter().map(|port| port.name.as_ref()).zip(&answers);
        let outputs: HashMap<&str, f32> =
            outputs.filter_map(|(name, tensor)| Some((name, *tensor.data().first()?))).collect();
        let loss = f64::from(*outputs.get(names::LOSS).ok_or_else(fault)?);
        Ok(StepOutputs { loss, correct: outputs.get(names::CORRECT).map(|&correct| correct as usize) })
    }

    fn tuning(&self) -> Option<String> {
        self.trainer.tuning()
    }

    fn state(&self) -> Result<Parameters> {
        self.trainer.state()
    }

    fn load(&mut self, state: &Parameters) -> Result<()> {
        self.staged = None;
        self.trainer.load(state)
    }
}
