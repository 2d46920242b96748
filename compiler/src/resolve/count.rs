//! How many layers something surely writes out, counted before anything is.
//!
//! Layers and joins that stand under no condition are counted, and multiplied with the turns of the loops around them, where
//! those are written or can already be computed: with the names that can be seen at a loop, and with the arguments of the calls
//! below it. The count is from below, so that it may stop anywhere: it does after so many statements.

use super::state::{Expander, Frame};
use super::value::{Callee, Value};
use cnnc_grammar::ast::{Body, Call, ExprKind, FlowKind, Pattern, StatementKind};

/// How many statements are looked at.
const STATEMENTS: usize = 1_000;

/// How deep braces and calls are followed.
const DEPTH: usize = 120;

/// The layers that a body surely writes out, whatever its arguments; `called` says it of what it calls.
pub(super) fn least_layers(body: &Body, called: &dyn Fn(&str) -> u64) -> u64 {
    let layers = body.statements.iter().map(|statement| match &statement.kind {
        StatementKind::Item(item) => match &item.kind {
            FlowKind::Use(call) => called(&call.callee.text),
            FlowKind::Join { body, .. } | FlowKind::Sequential(body) | FlowKind::Group(body) => {
                least_layers(body, called)
            }
        },
        StatementKind::Repeat { count, body } => match &count.kind {
            ExprKind::Int(turns) => multiplied(turns.value, || least_layers(body, called)),
            _ => 0,
        },
        StatementKind::For { values, body, .. } => match &values.kind {
            ExprKind::Range(start, end) => match (&start.kind, &end.kind) {
                (ExprKind::Int(start), ExprKind::Int(end)) => {
                    multiplied(end.value.saturating_sub(start.value), || least_layers(body, called))
                }
                _ => 0,
            },
            ExprKind::List(values) => multiplied(values.len() as i64, || least_layers(body, called)),
            _ => 0,
        },
        _ => 0,
    });
    layers.fold(0, u64::saturating_add)
}

fn multiplied(turns: i64, layers: impl FnOnce() -> u64) -> u64 {
    match u64::try_from(turns) {
        Ok(turns @ 1..) => layers().saturating_mul(turns),
        _ => 0,
    }
}

/// A count with the names that can be seen at a loop.
pub(super) struct Count<'e, 'a, 'p> {
    expander: &'e mut Expander<'a, 'p>,
    statements_left: usize,
    depth_left: usize,
}

impl<'e, 'a, 'p> Count<'e, 'a, 'p> {
    /// A count that has looked at nothing yet.
    pub fn new(expander: &'e mut Expander<'a, 'p>) -> Self {
        Count { expander, statements_left: STATEMENTS, depth_left: DEPTH }
    }

    /// The layers that a body surely writes out.
    pub fn body(&mut self, frame: &mut Frame<'a>, body: &'a Body) -> u64 {
        if self.depth_left == 0 {
            return 0;
        }
        self.depth_left -= 1;
        let mark = frame.scope.enter();
        let mut layers = 0u64;
        for statement in &body.statements {
            if self.statements_left == 0 {
                break;
            }
            self.statements_left -= 1;
            if !self.expander.spend(1, statement.span) {
                break;
            }
            layers = layers.saturating_add(self.statement(frame, &statement.kind));
        }
        frame.scope.leave(mark);
        self.depth_left += 1;
        layers
    }

    fn statement(&mut self, frame: &mut Frame<'a>, statement: &'a StatementKind) -> u64 {
        match statement {
            StatementKind::Item(item) => match &item.kind {
                FlowKind::Use(call) => return self.call(frame, call),
                FlowKind::Join { body, .. } | FlowKind::Sequential(body) | FlowKind::Group(body) => {
                    return self.body(frame, body);
                }
            },
            StatementKind::Repeat { count, body } => {
                if let Some(Value::Int(turns)) = self.expander.evaluate_quietly(frame, count) {
                    return multiplied(turns, || self.body(frame, body));
                }
            }
            StatementKind::For { pattern, values, body } => {
                let turns = self.expander.evaluate_quietly(frame, values).and_then(|values| values.length());
                hide(frame, pattern);
                return multiplied(turns.unwrap_or(0), || self.body(frame, body));
            }
            StatementKind::Let { pattern: Pattern::Name(name), value } => {
                let known = self.expander.evaluate_quietly(frame, value);
                frame.scope.bind(&name.text, known);
            }
            StatementKind::Let { pattern, .. } => hide(frame, pattern),
            StatementKind::Tied { name, .. } => frame.scope.bind(&name.text, None),
            StatementKind::Input { shape, .. } => {
                for size in shape {
                    if let ExprKind::Name(name) = &size.kind {
                        frame.scope.bind_new(name);
                    }
                }
            }
            _ => {}
        }
        0
    }

    fn call(&mut self, frame: &Frame<'a>, call: &'a Call) -> u64 {
        let name = call.callee.text.as_str();
        if frame.scope.get(name).is_some() {
            return 0;
        }
        match self.expander.callee(name) {
            Some(Callee::Layer(_)) => 1,
            Some(Callee::Declared(callable)) => {
                let least = self.expander.world.declarations.least_layers(name);
                if self.depth_left == 0 || self.statements_left == 0 {
                    return least;
                }
                let inner = self.expander.quiet_frame(frame, &callable, call);
                least.max(inner.map_or(0, |mut inner| self.body(&mut inner, &callable.declaration.body)))
            }
            Some(Callee::Unreadable) | None => 0,
        }
    }
}

/// Lets the names of a pattern stand for nothing known.
fn hide<'a>(frame: &mut Frame<'a>, pattern: &'a Pattern) {
    let mut open = vec![pattern];
    while let Some(pattern) = open.pop() {
        match pattern {
            Pattern::Name(name) => frame.scope.bind(&name.text, None),
            Pattern::Tuple(parts, _) => open.extend(parts),
        }
    }
}
