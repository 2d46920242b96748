//! What an engine is: it packs the weights of plans once and then runs them, or trains a state with them.
//!
//! Small traits, so that what is above need not know which device computes. A [`Store`] is a network's parameters on a device;
//! plans of it that pack the same weights alike share them, whatever sizes they are for. An [`Executable`] is the memory of one
//! run at a time.

use crate::view::{TensorList, TensorViewMut};
use crate::{Cancel, Parameters, Result, Tensor};
use cnnc_compiler::plan::{Plan, Target};
use std::sync::Arc;

/// A device that can run plans.
pub trait Backend: Send + Sync {
    /// What it is called in messages: `cpu`.
    fn name(&self) -> &'static str;

    /// What decides how its numbers are rounded, in words: a training is gone on with where it is the same.
    fn arithmetic(&self) -> String;

    /// What plans for this device are made for.
    fn target(&self) -> Target;

    /// A place for plans that read these parameters.
    ///
    /// # Errors
    /// When the device cannot be had any more.
    fn store(&self, parameters: &Parameters) -> Result<Arc<dyn Store>>;

    /// Everything that needs doing once for one plan alone: memory, folded weights, packed weights.
    ///
    /// # Errors
    /// As [`Store::pack`] and [`Packed::executable`].
    fn prepare(&self, plan: Arc<Plan>, parameters: &Parameters) -> Result<Box<dyn Executable>> {
        self.store(parameters)?.pack(plan, &Cancel::default())?.executable()
    }

    /// A training by the steps of a plan, which gets the number 0. Its state begins with these parameters, and with what else the
    /// plan's runs write as it starts.
    ///
    /// # Errors
    /// As [`Backend::prepare`].
    fn trainer(&self, plan: Arc<Plan>, parameters: &Parameters) -> Result<Box<dyn TrainingExecutable>>;
}

/// Parameters on a device, and what plans have packed of them.
pub trait Store: Send + Sync {
    /// Does what a plan does once: its weights are folded and packed, but for those that another plan of this store has packed
    /// alike and that somebody still holds.
    ///
    /// # Errors
    /// When a parameter of the plan is missing or of another shape, or the device cannot hold it; E508 when it is cancelled.
    fn pack(&self, plan: Arc<Plan>, cancel: &Cancel) -> Result<Arc<dyn Packed>>;
}

/// A plan whose weights are packed; all who run it share them.
pub trait Packed: Send + Sync {
    /// The plan.
    fn plan(&self) -> &Arc<Plan>;

    /// Memory of its own to run it in.
    ///
    /// # Errors
    /// When there is too little memory, or the device fails.
    fn executable(&self) -> Result<Box<dyn Executable>>;
}

/// A plan, ready to run.
pub trait Executable: Send {
    /// The plan.
    fn plan(&self) -> &Plan;

    /// The answers to these inputs, in the order of the plan's outputs; they stay until the next run.
    ///
    /// # Errors
    /// When the inputs are not those that the plan wants, or the device fails; E508 when it is cancelled: the answers are
    /// those of no run then.
    fn run_unless(&mut self, inputs: &dyn TensorList, cancel: &Cancel) -> Result<&[Tensor]>;

    /// As [`Executable::run_unless`], with the answers in the caller's memory.
    ///
    /// # Errors
    /// As [`Executable::run_unless`], and E604 when the memory is not of the outputs' number, sizes and type.
    fn run_into(&mut self, inputs: &dyn TensorList, outputs: &mut [TensorViewMut<'_>], cancel: &Cancel) -> Result<()>;

    /// The answers of the last run; zeros before the first.
    fn answers(&self) -> &[Tensor];

    /// As [`Executable::run_unless`], to the end.
    ///
    /// # Errors
    /// As [`Executable::run_unless`].
    fn run(&mut self, inputs: &dyn TensorList) -> Result<&[Tensor]> {
        self.run_unless(inputs, &Cancel::default())
    }

    /// As [`Executable::run`], while the inputs of the run after it, where they are known, may be on their way to where it
    /// computes: that run has to be given the same ones, by this function.
    ///
    /// # Errors
    /// As [`Executable::run`].
    fn run_before(&mut self, inputs: &dyn TensorList, _next: Option<&dyn TensorList>) -> Result<&[Tensor]> {
        self.run(inputs)
    }

    /// Runs once more on the inputs of the run before. A device with memory of its own moves neither these nor the answers.
    ///
    /// # Errors
    /// As [`Executable::run`].
    fn again(&mut self, inputs: &dyn TensorList) -> Result<()> {
        self.run(inputs).map(|_| ())
    }

    /// The median seconds of every step of the plan's `run` over some runs; empty where nobody can tell.
    ///
    /// # Errors
    /// As [`Executable::run`].
    fn profile(&mut self, inputs: &dyn TensorList, runs: usize) -> Result<Vec<f64>>;

    /// What makes its runs slower than they might be, in words, where something does.
    fn hindrance(&self) -> Option<&str> {
        None
    }
}

/// A state that the runs of plans change, and these plans: one for each size of a batch.
pub trait TrainingExecutable: Send {
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
    /// As [`TrainingExecutable::begin`].
    fn stage(&mut self, number: usize, inputs: Vec<Tensor>) -> Result<()>;

    /// Waits for the step that was begun, and gives its outputs in the plan's order.
    ///
    /// # Errors
    /// When the device fails.
    fn finish(&mut self, number: usize) -> Result<Vec<Tensor>>;

    /// One more step on the inputs of the one before; see [`Executable::again`].
    ///
    /// # Errors
    /// As [`TrainingExecutable::begin`].
    fn again(&mut self, number: usize, inputs: &dyn TensorList) -> Result<()>;

    /// As [`Executable::profile`]; the runs train the state.
    ///
    /// # Errors
    /// As [`TrainingExecutable::begin`].
    fn profile(&mut self, number: usize, inputs: &dyn TensorList, runs: usize) -> Result<Vec<f64>>;

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
    Given(&'i dyn TensorList),
    /// Those that were staged last.
    Staged,
}
