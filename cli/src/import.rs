//! `cnnc import FILE`: a file of another program becomes a spec and its weights, and what was made of it is said.

use crate::arguments::Import;
use crate::console::{Console, Outcome};
use crate::embedded::SPECS;
use crate::numbers::{counted, grouped};
use crate::summary::sizes_in_words;
use crate::weights;
use cnnc_compiler::graph::{NodeKind, ShapedGraph};
use cnnc_compiler::summary::summarize;
use cnnc_compiler::write_kernels::Bindings;
use cnnc_runtime::import::{self, Check, Form, Options, Proof};
use std::path::PathBuf;

/// Renamed modules that are listed one by one.
const MOST_LISTED: usize = 20;

/// Imports a file.
pub fn import(arguments: &Import, console: &mut Console<'_>) -> Outcome {
    let beside = || PathBuf::from(arguments.file.file_name().unwrap_or_default()).with_extension("cnn");
    let output = arguments.output.clone().unwrap_or_else(beside);
    let form = if arguments.flat { Form::Flat } else { Form::Rolled };
    let options = Options {
        form,
        force: arguments.force,
        weights: arguments.weights.as_deref(),
        keys: weights::of_file(&arguments.keys),
        model: arguments.model.as_deref(),
        library: SPECS,
        labels: arguments.labels.as_deref(),
        check: arguments.check.as_deref().map(|pair| Check { seed: arguments.seed, pair }),
    };
    let imported = console.timed("import", || import::import(&arguments.file, &output, &options));
    let imported = imported.map_err(|error| console.show(&error))?;
    console.print(&report(&imported))
}

/// What was made, a line a fact.
fn report(imported: &import::Import) -> String {
    let graph = &imported.graph;
    let summary = summarize(graph, &Bindings::new(), Some(0));
    let (cost, sizes) = (summary.totals.cost, &summary.totals.sizes);
    let made = [Some(&imported.spec), imported.labels.as_ref(), imported.weights.as_ref()];
    let made: Vec<String> = made.into_iter().flatten().map(|path| path.display().to_string()).collect();
    let mut files = made.join(" and ").replacen(" and ", ", ", made.len().saturating_sub(2));
    if imported.weights.is_none() {
        files += ", without weights";
    }
    let macs = cost.macs.map_or_else(|| "MACs open".to_owned(), |macs| format!("{} MACs", grouped(macs)));
    let mut text = format!("{files}\n");
    text += &format!("  from      {}\n", imported.origin);
    let (layers, parameters) = (counted(layers(graph), "layer"), counted(cost.parameters as usize, "parameter"));
    text += &format!("  holds     {layers}, {parameters}, {macs}\n");
    let inputs = graph.graph.inputs.iter().zip(&imported.ports.0);
    for (input, name) in inputs {
        text += &format!("  input     {} is `{name}`\n", input.shape);
    }
    let outputs = graph.graph.outputs.iter().zip(&imported.ports.1);
    for (output, name) in outputs {
        text += &format!("  output    {} is `{name}`\n", graph.shape(output.node));
    }
    if let Some(words) = sizes_in_words(sizes) {
        text += &format!("  sizes     {words}\n");
    }
    for note in &imported.notes {
        text += &format!("  noted     {note}\n");
    }
    for (wanted, name) in imported.renamed.iter().take(MOST_LISTED) {
        text += &format!("  renamed   `{wanted}` is `{name}`\n");
    }
    if let Some(others @ 1..) = imported.renamed.len().checked_sub(MOST_LISTED) {
        text += &format!("  renamed   {others} more\n");
    }
    text += match imported.proof {
        Proof::Kernels => "  proved    the spec's kernels are those of the file\n",
        Proof::Keys => "  proved    each tensor of the spec is in the file, under its key and in its size\n",
    };
    text + &imported.checked.as_ref().map(|it| checked(it, imported.weights.is_some())).unwrap_or_default()
}

/// How far the sides are apart, a line each.
fn checked(checked: &import::Checked, has_weights: bool) -> String {
    let by = if has_weights { "" } else { " and drawn parameters" };
    let drawn = checked.drawn.iter().map(|(sizes, far)| {
        let sizes = sizes.iter().map(|sizes| format!("{sizes:?}")).collect::<Vec<_>>().join(", ");
        format!("  checked   {far:.1e} from the file's layers in float64, on a drawn {sizes}{by}\n")
    });
    let stored = checked.stored.iter().map(|far| format!("  checked   {far:.1e} from the stored output\n"));
    drawn.chain(stored).collect()
}

/// Layers and joins.
fn layers(graph: &ShapedGraph) -> usize {
    graph.graph.dag.iter().filter(|(_, node)| matches!(node.kind, NodeKind::Operator(_))).count()
}
