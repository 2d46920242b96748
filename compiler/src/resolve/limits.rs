//! Limits of an expansion, checked before memory, time or stack is spent.
//!
//! The number of layers that a loop will write out is known from below before its first turn: counts that are written or can already be
//! computed, multiplied along the nesting. What that misses, a budget of layers and steps stops.

use super::error::LimitError;
use super::state::{Expander, Frame};
use super::value::{Callee, Value};
use cnnc_grammar::ast::{Body, Declaration, Expr, ExprKind, FlowKind, Pattern, StatementKind};
use cnnc_grammar::span::Span;

/// The most layers of a network.
pub(super) const MAX_LAYERS: u64 = 1_000_000;

/// The most statements and turns of loops that an expansion may take.
pub(super) const MAX_STEPS: u64 = 20_000_000;

/// The deepest nesting of calls and braces while a model is expanded.
pub(super) const MAX_DEPTH: usize = 200;

/// The longest name of an item.
pub(super) const MAX_NAME_BYTES: usize = 200;

/// The most bytes of all paths together.
pub(super) const MAX_PATH_BYTES: usize = 512 << 20;

/// How many statements are looked at to count layers ahead.
const COUNTED_STATEMENTS: usize = 1_000;

/// What an expansion has spent.
#[derive(Debug, Default)]
pub(super) struct Budget {
    /// Layers and joins.
    pub layers: u64,
    /// Statements and turns of loops.
    pub steps: u64,
    /// Bytes of paths.
    pub path_bytes: usize,
    /// Calls and braces around this place.
    pub depth: usize,
    /// Whether a limit was passed: nothing more is expanded then.
    pub spent: bool,
}

impl<'a> Expander<'a, '_> {
    /// Spends one statement or turn; `false` once a limit is passed.
    pub fn spend_step(&mut self, span: Span) -> bool {
        self.budget.steps += 1;
        if self.budget.steps > MAX_STEPS {
            self.exceed(LimitError::Steps { limit: MAX_STEPS, span });
        }
        !self.budget.spent
    }

    /// Spends one layer or join; `false` once a limit is passed.
    pub fn spend_layer(&mut self, span: Span) -> bool {
        self.budget.layers += 1;
        if self.budget.layers > MAX_LAYERS {
            self.exceed(LimitError::Layers { limit: MAX_LAYERS, at_least: None, span });
        } else if self.budget.path_bytes > MAX_PATH_BYTES {
            self.exceed(LimitError::Paths { span });
        }
        !self.budget.spent
    }

    fn exceed(&mut self, error: LimitError<'_>) {
        if !self.budget.spent {
            self.budget.spent = true;
            self.report(error.diagnostic());
        }
    }

    /// Whether calls and braces may nest deeper here.
    pub fn may_go_deeper(&mut self, span: Span) -> bool {
        if self.budget.depth >= MAX_DEPTH {
            self.exceed(LimitError::Depth { limit: MAX_DEPTH, span });
        }
        !self.budget.spent
    }

    /// Whether a loop may take that many turns: what they would surely write out is counted first.
    pub fn may_turn(&mut self, frame: &mut Frame<'a>, body: &'a Body, turns: i64, span: Span) -> bool {
        let turns = u64::try_from(turns).unwrap_or(0);
        let mut count = Count { expander: self, left: COUNTED_STATEMENTS };
        let layers = count.body(Some(frame), body).saturating_mul(turns);
        if self.budget.layers.saturating_add(layers) > MAX_LAYERS {
            self.exceed(LimitError::Layers { limit: MAX_LAYERS, at_least: Some(layers), span });
        } else if self.budget.steps.saturating_add(turns) > MAX_STEPS {
            self.exceed(LimitError::Turns { turns, limit: MAX_STEPS, span });
        }
        !self.budget.spent
    }

    /// Whether a declaration may be written out: what it would surely write out is counted first.
    pub fn may_expand(&mut self, declaration: &'a Declaration, span: Span) -> bool {
        let layers = Count { expander: self, left: COUNTED_STATEMENTS }.declaration(declaration);
        if self.budget.layers.saturating_add(layers) > MAX_LAYERS {
            self.exceed(LimitError::Layers { limit: MAX_LAYERS, at_least: Some(layers), span });
        }
        !self.budget.spent
    }
}

/// Counts layers from below, and gives up, with what it has, after so many statements.
struct Count<'e, 'a, 'p> {
    expander: &'e mut Expander<'a, 'p>,
    left: usize,
}

