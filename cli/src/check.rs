//! `cnnc check FILE...`: all errors of all files on standard error; on success a line for each model.

use crate::arguments::Check;
use crate::console::{Console, Outcome, Stop};
use crate::model;
use crate::numbers::grouped;
use crate::summary::sizes_in_words;
use cnnc_compiler::diagnostic::Diagnostic;
use cnnc_compiler::resolve::{Request, Sources};
use cnnc_compiler::summary::{Summary, summarize};
use cnnc_compiler::write_kernels::Bindings;
use cnnc_grammar::span::Files;
use cnnc_runtime::{Disk, Spec};
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
    let inspection = inspect(path, &model::request(&arguments.model), &Disk, console);
    if !inspection.problems.is_empty() {
        return Err(console.report(&inspection.problems, &inspection.files));
    }
    let lines = inspection.summaries.iter().map(|summary| format!("{}: {}\n", file.display(), line(summary)));
    lines.into_iter().try_for_each(|line| console.print(&line))
}

/// What a check found.
pub struct Inspection {
    /// The files that the spec is made of.
    pub files: Files,
    /// What is wrong, by place.
    pub problems: Vec<Diagnostic>,
    /// Every model that was written out, as a whole.
    pub summaries: Vec<Summary>,
}

/// Checks one spec: the model that is asked for, or all of them.
pub fn inspect(path: &str, request: &Request, sources: &dyn Sources, console: &mut Console<'_>) -> Inspection {
    let mut spec = Spec::read(path, sources, console);
    let mut summaries = Vec::new();
    for shaped in spec.all_shaped(request, console) {
        summaries.push(console.timed("summary", || summarize(&shaped, &Bindings::new(), Some(0))));
    }
    Inspection { problems: spec.problems.into_sorted(), files: spec.files, summaries }
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
