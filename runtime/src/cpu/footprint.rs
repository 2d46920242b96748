//! How much memory an engine takes: foretold of a plan, before anything is allocated.
//!
//! A plan and the number of threads come in; out go the most bytes while the engine is made and while it runs. How parameters
//! come makes no difference: drawn, converted, or read from a file, each is in memory from the first step of `prepare` that reads
//! it to the last, or goes by in pieces. Tables
//! and registers are counted by what they took where they were measured, and so is what `gemm` keeps for each thread, as much as
//! the second-level cache; threads' stacks and the program itself are not.

use super::blocked::buffer::Buffer;
use super::fast::{ParameterUses, packed_floats, workspace_lengths};
use super::{CpuOptions, check};
use crate::Result;
use cnnc_compiler::plan::{Operation, Plan, PlanPort, Step};
use gemm_common::cache::CACHE_INFO;

/// Bytes of the tables of a step.
const STEP_BYTES: u64 = 1_500;
/// Bytes of what a thread keeps of the programs that it ran: registers, lanes, rows of a window.
const THREAD_BYTES: u64 = 12 << 10;

/// Bytes of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Footprint {
    /// The most at any time while the engine is made: what it keeps, and the parameters that are being packed.
    pub load_bytes: u64,
    /// The most at any time of a run, its inputs and answers included.
    pub run_bytes: u64,
}

/// The memory that an engine of the fast kernels takes.
///
/// # Errors
/// E499 when the plan is not as plans are, and as [`CpuOptions::check`].
pub fn footprint(plan: &Plan, options: &CpuOptions) -> Result<Footprint> {
    options.check()?;
    check::check(plan)?;
    let uses = ParameterUses::of(plan, options.thread_count(), &vec![true; plan.prepare.len()]);
    let [to_prepare, to_run] = workspace_lengths(plan, options)?.map(buffer);
    let size = |&index: &usize| plan.parameters[index].size_bytes();
    let sum = |indices: &[usize]| indices.iter().map(size).sum::<u64>();
    let (mut live, mut most_live) = (0, 0);
    for step in &uses.of_steps {
        live += sum(&step.first);
        most_live = most_live.max(live);
        live -= sum(&step.last);
    }
    let of_runs = sum(&uses.of_runs);
    let engine = Engine::of(plan, options, [to_prepare, to_run]);
    Ok(engine.footprint(most_live.max(of_runs), of_runs))
}

/// As [`footprint`], of an engine for training steps and the state that they write: parameters and the optimiser's own.
///
/// # Errors
/// As [`footprint`].
pub fn training_footprint(plan: &Plan, options: &CpuOptions) -> Result<Footprint> {
    options.check()?;
    check::check(plan)?;
    let state = plan.parameter_bytes();
    Ok(Engine::of(plan, options, workspace_lengths(plan, options)?.map(buffer)).footprint(state, state))
}

/// What an engine takes besides parameters, in bytes.
struct Engine {
    /// While it is made.
    preparing: u64,
    /// Once it is.
    ready: u64,
    /// What a run adds: inputs, and what threads keep.
    running: u64,
}

impl Engine {
    /// With these workspaces to prepare and to run.
    fn of(plan: &Plan, options: &CpuOptions, [to_prepare, to_run]: [u64; 2]) -> Engine {
        let tables = STEP_BYTES * (plan.prepare.len() + plan.run.len()) as u64;
        let kept = buffer(packed_floats(plan.prepared.iter().copied())) + tables;
        let sizes = |ports: &[PlanPort]| ports.iter().map(|port| port.view.size_bytes()).sum::<u64>();
        let multiplies = |step: &Step| matches!(step.operation, Operation::Gemm(_));
        let products = if plan.run.iter().any(multiplies) { CACHE_INFO[1].cache_bytes as u64 } else { 0 };
        let threads = (THREAD_BYTES + products) * options.thread_count() as u64;
        Engine {
            preparing: kept + to_prepare + buffer(Buffer::length_of(plan.scratch_bytes)),
            ready: kept + to_run + buffer(Buffer::length_of(plan.arena_bytes)) + sizes(&plan.outputs),
            running: sizes(&plan.inputs) + threads,
        }
    }

    /// With so many bytes of parameters, at the most while it is made, and once it is.
    fn footprint(&self, loading: u64, kept: u64) -> Footprint {
        let ready = self.ready + kept;
        Footprint { load_bytes: (self.preparing + loading).max(ready), run_bytes: ready + self.running }
    }
}

fn buffer(length: usize) -> u64 {
    Buffer::allocated_bytes(length) as u64
}
