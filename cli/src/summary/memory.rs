//! The memory that `cnnc run` would take on this machine's processor: the network is compiled for it, and nothing is run.

use crate::pipeline::bind_batch;
use cnnc_compiler::graph::ShapedGraph;
use cnnc_compiler::passes;
use cnnc_compiler::plan::{Target, plan};
use cnnc_compiler::write_kernels::{Bindings, write_kernels};
use cnnc_runtime::Backend;
use cnnc_runtime::cpu::{Cpu, CpuOptions, Footprint, footprint};

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
pub fn memory(shaped: &ShapedGraph, threads: usize) -> Option<Memory> {
    let options = CpuOptions { threads, ..CpuOptions::default() };
    let mut bindings = Bindings::new();
    bind_batch(shaped, &mut bindings, 1);
    let mut kernels = write_kernels(shaped, &bindings).ok()?;
    passes::run(&mut kernels).ok()?;
    let target = Target { memory_bytes: NO_LIMIT, ..Cpu(options).target() };
    let footprint = footprint(&plan(&kernels, &target).ok()?, &options).ok()?;
    Some(Memory { footprint, threads: options.thread_count() })
}
