//! When a plan needs each of its parameters, so that no more of them are in memory than must be.

use cnnc_compiler::element::ElementType;
use cnnc_compiler::plan::{Operation, Packing, Plan, Step, Storage, View};

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
    /// The one that it reads piece by piece, so that it need not be in memory: nothing else reads it, and it is large beside what
    /// is in memory of it at once.
    pub in_pieces: Option<usize>,
    /// Those that no step before it reads.
    pub first: Vec<usize>,
    /// Those that no step after it reads.
    pub last: Vec<usize>,
}

impl ParameterUses {
    /// Of a plan that so many threads prepare, by the steps that are `needed`.
    pub fn of(plan: &Plan, threads: usize, needed: &[bool]) -> ParameterUses {
        let count = plan.parameters.len();
        let (mut first, mut last, mut in_runs) = (vec![None; count], vec![None; count], vec![false; count]);
        for (number, step) in plan.prepare.iter().enumerate().filter(|(number, _)| needed[*number]) {
            for parameter in step.operands.iter().filter_map(parameter) {
                first[parameter].get_or_insert(number);
                last[parameter] = Some(number);
            }
        }
        let operands = plan.run.iter().flat_map(|step| &step.operands);
        for parameter in operands.chain(plan.outputs.iter().map(|port| &port.view)).filter_map(parameter) {
            in_runs[parameter] = !plan.parameters[parameter].changes;
        }
        let mut of_steps = vec![StepUses::default(); plan.prepare.len()];
        for parameter in 0..count {
            let only = first[parameter].filter(|_| first[parameter] == last[parameter] && !in_runs[parameter]);
            if let Some(step) = only.filter(|&step| takes_pieces(&plan.prepare[step], parameter, threads)) {
                of_steps[step].in_pieces = Some(parameter);
                continue;
            }
            first[parameter].into_iter().for_each(|step: usize| of_steps[step].first.push(parameter));
            last[parameter].into_iter().for_each(|step: usize| of_steps[step].last.push(parameter));
        }
        ParameterUses { of_steps, of_runs: (0..count).filter(|&parameter| in_runs[parameter]).collect() }
    }
}

/// Elements of a parameter that is worth reading in pieces.
const WORTH_PIECES: usize = 1 << 16;

/// Whether a step can take a parameter that it alone reads in pieces: blocks of a fully connected layer's rows that are packed,
/// or parts of what a map makes of it, which come to the places of the results and are worked on there.
fn takes_pieces(step: &Step, parameter: usize, threads: usize) -> bool {
    let (output, mut operands) = (&step.output, step.operands.iter());
    let is_it = |view: &View| view.storage == Storage::Parameter(parameter);
    match &step.operation {
        Operation::Pack(Packing::Linear(linear)) => linear.out_features >= threads.saturating_mul(2 * linear.lanes),
        Operation::Map(_) if step.compute == ElementType::Float32 => {
            let whole = View::dense(Storage::Parameter(parameter), ElementType::Float32, 0, &output.shape);
            output.is_dense()
                && output.elements() >= WORTH_PIECES
                && operands.clone().filter(|view| is_it(view)).count() == 1
                && operands.all(|view| if is_it(view) { *view == whole } else { !view.meets(output) })
        }
        _ => false,
    }
}

/// The number of the parameter that a view is of.
fn parameter(view: &View) -> Option<usize> {
    match view.storage {
        Storage::Parameter(number) => Some(number),
        _ => None,
    }
}
