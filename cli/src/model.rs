//! From a file to a network with shapes, as every command that loads a model needs it.

use crate::arguments::Model;
use crate::console::{Console, Outcome};
use crate::sources::Disk;
use cnnc_compiler::diagnostic::Problems;
use cnnc_compiler::graph::ShapedGraph;
use cnnc_compiler::infer::infer;
use cnnc_compiler::resolve::{Program, Request, Sources, check_all, load, resolve};
use cnnc_grammar::span::Files;
use std::path::Path;

/// A spec that was read.
pub struct Spec<'s> {
    /// The files it is made of.
    pub files: Files,
    /// Its trees.
    pub program: Program,
    /// What is wrong so far.
    pub problems: Problems,
    sources: &'s dyn Sources,
}

/// Which network the arguments ask for.
pub fn request(model: &Model) -> Request {
    Request {
        model: model.model.clone(),
        settings: model.set.clone(),
        init: Vec::new(),
        input_shapes: model.input_shape.iter().map(|sizes| sizes.0.clone()).collect(),
    }
}

impl<'s> Spec<'s> {
    /// Reads a spec and its imports.
    pub fn read(path: &str, sources: &'s dyn Sources, console: &mut Console<'_>) -> Spec<'s> {
        Spec::read_after(Files::default(), path, sources, console)
    }

    /// As [`Spec::read`], its files after these.
    pub fn read_after(mut files: Files, path: &str, sources: &'s dyn Sources, console: &mut Console<'_>) -> Spec<'s> {
        let mut problems = Problems::default();
        let program = console.timed("parse", || load(path, sources, &mut files, &mut problems));
        Spec { files, program, problems, sources }
    }

    /// A network with its shapes; `None` when `problems` says why.
    pub fn shaped(&mut self, request: &Request, console: &mut Console<'_>) -> Option<ShapedGraph> {
        let Spec { files, program, problems, sources } = self;
        let graph = console.timed("resolve", || resolve(program, request, files, *sources, problems))?;
        console.timed("infer", || infer(graph, problems))
    }

    /// Checks everything in the spec, and gives the networks that are asked for: one model, or all that need no arguments.
    pub fn all_shaped(&mut self, request: &Request, console: &mut Console<'_>) -> Vec<ShapedGraph> {
        let Spec { files, program, problems, sources } = self;
        let graphs = console.timed("resolve", || check_all(program, request, files, *sources, problems));
        console.timed("infer", || graphs.into_iter().filter_map(|graph| infer(graph, problems)).collect())
    }
}

/// Reads a spec and finds the shapes of the network that is wanted, or reports why there are none.
pub fn shaped(file: &Path, model: &Model, console: &mut Console<'_>) -> Outcome<(Files, ShapedGraph)> {
    let spec = Spec::read(&file.to_string_lossy(), &Disk, console);
    shaped_of(spec, model, console)
}

/// As [`shaped`], of a spec that was read.
pub fn shaped_of(mut spec: Spec<'_>, model: &Model, console: &mut Console<'_>) -> Outcome<(Files, ShapedGraph)> {
    let shaped = spec.shaped(&request(model), console);
    match shaped {
        Some(shaped) if spec.problems.is_empty() => Ok((spec.files, shaped)),
        _ => Err(console.report(&spec.problems.into_sorted(), &spec.files)),
    }
}
