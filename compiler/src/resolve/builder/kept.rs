//! Kept values. What is kept belongs to one call of a block or model and is seen in all of it after its line; from outside it is
//! reached through the name of the call.

use super::{Builder, Frame, Network};
use crate::graph::{Module, ModuleId};
use crate::resolve::error::KeepError;
use crate::resolve::expression::Flow;
use crate::resolve::report::KEPT;
use cnnc_grammar::span::Span;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What is kept in a network.
#[derive(Default)]
pub(super) struct KeptValues {
    /// By call and name.
    values: HashMap<(ModuleId, Arc<str>), Kept>,
    /// Calls that keep a value under a name that is not known.
    unknown_names: HashSet<ModuleId>,
}

/// A kept value.
struct Kept {
    flow: Flow,
    /// Where it is kept.
    span: Span,
    /// Whether it is kept for sure.
    decided: bool,
}

impl<'a> Builder<'a, '_> {
    /// Keeps a value under a name; two of one name are an error.
    pub fn keep(&mut self, frame: &Frame<'a>, name: Arc<str>, flow: Flow, span: Span) {
        let decided = self.network.undecided == 0;
        let key = (frame.call(), name);
        if let Some(Kept { span: first, decided: first_decided, .. }) = self.network.kept.values.get(&key) {
            if decided && *first_decided {
                let (name, first) = (&key.1, *first);
                let mend = self.loop_mend(frame, name, span);
                self.reporter.report(KeepError::Twice { name, first, second: span, mend }.diagnostic());
            }
            return;
        }
        self.reporter.spend(KEPT, span);
        self.network.kept.values.insert(key, Kept { flow, span, decided });
    }
}

impl Network<'_> {
    /// The value that a call keeps under a name, and where it is kept.
    pub fn kept(&self, call: ModuleId, name: &str) -> Option<(Flow, Span)> {
        self.kept.values.get(&(call, Arc::from(name))).map(|kept| (kept.flow, kept.span))
    }

    /// Takes in that a call keeps a value under a name that is not known: it could be any.
    pub fn keeps_unknown(&mut self, call: ModuleId) {
        self.kept.unknown_names.insert(call);
    }

    /// Whether it does.
    pub fn may_keep_more(&self, call: ModuleId) -> bool {
        self.kept.unknown_names.contains(&call)
    }

    /// The names of what is kept in a call, sorted.
    pub fn kept_names(&self, call: ModuleId) -> Vec<Arc<str>> {
        let of_call = self.kept.values.keys().filter(|(owner, _)| *owner == call);
        let mut names: Vec<_> = of_call.map(|(_, name)| name.clone()).collect();
        names.sort_unstable();
        names
    }

    /// Where a call around this one keeps a value of that name.
    pub fn kept_around(&self, call: ModuleId, name: &str) -> Option<Span> {
        let path = self.graph.module(call).map(|module| module.path.clone())?;
        let is_around = |owner: &Module| {
            owner.path.is_empty() || path.strip_prefix(&*owner.path).is_some_and(|rest| rest.starts_with('.'))
        };
        let keepers = self.kept.values.iter().filter(|((owner, kept), _)| *owner != call && **kept == *name);
        let around = keepers.filter(|((owner, _), _)| self.graph.module(*owner).is_some_and(is_around));
        around.map(|(_, kept)| kept.span).max_by_key(|span| span.start)
    }

    /// Where a call below this one keeps a value of that name: `encoder.fine`.
    pub fn kept_below(&self, call: ModuleId, name: &str) -> Option<String> {
        let above = self.graph.module(call).map(|module| module.path.clone())?;
        let keepers = self.kept.values.keys().filter(|(_, kept)| **kept == *name);
        let paths =
            keepers.filter_map(|(owner, _)| self.graph.module(*owner)).filter_map(|owner| match above.is_empty() {
                true => Some(&*owner.path),
                false => owner.path.strip_prefix(&*above)?.strip_prefix('.'),
            });
        let named = |path: &&str| {
            !path.is_empty() && !path.split('.').any(|name| name.starts_with(|first: char| first.is_ascii_digit()))
        };
        paths.filter(named).min_by_key(|path| path.len()).map(|path| format!("{path}.{name}"))
    }
}
