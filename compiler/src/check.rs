//! A whole check: a spec's name, a request and sources come in; everything that is to be said of it, and the networks with
//! their shapes, go out. What the command line, an editor and the tests show of a spec is drawn from this and nothing
//! else.
//!
//! Pure as the rest of the compiler: text comes through [`Sources`]. Whatever is wrong, what is right is found too:
//! networks that can be written out are there beside the errors of others, and the known part of those others. The two are
//! different types, so that nothing runs half a network.

use crate::diagnostic::{Diagnostic, Problems};
use crate::graph::{PartialGraph, ShapedGraph};
use crate::index::Index;
use crate::infer::{infer, infer_known};
use crate::resolve::{LoadedSpec, Request, Resolved, Sources, check_all, load, resolve_one};
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
    /// What is right of the others, in the order of the text.
    pub partial: Vec<PartialGraph>,
    /// What names stand for and statements made, where the request asks for it.
    pub index: Option<Index>,
    /// The trees of the files, and which imports which.
    pub loaded: LoadedSpec,
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
    pub loaded: LoadedSpec,
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
        let loaded = timed(watch, "parse", || load(path, sources, &mut files, &mut problems));
        Spec { files, loaded, problems, sources }
    }

    /// The rest of [`check`].
    pub fn check(self, request: &Request, watch: &mut dyn Watch) -> Checked {
        let Spec { mut files, loaded, mut problems, sources } = self;
        let resolved = timed(watch, "resolve", || check_all(&loaded, request, &mut files, sources, &mut problems));
        checked(files, loaded, resolved, problems, watch)
    }

    /// The one network that is asked for, as commands that run it need it; none where there are errors, of whatever model.
    pub fn network(self, request: &Request, watch: &mut dyn Watch) -> Checked {
        let Spec { mut files, loaded, mut problems, sources } = self;
        let resolved = timed(watch, "resolve", || resolve_one(&loaded, request, &mut files, sources, &mut problems));
        let mut checked = checked(files, loaded, resolved, problems, watch);
        if checked.has_errors() {
            checked.networks.clear();
        }
        checked
    }
}

/// Infers what was resolved.
fn checked(
    files: Files,
    loaded: LoadedSpec,
    resolved: Resolved,
    mut problems: Problems,
    watch: &mut dyn Watch,
) -> Checked {
    let (mut networks, mut partial) = (Vec::new(), Vec::new());
    timed(watch, "infer", || {
        for graph in resolved.graphs {
            let inferred = match graph {
                Ok(graph) => infer(graph, &mut problems),
                Err(part) => {
                    infer_known(&part, &mut problems);
                    Err(part)
                }
            };
            match inferred {
                Ok(network) => networks.push(network),
                Err(part) => partial.push(*part),
            }
        }
    });
    let index = resolved.uses.map(|uses| Index::new(uses, &networks, &partial));
    Checked { files, problems: problems.into_sorted(), networks, partial, index, loaded }
}
