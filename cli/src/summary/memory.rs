//! The memory that a network takes on this machine's processor: it is compiled for it, and nothing is run.

use crate::arguments;
use crate::console::{Console, Outcome};
use crate::model::MOST_PLANNED;
use crate::numbers::grouped;
use cnnc_compiler::diagnostic::Code;
use cnnc_compiler::summary::{Needed, needed};
use cnnc_compiler::training::Training;
use cnnc_compiler::write_kernels::Bindings;
use cnnc_runtime::{Footprint, Model, bind_batch, cores};

/// A network's memory, with so many threads.
pub struct Memory {
    /// The bytes of an engine for answers.
    pub footprint: Footprint,
    /// What any machine needs.
    pub needed: Option<Needed>,
    /// The bytes of a training step, when it was asked for.
    pub training: Option<Footprint>,
    /// Threads, at least one.
    pub threads: usize,
    /// Samples, when a number was asked for.
    pub batch: Option<u32>,
}

/// The memory, for one sample where the batch is open; `None` where other sizes are, or the network cannot be run or is of very
/// many layers.
pub fn memory(
    model: &Model,
    bindings: &Bindings,
    arguments: &arguments::Summary,
    console: &mut Console<'_>,
) -> Outcome<Option<Memory>> {
    if model.graph().graph.dag.len() > MOST_PLANNED {
        let most = grouped(MOST_PLANNED as u64);
        console.remark(Code::E217, format!("memory is foretold of networks of up to {most} layers"));
        return Ok(None);
    }
    // By the cross-entropy and plain SGD; what keeps a network from being trained is shown.
    let training = match arguments.train {
        true => {
            let training = Training { recompute: arguments.recompute, ..Training::plain() };
            let foretold = model.training_memory(&training, bindings, arguments.threads);
            Some(foretold.map_err(|report| console.show(&report))?)
        }
        false => None,
    };
    let footprint = model.memory(bindings, arguments.threads).ok();
    let mut all = bindings.clone();
    bind_batch(model.graph(), &mut all, 1);
    let needed = needed(model.graph(), &all).ok();
    let (threads, batch) = (if arguments.threads == 0 { cores() } else { arguments.threads }, arguments.batch);
    Ok(footprint.map(|footprint| Memory { footprint, needed, training, threads, batch }))
}
