//! The memory that `cnnc run` would take on this machine's processor: the network is compiled for it, and nothing is run.

use cnnc_compiler::plan::Target;
use cnnc_runtime::cpu::{Cpu, CpuOptions, Footprint, footprint};
use cnnc_runtime::{Backend, Model};

/// As much as no machine has, so that a network which does not fit is foretold too.
const NO_LIMIT: u64 = 1 << 48;

/// A network's memory, with so many threads.
pub struct Memory {
    /// The bytes.
    pub footprint: Footprint,
    /// Threads, at least one.
    pub threads: usize,
}

/// The memory for one sample where the batch is open; `None` where other sizes are, or the network cannot be run.
pub fn memory(model: &Model, threads: usize) -> Option<Memory> {
    let options = CpuOptions { threads, ..CpuOptions::default() };
    let target = Target { memory_bytes: NO_LIMIT, ..Cpu(options).target() };
    let (plan, _) = model.compile(&target, &mut ()).ok()?;
    let footprint = footprint(&plan, &options).ok()?;
    Some(Memory { footprint, threads: options.thread_count() })
}
