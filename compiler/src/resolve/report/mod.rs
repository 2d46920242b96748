//! Where everything goes that is to be said, with the way that led to its place; what names stand for, where an index is asked
//! for; and what may still be spent on finding it all.
//!
//! One error of a code at a place is kept, so that a loop reports once. After an error the work goes on for a while with what is
//! not known ([`budget`]), and of what follows from that nothing is said.

mod budget;

pub(in crate::resolve) use budget::{KEPT, MAX_NAME_BYTES, TURN};

use crate::diagnostic::{Code, Diagnostic, Label, Problems, nearest};
use crate::graph::{Trace, TraceId, TraceKind};
use crate::index::Use;
use crate::resolve::Request;
use crate::resolve::error::ValueError;
use crate::shape::Dim;
use budget::{Account, Budget};
use cnnc_grammar::span::{Files, Span};
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The most calls and loops shown of the way to an error.
const SHOWN_STEPS: usize = 8;

/// What all expansions of a spec share.
pub(in crate::resolve) struct Shared<'p> {
    files: &'p Files,
    account: Account,
    /// The uses of names that were found, where an index is asked for.
    uses: Option<RefCell<HashSet<Use>>>,
}

impl<'p> Shared<'p> {
    /// Of the expansions that a request asks for.
    pub fn new(files: &'p Files, request: &Request) -> Self {
        Shared { files, account: Account::new(request.most_work), uses: request.index.then(RefCell::default) }
    }

    /// The uses of names, in no order; `None` where none was asked for.
    pub fn into_uses(self) -> Option<Vec<Use>> {
        self.uses.map(|uses| uses.into_inner().into_iter().collect())
    }
}

/// What one expansion says, and what it has spent.
pub(in crate::resolve) struct Reporter<'p> {
    /// The texts, for mends that quote them.
    pub files: &'p Files,
    shared: &'p Shared<'p>,
    problems: &'p mut Problems,
    budget: Budget,
    /// The calls and loops that lead here.
    steps: Vec<Step>,
    /// Where each symbol first stands.
    symbols: HashMap<Arc<str>, Span>,
    reported: HashSet<(Code, Span)>,
    quiet: bool,
    failed: bool,
}

/// One call or turn of a loop on the way to a place. Its entry in the graph is made when a layer needs it.
struct Step {
    span: Span,
    kind: TraceKind,
    entry: Option<TraceId>,
}

impl<'p> Reporter<'p> {
    /// Of an expansion that has not begun.
    pub fn new(shared: &'p Shared<'p>, problems: &'p mut Problems) -> Self {
        Reporter {
            files: shared.files,
            shared,
            problems,
            budget: Budget::default(),
            steps: Vec::new(),
            symbols: HashMap::new(),
            reported: HashSet::new(),
            quiet: false,
            failed: false,
        }
    }

    /// Takes an error in, with the way that led to it.
    pub fn report(&mut self, mut diagnostic: Diagnostic) {
        if self.quiet {
            return;
        }
        self.failed = true;
        // What follows from what is not written out any more is no mistake of the spec.
        if self.budget.spent {
            return;
        }
        self.spend_less();
        let place = diagnostic.labels.first().map(|label| label.span).unwrap_or_default();
        if self.reported.insert((diagnostic.code, place)) {
            diagnostic.trace = self.shown_steps();
            self.problems.add(diagnostic);
        }
    }

    /// Takes a warning in, with the way that led to it.
    pub fn warn(&mut self, mut diagnostic: Diagnostic) {
        if !self.quiet && !self.budget.spent {
            diagnostic.trace = self.shown_steps();
            self.problems.add(diagnostic);
        }
    }

    /// Takes in that something could not be read, which is already reported.
    pub fn unreadable(&mut self) {
        if !self.quiet {
            self.failed = true;
            self.spend_less();
        }
    }

    /// Whether anything was reported, or could not be read.
    pub fn has_failed(&self) -> bool {
        self.failed
    }

    /// Says nothing of what `look` finds: for what is only wanted if nothing is wrong with it.
    pub fn quietly<T>(&mut self, look: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.quiet, true);
        let found = look(self);
        self.quiet = before;
        found
    }

    /// The nearest of many names, for the first errors of a spec: looking takes long.
    pub fn near<N: AsRef<str>>(&self, name: &str, candidates: impl FnOnce() -> Vec<N>) -> Option<String> {
        let is_wanted = !self.quiet && self.shared.account.look_for_one_more();
        let candidates = is_wanted.then(candidates)?;
        nearest(name, candidates.iter().map(AsRef::as_ref)).map(str::to_owned)
    }

    /// Whether an index is asked for.
    pub fn is_indexing(&self) -> bool {
        self.shared.uses.is_some()
    }

    /// Takes in, for an index, that a name stands for what is declared there; there may be parentheses around it.
    pub fn note_use(&mut self, name: &str, span: Span, declaration: Span) {
        let Some(uses) = self.shared.uses.as_ref().filter(|_| !self.quiet) else { return };
        let before = self.files.text(span).find(name).unwrap_or(0) as u32;
        let start = span.start + before;
        let end = if before > 0 { start + name.len() as u32 } else { span.end };
        uses.borrow_mut().insert(Use { name: Span { start, end, ..span }, declaration });
    }

    /// Takes in where a symbol stands first.
    pub fn note_symbol(&mut self, name: &str, span: Span) {
        self.symbols.entry(name.into()).or_insert(span);
    }

    /// Whether an input has named this size.
    pub fn knows_symbol(&self, name: &str) -> bool {
        self.symbols.contains_key(name)
    }

    /// Says that a symbol stands where a number is needed.
    pub fn report_symbol(&mut self, size: &Dim, span: Span, what: &str) {
        let origin = size.symbols().first().and_then(|name| self.symbols.get(name).map(|span| (name.clone(), *span)));
        self.report(ValueError::Symbol { size, span, what, origin }.diagnostic());
    }

    /// Goes into a call or a turn.
    pub fn step_into(&mut self, span: Span, kind: TraceKind) {
        self.steps.push(Step { span, kind, entry: None });
    }

    /// Leaves it.
    pub fn step_out(&mut self) {
        self.steps.pop();
    }

    /// The way to this place, for a node; steps that no node had before are added to `traces`.
    pub fn trace(&mut self, traces: &mut Vec<Trace>) -> Option<TraceId> {
        let known = self.steps.iter().rposition(|step| step.entry.is_some());
        let mut parent = known.and_then(|known| self.steps.get(known)).and_then(|step| step.entry);
        for step in self.steps.iter_mut().skip(known.map_or(0, |known| known + 1)) {
            traces.push(Trace { span: step.span, kind: step.kind.clone(), parent });
            parent = Some(TraceId(traces.len() as u32 - 1));
            step.entry = parent;
        }
        parent
    }

    /// The way to this place, as people see it.
    fn shown_steps(&self) -> Vec<Label> {
        let way = self.steps.iter().rev().take(SHOWN_STEPS);
        way.map(|step| Label { span: step.span, text: step.kind.to_string() }).collect()
    }
}
