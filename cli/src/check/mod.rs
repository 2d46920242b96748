//! `cnnc check FILE...`: all errors and warnings of all files on standard error; without errors a line for each model.
//!
//! `--format` writes the same on standard output for programs: `told` turns what was found into places with lines and columns,
//! and a file a format writes that. `--fix` makes the changes that diagnostics offer.

mod fix;
mod github;
mod json;
mod sarif;
mod told;

use crate::arguments::{Check, CheckFormat};
use crate::console::{Console, Outcome, Stop};
use crate::model;
use cnnc_compiler::check::Checked;
use cnnc_compiler::resolve::Sources;
use cnnc_compiler::summary::{Summary, summarize};
use cnnc_compiler::write_kernels::Bindings;
use cnnc_runtime::Disk;
use std::path::Path;
use told::Told;

/// Checks all files, whatever is wrong with some.
pub fn check(arguments: &Check, console: &mut Console<'_>) -> Outcome {
    match (arguments.fix, arguments.format) {
        (Some(kind), _) => fix::fix(arguments, kind, console),
        (None, CheckFormat::Text) => of_all(arguments, &Disk, console),
        (None, format) => for_programs(arguments, format, console),
    }
}

/// All files as people read it.
fn of_all(arguments: &Check, sources: &dyn Sources, console: &mut Console<'_>) -> Outcome {
    let mut outcome = Ok(());
    for file in &arguments.files {
        match check_file(file, arguments, sources, console) {
            Err(Stop::Reported) => outcome = Err(Stop::Reported),
            other => other?,
        }
    }
    outcome
}

fn check_file(file: &Path, arguments: &Check, sources: &dyn Sources, console: &mut Console<'_>) -> Outcome {
    let checked = checked(file, arguments, sources, console)?;
    if checked.has_errors() {
        return Err(console.report(&checked.problems, &checked.files));
    }
    console.tell(&checked.problems, &checked.files);
    for summary in summaries(&checked, console) {
        console.print(&format!("{}: {}: {}\n", file.display(), summary.model, summary.totals))?;
    }
    Ok(())
}

fn checked(file: &Path, arguments: &Check, sources: &dyn Sources, console: &mut Console<'_>) -> Outcome<Checked> {
    let path = model::name(file, console)?;
    Ok(cnnc_compiler::check::check(path, &model::request(&arguments.model), sources, console))
}

/// What the models of a spec come to.
fn summaries(checked: &Checked, console: &mut Console<'_>) -> Vec<Summary> {
    let of = |network| summarize(network, &Bindings::new(), Some(0));
    console.timed("summary", || checked.networks.iter().map(of).collect())
}

/// All files in one document.
fn for_programs(arguments: &Check, format: CheckFormat, console: &mut Console<'_>) -> Outcome {
    let (mut told, mut models): (Vec<Told>, Vec<json::Model>) = Default::default();
    for file in &arguments.files {
        let checked = checked(file, arguments, &Disk, console)?;
        let name = file.display().to_string();
        if !checked.has_errors() {
            models.extend(summaries(&checked, console).iter().map(|summary| json::model(&name, summary)));
        }
        // What is wrong in an imported file is told once, however many import it, unless it is so by what they call it with.
        for one in told::all(&name, &checked) {
            if !told.contains(&one) {
                told.push(one);
            }
        }
    }
    let has_errors = told.iter().any(Told::is_error);
    match format {
        CheckFormat::Json => console.print_data(|output| json::write(told, models, output))?,
        CheckFormat::Sarif => console.print_data(|output| sarif::write(&told, output))?,
        CheckFormat::Github => console.print(&github::commands(&told))?,
        CheckFormat::Text => {}
    }
    if has_errors { Err(Stop::Reported) } else { Ok(()) }
}
