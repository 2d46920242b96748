//! The CPU as the planner sees it.
//!
//! The figures behind the choice of methods are those of an instruction set and not of this machine: the same build gives the
//! same bits wherever it has the same instructions. What was measured on this machine comes in as tuned choices.

use super::blocked::vector::InstructionSet;
use super::{CpuOptions, Kernels};
use crate::host::available_memory_bytes;
use cnnc_compiler::plan::{Blocks, Target};

/// The target that plans for these kernels are made for.
pub fn target(options: &CpuOptions) -> Target {
    let memory_bytes = available_memory_bytes();
    let plain = Target { name: "cpu".into(), memory_bytes, ..Target::reference() };
    match options.kernels {
        Kernels::Reference => plain,
        Kernels::Fast => {
            let set = options.instructions;
            let name = format!("cpu, {}", set.name()).into();
            Target { name, blocks: Some(blocks(set, options)), writes_outputs: true, ..plain }
        }
    }
}

fn blocks(set: InstructionSet, options: &CpuOptions) -> Blocks {
    // Vectors in a second: one or two a cycle where the processor has them, a few cycles each where it has not.
    let multiply_adds_per_second = match set {
        InstructionSet::Avx512 => 3.7e9,
        InstructionSet::Avx2 => 7.4e9,
        InstructionSet::Portable => 1e9,
    };
    Blocks {
        lanes: set.lanes(),
        multiply_adds_per_second,
        winograd: !options.exact,
        once: options.once,
        ..Blocks::reference()
    }
}
