//! How many layers something surely writes out, counted before anything is.
//!
//! Layers and joins that stand under no condition are counted, and multiplied with the turns of the loops around them, where
//! those are written or can already be computed: with the names that can be seen at a loop, and with the arguments of the calls
//! below it. The count is from below, so that it may stop anywhere: it does after so many statements.

use super::Declarations;
use super::matching::scope_of_call;
use crate::resolve::expression::{Callee, Evaluator, Names, Scope, Value};
use crate::resolve::report::Reporter;
use cnnc_grammar::ast::{Body, Call, Expr, ExprKind, FlowKind, Pattern, StatementKind};

/// How many statements are looked at.
const STATEMENTS: usize = 1_000;

/// How deep braces and calls are followed.
const DEPTH: usize = 120;

/// The layers that a body surely writes out, whatever its arguments; `called` says it of what it calls.
pub(in crate::resolve) fn least_layers(body: &Body, called: &dyn Fn(&str) -> u64) -> u64 {
    let layers = body.statements.iter().map(|statement| match &statement.kind {
        StatementKind::Item(item) => match &item.kind {
            FlowKind::Use(call) | FlowKind::Filled { call, .. } => called(&call.callee.text),
            FlowKind::Constant(_) => 1,
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
pub(in crate::resolve) struct Count<'e, 'a, 'p> {
    reporter: &'e mut Reporter<'p>,
    declarations: &'e Declarations<'a>,
    statements_left: usize,
    depth_left: usize,
}

impl<'e, 'a, 'p> Count<'e, 'a, 'p> {
    /// A count that has looked at nothing yet.
    pub fn new(reporter: &'e mut Reporter<'p>, declarations: &'e Declarations<'a>) -> Self {
        Count { reporter, declarations, statements_left: STATEMENTS, depth_left: DEPTH }
    }

    /// The layers that a body surely writes out.
    pub fn body(&mut self, scope: &mut Scope<'a>, names: &dyn Names<'a>, body: &'a Body) -> u64 {
        if self.depth_left == 0 {
            return 0;
        }
        self.depth_left -= 1;
        let mark = scope.enter();
        let mut layers = 0u64;
        for statement in &body.statements {
            if self.statements_left == 0 {
                break;
            }
            self.statements_left -= 1;
            if !self.reporter.spend(1, statement.span) {
                break;
            }
            layers = layers.saturating_add(self.statement(scope, names, &statement.kind));
        }
        scope.leave(mark);
        self.depth_left += 1;
        layers
    }

    fn statement(&mut self, scope: &mut Scope<'a>, names: &dyn Names<'a>, statement: &'a StatementKind) -> u64 {
        match statement {
            StatementKind::Item(item) => match &item.kind {
                FlowKind::Use(call) | FlowKind::Filled { call, .. } => return self.call(scope, names, call),
                FlowKind::Constant(_) => return 1,
                FlowKind::Join { body, .. } | FlowKind::Sequential(body) | FlowKind::Group(body) => {
                    return self.body(scope, names, body);
                }
            },
            StatementKind::Repeat { count, body } => {
                if let Some(Value::Int(turns)) = self.known(scope, names, count) {
                    return multiplied(turns, || self.body(scope, names, body));
                }
            }
            StatementKind::For { pattern, values, body } => {
                let turns = self.known(scope, names, values).and_then(|values| values.length());
                hide(scope, pattern);
                return multiplied(turns.unwrap_or(0), || self.body(scope, names, body));
            }
            StatementKind::Let { pattern: Pattern::Name(name), value } => {
                let known = self.known(scope, names, value);
                scope.bind(name, known);
            }
            StatementKind::Let { pattern, .. } => hide(scope, pattern),
            StatementKind::Tied { name, .. } => scope.bind(name, None),
            StatementKind::Input { shape, .. } => {
                for size in shape {
                    if let ExprKind::Name(name) = &size.kind {
                        scope.bind_new(name, size.span);
                    }
                }
            }
            _ => {}
        }
        0
    }

    /// What an expression is worth, where that can be said already.
    fn known(&mut self, scope: &Scope<'a>, names: &dyn Names<'a>, expr: &'a Expr) -> Option<Value<'a>> {
        Evaluator { reporter: self.reporter, scope, names }.evaluate_quietly(expr)
    }

    fn call(&mut self, scope: &Scope<'a>, names: &dyn Names<'a>, call: &'a Call) -> u64 {
        let name = call.callee.text.as_str();
        if scope.get(name).is_some() {
            return 0;
        }
        match self.declarations.callee(name) {
            Some(Callee::Layer(_)) => 1,
            Some(Callee::Declared(callable)) => {
                let declarations = self.declarations;
                let least = declarations.least_layers(name);
                if self.depth_left == 0 || self.statements_left == 0 {
                    return least;
                }
                let inner = self.reporter.quietly(|reporter| {
                    scope_of_call(&mut Evaluator { reporter, scope, names }, declarations, &callable, call)
                });
                let body = &callable.declaration.body;
                least.max(inner.map_or(0, |mut inner| self.body(&mut inner, declarations, body)))
            }
            Some(Callee::Items(_) | Callee::Unreadable) | None => 0,
        }
    }
}

/// Lets the names of a pattern stand for nothing known.
fn hide<'a>(scope: &mut Scope<'a>, pattern: &'a Pattern) {
    let mut open = vec![pattern];
    while let Some(pattern) = open.pop() {
        match pattern {
            Pattern::Name(name) => scope.bind(name, None),
            Pattern::Tuple(parts, _) => open.extend(parts),
        }
    }
}
