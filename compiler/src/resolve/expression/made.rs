//! Lists made by loops, `[x * 2 for x in widths if x > 8]`, and what their loops bind.
//!
//! A clause is a loop inside the one before it; the names of all are known to the element and end with the list. An error ends
//! the turns, so that one mistake gives one error. Where it is not known what a loop goes through, it turns once with names
//! that stand for nothing known.

use super::evaluate::Evaluator;
use super::names::Names;
use super::scope::Scope;
use super::value::{Items, MAX_LEAVES, Value};
use crate::graph::TraceKind;
use crate::resolve::error::ValueError;
use crate::resolve::report::{Reporter, TURN};
use cnnc_grammar::ast::{Clause, Expr, Pattern};
use cnnc_grammar::span::Span;

/// A list in the making.
struct Made<'e, 'a, 'p> {
    reporter: &'e mut Reporter<'p>,
    names: &'e dyn Names<'a>,
    scope: Scope<'a>,
    element: &'a Expr,
    values: Vec<Value<'a>>,
    leaves: usize,
    /// Whether all values are known so far.
    known: bool,
}

impl<'a> Evaluator<'_, 'a, '_> {
    /// `[element for pattern in values if condition]`
    pub(super) fn made(&mut self, element: &'a Expr, clauses: &'a [Clause], span: Span) -> Option<Value<'a>> {
        if !self.reporter.spend(self.scope.size() as u64, span) {
            return None;
        }
        let (names, scope) = (self.names, self.scope.inner());
        let reporter = &mut *self.reporter;
        let mut made = Made { reporter, names, scope, element, values: Vec::new(), leaves: 0, known: true };
        made.turns(clauses);
        let Made { values, known, .. } = made;
        if !known || self.reporter.is_spent() {
            return None;
        }
        let items = Items::new(values);
        if items.is_none() {
            let why = "the list is longer, or nested deeper, than any may be";
            self.reporter.report(ValueError::NoResult { why, span, note: None }.diagnostic());
        }
        items.map(Value::List)
    }
}

impl<'a, 'p> Made<'_, 'a, 'p> {
    fn evaluator(&mut self) -> Evaluator<'_, 'a, 'p> {
        Evaluator { reporter: &mut *self.reporter, scope: &self.scope, names: self.names }
    }

    /// All turns of the first clause with those inside them; without a clause, one element.
    fn turns(&mut self, clauses: &'a [Clause]) {
        let Some((clause, inside)) = clauses.split_first() else { return self.add() };
        let origin = clause.values.span;
        let values = self.evaluator().evaluate(&clause.values);
        let count = values.as_ref().and_then(Value::length);
        if let (Some(value), None) = (&values, count) {
            let (what, wanted, value) = ("what `for` goes through", "a list or a range", value.shown());
            self.reporter.report(ValueError::NotA { what, wanted, value, span: origin }.diagnostic());
        }
        let (Some(values), Some(count)) = (values, count) else {
            self.known = false;
            return self.turn(clause, inside, None);
        };
        for position in 0..count {
            if !self.reporter.spend(TURN, origin) || !self.known || self.leaves > MAX_LEAVES {
                break;
            }
            self.reporter.step_into(origin, TraceKind::Turn { word: "for", turn: position + 1, turns: count });
            self.turn(clause, inside, values.element(position));
            self.reporter.step_out();
        }
    }

    fn turn(&mut self, clause: &'a Clause, inside: &'a [Clause], value: Option<Value<'a>>) {
        let mark = self.scope.enter();
        bind_pattern(self.reporter, &mut self.scope, &clause.pattern, value, clause.values.span);
        match self.holds(&clause.conditions) {
            Some(true) => self.turns(inside),
            Some(false) => {}
            None => {
                self.known = false;
                self.turns(inside);
            }
        }
        self.scope.leave(mark);
    }

    /// Whether all conditions hold; none is looked at behind one that does not.
    fn holds(&mut self, conditions: &'a [Expr]) -> Option<bool> {
        let mut holds = Some(true);
        for condition in conditions {
            match self.evaluator().condition(condition, "the condition of `if`") {
                Some(true) => {}
                Some(false) => return holds.map(|_| false),
                None => holds = None,
            }
        }
        holds
    }

    /// One element.
    fn add(&mut self) {
        let element = self.element;
        match self.evaluator().evaluate(element) {
            Some(value) => {
                self.leaves = self.leaves.saturating_add(value.leaves());
                value.spend(self.reporter, element.span);
                self.values.push(value);
            }
            None => self.known = false,
        }
    }
}

/// Binds the names of a pattern; to nothing known after an error.
pub(in crate::resolve) fn bind_pattern<'a>(
    reporter: &mut Reporter<'_>,
    scope: &mut Scope<'a>,
    pattern: &'a Pattern,
    value: Option<Value<'a>>,
    origin: Span,
) {
    match pattern {
        Pattern::Name(name) => scope.bind(name, value),
        Pattern::Tuple(parts, span) => {
            let parted = value.and_then(|value| {
                let fits = value.length() == Some(parts.len() as i64);
                if !fits {
                    let error = ValueError::Pattern { names: parts.len(), value: value.shown(), span: *span, origin };
                    reporter.report(error.diagnostic());
                }
                fits.then_some(value)
            });
            for (position, part) in parts.iter().enumerate() {
                let element = parted.as_ref().and_then(|value| value.element(position as i64));
                bind_pattern(reporter, scope, part, element, origin);
            }
        }
    }
}
