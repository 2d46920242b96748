//! `cnnc check FILE...`: all errors and warnings of all files on standard error; without errors a line for each model.

use crate::arguments::Check;
use crate::console::{Console, Outcome, Stop};
use crate::model;
use cnnc_compiler::summary::summarize;
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
        console.print(&format!("{}: {}: {}\n", file.display(), summary.model, summary.totals))?;
    }
    Ok(())
}
