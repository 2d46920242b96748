//! What is timed: an engine with its inputs, and for a training step with the state that it changes.

use cnnc_compiler::plan::{Plan, PlanPort};
use cnnc_compiler::training::names;
use cnnc_runtime::cpu::{CpuOptions, Engine, TrainingEngine, initial_state};
use cnnc_runtime::{Parameters, Result, Tensor};
use std::sync::Arc;

/// A learning rate so small that the drawn network stays what it is, however long it is timed.
const LEARNING_RATE: f32 = 1e-6;

/// An engine and what its runs take.
pub enum Timed {
    /// Inputs to answers.
    Inference(Engine, Vec<Tensor>),
    /// A step over the state.
    Training(Box<TrainingEngine>, Parameters, Vec<Tensor>),
}

impl Timed {
    /// An inference with these inputs.
    pub fn inference(
        plan: Arc<Plan>,
        parameters: &Parameters,
        inputs: Vec<Tensor>,
        options: CpuOptions,
    ) -> Result<Timed> {
        Ok(Timed::Inference(Engine::new(plan, parameters, options)?, inputs))
    }

    /// A training step with these inputs of the network; all labels are the first class.
    pub fn training(
        plan: Arc<Plan>,
        parameters: &Parameters,
        inputs: Vec<Tensor>,
        options: CpuOptions,
    ) -> Result<Timed> {
        let mut inputs = inputs.into_iter();
        let input = |port: &PlanPort| match port.name.as_ref() {
            names::LABELS | names::SEED => Tensor::filled(&port.view.shape, 0.0),
            names::LEARNING_RATE => Tensor::filled(&[], LEARNING_RATE),
            names::STEP => Tensor::filled(&[], 1.0),
            _ => inputs.next().unwrap_or_else(|| Tensor::filled(&port.view.shape, 0.0)),
        };
        let inputs = plan.inputs.iter().map(input).collect();
        let state = initial_state(&plan, parameters);
        let engine = TrainingEngine::new(plan, &state, options)?;
        Ok(Timed::Training(Box::new(engine), state, inputs))
    }

    /// One run.
    pub fn run(&mut self) -> Result<()> {
        match self {
            Timed::Inference(engine, inputs) => engine.run(inputs).map(|_| ()),
            Timed::Training(engine, state, inputs) => engine.step(state, inputs).map(|_| ()),
        }
    }

    /// The median seconds of every step of the plan.
    pub fn profile(&mut self, runs: usize) -> Result<Vec<f64>> {
        match self {
            Timed::Inference(engine, inputs) => engine.profile(inputs, runs),
            Timed::Training(engine, state, inputs) => engine.profile(state, inputs, runs),
        }
    }
}
