//! How much memory an engine takes: foretold of a plan, before anything is allocated.
//!
//! A plan and the number of threads come in; out go the most bytes while the engine is made and while it runs. How parameters come makes no
//! difference: drawn, converted, or read where they lie in a file, each is in memory from the first step of `prepare` that reads it to the last. Tables
//! and registers are counted by what they took where they were measured; threads' stacks and the program itself are not.

use super::blocked::buffer::Buffer;
use super::fast::{ParameterUses, workspace_lengths};
use super::{CpuOptions, check};
use crate::Result;
use crate::parameters::size_bytes;
use cnnc_compiler::plan::Plan;

/// Bytes of the tables of a step.
const STEP_BYTES: u64 = 1_500;
/// Bytes of what a thread keeps of the programs that it ran: registers, lanes, rows of a window.
const THREAD_BYTES: u64 = 12 << 10;

/// Bytes of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Footprint {
    /// The most at any time while the engine is made: what it keeps, and the parameters that are being packed.
    pub load_bytes: u64,
    /// The most at any time of a run, its inputs and answers included.
    pub run_bytes: u64,
}

/// The memory that an engine of the fast kernels takes.
///
/// # Errors
/// E499 when the plan is not as plans are.
pub fn footprint(plan: &Plan, options: &CpuOptions) -> Result<Footprint> {
    check::check(plan)?;
    let uses = ParameterUses::of(plan);
    let [to_prepare, to_run] = workspace_lengths(plan, options)?.map(buffer);
    let size = |&index: &usize| size_bytes(&plan.parameters[index].shape);
    let sum = |indices: &[usize]| indices.iter().map(size).sum::<u64>();
    let (mut live, mut most_live) = (0, 0);
    for step in &uses.of_steps {
        live += sum(&step.first);
        most_live = most_live.max(live);
        live -= sum(&step.last);
    }
    let tables = STEP_BYTES * (plan.prepare.len() + plan.run.len()) as u64;
    let kept = buffer(plan.prepared_elements) + tables;
    let preparing = kept + to_prepare + most_live.max(sum(&uses.of_runs)) + buffer(plan.scratch_elements);
    let answers: u64 = plan.outputs.iter().map(|port| size_bytes(&port.view.shape)).sum();
    let inputs: u64 = plan.inputs.iter().map(|port| size_bytes(&port.view.shape)).sum();
    let threads = THREAD_BYTES * options.thread_count() as u64;
    let ready = kept + to_run + sum(&uses.of_runs) + buffer(plan.arena_elements) + answers;
    Ok(Footprint { load_bytes: preparing.max(ready), run_bytes: ready + inputs + threads })
}

fn buffer(length: usize) -> u64 {
    Buffer::allocated_bytes(length) as u64
}
