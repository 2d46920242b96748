//! `cnnc summary FILE`: every layer with its shape, parameters and cost, in six forms.

mod data;
mod lines;
mod memory;
mod symbolic;
mod table;
mod torch;
mod tree;

pub use data::{TotalsData, totals};

use crate::arguments::{self, Format};
use crate::console::{Console, Outcome};
use crate::graph;
use crate::model::{self, MOST_PLANNED};
use cnnc_compiler::sizes::Sizes;
use cnnc_compiler::summary::{Summary, outline};
use cnnc_compiler::write_kernels::Bindings;
use cnnc_runtime::Model;
use memory::Memory;

/// Prints the summary.
pub fn summary(arguments: &arguments::Summary, console: &mut Console<'_>) -> Outcome {
    let model = model::load(&arguments.file, &arguments.model, console)?;
    let mut reader = model.reader();
    if let Some(batch) = arguments.batch {
        reader = reader.batch(batch as usize).map_err(|report| console.show(&report))?;
    }
    let bindings = reader.bindings();
    match arguments.format {
        _ if arguments.symbolic => symbolic::print(&model, arguments, console),
        Format::Torch => console.print(&torch::lines(model.graph())),
        Format::Tree => console.print(&tree::tree(model.graph(), arguments.depth)),
        Format::Table => {
            let (summary, memory) = summed(&model, bindings, arguments, console)?;
            // Of very many layers each is a line as it is: an outline would hold them several times.
            let (rows, depth) = match model.graph().graph.dag.len() {
                ..=MOST_PLANNED => (outline(model.graph(), &Bindings::new()), arguments.depth),
                _ => (summary.rows.iter().map(lines::flat).collect(), Some(1)),
            };
            table::table(&summary, &rows, depth, memory.as_ref(), console)
        }
        Format::Json => data::json(&summed(&model, bindings, arguments, console)?, console),
        Format::Yaml => data::yaml(&summed(&model, bindings, arguments, console)?, console),
        Format::Html => {
            let (summary, memory) = summed(&model, bindings, arguments, console)?;
            let page = graph::table_of(&model, arguments, &table::totals(&summary, memory.as_ref()), console)?;
            console.print_data(|output| output.write_all(page.as_bytes()))
        }
    }
}

/// The layers, and the memory that they take together.
fn summed(
    model: &Model,
    bindings: &Bindings,
    arguments: &arguments::Summary,
    console: &mut Console<'_>,
) -> Outcome<(Summary, Option<Memory>)> {
    let summary = console.timed("summary", || model.summary(&Bindings::new(), arguments.depth));
    Ok((summary, memory::memory(model, bindings, arguments, console)?))
}

/// `H and W: any multiple of 32 from 32 up`; `None` when every size will do.
pub fn sizes_in_words(sizes: &Sizes) -> Option<String> {
    Some(sizes.to_string()).filter(|words| !words.is_empty())
}
