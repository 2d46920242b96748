//! `cnnc export FILE`: a spec and its weights become a file of ONNX, and what was made is said.

use crate::arguments::Export;
use crate::console::{Console, Outcome};
use crate::numbers::counted;
use crate::outputs::{self, Read};
use crate::{model, weights};
use cnnc_compiler::diagnostic::Code;
use cnnc_runtime::export::{self, Options};
use std::path::PathBuf;

/// Exports a spec.
pub fn export(arguments: &Export, console: &mut Console<'_>) -> Outcome {
    let model = model::load(&arguments.file, &arguments.model, console)?;
    let beside = || PathBuf::from(arguments.file.file_name().unwrap_or_default()).with_extension("onnx");
    let output = arguments.output.clone().unwrap_or_else(beside);
    let read = arguments.weights.weights.iter().map(|path| Read { role: "the weights", path });
    let checked = outputs::check(&output, outputs::sources(model.files()).chain(read));
    checked.map_err(|diagnostic| console.fail(&diagnostic, model.files()))?;
    let weights = weights::load_or_draw(&model, &arguments.weights, arguments.seed, console)?;
    if !weights.quantisations().is_empty() {
        console.remark(
            Code::E602,
            "these weights of bytes are exported as floats, and what bytes of values stand for is left out",
        );
    }
    let options =
        Options { operator_set: arguments.opset, fused: arguments.fused, force: arguments.force, ..Options::default() };
    let exported = console.timed("export", || export::export(&model, &weights, &output, &options));
    let exported = exported.map_err(|error| console.show(&error))?;
    console.print(&report(&exported, arguments))
}

/// What was made, a line a fact.
fn report(exported: &export::Export, arguments: &Export) -> String {
    let beside = exported.beside.as_ref().map_or(String::new(), |path| format!(" and {}", path.display()));
    let mut text = format!("{}{beside}\n", exported.file.display());
    let (nodes, megabytes) = (counted(exported.nodes, "node"), exported.bytes as f64 / 1e6);
    text += &format!("  holds     {nodes} of operator set {}, {megabytes:.1} MB\n", arguments.opset);
    for (what, ports) in [("input ", &exported.inputs), ("output", &exported.outputs)] {
        for (name, shape) in ports {
            text += &format!("  {what}    `{name}` is {shape}\n");
        }
    }
    text
}
