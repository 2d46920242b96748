//! Statements: what a body writes out.
//!
//! A body is read in one of two ways: in a sequence each item takes what the one before gave; in a join every item is a branch
//! from one value. `if`, `for` and `repeat` stand for what they write out and keep the way of the body around them. Where a
//! condition or count is not known, because of an error or because a declaration is only checked, every arm is read once, with an
//! unknown flow.

use super::error::{StructureError, ValueError};
use super::limits::{KEPT, TURN};
use super::state::{Expander, Frame};
use super::value::{Flow, Recipe, Value};
use crate::graph::Way;
use cnnc_grammar::ast::{Body, Call, Expr, Name, Pattern, Statement, StatementKind};
use cnnc_grammar::span::Span;
use std::rc::Rc;

/// Where a body stands.
pub(super) struct Cursor {
    /// What the next item takes.
    pub value: Flow,
    /// The branches so far, in a join.
    pub branches: Option<Vec<Branch>>,
    /// Whether this is the outermost body of its declaration.
    pub top: bool,
}

/// A branch of a join.
#[derive(Clone, Copy)]
pub(super) struct Branch {
    /// Its value.
    pub flow: Flow,
    /// The item that it is.
    pub span: Span,
}

impl Cursor {
    /// Takes what an item gave.
    fn give(&mut self, flow: Flow, span: Span) {
        match &mut self.branches {
            Some(branches) => branches.push(Branch { flow, span }),
            None => self.value = flow,
        }
    }

    /// Forgets what is known, after something that may have written out anything.
    fn forget(&mut self, span: Span) {
        self.give(Flow::Unknown, span);
    }
}

