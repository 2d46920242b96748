//! What an engine is: it prepares a plan once and then runs it.
//!
//! Two small traits, so that the command line, tests and other programs need not know which device computes.

use crate::{Parameters, Result, Tensor};
use cnnc_compiler::plan::{Plan, Target};
use std::sync::Arc;

/// A device that can run plans.
pub trait Backend {
    /// What it is called in messages: `cpu`.
    fn name(&self) -> &'static str;

    /// What plans for this device are made for.
    fn target(&self) -> Target;

    /// Everything that needs doing once: memory, folded weights, packed weights.
    ///
    /// # Errors
    /// When a parameter of the plan is missing or of another shape, or the device cannot hold the plan.
    fn prepare(&self, plan: Arc<Plan>, parameters: &Parameters) -> Result<Box<dyn Executable>>;
}

/// A prepared plan.
pub trait Executable: Send {
    /// The answers to these inputs, in the order of the plan's outputs; they stay until the next run.
    ///
    /// # Errors
    /// When the inputs are not those that the plan wants.
    fn run(&mut self, inputs: &[Tensor]) -> Result<&[Tensor]>;
}
