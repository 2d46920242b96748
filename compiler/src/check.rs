//! A whole check: a spec's name, a request and sources come in; everything that is to be said of it, and the networks with
//! their shapes, go out. What the command line, an editor and the tests show of a spec is drawn from this and nothing
//! else.
//!
//! Pure as the rest of the compiler: text comes through [`Sources`]. Whatever is wrong, what is right is found too:
//! networks that can be written out are there beside the errors of others.

use crate::diagnostic::{Diagnostic, Problems};
use crate::graph::ShapedGraph;
use crate::infer::infer;
use crate::resolve::{Program, Request, Sources, check_all, load, resolve};
use crate::watch::{Watch, timed};
use cnnc_grammar::span::Files;

/// What was found.
pub struct Checked {
    /// The files that the spec is made of, also those that the compiler made of settings.
    pub files: Files,
    /// All that is to be said: errors, warnings, notes, each by place.
    pub problems: Vec<Diagnostic>,
    /// The networks that could be written out, in the order of the text.
    pub networks: Vec<ShapedGraph>,
}

impl Checked {
    /// Whether something is wrong; warnings are no faults.
    pub fn has_errors(&self) -> bool {
        self.problems.iter().any(Diagnostic::is_error)
    }
}

/// Checks everything in a spec: all its declarations, and the networks that the request asks for, one model or all that
/// need no arguments.
pub fn check(path: &str, request: &Request, sources: &dyn Sources, watch: &mut dyn Watch) -> Checked {
    Spec::read(path, sources, watch).check(request, watch)
}

/// A spec that was read and not yet checked: its trees, and what is wrong with its syntax and imports.
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

    /// The rest of [`check`].
    pub fn check(self, request: &Request, watch: &mut dyn Watch) -> Checked {
        let Spec { mut files, program, mut problems, sources } = self;
        let graphs = timed(watch, "resolve", || check_all(&program, request, &mut files, sources, &mut problems));
        let infer_all = || graphs.into_iter().filter_map(|graph| infer(graph, &mut problems)).collect();
        let networks = timed(watch, "infer", infer_all);
        Checked { files, problems: problems.into_sorted(), networks }
    }

    /// The one network that is asked for, as commands that run it need it; none where there are errors.
    pub fn network(self, request: &Request, watch: &mut dyn Watch) -> Checked {
        let Spec { mut files, program, mut problems, sources } = self;
        let graph = timed(watch, "resolve", || resolve(&program, request, &mut files, sources, &mut problems));
        let network = graph.and_then(|graph| timed(watch, "infer", || infer(graph, &mut problems)));
        let networks = network.filter(|_| !problems.has_errors()).into_iter().collect();
        Checked { files, problems: problems.into_sorted(), networks }
    }
}
