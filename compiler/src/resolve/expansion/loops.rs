//! `if`, `for` and `repeat`.
//!
//! Where a condition or count is not known, because of an error or because a declaration is only checked, every arm is read once,
//! with an unknown flow.

use super::Expander;
use crate::graph::TraceKind;
use crate::resolve::builder::{Builder, Cursor, Frame, Visible};
use crate::resolve::calls::Count;
use crate::resolve::error::ValueError;
use crate::resolve::expression::{Flow, Value, bind_pattern};
use crate::resolve::report::TURN;
use cnnc_grammar::ast::{Body, Expr, Pattern};
use cnnc_grammar::span::Span;

/// A loop whose count is known.
struct Turns<'a> {
    /// `for` or `repeat`.
    word: &'static str,
    count: i64,
    /// Where the count is written.
    counted: Span,
    body: &'a Body,
    /// The whole loop.
    span: Span,
}

impl<'a> Expander<'a, '_> {
    pub(super) fn branch(
        &mut self,
        frame: &mut Frame<'a>,
        arms: &'a [(Expr, Body)],
        otherwise: Option<&'a Body>,
        span: Span,
        cursor: &mut Cursor,
    ) {
        let mut decided = self.builder.network.expanding;
        for (condition, body) in arms {
            let holds = self.builder.at(frame, |evaluator, _| evaluator.condition(condition, "the condition of `if`"));
            match holds.filter(|_| decided) {
                Some(true) => return self.body(frame, body, cursor),
                Some(false) => {}
                None => {
                    decided = false;
                    self.undecided_body(frame, body, cursor);
                }
            }
        }
        match otherwise {
            Some(body) if decided => self.body(frame, body, cursor),
            Some(body) => self.undecided_body(frame, body, cursor),
            None => {}
        }
        if !decided {
            cursor.forget(span);
        }
    }

    /// A body of which it is not known whether and how often it is written out.
    pub(super) fn undecided_body(&mut self, frame: &mut Frame<'a>, body: &'a Body, cursor: &mut Cursor) {
        self.builder.network.undecided += 1;
        let before = std::mem::replace(&mut cursor.value, Flow::Unknown);
        self.body(frame, body, cursor);
        cursor.value = before;
        self.builder.network.undecided -= 1;
    }

    pub(super) fn for_loop(
        &mut self,
        frame: &mut Frame<'a>,
        pattern: &'a Pattern,
        values: &'a Expr,
        body: &'a Body,
        span: Span,
        cursor: &mut Cursor,
    ) {
        let known = self.builder.evaluate(frame, values);
        let turns = known.as_ref().and_then(Value::length);
        if let (Some(value), None) = (&known, turns) {
            let (what, wanted, value) = ("what `for` goes through", "a list or a range", value.shown());
            let error = ValueError::NotA { what, wanted, value, span: values.span };
            self.builder.reporter.report(error.diagnostic());
        }
        frame.loops.push(first_name(pattern));
        frame.loop_places.push(span);
        match (known, turns.filter(|_| self.builder.network.expanding)) {
            (Some(known), Some(turns)) => {
                let turns = Turns { word: "for", count: turns, counted: values.span, body, span };
                self.turns(frame, cursor, &turns, |expander, frame, turn| {
                    let (reporter, scope) = (&mut expander.builder.reporter, &mut frame.scope);
                    bind_pattern(reporter, scope, pattern, known.element(turn), values.span);
                    expander.builder.note_pattern(frame, pattern);
                });
            }
            _ => {
                let mark = frame.scope.enter();
                bind_pattern(&mut self.builder.reporter, &mut frame.scope, pattern, None, values.span);
                self.undecided_body(frame, body, cursor);
                frame.scope.leave(mark);
                cursor.forget(span);
            }
        }
        frame.loops.pop();
        frame.loop_places.pop();
    }

    pub(super) fn repeat(
        &mut self,
        frame: &mut Frame<'a>,
        count: &'a Expr,
        body: &'a Body,
        span: Span,
        cursor: &mut Cursor,
    ) {
        let what = "the count of `repeat`";
        let turns = self.builder.at(frame, |evaluator, _| evaluator.evaluate_int(count, what));
        if let Some(turns @ ..0) = turns {
            self.builder.reporter.report(ValueError::NegativeCount { turns, span: count.span }.diagnostic());
        }
        frame.loops.push(None);
        frame.loop_places.push(span);
        match turns.filter(|turns| self.builder.network.expanding && *turns >= 0) {
            Some(turns) => {
                let turns = Turns { word: "repeat", count: turns, counted: count.span, body, span };
                self.turns(frame, cursor, &turns, |_, _, _| {});
            }
            None => {
                self.undecided_body(frame, body, cursor);
                cursor.forget(span);
            }
        }
        frame.loops.pop();
        frame.loop_places.pop();
    }

    /// Writes out all turns of a loop; `begin` binds its names.
    fn turns(
        &mut self,
        frame: &mut Frame<'a>,
        cursor: &mut Cursor,
        turns: &Turns<'a>,
        begin: impl Fn(&mut Self, &mut Frame<'a>, i64),
    ) {
        let Turns { word, count: turns, counted, body, span } = *turns;
        if !self.may_turn(frame, body, turns, counted) {
            return;
        }
        for turn in 0..turns {
            let reporter = &mut self.builder.reporter;
            if reporter.spend(TURN, span) {
                let mark = frame.scope.enter();
                reporter.step_into(span, TraceKind::Turn { word, turn: turn + 1, turns });
                begin(self, frame, turn);
                self.body(frame, body, cursor);
                self.builder.reporter.step_out();
                frame.scope.leave(mark);
            }
            if self.builder.reporter.is_spent() {
                break;
            }
        }
    }

    /// Whether a loop may take that many turns.
    fn may_turn(&mut self, frame: &mut Frame<'a>, body: &'a Body, turns: i64, span: Span) -> bool {
        let Builder { reporter, declarations, network } = &mut self.builder;
        let Frame { scope, open, .. } = frame;
        let visible = Visible { declarations, network, open };
        let layers = Count::new(reporter, declarations).body(scope, &visible, body);
        reporter.may_turn(turns, layers, span)
    }
}

/// The first name of a pattern.
fn first_name(pattern: &Pattern) -> Option<&str> {
    match pattern {
        Pattern::Name(name) => (name.text != "_").then_some(name.text.as_str()),
        Pattern::Tuple(parts, _) => parts.iter().find_map(first_name),
    }
}