impl<'a> Count<'_, 'a, '_> {
    /// The layers that a call surely writes out, whatever its arguments. Counted once for each declaration.
    fn declaration(&mut self, declaration: &'a Declaration) -> u64 {
        let key = declaration.name.span;
        if let Some(layers) = self.expander.counted.get(&key) {
            return *layers;
        }
        // A block that calls itself counts nothing where it does.
        self.expander.counted.insert(key, 0);
        let layers = self.body(None, &declaration.body);
        self.expander.counted.insert(key, layers);
        layers
    }

    /// The layers that a body surely writes out. Counts of loops are computed where `frame` holds their names.
    fn body(&mut self, mut frame: Option<&mut Frame<'a>>, body: &'a Body) -> u64 {
        let mark = frame.as_deref().map(|frame| frame.scope.enter());
        let mut layers = 0u64;
        for statement in &body.statements {
            if self.left == 0 {
                break;
            }
            self.left -= 1;
            layers = layers.saturating_add(self.statement(frame.as_deref_mut(), &statement.kind));
        }
        if let (Some(frame), Some(mark)) = (frame, mark) {
            frame.scope.leave(mark);
        }
        layers
    }

    fn statement(&mut self, mut frame: Option<&mut Frame<'a>>, statement: &'a StatementKind) -> u64 {
        match statement {
            StatementKind::Item(item) => match &item.kind {
                FlowKind::Use(call) => self.call(frame.as_deref(), &call.callee.text),
                FlowKind::Join { body, .. } | FlowKind::Sequential(body) | FlowKind::Group(body) => {
                    self.body(frame, body)
                }
            },
            StatementKind::Repeat { count, body } => {
                let turns = match self.value(frame.as_deref(), count) {
                    Some(Value::Int(turns)) => u64::try_from(turns).unwrap_or(0),
                    _ => 0,
                };
                if turns == 0 { 0 } else { self.body(frame, body).saturating_mul(turns) }
            }
            StatementKind::For { pattern, values, body } => {
                let turns = self.value(frame.as_deref(), values).and_then(|values| values.length()).unwrap_or(0);
                hide(frame.as_deref_mut(), pattern);
                let turns = u64::try_from(turns).unwrap_or(0);
                if turns == 0 { 0 } else { self.body(frame, body).saturating_mul(turns) }
            }
            StatementKind::Let { pattern, .. } => {
                hide(frame, pattern);
                0
            }
            StatementKind::Tied { name, .. } => {
                if let Some(frame) = frame {
                    frame.scope.bind(&name.text, None);
                }
                0
            }
            _ => 0,
        }
    }

    /// A count: written as a number or range, or computed from names that can be seen.
    fn value(&mut self, frame: Option<&Frame<'a>>, expr: &'a Expr) -> Option<Value<'a>> {
        match (&expr.kind, frame) {
            (ExprKind::Int(number), _) => Some(Value::Int(*number)),
            (ExprKind::Range(start, end), None) => match (&start.kind, &end.kind) {
                (ExprKind::Int(start), ExprKind::Int(end)) if *start >= 0 => {
                    Some(Value::Range(*start, *end.max(start)))
                }
                _ => None,
            },
            (_, Some(frame)) => self.expander.evaluate_quietly(frame, expr),
            (_, None) => None,
        }
    }

    fn call(&mut self, frame: Option<&Frame<'a>>, name: &str) -> u64 {
        if frame.is_some_and(|frame| frame.scope.get(name).is_some()) {
            return 0;
        }
        match self.expander.callee(name) {
            Some(Callee::Layer(_)) => 1,
            Some(Callee::Declared(callable)) => {
                let left = std::mem::replace(&mut self.left, COUNTED_STATEMENTS);
                let layers = self.declaration(callable.declaration);
                self.left = left;
                layers
            }
            Some(Callee::Unreadable) | None => 0,
        }
    }
}

/// Lets the names of a pattern stand for nothing known.
fn hide<'a>(frame: Option<&mut Frame<'a>>, pattern: &'a Pattern) {
    let Some(frame) = frame else { return };
    let mut open = vec![pattern];
    while let Some(pattern) = open.pop() {
        match pattern {
            Pattern::Name(name) => frame.scope.bind(&name.text, None),
            Pattern::Tuple(parts, _) => open.extend(parts),
        }
    }
}
