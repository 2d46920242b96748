//! When a plan needs each of its parameters, so that no more of them are in memory than must be.

use cnnc_compiler::plan::{Plan, Storage, View};

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
        let count = plan.parameters.len();
        let (mut first, mut last, mut in_runs) = (vec![None; count], vec![None; count], vec![false; count]);
        for (number, step) in plan.prepare.iter().enumerate() {
            for parameter in step.operands.iter().filter_map(parameter) {
                first[parameter].get_or_insert(number);
                last[parameter] = Some(number);
            }
        }
        let operands = plan.run.iter().flat_map(|step| &step.operands);
        for parameter in operands.chain(plan.outputs.iter().map(|port| &port.view)).filter_map(parameter) {
            in_runs[parameter] = !plan.parameters[parameter].updated;
        }
        let mut of_steps = vec![StepUses::default(); plan.prepare.len()];
        for parameter in 0..count {
            first[parameter].into_iter().for_each(|step: usize| of_steps[step].first.push(parameter));
            last[parameter].into_iter().for_each(|step: usize| of_steps[step].last.push(parameter));
        }
        ParameterUses { of_steps, of_runs: (0..count).filter(|&parameter| in_runs[parameter]).collect() }
    }
}

/// The number of the parameter that a view is of.
fn parameter(view: &View) -> Option<usize> {
    match view.storage {
        Storage::Parameter(number) => Some(number),
        _ => None,
    }
}
