//! The command line: a file for each subcommand, and what they share.
//!
//! Arguments come in; text on standard output, diagnostics on standard error and an exit code go out: 0 done, 1 the spec, the
//! data or the machine is at fault, 2 wrong usage. A closed pipe ends quietly. A library, so that tests call it in process; the
//! executable is five lines.

mod answer;
mod arguments;
mod bench;
mod check;
mod compare;
mod console;
mod convert;
mod device;
mod diff;
mod doctor;
mod draw;
mod dump;
mod embedded;
mod environment;
mod eval;
mod explain;
mod export;
mod fmt;
mod grad;
mod graph;
mod import;
mod inputs;
mod lsp;
mod model;
mod numbers;
mod opened;
mod outputs;
mod page;
mod params;
mod quantize;
mod recipe;
mod report;
mod run;
mod shapes;
mod slice;
mod solve;
mod source;
mod summary;
mod text_diff;
mod train;
mod tuning;
mod values;
mod weights;

pub use console::Console;

use arguments::{Arguments, Command};
use clap::Parser;
use console::Stop;
use std::ffi::OsString;
use std::process::ExitCode;

/// Runs the program on this process's arguments and streams.
pub fn main() -> ExitCode {
    console::report_panics_as_faults();
    let outcome = std::panic::catch_unwind(|| run(std::env::args_os(), Console::of_process()));
    ExitCode::from(outcome.unwrap_or(1))
}

/// Runs one command line, the program's name first, and gives the exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>, mut console: Console<'_>) -> u8 {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => return console.usage(&error),
    };
    console.verbose = arguments.verbose;
    let outcome = environment::check(&mut console).and_then(|()| match &arguments.command {
        Command::Check(check) => check::check(check, &mut console),
        Command::Fmt(fmt) => fmt::fmt(fmt, &mut console),
        Command::Explain(explain) => explain::explain(explain, &mut console),
        Command::Summary(summary) => summary::summary(summary, &mut console),
        Command::Solve(solve) => solve::solve(solve, &mut console),
        Command::Diff(diff) => diff::diff(diff, &mut console),
        Command::Run(run) => run::run(run, &mut console),
        Command::Dump(dump) => dump::dump(dump, &mut console),
        Command::Bench(bench) => bench::bench(bench, &mut console),
        Command::Params(params) => params::params(params, &mut console),
        Command::Convert(convert) => convert::convert(convert, &mut console),
        Command::Quantize(quantize) => quantize::quantize(quantize, &mut console),
        Command::Train(train) => train::run(train, &mut console),
        Command::Doctor(doctor) => doctor::doctor(doctor, &mut console),
        Command::Eval(eval) => eval::run(eval, &mut console),
        Command::Import(import) => import::import(import, &mut console),
        Command::Export(export) => export::export(export, &mut console),
        Command::Compare(compare) => compare::run(compare, &mut console),
        Command::Grad(grad) => grad::run(grad, &mut console),
        Command::Graph(graph) => graph::graph(graph, &mut console),
        Command::Lsp => lsp::lsp(&mut console),
    });
    match outcome.and_then(|()| console.finish()) {
        Ok(()) | Err(Stop::ClosedPipe) => 0,
        Err(Stop::Reported) => {
            console.point_to_explanation();
            1
        }
    }
}