impl<'a> Expander<'a, '_> {
    /// A body whose items follow each other.
    pub fn sequence(&mut self, frame: &mut Frame<'a>, body: &'a Body, flow: Flow, top: bool) -> Flow {
        let mut cursor = Cursor { value: flow, branches: None, top };
        self.body(frame, body, &mut cursor);
        cursor.value
    }

    /// The statements of a body.
    pub fn body(&mut self, frame: &mut Frame<'a>, body: &'a Body, cursor: &mut Cursor) {
        if !self.may_go_deeper(body.span) {
            cursor.forget(body.span);
            return;
        }
        self.budget.depth += 1;
        let mark = frame.scope.enter();
        for statement in &body.statements {
            if !self.spend(1, statement.span) {
                break;
            }
            self.statement(frame, statement, cursor);
        }
        frame.scope.leave(mark);
        self.budget.depth -= 1;
    }

    fn statement(&mut self, frame: &mut Frame<'a>, statement: &'a Statement, cursor: &mut Cursor) {
        let span = statement.span;
        match &statement.kind {
            StatementKind::Item(item) => {
                let value = self.item(frame, cursor, item, span);
                cursor.give(value, span);
            }
            StatementKind::From(labels) => {
                frame.begun = true;
                let value = self.from(frame, labels, span);
                cursor.give(value, span);
            }
            StatementKind::If { arms, otherwise } => self.branch(frame, arms, otherwise.as_ref(), span, cursor),
            StatementKind::For { pattern, values, body } => self.for_loop(frame, pattern, values, body, span, cursor),
            StatementKind::Repeat { count, body } => self.repeat(frame, count, body, span, cursor),
            StatementKind::Input { .. } => self.input(frame, statement, cursor),
            StatementKind::Output(label) => self.output(frame, label, cursor),
            StatementKind::Expect { shape, shape_span } => self.expect(frame, shape, *shape_span, cursor),
            StatementKind::Keep(label) => self.keep(frame, label, cursor),
            StatementKind::Init { targets, scheme } => self.init(frame, targets, scheme),
            StatementKind::Labels(labels) => self.labels(frame, labels, span),
            StatementKind::Let { pattern, value } => {
                let bound = self.evaluate(frame, value);
                self.bind_pattern(frame, pattern, bound, value.span);
            }
            StatementKind::Tied { name, layer } => self.tied_statement(frame, name, layer),
            StatementKind::Unreadable(body) => self.unreadable_statement(frame, body.as_ref(), span, cursor),
        }
    }

    fn branch(
        &mut self,
        frame: &mut Frame<'a>,
        arms: &'a [(Expr, Body)],
        otherwise: Option<&'a Body>,
        span: Span,
        cursor: &mut Cursor,
    ) {
        let mut decided = self.expanding;
        for (condition, body) in arms {
            match self.condition(frame, condition, "the condition of `if`").filter(|_| decided) {
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
    fn undecided_body(&mut self, frame: &mut Frame<'a>, body: &'a Body, cursor: &mut Cursor) {
        self.undecided += 1;
        let before = std::mem::replace(&mut cursor.value, Flow::Unknown);
        self.body(frame, body, cursor);
        cursor.value = before;
        self.undecided -= 1;
    }

    fn for_loop(
        &mut self,
        frame: &mut Frame<'a>,
        pattern: &'a Pattern,
        values: &'a Expr,
        body: &'a Body,
        span: Span,
        cursor: &mut Cursor,
    ) {
        let known = self.evaluate(frame, values);
        let turns = known.as_ref().and_then(Value::length);
        if let (Some(value), None) = (&known, turns) {
            let (what, wanted) = ("what `for` goes through", "a list or a range");
            self.report(ValueError::NotA { what, wanted, value, span: values.span }.diagnostic());
        }
        frame.loops.push(match pattern {
            Pattern::Name(name) if name.text != "_" => Some(name.text.as_str()),
            Pattern::Name(_) | Pattern::Tuple(..) => first_name(pattern),
        });
        match (known, turns.filter(|_| self.expanding)) {
            (Some(values_known), Some(turns)) => {
                if self.may_turn(frame, body, turns, values.span) {
                    for turn in 0..turns {
                        let element = values_known.element(turn);
                        self.turn(frame, ("for", turn, turns), span, |expander, frame| {
                            expander.bind_pattern(frame, pattern, element, values.span);
                            expander.body(frame, body, cursor);
                        });
                        if self.budget.spent {
                            break;
                        }
                    }
                }
            }
            _ => {
                let mark = frame.scope.enter();
                self.bind_pattern(frame, pattern, None, values.span);
                self.undecided_body(frame, body, cursor);
                frame.scope.leave(mark);
                cursor.forget(span);
            }
        }
        frame.loops.pop();
    }

    fn repeat(&mut self, frame: &mut Frame<'a>, count: &'a Expr, body: &'a Body, span: Span, cursor: &mut Cursor) {
        let turns = self.evaluate_int(frame, count, "the count of `repeat`");
        if let Some(turns @ ..0) = turns {
            self.report(ValueError::NegativeCount { turns, span: count.span }.diagnostic());
        }
        frame.loops.push(None);
        match turns.filter(|turns| self.expanding && *turns >= 0) {
            Some(turns) => {
                if self.may_turn(frame, body, turns, count.span) {
                    for turn in 0..turns {
                        self.turn(frame, ("repeat", turn, turns), span, |expander, frame| {
                            expander.body(frame, body, cursor);
                        });
                        if self.budget.spent {
                            break;
                        }
                    }
                }
            }
            None => {
                self.undecided_body(frame, body, cursor);
                cursor.forget(span);
            }
        }
        frame.loops.pop();
    }

    /// One turn of a loop: its word, which turn and of how many.
    fn turn(
        &mut self,
        frame: &mut Frame<'a>,
        (word, turn, turns): (&'static str, i64, i64),
        span: Span,
        write: impl FnOnce(&mut Self, &mut Frame<'a>),
    ) {
        if !self.spend(TURN, span) {
            return;
        }
        let mark = frame.scope.enter();
        self.step_into(span, Way::Turn { word, turn: turn + 1, turns });
        write(self, frame);
        self.step_out();
        frame.scope.leave(mark);
    }

    /// Binds the names of a pattern; to nothing known after an error.
    fn bind_pattern(&mut self, frame: &mut Frame<'a>, pattern: &'a Pattern, value: Option<Value<'a>>, origin: Span) {
        match pattern {
            Pattern::Name(name) => frame.scope.bind(&name.text, value),
            Pattern::Tuple(parts, span) => {
                let parted = value.and_then(|value| {
                    let fits = value.length() == Some(parts.len() as i64);
                    if !fits {
                        let names = parts.len();
                        self.report(ValueError::Pattern { names, value: &value, span: *span, origin }.diagnostic());
                    }
                    fits.then_some(value)
                });
                for (position, part) in parts.iter().enumerate() {
                    let element = parted.as_ref().and_then(|value| value.element(position as i64));
                    self.bind_pattern(frame, part, element, origin);
                }
            }
        }
    }

    fn tied_statement(&mut self, frame: &mut Frame<'a>, name: &'a Name, layer: &'a Call) {
        let recipe = self.recipe(frame, layer);
        let value = recipe.map(|recipe| {
            self.check_recipe(frame, &recipe);
            let Recipe { callee, arguments, site, .. } = &*recipe;
            self.spend(KEPT, name.span);
            let tied = Some(self.new_tied());
            Value::Layer(Rc::new(Recipe::new(callee.clone(), arguments.clone(), *site, tied)))
        });
        frame.scope.bind(&name.text, value);
    }

    /// What could not be read may have been an item, and unless it begins as a call it may have bound or kept a name.
    fn unreadable_statement(&mut self, frame: &mut Frame<'a>, body: Option<&'a Body>, span: Span, cursor: &mut Cursor) {
        self.unreadable();
        frame.scope.incomplete |= !is_call(self.world.files.text(span));
        if let Some(body) = body {
            self.undecided_body(frame, body, cursor);
        }
        cursor.forget(span);
    }

    /// Says that something cannot stand between the branches of a join, or that there is no current value.
    pub fn current(&mut self, frame: &Frame<'a>, cursor: &Cursor, word: &'static str, span: Span) -> Flow {
        if cursor.branches.is_some() {
            self.report(StructureError::BetweenBranches { word, span }.diagnostic());
            return Flow::Unknown;
        }
        if cursor.value == Flow::Absent {
            self.report(StructureError::NoCurrent { what: word, span, inputs: &frame.inputs }.diagnostic());
            return Flow::Unknown;
        }
        cursor.value
    }
}

/// Whether a text that cannot be read begins as a call does, perhaps with a label: it then binds no name.
fn is_call(text: &str) -> bool {
    let after_word = |text: &str| {
        let word = text.find(|character: char| !character.is_alphanumeric() && character != '_')?;
        (word > 0).then(|| text.get(word..).map(|rest| rest.trim_start().to_owned())).flatten()
    };
    let Some(rest) = after_word(text) else { return false };
    match rest.strip_prefix(':') {
        Some(item) => after_word(item.trim_start()).is_some_and(|rest| rest.starts_with('(')),
        None => rest.starts_with('('),
    }
}

/// The first name of a pattern.
fn first_name(pattern: &Pattern) -> Option<&str> {
    match pattern {
        Pattern::Name(name) => (name.text != "_").then_some(name.text.as_str()),
        Pattern::Tuple(parts, _) => parts.iter().find_map(first_name),
    }
}
