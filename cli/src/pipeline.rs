//! From shapes to a plan: the stages behind inference, for `run` and `dump`.

use crate::console::{Console, Outcome};
use cnnc_compiler::graph::ShapedGraph;
use cnnc_compiler::kernels::KernelGraph;
use cnnc_compiler::passes::{self, Note};
use cnnc_compiler::plan::{Plan, Target, plan_with_notes};
use cnnc_compiler::shape::Dim;
use cnnc_compiler::training::{Training, training_step};
use cnnc_compiler::write_kernels::{Bindings, write_kernels};
use cnnc_grammar::span::Files;

/// A batch of so many samples, for every symbol that stands for a batch and has no size yet.
pub fn bind_batch(shaped: &ShapedGraph, bindings: &mut Bindings, samples: usize) {
    let batches = shaped.graph.inputs.iter().filter_map(|input| input.shape.first());
    for symbol in batches.flat_map(Dim::symbols) {
        bindings.entry(symbol.to_string()).or_insert(samples);
    }
}

/// The network in kernels, before any pass.
pub fn kernels(
    shaped: &ShapedGraph,
    bindings: &Bindings,
    files: &Files,
    console: &mut Console<'_>,
) -> Outcome<KernelGraph> {
    let written = console.timed("kernels", || write_kernels(shaped, bindings));
    written.map_err(|problem| console.fail(&problem, files))
}

/// The training step of a network in kernels, with cross-entropy and plain SGD, before any pass.
pub fn training_kernels(
    shaped: &ShapedGraph,
    bindings: &Bindings,
    files: &Files,
    console: &mut Console<'_>,
) -> Outcome<KernelGraph> {
    let written = console.timed("kernels", || training_step(shaped, bindings, &Training::plain()));
    written.map_err(|problem| console.fail(&problem, files))
}

/// The network after all passes, and what they did.
pub fn fused(mut graph: KernelGraph, console: &mut Console<'_>) -> Outcome<(KernelGraph, Vec<Note>)> {
    let notes = console.timed("passes", || passes::run(&mut graph));
    let notes = notes.map_err(|problem| console.fail(&problem, &Files::default()))?;
    Ok((graph, notes))
}

/// The plan, and what the planner had to do otherwise than asked.
pub fn planned(graph: &KernelGraph, target: &Target, console: &mut Console<'_>) -> Outcome<(Plan, Vec<Note>)> {
    let planned = console.timed("plan", || plan_with_notes(graph, target));
    planned.map_err(|problem| console.fail(&problem, &Files::default()))
}
