//! Kept values, outputs and contracts: `keep`, `from`, `output`, `expect`.
//!
//! What is kept belongs to one call of a block or model and is seen in all of it after its line. From outside it is reached
//! through the name of the call.

use super::error::{KeepError, NameError};
use super::expand::Cursor;
use super::limits::KEPT;
use super::state::{Expander, Frame};
use super::value::Flow;
use crate::graph::{Contract, ModuleId, ModuleKind, Output};
use crate::shape::Dim;
use cnnc_grammar::ast::{DeclarationKind, Expr, ExprKind, Label, Name};
use cnnc_grammar::span::Span;
use std::sync::Arc;

/// A kept value.
pub(super) struct Kept {
    /// The value.
    pub flow: Flow,
    /// Where it is kept.
    pub span: Span,
    /// Whether it is kept for sure.
    decided: bool,
}

impl<'a> Expander<'a, '_> {
    /// A value kept in this call.
    pub fn kept_value(&self, frame: &Frame<'a>, name: &str) -> Option<Flow> {
        let call = *frame.open.first()?;
        self.kept.get(&(call, Arc::from(name))).map(|kept| kept.flow)
    }

    /// `keep NAME`
    pub fn keep(&mut self, frame: &Frame<'a>, label: &'a Label, cursor: &Cursor) {
        let flow = self.current(frame, cursor, "keep", label.span);
        if let Some(name) = self.name_of(frame, label) {
            self.keep_as(frame, name, flow, label.span);
        } else if !self.expanding {
            // A computed name that is not known could be any.
            self.unknown_names.insert(frame.call());
        }
    }

    fn keep_as(&mut self, frame: &Frame<'a>, name: Arc<str>, flow: Flow, span: Span) {
        let decided = self.undecided == 0;
        let first = self.kept.get(&(frame.call(), name.clone())).map(|first| (first.span, first.decided));
        if let Some((first, first_decided)) = first {
            if decided && first_decided {
                let mend = self.loop_mend(frame, &name, span);
                self.report(KeepError::Twice { name: &name, first, second: span, mend }.diagnostic());
            }
            return;
        }
        self.spend(KEPT, span);
        self.kept.insert((frame.call(), name), Kept { flow, span, decided });
    }

    /// A tensor that a block takes is kept under its parameter's name.
    pub fn keep_parameter(&mut self, frame: &Frame<'a>, name: &'a Name, flow: Flow) {
        self.keep_as(frame, name.text.as_str().into(), flow, name.span);
    }

    /// A named input is kept under its name.
    pub fn keep_input(&mut self, frame: &Frame<'a>, name: &'a Name, flow: Flow) {
        self.keep_as(frame, name.text.as_str().into(), flow, name.span);
    }

    /// `from NAME` or `from call.NAME`
    pub fn from(&mut self, frame: &Frame<'a>, labels: &'a [Label], span: Span) -> Flow {
        let names: Option<Vec<Arc<str>>> = labels.iter().map(|label| self.name_of(frame, label)).collect();
        let Some(names) = names else { return Flow::Unknown };
        let Some((name, calls)) = names.split_last() else { return Flow::Unknown };
        let last_span = labels.last().map_or(span, |label| label.span);
        let (Some(first), Some(first_label)) = (calls.first(), labels.first()) else {
            return self.kept_here(frame, name, last_span);
        };
        let Some(mut owner) = self.module_in_reach(frame, first) else {
            return self.no_such_item(frame, first, first_label.span);
        };
        for (call, label) in calls.iter().zip(labels).skip(1) {
            match self.child(owner, call) {
                Some(child) => owner = child,
                None => return self.no_such_item(frame, call, label.span),
            }
        }
        self.kept_there(frame, owner, name, last_span)
    }

    fn no_such_item(&mut self, frame: &Frame<'a>, name: &str, span: Span) -> Flow {
        if frame.scope.incomplete || self.undecided > 0 || !self.expanding {
            self.unreadable();
            return Flow::Unknown;
        }
        let near = self.near(name, |expander| expander.labels_in_reach(frame));
        self.report(NameError::UnknownItem { name, span, near: near.as_deref() }.diagnostic());
        Flow::Unknown
    }

    /// The value kept here under a name, which has to be.
    pub fn kept_here(&mut self, frame: &Frame<'a>, name: &str, span: Span) -> Flow {
        let name = &Arc::from(name);
        if let Some(kept) = self.kept.get(&(frame.call(), Arc::clone(name))) {
            return kept.flow;
        }
        if frame.scope.incomplete || self.undecided > 0 || self.unknown_names.contains(&frame.call()) {
            self.unreadable();
            return Flow::Unknown;
        }
        let near = self.near(name, |expander| expander.kept_names(frame.call()));
        let near = near.as_deref();
        let value = frame.scope.get(name).and_then(|value| value.as_ref()).map(|value| value.kind());
        let elsewhere = if near.is_some() { None } else { self.kept_below(frame.call(), name) };
        let elsewhere = elsewhere.as_deref();
        self.report(KeepError::Unknown { name, span, near, elsewhere, value }.diagnostic());
        Flow::Unknown
    }

    fn kept_there(&mut self, frame: &Frame<'a>, owner: ModuleId, name: &Arc<str>, span: Span) -> Flow {
        if let Some(kept) = self.kept.get(&(owner, name.clone())) {
            return kept.flow;
        }
        if self.failed || !self.expanding {
            self.unreadable();
            return Flow::Unknown;
        }
        let near = self.near(name, |expander| expander.kept_names(owner));
        let near = near.as_deref();
        let (call, is_call) = match self.graph.module(owner) {
            Some(module) => (module.name().to_owned(), matches!(module.kind, ModuleKind::Call(_))),
            None => return Flow::Unknown,
        };
        let here = !is_call && self.kept_value(frame, name).is_some();
        self.report(KeepError::NotInCall { name, span, near, call: &call, here }.diagnostic());
        Flow::Unknown
    }

    /// Where a call below this one keeps a value of that name: `encoder.fine`.
    fn kept_below(&self, call: ModuleId, name: &Arc<str>) -> Option<String> {
        let above = self.graph.module(call).map(|module| module.path.clone())?;
        let keepers =
            self.kept.keys().filter(|(_, kept)| kept == name).filter_map(|(owner, _)| self.graph.module(*owner));
        let paths = keepers.filter_map(|owner| match above.is_empty() {
            true => Some(&*owner.path),
            false => owner.path.strip_prefix(&*above)?.strip_prefix('.'),
        });
        let named = |path: &&str| {
            !path.is_empty() && !path.split('.').any(|name| name.starts_with(|first: char| first.is_ascii_digit()))
        };
        paths.filter(named).min_by_key(|path| path.len()).map(|path| format!("{path}.{name}"))
    }

    /// The names of what is kept in a call, sorted.
    fn kept_names(&self, call: ModuleId) -> Vec<Arc<str>> {
        let mut names: Vec<_> =
            self.kept.keys().filter(|(owner, _)| *owner == call).map(|(_, name)| name.clone()).collect();
        names.sort_unstable();
        names
    }

    /// `output NAME`. In a model that is called as a block it keeps the value.
    pub fn output(&mut self, frame: &Frame<'a>, label: &'a Label, cursor: &Cursor) {
        let flow = self.current(frame, cursor, "output", label.span);
        let name = self.name_of(frame, label);
        if frame.kind == DeclarationKind::Block {
            self.report(KeepError::OutputInBlock { span: label.span, declared: frame.header }.diagnostic());
            return;
        }
        let Some(name) = name else { return };
        if !frame.is_root {
            if self.kept_value(frame, &name).is_none() {
                self.keep_as(frame, name, flow, label.span);
            }
            return;
        }
        if let Some(first) = self.outputs.get(&name).copied() {
            if self.undecided == 0 {
                let mend = self.loop_mend(frame, &name, label.span);
                let second = label.span;
                self.report(NameError::Twice { name: &name, what: "output", first, second, mend }.diagnostic());
            }
            return;
        }
        self.spend(KEPT, label.span);
        self.outputs.insert(name.clone(), label.span);
        if let Flow::Node(node) = flow {
            self.graph.outputs.push(Output { name, node });
        }
    }

    /// `expect [shape]`
    pub fn expect(&mut self, frame: &Frame<'a>, shape: &'a [Expr], span: Span, cursor: &Cursor) {
        let flow = self.current(frame, cursor, "expect", span);
        let sizes: Vec<Option<Option<Dim>>> = shape.iter().map(|size| self.expected_size(frame, size)).collect();
        if let (Flow::Node(node), Some(shape)) = (flow, sizes.into_iter().collect::<Option<Vec<_>>>()) {
            self.spend(KEPT, span);
            self.graph.contracts.push(Contract { node, shape, span });
        }
    }

    /// A size of a contract: `Some(None)` for `_`, `None` after an error.
    pub fn expected_size(&mut self, frame: &Frame<'a>, expr: &'a Expr) -> Option<Option<Dim>> {
        match &expr.kind {
            ExprKind::Name(name) if name == "_" => Some(None),
            _ => self.evaluate_size(frame, expr).map(Some),
        }
    }
}
