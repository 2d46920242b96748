//! What the tests of the resolver share: specs in memory, checked or written out.

#![allow(dead_code, reason = "every test file uses a part")]

use cnnc_compiler::check::{self, Checked, Spec};
use cnnc_compiler::diagnostic::Diagnostic;
use cnnc_compiler::graph::{Graph, ShapedGraph};
use cnnc_compiler::resolve::{Request, Sources};
use cnnc_grammar::span::{Files, Span};
use std::collections::BTreeMap;
use std::path::Path;

/// Where the specs that ship lie.
pub const MODELS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../models");

/// Files on the disk; paths of imports are relative to the importing file.
pub struct Disk;

impl Sources for Disk {
    fn read(&self, path: &str, importer: Option<&str>) -> Result<(String, String), String> {
        let folder = importer.and_then(|importer| Path::new(importer).parent()).unwrap_or(Path::new(""));
        let path = folder.join(path).canonicalize().map_err(|error| error.to_string())?;
        let text = std::fs::read_to_string(&path).map_err(|error| error.to_string())?;
        Ok((path.display().to_string(), text))
    }
}

/// Files in memory, by name. Paths of imports are names.
#[derive(Default)]
pub struct Memory(pub BTreeMap<String, String>);

impl Sources for Memory {
    fn read(&self, path: &str, _importer: Option<&str>) -> Result<(String, String), String> {
        let text = self.0.get(path).ok_or("there is no such file")?;
        Ok((path.to_owned(), text.clone()))
    }
}

/// One file called `main.cnn`.
pub fn one(text: &str) -> Memory {
    several(&[("main.cnn", text)])
}

/// Several files; the first one is `main.cnn`.
pub fn several(files: &[(&str, &str)]) -> Memory {
    Memory(files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect())
}

/// What a run made of a spec.
pub struct Outcome {
    pub files: Files,
    pub problems: Vec<Diagnostic>,
    pub graphs: Vec<ShapedGraph>,
}

impl Outcome {
    /// Codes with lines and columns, in order: `E302 4:5`.
    pub fn codes(&self) -> Vec<String> {
        self.problems.iter().map(|problem| format!("{} {}", problem.code, self.place(problem))).collect()
    }

    /// Codes without places.
    pub fn kinds(&self) -> Vec<&'static str> {
        self.problems.iter().map(|problem| problem.code.name()).collect()
    }

    fn place(&self, problem: &Diagnostic) -> String {
        problem.labels.first().map_or("-".into(), |label| line_and_column(&self.files, label.span))
    }

    /// Everything that is said, for messages of tests.
    pub fn said(&self) -> String {
        let lines = self.problems.iter().map(|problem| {
            let labels = problem.labels.iter().map(|label| {
                format!(
                    "\n    {} {:?}: {}",
                    line_and_column(&self.files, label.span),
                    self.files.text(label.span),
                    label.text
                )
            });
            let notes = problem.notes.iter().map(|note| format!("\n    = {note}"));
            let help = problem.help.iter().map(|help| format!("\n    help: {help}"));
            let trace = problem
                .trace
                .iter()
                .map(|label| format!("\n    {} {}", line_and_column(&self.files, label.span), label.text));
            let parts: String = labels.chain(notes).chain(help).chain(trace).collect();
            format!("{}: {}{parts}\n", problem.code, problem.message)
        });
        lines.collect()
    }
}

/// Line and column of a place, from 1.
pub fn line_and_column(files: &Files, span: Span) -> String {
    let text = files.get(span.file).map_or("", |file| file.text.as_str());
    let before = text.get(..span.start as usize).unwrap_or("");
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    format!("{line}:{column}")
}

/// Checks all models of `main.cnn`.
pub fn check_in(sources: &Memory) -> Outcome {
    let Checked { files, problems, networks, .. } = check::check("main.cnn", &Request::default(), sources, &mut ());
    Outcome { files, problems, graphs: networks }
}

/// Checks all models of a text.
pub fn check(text: &str) -> Outcome {
    check_in(&one(text))
}

/// Writes out one model.
pub fn request(sources: &Memory, request: &Request) -> Outcome {
    let Checked { files, problems, networks, .. } = Spec::read("main.cnn", sources, &mut ()).network(request, &mut ());
    Outcome { files, problems, graphs: networks }
}

/// The last model of a text, which must be right.
pub fn shaped(text: &str) -> ShapedGraph {
    let mut outcome = check(text);
    assert!(outcome.problems.is_empty(), "{text}\n{}", outcome.said());
    outcome.graphs.pop().expect("a model")
}

/// The last model of a text, which must be right.
pub fn graph(text: &str) -> Graph {
    shaped(text).graph
}

/// The body of a model with an input of 16 channels, 8×8.
pub fn model(body: &str) -> String {
    format!("model M {{\n    input [N, 16, 8, 8]\n{body}\n}}\n")
}

/// The keys of all parameters, in order.
pub fn keys(graph: &Graph) -> Vec<&str> {
    graph.parameters.iter().map(|parameter| &*parameter.path).collect()
}

/// The paths of all layers, in order.
pub fn paths(graph: &Graph) -> Vec<String> {
    let order = graph.dag.order().expect("no circle");
    let nodes = order.iter().filter_map(|id| graph.dag.get(*id));
    nodes
        .filter(|node| !matches!(node.kind, cnnc_compiler::graph::NodeKind::Input(_)))
        .map(|node| node.path.to_string())
        .collect()
}
