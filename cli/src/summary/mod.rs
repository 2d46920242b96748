//! `cnnc summary FILE`: every layer with its shape, parameters and cost, in five forms.

mod data;
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

/// Prints the summary.
pub fn summary(arguments: &arguments::Summary, console: &mut Console<'_>) -> Outcome {
    let shaped = model::load(&arguments.file, &arguments.model, console)?.graph;
    let text = match arguments.format {
        Format::Torch => torch::lines(&shaped),
        Format::Tree => tree::tree(&shaped, arguments.depth),
        Format::Table => table::table(&summed(&shaped, arguments.depth, console), console),
        Format::Json => data::json(&summed(&shaped, arguments.depth, console)),
        Format::Yaml => data::yaml(&summed(&shaped, arguments.depth, console)),
    };
    console.print(&text)
}

fn summed(shaped: &ShapedGraph, depth: Option<usize>, console: &mut Console<'_>) -> Summary {
    console.timed("summary", || summarize(shaped, &Bindings::new(), depth))
}

/// `H and W: any multiple of 32 from 32 up`; `None` when every size will do.
pub fn sizes_in_words(sizes: &Sizes) -> Option<String> {
    Some(sizes.to_string()).filter(|words| !words.is_empty())
}
