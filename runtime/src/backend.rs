//! What an engine is: it prepares a plan once and then runs it, or trains a state with it.
//!
//! Small traits, so that the command line, tests and other programs need not know which device computes.

use crate::{Parameters, Result, Tensor};
use cnnc_compiler::plan::{Plan, Target};
use std::sync::Arc;

/// A device that can run plans.
pub trait Backend {
    /// What it is called in messages: `cpu`.
    fn name(&self) -> &'static str;

    /// What decides how its numbers are rounded, in words: a training is gone on with where it is the same.
    fn arithmetic(&self) -> String;

    /// What plans for this device are made for.
    fn target(&self) -> Target;

    /// Everything that needs doing once: memory, folded weights, packed weights.
    ///
    /// # Errors
    /// When a parameter of the plan is missing or of another shape, or the device cannot hold the plan.
    fn prepare(&self, plan: Arc<Plan>, parameters: &Parameters) -> Result<Box<dyn Executable>>;

    /// A training by the steps of a plan, which gets the number 0. Its state begins with these parameters, and with what else the
    /// plan's runs write as it starts.
    ///
    /// # Errors
    /// As [`Backend::prepare`].
    fn trainer(&self, plan: Arc<Plan>, parameters: &Parameters) -> Result<Box<dyn Trainer>>;
}

/// A prepared plan.
pub trait Executable: Send {
    /// The answers to these inputs, in the order of the plan's outputs; they stay until the next run.
    ///
    /// # Errors
    /// When the inputs are not those that the plan wants, or the device fails.
    fn run(&mut self, inputs: &[Tensor]) -> Result<&[Tensor]>;

    /// As [`Executable::run`], while the inputs of the run after it, where they are known, may be on their way to where it
    /// computes: that run has to be given the same ones, by this function.
    ///
    /// # Errors
    /// As [`Executable::run`].
    fn run_before(&mut self, inputs: &[Tensor], _next: Option<&[Tensor]>) -> Result<&[Tensor]> {
        self.run(inputs)
    }

    /// Runs once more on the inputs of the run before. A device with memory of its own moves neither these nor the answers.
    ///
    /// # Errors
    /// As [`Executable::run`].
    fn again(&mut self, inputs: &[Tensor]) -> Result<()> {
        self.run(inputs).map(|_| ())
    }

    /// The median seconds of every step of the plan's `run` over some runs; empty where nobody can tell.
    ///
    /// # Errors
    /// As [`Executable::run`].
    fn profile(&mut self, inputs: &[Tensor], runs: usize) -> Result<Vec<f64>>;

    /// What makes its runs slower than they might be, in words, where something does.
    fn hindrance(&self) -> Option<&str> {
        None
    }
}

/// A state that the runs of plans change, and these plans: one for each size of a batch.
pub trait Trainer {
    /// Prepares another plan over the same state, and gives its number.
    ///
    /// # Errors
    /// As [`Backend::prepare`].
    fn add(&mut self, plan: Arc<Plan>) -> Result<usize>;

    /// The plan of a number.
    fn plan(&self, number: usize) -> Option<&Plan>;

    /// Begins a step of a plan with these inputs, or with those that were staged for it last.
    ///
    /// # Errors
    /// When the inputs are not those that the plan wants, or the device fails.
    fn begin(&mut self, number: usize, inputs: Inputs<'_>) -> Result<()>;

    /// Brings the inputs of the plan's next step to where it computes, while one that was begun may go on.
    ///
    /// # Errors
    /// As [`Trainer::begin`].
    fn stage(&mut self, number: usize, inputs: Vec<Tensor>) -> Result<()>;

    /// Waits for the step that was begun, and gives its outputs in the plan's order.
    ///
    /// # Errors
    /// When the device fails.
    fn finish(&mut self, number: usize) -> Result<Vec<Tensor>>;

    /// One more step on the inputs of the one before; see [`Executable::again`].
    ///
    /// # Errors
    /// As [`Trainer::begin`].
    fn again(&mut self, number: usize, inputs: &[Tensor]) -> Result<()>;

    /// As [`Executable::profile`]; the runs train the state.
    ///
    /// # Errors
    /// As [`Trainer::begin`].
    fn profile(&mut self, number: usize, inputs: &[Tensor], runs: usize) -> Result<Vec<f64>>;

    /// As [`Executable::hindrance`].
    fn hindrance(&self, _number: usize) -> Option<&str> {
        None
    }

    /// What its numbers depend on besides [`Backend::arithmetic`], in words: what measuring chose. `None` where it chose nothing.
    fn tuning(&self) -> Option<String> {
        None
    }

    /// Everything that steps change, and the other parameters.
    ///
    /// # Errors
    /// When it cannot be read back.
    fn state(&self) -> Result<Parameters>;

    /// Puts a state of the same keys and shapes in the place of its own.
    ///
    /// # Errors
    /// When it does not fit.
    fn load(&mut self, state: &Parameters) -> Result<()>;
}

/// Inputs of a step.
#[derive(Clone, Copy)]
pub enum Inputs<'i> {
    /// One tensor for every input of the plan, in its order.
    Given(&'i [Tensor]),
    /// Those that were staged last.
    Staged,
}
