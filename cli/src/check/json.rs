//! `cnnc check --format json`: one object with what was told and what the models come to. `docs/json.md` says what is in it.

use super::told::Told;
use crate::shapes::{Port, ports};
use cnnc_compiler::summary::Summary;
use serde::Serialize;
use std::io::{self, Write};

/// The version of the object: members may be added to it, and none goes or gets another meaning.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Report {
    version: u32,
    errors: usize,
    warnings: usize,
    diagnostics: Vec<Told>,
    models: Vec<Model>,
}

/// What a model comes to.
#[derive(Serialize)]
pub struct Model {
    file: String,
    model: String,
    params: u64,
    macs: Option<u64>,
    outputs: Vec<Port>,
}

/// A model of a spec.
pub fn model(file: &str, summary: &Summary) -> Model {
    Model {
        file: file.to_owned(),
        model: summary.model.to_string(),
        params: summary.totals.cost.parameters,
        macs: summary.totals.cost.macs,
        outputs: ports(&summary.totals.outputs),
    }
}

/// Writes the object.
pub fn write(diagnostics: Vec<Told>, models: Vec<Model>, output: &mut dyn Write) -> io::Result<()> {
    let of = |severity: &str| diagnostics.iter().filter(|told| told.severity == severity).count();
    let (errors, warnings) = (of("error"), of("warning"));
    let report = Report { version: VERSION, errors, warnings, diagnostics, models };
    serde_json::to_writer_pretty(&mut *output, &report)?;
    writeln!(output)
}
