//! A training step on the CPU: an engine whose runs write their parameters.
//!
//! The state of a training (parameters, running statistics, the optimiser's own) is a [`Parameters`] that the caller holds, so
//! that engines for batches of other sizes share one, and a copy of it for a checkpoint costs nothing until the next step writes.

use super::reference::Interpreter;
use super::{CpuOptions, Engine, Running, Threads, interpret};
use crate::failure::{Result, fault};
use crate::given::{check_inputs, check_parameters, initial_state};
use crate::view::{Destinations, TensorList};
use crate::{Inputs, Parameters, Tensor, TrainingExecutable};
use cnnc_compiler::plan::Plan;
use std::sync::Arc;

/// A plan of a training step, prepared for the CPU.
pub struct TrainingEngine(Engine);

impl TrainingEngine {
    /// Prepares a plan. What its runs do not write is read from the state here, once.
    ///
    /// # Errors
    /// E602 when a parameter of the plan is missing in the state or of another shape.
    #[cfg(feature = "internals")]
    pub fn new(plan: Arc<Plan>, state: &Parameters, options: CpuOptions) -> Result<TrainingEngine> {
        Engine::new(plan, state, options).map(TrainingEngine)
    }

    /// As [`TrainingEngine::new`], by threads that serve others too.
    fn with_threads(
        plan: Arc<Plan>,
        state: &Parameters,
        options: CpuOptions,
        threads: Threads,
    ) -> Result<TrainingEngine> {
        Engine::with_threads(plan, state, options, threads).map(TrainingEngine)
    }

    /// The plan that the engine runs.
    pub fn plan(&self) -> &Plan {
        self.0.plan()
    }

    /// One step: reads and writes the state, and gives the outputs in the plan's order. The inputs are in the plan's order too.
    ///
    /// # Errors
    /// E602 when a parameter of the plan is missing in the state or of another shape, E604 when the inputs are not those that the
    /// plan wants; the state is as it was then.
    pub fn step(&mut self, state: &mut Parameters, inputs: &(impl TensorList + ?Sized)) -> Result<Vec<Tensor>> {
        let inputs: &dyn TensorList = &inputs;
        let Engine { plan, kernels, answers, .. } = &mut self.0;
        check_inputs(plan, inputs)?;
        check_parameters(plan, state)?;
        match kernels {
            Running::Fast(fast) => fast.step(state, inputs, answers)?,
            Running::Reference(interpreter) => reference(interpreter, state, inputs, answers)?,
        }
        Ok(answers.clone())
    }

    /// The median seconds of every step of the plan over some runs, which train the state; empty for the reference kernels.
    ///
    /// # Errors
    /// As [`TrainingEngine::step`].
    pub fn profile(&mut self, state: &mut Parameters, inputs: &dyn TensorList, runs: usize) -> Result<Vec<f64>> {
        let Engine { plan, kernels, answers, .. } = &mut self.0;
        check_inputs(plan, inputs)?;
        check_parameters(plan, state)?;
        match kernels {
            Running::Fast(fast) => fast.profile_steps(state, inputs, answers, runs.max(1)),
            Running::Reference(_) => Ok(Vec::new()),
        }
    }
}

/// A state, the engines whose steps change it, and what goes in and out of a step.
pub(super) struct CpuTrainer {
    options: CpuOptions,
    threads: Threads,
    state: Parameters,
    engines: Vec<TrainingEngine>,
    staged: Vec<Tensor>,
    answers: Vec<Tensor>,
}

impl CpuTrainer {
    /// A training by the steps of a plan.
    pub fn new(plan: Arc<Plan>, parameters: &Parameters, options: CpuOptions, threads: Threads) -> Result<CpuTrainer> {
        let state = initial_state(&plan, parameters)?;
        let engines = vec![TrainingEngine::with_threads(plan, &state, options, threads.clone())?];
        Ok(CpuTrainer { options, threads, state, engines, staged: Vec::new(), answers: Vec::new() })
    }
}

impl TrainingExecutable for CpuTrainer {
    fn add(&mut self, plan: Arc<Plan>) -> Result<usize> {
        let threads = self.threads.clone();
        self.engines.push(TrainingEngine::with_threads(plan, &self.state, self.options, threads)?);
        Ok(self.engines.len() - 1)
    }

    fn plan(&self, number: usize) -> Option<&Plan> {
        self.engines.get(number).map(TrainingEngine::plan)
    }

    fn begin(&mut self, number: usize, inputs: Inputs<'_>) -> Result<()> {
        let CpuTrainer { engines, state, staged, answers, .. } = self;
        let engine = engines.get_mut(number).ok_or_else(|| absent(number))?;
        *answers = match inputs {
            Inputs::Given(inputs) => engine.step(state, &inputs)?,
            Inputs::Staged => engine.step(state, &std::mem::take(staged))?,
        };
        Ok(())
    }

    fn stage(&mut self, _number: usize, inputs: Vec<Tensor>) -> Result<()> {
        self.staged = inputs;
        Ok(())
    }

    fn finish(&mut self, _number: usize) -> Result<Vec<Tensor>> {
        Ok(std::mem::take(&mut self.answers))
    }

    fn again(&mut self, number: usize, inputs: &dyn TensorList) -> Result<()> {
        self.begin(number, Inputs::Given(inputs))
    }

    fn profile(&mut self, number: usize, inputs: &dyn TensorList, runs: usize) -> Result<Vec<f64>> {
        let engine = self.engines.get_mut(number).ok_or_else(|| absent(number))?;
        engine.profile(&mut self.state, inputs, runs)
    }

    fn state(&self) -> Result<Parameters> {
        Ok(self.state.clone())
    }

    /// What a plan's runs do not write was read when its engine was made; so they are made anew.
    fn load(&mut self, state: &Parameters) -> Result<()> {
        let state = state.held()?;
        let anew = |engine: &TrainingEngine| {
            TrainingEngine::with_threads(engine.0.plan.clone(), &state, self.options, self.threads.clone())
        };
        self.engines = self.engines.iter().map(anew).collect::<Result<_>>()?;
        self.state = state;
        Ok(())
    }
}

fn absent(number: usize) -> crate::Error {
    fault(format!("there is no plan {number}"))
}

/// A step of the reference, which holds copies of the parameters.
fn reference(
    interpreter: &mut Interpreter<f32>,
    state: &mut Parameters,
    inputs: &dyn TensorList,
    answers: &mut dyn Destinations,
) -> Result<()> {
    interpreter.set_parameters(state)?;
    interpret(interpreter, inputs, answers);
    interpreter.get_updated(state)
}
