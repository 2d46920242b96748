//! A training step on the CPU: an engine whose runs write their parameters.
//!
//! The state of a training (parameters, running statistics, the optimiser's own) is a [`Parameters`] that the caller holds, so that engines
//! for batches of other sizes share one, and a copy of it for a checkpoint costs nothing until the next step writes.

use super::fast::Fast;
use super::reference::Interpreter;
use super::{CpuOptions, Kernels, check, check_inputs};
use crate::failure::Result;
use crate::{Parameters, Tensor};
use cnnc_compiler::kernels::Start;
use cnnc_compiler::plan::Plan;
use std::sync::Arc;

/// A plan of a training step, prepared for the CPU. Plans are made for a target without blocks of channels.
pub struct TrainingEngine {
    plan: Arc<Plan>,
    kernels: Prepared,
    /// The outputs of the last step; their memory is used again.
    answers: Vec<Tensor>,
}

/// The plan as the chosen kernels hold it.
enum Prepared {
    Reference(Interpreter<f32>),
    Fast(Box<Fast>),
}

/// A state to begin with: the network's parameters, and what else the plan's runs write as it starts. Entries that are there already
/// stay, so a state that was saved goes on.
pub fn initial_state(plan: &Plan, parameters: &Parameters) -> Parameters {
    let mut state = parameters.clone();
    for parameter in &plan.parameters {
        if let (Start::Constant(number), None) = (parameter.start, state.get(&parameter.path)) {
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
        check::check(&plan)?;
        let kernels = match options.kernels {
            Kernels::Reference => Prepared::Reference(Interpreter::new(plan.clone(), state)?),
            Kernels::Fast => Prepared::Fast(Box::new(Fast::new(plan.clone(), state, &options)?)),
        };
        let answers = plan.outputs.iter().map(|port| Tensor::filled(&port.view.shape, 0.0)).collect();
        Ok(TrainingEngine { plan, kernels, answers })
    }

    /// The plan that the engine runs.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// One step: reads and writes the state, and gives the outputs in the plan's order. The inputs are in the plan's order too.
    ///
    /// # Errors
    /// E602 when a parameter of the plan is missing in the state or of another shape, E604 when the inputs are not those that the plan
    /// wants; the state is as it was then.
    pub fn step(&mut self, state: &mut Parameters, inputs: &[Tensor]) -> Result<Vec<Tensor>> {
        check_inputs(&self.plan, inputs)?;
        check::parameters(&self.plan, state)?;
        match &mut self.kernels {
            Prepared::Fast(fast) => {
                fast.step(state, inputs, &mut self.answers);
                Ok(self.answers.clone())
            }
            Prepared::Reference(interpreter) => Ok(reference(&self.plan, interpreter, state, inputs)),
        }
    }
}

/// A step of the reference, which holds copies of the parameters.
fn reference(
    plan: &Plan,
    interpreter: &mut Interpreter<f32>,
    state: &mut Parameters,
    inputs: &[Tensor],
) -> Vec<Tensor> {
    for (parameter, values) in plan.parameters.iter().zip(interpreter.parameters_mut()) {
        if let Some(tensor) = state.get(&parameter.path) {
            values.copy_from_slice(tensor.data());
        }
    }
    let answers = interpreter.run(inputs.iter().map(|tensor| tensor.data().to_vec()).collect());
    for (parameter, values) in
        plan.parameters.iter().zip(interpreter.parameters()).filter(|(parameter, _)| parameter.updated)
    {
        if let Some(tensor) = state.get_mut(&parameter.path) {
            tensor.data_mut().copy_from_slice(values);
        }
    }
    let shapes = plan.outputs.iter().map(|port| port.view.shape.as_slice());
    shapes.zip(answers).filter_map(|(shape, values)| Tensor::new(shape, values)).collect()
}
