//! What is timed: an engine with its inputs, or a training with those of its steps.

use cnnc_compiler::plan::{Plan, PlanPort};
use cnnc_compiler::training::names;
use cnnc_runtime::{Backend, Executable, Inputs, Parameters, Result, Tensor, Trainer};
use std::sync::Arc;

/// A learning rate so small that the drawn network stays what it is, however long it is timed.
const LEARNING_RATE: f32 = 1e-6;

/// An engine and what its runs take.
pub enum Timed {
    /// Inputs to answers.
    Inference(Box<dyn Executable>, Vec<Tensor>),
    /// A step over the state.
    Training(Box<dyn Trainer>, Vec<Tensor>),
}

impl Timed {
    /// An inference with these inputs, which are where it computes.
    pub fn inference(
        plan: Arc<Plan>,
        parameters: &Parameters,
        inputs: Vec<Tensor>,
        backend: &dyn Backend,
    ) -> Result<Timed> {
        let mut timed = Timed::Inference(backend.prepare(plan, parameters)?, inputs);
        timed.whole()?;
        Ok(timed)
    }

    /// A training step with these inputs of the network; all labels are the first class.
    pub fn training(
        plan: Arc<Plan>,
        parameters: &Parameters,
        inputs: Vec<Tensor>,
        backend: &dyn Backend,
    ) -> Result<Timed> {
        let mut inputs = inputs.into_iter();
        let input = |port: &PlanPort| match port.name.as_ref() {
            names::LABELS => Tensor::filled(&port.view.shape, 0.0),
            names::SEED => Tensor::count(0),
            names::LEARNING_RATE => Tensor::filled(&[], LEARNING_RATE),
            names::STEP => Tensor::count(1),
            _ => inputs.next().unwrap_or_else(|| Tensor::filled(&port.view.shape, 0.0)),
        };
        let inputs = plan.inputs.iter().map(input).collect();
        let mut timed = Timed::Training(backend.trainer(plan, parameters)?, inputs);
        timed.whole()?;
        Ok(timed)
    }

    /// One run on inputs that are where it computes; on a GPU the answers stay there.
    pub fn run(&mut self) -> Result<()> {
        match self {
            Timed::Inference(engine, inputs) => engine.again(inputs),
            Timed::Training(trainer, inputs) => trainer.again(0, inputs),
        }
    }

    /// One run from inputs in the host's memory to answers there.
    pub fn whole(&mut self) -> Result<()> {
        match self {
            Timed::Inference(engine, inputs) => engine.run(inputs).map(|_| ()),
            Timed::Training(trainer, inputs) => {
                trainer.begin(0, Inputs::Given(inputs))?;
                trainer.finish(0).map(|_| ())
            }
        }
    }

    /// What makes runs slower than they might be.
    pub fn hindrance(&self) -> Option<&str> {
        match self {
            Timed::Inference(engine, _) => engine.hindrance(),
            Timed::Training(trainer, _) => trainer.hindrance(0),
        }
    }

    /// The median seconds of every step of the plan.
    pub fn profile(&mut self, runs: usize) -> Result<Vec<f64>> {
        match self {
            Timed::Inference(engine, inputs) => engine.profile(inputs, runs),
            Timed::Training(trainer, inputs) => trainer.profile(0, inputs, runs),
        }
    }
}
