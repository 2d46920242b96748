//! Draft to plan: buffers get their places, and the whole is held against the target's memory.
//!
//! Scratch and arena are one storage each, in which buffers get offsets. What `prepare` makes for runs stays, and so shares
//! memory with nothing: each such buffer is a storage of its own, numbered in the order in which they are written.

use super::draft::{Draft, DraftStep};
use super::memory::{Life, assign};
use super::reuse::{Reuse, reuse};
use super::{Plan, PlanParameter, PlanPort, Step, Storage, Target, View};
use crate::diagnostic::{Code, Diagnostic};
use crate::kernels::KernelGraph;

/// Gives every buffer its place.
pub(super) fn finish(graph: &KernelGraph, draft: Draft, parameters: Vec<PlanParameter>, target: &Target) -> Plan {
    let reuse = reuse(&draft);
    let mut offsets = vec![0; draft.buffers.len()];
    let mut size_of = |storage: Storage| {
        let in_it = |index: &usize| draft.buffers.get(*index).is_some_and(|buffer| buffer.storage == storage);
        let lives = reuse.lives.iter().enumerate().filter_map(|(index, life)| life.map(|life| (index, life)));
        let (indices, lives): (Vec<usize>, Vec<Life>) = lives.filter(|(index, _)| in_it(index)).unzip();
        let (found, size) = assign(&lives, target.alignment_bytes);
        for (index, offset) in indices.into_iter().zip(found) {
            if let Some(slot) = offsets.get_mut(index) {
                *slot = offset;
            }
        }
        size
    };
    let [scratch_bytes, arena_bytes] = [Storage::Scratch, Storage::Arena].map(&mut size_of);
    let mut storages: Vec<Storage> = draft.buffers.iter().map(|buffer| buffer.storage).collect();
    let prepared = number_prepared(&draft, &reuse, &mut storages, target.alignment_bytes);
    let moved = |view: &View, buffer: Option<usize>| {
        let root = buffer.and_then(|index| reuse.root.get(index).copied());
        let place = root.and_then(|index| Some((storages.get(index).copied()?, *offsets.get(index)?)));
        let (storage, offset) = place.unwrap_or((view.storage, 0));
        View { storage, offset_bytes: view.offset_bytes + offset, ..view.clone() }
    };
    let Draft { prepare, run, outputs, .. } = draft;
    let ports = |index: usize| graph.inputs.get(index).and_then(|port| graph.dag.get(port.node));
    let inputs = graph.inputs.iter().enumerate().filter_map(|(index, port)| {
        let node = ports(index)?;
        let view = View::dense(Storage::Input(index), node.element, 0, &node.shape);
        Some(PlanPort { name: port.name.clone(), view })
    });
    let outputs = graph
        .outputs
        .iter()
        .zip(&outputs)
        .map(|(port, located)| PlanPort { name: port.name.clone(), view: moved(&located.view, located.buffer) });
    Plan {
        inputs: inputs.collect(),
        class_input: graph.class_input,
        outputs: outputs.collect(),
        parameters,
        prepare: prepare.into_iter().map(|step| place(step, &moved)).collect(),
        run: run.into_iter().map(|step| place(step, &moved)).collect(),
        scratch_bytes,
        prepared,
        arena_bytes,
    }
}

/// Numbers what `prepare` makes for runs, in place of its buffers' own numbers, and gives the bytes of each.
fn number_prepared(draft: &Draft, reuse: &Reuse, storages: &mut [Storage], alignment: usize) -> Vec<usize> {
    let lives = draft.buffers.iter().zip(&reuse.lives).enumerate();
    let made = lives.filter_map(|(index, (buffer, life))| life.filter(|_| buffer.is_prepared()).zip(Some(index)));
    let mut made: Vec<(Life, usize)> = made.collect();
    made.sort_unstable_by_key(|(life, index)| (life.first, *index));
    for (number, (_, index)) in made.iter().enumerate() {
        if let Some(storage) = storages.get_mut(*index) {
            *storage = Storage::Prepared(number);
        }
    }
    made.iter().map(|(life, _)| life.bytes.next_multiple_of(alignment.max(1))).collect()
}

/// A step whose views are where their buffers are.
fn place(draft: DraftStep, moved: &dyn Fn(&View, Option<usize>) -> View) -> Step {
    let DraftStep { mut step, operands, output } = draft;
    for (view, buffer) in step.operands.iter_mut().zip(operands) {
        *view = moved(view, buffer);
    }
    step.output = moved(&step.output, output);
    step
}

/// E401 when one value alone is larger than the memory; asked before offsets are added up.
pub(super) fn check_values(graph: &KernelGraph, draft: &Draft, target: &Target) -> Result<(), Box<Diagnostic>> {
    let largest = draft.buffers.iter().map(|buffer| buffer.bytes as u64).max().unwrap_or(0);
    if largest <= target.memory_bytes {
        return Ok(());
    }
    Err(too_large(graph, largest, target, Vec::new()))
}

/// E401 when arena, prepared values and parameters together are larger than the memory.
pub(super) fn check_memory(graph: &KernelGraph, plan: &Plan, target: &Target) -> Result<(), Box<Diagnostic>> {
    let parts = [
        ("the values of a run", plan.arena_bytes as u64),
        ("parameters", plan.parameter_bytes()),
        ("what is made of the parameters once", plan.prepared_bytes().saturating_add(plan.scratch_bytes as u64)),
    ];
    let total = parts.iter().fold(0u64, |total, (_, part)| total.saturating_add(*part));
    if total <= target.memory_bytes {
        return Ok(());
    }
    let notes = parts.iter().map(|(what, part)| format!("{what}: {}", in_words(*part))).collect();
    Err(too_large(graph, total, target, notes))
}

fn too_large(graph: &KernelGraph, asked: u64, target: &Target, notes: Vec<String>) -> Box<Diagnostic> {
    let (asked, there) = (in_words(asked), in_words(target.memory_bytes));
    let mut diagnostic =
        Diagnostic::without_place(Code::E401, format!("the network needs {asked} of memory, and there are {there}"));
    diagnostic.notes = notes;
    let largest = graph.dag.iter().max_by_key(|(id, node)| (node.elements(), std::cmp::Reverse(*id)));
    if let Some((id, node)) = largest {
        let (label, size) = (graph.label(id), in_words(node.element.tensor_bytes(&node.shape)));
        diagnostic = diagnostic.note(format!("the largest tensor is that of `{label}`, {:?}: {size}", node.shape));
    }
    Box::new(diagnostic.help("a smaller batch, or smaller pictures, need less"))
}

/// `12.8 MB (12,845,056 bytes)`
fn in_words(count: u64) -> String {
    let exact = format!("{} bytes", grouped(count));
    let unit = [("GB", 1e9), ("MB", 1e6), ("kB", 1e3)].into_iter().find(|(_, size)| count as f64 >= *size);
    match unit {
        Some((unit, size)) => format!("{:.1} {unit} ({exact})", count as f64 / size),
        None => exact,
    }
}

/// Digits in threes.
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let from_end = |index: usize| digits.len() - index;
    let separated = digits.chars().enumerate().flat_map(|(index, digit)| {
        let comma = (index > 0 && from_end(index) % 3 == 0).then_some(',');
        comma.into_iter().chain([digit])
    });
    separated.collect()
}
