//! `cnnc check FILE...`: all errors and warnings of all files on standard error; without errors a line for each model.

use crate::arguments::Check;
use crate::console::{Console, Outcome, Stop};
use crate::model;
use crate::numbers::grouped;
use crate::summary::sizes_in_words;
use cnnc_compiler::summary::{Summary, summarize};
use cnnc_compiler::write_kernels::Bindings;
use cnnc_runtime::Disk;
use std::path::Path;

/// Checks all files, whatever is wrong with some.
pub fn check(arguments: &Check, console: &mut Console<'_>) -> Outcome {
    let mut outcome = Ok(());
    for file in &arguments.files {
        match check_file(file, arguments, console) {
            Err(Stop::Reported) => outcome = Err(Stop::Reported),
            other => other?,
        }
    }
    outcome
}

fn check_file(file: &Path, arguments: &Check, console: &mut Console<'_>) -> Outcome {
    let path = model::name(file, console)?;
    let checked = cnnc_compiler::check::check(path, &model::request(&arguments.model), &Disk, console);
    if checked.has_errors() {
        return Err(console.report(&checked.problems, &checked.files));
    }
    console.tell(&checked.problems, &checked.files);
    for network in &checked.networks {
        let summary = console.timed("summary", || summarize(network, &Bindings::new(), Some(0)));
        console.print(&format!("{}: {}\n", file.display(), line(&summary)))?;
    }
    Ok(())
}

/// `LeNet: 61,706 parameters, 423,400 MACs, output [N, 10]`
fn line(summary: &Summary) -> String {
    let cost = summary.totals.cost;
    let macs = cost.macs.map_or_else(|| "MACs open".into(), |macs| format!("{} MACs", grouped(macs)));
    let outputs: Vec<String> = summary.totals.outputs.iter().map(|(_, shape)| shape.to_string()).collect();
    let noun = if outputs.len() == 1 { "output" } else { "outputs" };
    let parameters = grouped(cost.parameters);
    let mut line = format!("{}: {parameters} parameters, {macs}, {noun} {}", summary.model, outputs.join(", "));
    if let Some(sizes) = sizes_in_words(&summary.totals.sizes) {
        line += &format!("; {sizes}");
    }
    line
}
