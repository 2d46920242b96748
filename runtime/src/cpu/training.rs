//! A training step on the CPU: an engine whose runs write their parameters.
//!
//! The state of a training (parameters, running statistics, the optimiser's own) is a [`Parameters`] that the caller holds, so that engines
//! for batches of other sizes share one, and a copy of it for a checkpoint costs nothing until the next step writes.

use super::reference::Interpreter;
use super::{CpuOptions, Engine, Prepared, check, check_inputs, interpret};
use crate::failure::Result;
use crate::{Parameters, Tensor};
use cnnc_compiler::kernels::Start;
use cnnc_compiler::plan::Plan;
use std::sync::Arc;

/// A plan of a training step, prepared for the CPU.
pub struct TrainingEngine(Engine);

/// A state to begin with: the network's parameters, and what else the plan's runs write as it starts. Entries that are there already
/// stay, so a state that was saved goes on. All of them are held, since every step reads them.
pub fn initial_state(plan: &Plan, parameters: &Parameters) -> Parameters {
    let mut state = parameters.held();
    for parameter in &plan.parameters {
        if let (Start::Constant(number), None) = (parameter.start, state.shape(&parameter.path)) {
            state.insert(parameter.path.clone(), Tensor::filled(&parameter.shape, number as f32));
        }
    }
    state
}

impl TrainingEngine {
    /// Prepares a plan. What its runs do not write is read from the state here, once.
    ///
    /// # Errors
    /// E602 when a parameter of the plan is missing in the state or of another shape.
    pub fn new(plan: Arc<Plan>, state: &Parameters, options: CpuOptions) -> Result<TrainingEngine> {
        Engine::new(plan, state, options).map(TrainingEngine)
    }

    /// The plan that the engine runs.
    pub fn plan(&self) -> &Plan {
        self.0.plan()
    }

    /// One step: reads and writes the state, and gives the outputs in the plan's order. The inputs are in the plan's order too.
    ///
    /// # Errors
    /// E602 when a parameter of the plan is missing in the state or of another shape, E604 when the inputs are not those that the plan
    /// wants; the state is as it was then.
    pub fn step(&mut self, state: &mut Parameters, inputs: &[Tensor]) -> Result<Vec<Tensor>> {
        let Engine { plan, kernels, answers } = &mut self.0;
        check_inputs(plan, inputs)?;
        check::parameters(plan, state)?;
        match kernels {
            Prepared::Fast(fast) => fast.step(state, inputs, answers),
            Prepared::Reference(interpreter) => reference(plan, interpreter, state, inputs, answers),
        }
        Ok(answers.clone())
    }

    /// The median seconds of every step of the plan over some runs, which train the state; empty for the reference kernels.
    ///
    /// # Errors
    /// As [`TrainingEngine::step`].
    pub fn profile(&mut self, state: &mut Parameters, inputs: &[Tensor], runs: usize) -> Result<Vec<f64>> {
        let Engine { plan, kernels, .. } = &mut self.0;
        check_inputs(plan, inputs)?;
        check::parameters(plan, state)?;
        match kernels {
            Prepared::Fast(fast) => Ok(fast.profile_steps(state, inputs, runs.max(1))),
            Prepared::Reference(_) => Ok(Vec::new()),
        }
    }
}

/// A step of the reference, which holds copies of the parameters.
fn reference(
    plan: &Plan,
    interpreter: &mut Interpreter<f32>,
    state: &mut Parameters,
    inputs: &[Tensor],
    answers: &mut [Tensor],
) {
    for (parameter, values) in plan.parameters.iter().zip(interpreter.parameters_mut()) {
        if let Some(tensor) = state.get(&parameter.path) {
            values.copy_from_slice(tensor.data());
        }
    }
    interpret(interpreter, inputs, answers);
    for (parameter, values) in
        plan.parameters.iter().zip(interpreter.parameters()).filter(|(parameter, _)| parameter.updated)
    {
        if let Some(tensor) = state.get_mut(&parameter.path) {
            tensor.data_mut().copy_from_slice(values);
        }
    }
}
