//! From a file to networks with shapes.

use super::Report;
use super::watch::{Watch, timed};
use cnnc_compiler::diagnostic::Problems;
use cnnc_compiler::graph::ShapedGraph;
use cnnc_compiler::infer::infer;
use cnnc_compiler::resolve::{Program, Request, Sources, check_all, load, resolve};
use cnnc_grammar::span::Files;

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

impl<'s> Spec<'s> {
    /// Reads a spec and its imports.
    pub fn read(path: &str, sources: &'s dyn Sources, watch: &mut dyn Watch) -> Spec<'s> {
        Spec::read_after(Files::default(), path, sources, watch)
    }

    /// As [`Spec::read`], its files after these.
    pub fn read_after(mut files: Files, path: &str, sources: &'s dyn Sources, watch: &mut dyn Watch) -> Spec<'s> {
        let mut problems = Problems::default();
        let program = timed(watch, "parse", || load(path, sources, &mut files, &mut problems));
        Spec { files, program, problems, sources }
    }

    /// A network with its shapes; `None` when `problems` says why.
    pub fn shaped(&mut self, request: &Request, watch: &mut dyn Watch) -> Option<ShapedGraph> {
        let Spec { files, program, problems, sources } = self;
        let graph = timed(watch, "resolve", || resolve(program, request, files, *sources, problems))?;
        timed(watch, "infer", || infer(graph, problems))
    }

    /// Checks everything in the spec, and gives the networks that are asked for: one model, or all that need no arguments.
    pub fn all_shaped(&mut self, request: &Request, watch: &mut dyn Watch) -> Vec<ShapedGraph> {
        let Spec { files, program, problems, sources } = self;
        let graphs = timed(watch, "resolve", || check_all(program, request, files, *sources, problems));
        timed(watch, "infer", || graphs.into_iter().filter_map(|graph| infer(graph, problems)).collect())
    }

    /// The network that is asked for and the files that it is made of, or all that is wrong.
    ///
    /// # Errors
    /// With every independent fault.
    pub fn into_network(mut self, request: &Request, watch: &mut dyn Watch) -> Result<(Files, ShapedGraph), Report> {
        let shaped = self.shaped(request, watch);
        match shaped {
            Some(shaped) if self.problems.is_empty() => Ok((self.files, shaped)),
            _ => Err(Report { diagnostics: self.problems.into_sorted(), files: self.files }),
        }
    }
}
