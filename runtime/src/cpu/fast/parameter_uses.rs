//! When a plan needs each of its parameters, so that no more of them are in memory than must be.

use cnnc_compiler::plan::{Plan, Step, Storage, View};

/// The parameters of a plan by where they are read; all are numbers in its list.
pub struct ParameterUses {
    /// For every step of `prepare`.
    pub of_steps: Vec<StepUses>,
    /// Those that a run or an output reads, and no run writes.
    pub of_runs: Vec<usize>,
}

/// The parameters of one step of `prepare`.
#[derive(Clone, Default)]
pub struct StepUses {
    /// Those that no step before it reads.
    pub first: Vec<usize>,
    /// Those that no step after it reads.
    pub last: Vec<usize>,
}

impl ParameterUses {
    /// Of a plan.
    pub fn of(plan: &Plan) -> ParameterUses {
        let mut of_steps = vec![StepUses::default(); plan.prepare.len()];
        for index in 0..plan.parameters.len() {
            let reads = |step: &Step| step.operands.iter().any(|view| is(view, index));
            let first = plan.prepare.iter().position(reads).and_then(|step| of_steps.get_mut(step));
            first.into_iter().for_each(|step| step.first.push(index));
            let last = plan.prepare.iter().rposition(reads).and_then(|step| of_steps.get_mut(step));
            last.into_iter().for_each(|step| step.last.push(index));
        }
        let views = || {
            let operands = plan.run.iter().flat_map(|step| &step.operands);
            operands.chain(plan.outputs.iter().map(|port| &port.view))
        };
        let in_runs = |&index: &usize| !plan.parameters[index].updated && views().any(|view| is(view, index));
        ParameterUses { of_steps, of_runs: (0..plan.parameters.len()).filter(in_runs).collect() }
    }
}

fn is(view: &View, parameter: usize) -> bool {
    view.storage == Storage::Parameter(parameter)
}
