//! `cnnc summary FILE`: every layer with its shape, parameters and cost, in five forms.

mod data;
mod memory;
mod table;
mod torch;
mod tree;

use crate::arguments::{self, Format};
use crate::console::{Console, Outcome};
use crate::model;
use cnnc_compiler::graph::ShapedGraph;
use cnnc_compiler::sizes::Sizes;
use cnnc_compiler::summary::{Summary, summarize};
use cnnc_compiler::write_kernels::Bindings;
use memory::Memory;

/// Prints the summary.
pub fn summary(arguments: &arguments::Summary, console: &mut Console<'_>) -> Outcome {
    let shaped = model::load(&arguments.file, &arguments.model, console)?.graph;
    let text = match arguments.format {
        Format::Torch => torch::lines(&shaped),
        Format::Tree => tree::tree(&shaped, arguments.depth),
        Format::Table => {
            let (summary, memory) = summed(&shaped, arguments, console);
            table::table(&summary, memory.as_ref(), console)
        }
        Format::Json => data::json(&summed(&shaped, arguments, console)),
        Format::Yaml => data::yaml(&summed(&shaped, arguments, console)),
    };
    console.print(&text)
}

/// The layers, and the memory that they take together.
fn summed(
    shaped: &ShapedGraph,
    arguments: &arguments::Summary,
    console: &mut Console<'_>,
) -> (Summary, Option<Memory>) {
    let summary = console.timed("summary", || summarize(shaped, &Bindings::new(), arguments.depth));
    (summary, console.timed("memory", || memory::memory(shaped, arguments.threads)))
}

/// `H and W: any multiple of 32 from 32 up`; `None` when every size will do.
pub fn sizes_in_words(sizes: &Sizes) -> Option<String> {
    Some(sizes.to_string()).filter(|words| !words.is_empty())
}
