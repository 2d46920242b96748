//! A whole check: a spec's name, a request and sources come in; everything that is to be said of it, and the networks with
//! their shapes, go out. What the command line, an editor and the tests show of a spec is drawn from this and nothing
//! else.
//!
//! Pure as the rest of the compiler: text comes through [`Sources`]. Whatever is wrong, what is right is found too:
//! networks that can be written out are there beside the errors of others, and the known part of those others. The two are
//! different types, so that nothing runs half a network.

use crate::budgets;
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::graph::{PartialGraph, ShapedGraph};
use crate::index::Index;
use crate::infer::{infer, infer_known};
use crate::meeting;
use crate::resolve::{LoadedSpec, Request, Resolved, Sources, check_all, load, resolve_one};
use crate::trial::{Text, Trial};
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
        self.checked(request, check_all, watch)
    }

    /// The one network that is asked for, as commands that run it need it; none where there are errors, of whatever model.
    pub fn network(self, request: &Request, watch: &mut dyn Watch) -> Checked {
        let mut checked = self.checked(request, resolve_one, watch);
        if checked.has_errors() {
            checked.networks.clear();
        }
        checked
    }

    /// The one network that is asked for, if nothing is wrong with the spec; its budgets are not held.
    pub fn plain_network(self, request: &Request) -> Option<ShapedGraph> {
        let (mut checked, problems) = self.inferred(request, resolve_one, &mut ());
        checked.networks.pop().filter(|_| !problems.has_errors())
    }

    /// Resolves and infers, holds the networks to their budgets, and looks for mends that have to be tried.
    fn checked(self, request: &Request, resolve: Resolve, watch: &mut dyn Watch) -> Checked {
        let sources = self.sources;
        let (mut checked, problems) = self.inferred(request, resolve, watch);
        // With open sizes, budgets have none to be held at; whoever asks for them loads the network as it is too.
        let has_budgets = checked.networks.iter().any(|network| !network.graph.budgets.is_empty()) && !request.open;
        let is_apart = problems.errors().any(|problem| problem.code == Code::E304);
        let problems = match has_budgets || is_apart {
            true => timed(watch, "trials", || tried(&checked, request, resolve, sources, problems)),
            false => problems,
        };
        checked.problems = problems.into_sorted();
        checked
    }

    /// Resolves and infers; what is to be said stands beside.
    fn inferred(self, request: &Request, resolve: Resolve, watch: &mut dyn Watch) -> (Checked, Problems) {
        let Spec { mut files, loaded, mut problems, sources } = self;
        let resolved = timed(watch, "resolve", || resolve(&loaded, request, &mut files, sources, &mut problems));
        infer_all(files, loaded, resolved, problems, watch)
    }
}

/// Which networks of a spec are written out: one or all.
type Resolve = fn(&LoadedSpec, &Request, &mut Files, &dyn Sources, &mut Problems) -> Resolved;

/// The most layers that trials for one fault may write out: a moment's work. An editor asks again at every key.
const MOST_TRIED: usize = 15_000;
const MOST_TRIED_BY_AN_EDITOR: usize = 2_000;

/// Holds the networks, as the spec has them, to their budgets, and tries changes of the text that would mend what is wrong.
fn tried(
    checked: &Checked,
    request: &Request,
    resolve: Resolve,
    sources: &dyn Sources,
    mut problems: Problems,
) -> Problems {
    let Some(main) = checked.loaded.trees.first().and_then(|(main, _)| checked.files.get(*main)) else {
        return problems;
    };
    // Of other sizes than the spec's own budgets say nothing.
    let plain = Request { input_shapes: Vec::new(), index: false, ..request.clone() };
    let again = |sources: &dyn Sources| Spec::read(&main.name, sources, &mut ()).inferred(&plain, resolve, &mut ());
    let trial = Trial {
        text: Text { files: &checked.files, loaded: &checked.loaded },
        sources,
        check: &again,
        known: problems.errors().map(|problem| (problem.code, problem.message.clone())).collect(),
        most_layers: if request.index { MOST_TRIED_BY_AN_EDITOR } else { MOST_TRIED },
    };
    if !request.open {
        let own = if request.input_shapes.is_empty() { None } else { Some(again(sources).0.networks) };
        let networks: Vec<&ShapedGraph> = own.as_ref().unwrap_or(&checked.networks).iter().collect();
        budgets::check(&networks, &trial, &mut problems);
    }
    meeting::mend(problems, checked, &trial)
}

/// Infers what was resolved.
fn infer_all(
    files: Files,
    loaded: LoadedSpec,
    resolved: Resolved,
    mut problems: Problems,
    watch: &mut dyn Watch,
) -> (Checked, Problems) {
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
    (Checked { files, problems: Vec::new(), networks, partial, index, loaded }, problems)
}
