//! The memory that a network takes on this machine's processor: it is compiled for it, and nothing is run.

use crate::arguments;
use crate::console::{Console, Outcome};
use crate::model::MOST_PLANNED;
use crate::numbers::grouped;
use cnnc_compiler::diagnostic::Code;
use cnnc_compiler::plan::Target;
use cnnc_compiler::training::Training;
use cnnc_runtime::cpu::{Cpu, CpuOptions, Footprint, footprint, training_footprint};
use cnnc_runtime::{Backend, Model};

/// As much as no machine has, so that a network which does not fit is foretold too.
const NO_LIMIT: u64 = 1 << 48;

/// A network's memory, with so many threads.
pub struct Memory {
    /// The bytes of an engine for answers.
    pub footprint: Footprint,
    /// The bytes of a training step, when it was asked for.
    pub training: Option<Footprint>,
    /// Threads, at least one.
    pub threads: usize,
    /// Samples, when a number was asked for.
    pub batch: Option<u32>,
}

/// The memory, for one sample where the batch is open; `None` where other sizes are, or the network cannot be run or is of very
/// many layers.
pub fn memory(model: &Model, arguments: &arguments::Summary, console: &mut Console<'_>) -> Outcome<Option<Memory>> {
    if model.graph.graph.dag.len() > MOST_PLANNED {
        let most = grouped(MOST_PLANNED as u64);
        console.remark(Code::E217, format!("memory is foretold of networks of up to {most} layers"));
        return Ok(None);
    }
    let options = CpuOptions { threads: arguments.threads, ..CpuOptions::default() };
    let target = Target { memory_bytes: NO_LIMIT, ..Cpu(options).target() };
    let training = match arguments.train {
        true => Some(of_training(model, arguments.recompute, &target, &options, console)?),
        false => None,
    };
    let footprint = model.compile(&target, &mut ()).ok().and_then(|(plan, _)| footprint(&plan, &options).ok());
    let (threads, batch) = (options.thread_count(), arguments.batch);
    Ok(footprint.map(|footprint| Memory { footprint, training, threads, batch }))
}

/// That of a step by the cross-entropy and plain SGD; what keeps a network from being trained is shown.
fn of_training(
    model: &Model,
    recompute: bool,
    target: &Target,
    options: &CpuOptions,
    console: &mut Console<'_>,
) -> Outcome<Footprint> {
    let training = Training { recompute, ..Training::plain() };
    let compiled = model.compile_training(&training, target, &mut ());
    let (plan, _) = compiled.map_err(|report| console.show(&report))?;
    training_footprint(&plan, options).map_err(|failure| console.fail(&failure, &model.files))
}
