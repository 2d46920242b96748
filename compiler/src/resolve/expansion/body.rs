//! What a body writes out.
//!
//! A body is read in one of two ways: in a sequence each item takes what the one before gave; in a join every item is a branch
//! from one value. `if`, `for` and `repeat` stand for what they write out and keep the way of the body around them.

use super::Expander;
use crate::graph::NodeId;
use crate::resolve::builder::{Cursor, Frame};
use crate::resolve::expression::{Flow, bind_pattern};
use crate::resolve::statements::{Assertion, binding, keep};
use cnnc_grammar::ast::{Body, Statement, StatementKind};
use cnnc_grammar::span::Span;

impl<'a> Expander<'a, '_> {
    /// A body whose items follow each other.
    pub fn sequence(&mut self, frame: &mut Frame<'a>, body: &'a Body, flow: Flow, top: bool) -> Flow {
        let mut cursor = Cursor { value: flow, branches: None, top };
        self.body(frame, body, &mut cursor);
        cursor.value
    }

    /// The statements of a body.
    pub(super) fn body(&mut self, frame: &mut Frame<'a>, body: &'a Body, cursor: &mut Cursor) {
        if !self.builder.reporter.may_go_deeper(body.span) {
            cursor.forget(body.span);
            return;
        }
        self.builder.reporter.go_deeper();
        let mark = frame.scope.enter();
        for statement in &body.statements {
            if !self.builder.reporter.spend(1, statement.span) {
                break;
            }
            let begin = self.builder.network.graph.dag.len();
            self.statement(frame, statement, cursor);
            if self.builder.reporter.is_indexing() {
                self.note_visit(statement, begin, cursor);
            }
        }
        frame.scope.leave(mark);
        self.builder.reporter.rise();
    }

    fn statement(&mut self, frame: &mut Frame<'a>, statement: &'a Statement, cursor: &mut Cursor) {
        let span = statement.span;
        let builder = &mut self.builder;
        match &statement.kind {
            StatementKind::Item(item) => {
                let value = self.item(frame, cursor, item, span);
                cursor.give(value, span);
            }
            StatementKind::From(labels) => {
                frame.begun = true;
                let value = keep::from(builder, frame, labels, span);
                cursor.give(value, span);
            }
            StatementKind::If { arms, otherwise } => self.branch(frame, arms, otherwise.as_ref(), span, cursor),
            StatementKind::For { pattern, values, body } => self.for_loop(frame, pattern, values, body, span, cursor),
            StatementKind::Repeat { count, body } => self.repeat(frame, count, body, span, cursor),
            StatementKind::Input { .. } => self.inputs.read(builder, frame, statement, cursor),
            StatementKind::Output(label) => self.outputs.read(builder, frame, label, cursor),
            StatementKind::Expect { shape, shape_span } => keep::expect(builder, frame, shape, *shape_span, cursor),
            StatementKind::Assert { measure, relation, bound } => {
                let assertion = Assertion { measure, relation: *relation, bound, span };
                self.budgets.read(builder, frame, &assertion, cursor);
            }
            StatementKind::Keep(label) => keep::keep(builder, frame, label, cursor),
            StatementKind::Init { targets, scheme } => self.initialisers.read(builder, frame, targets, scheme),
            StatementKind::Labels(labels) => self.labels.read(builder, frame, labels, span),
            StatementKind::Let { pattern, value } => {
                let bound = builder.evaluate(frame, value);
                binding::warn_of_hiding(&mut builder.reporter, frame, pattern);
                bind_pattern(&mut builder.reporter, &mut frame.scope, pattern, bound, value.span);
                builder.note_pattern(frame, pattern);
            }
            StatementKind::Tied { name, layer } => binding::tied(builder, frame, name, layer),
            StatementKind::Unreadable(body) => self.unreadable_statement(frame, body.as_ref(), span, cursor),
        }
    }

    /// Takes in, for an index, what a statement made of the nodes from `begin` on.
    fn note_visit(&mut self, statement: &Statement, begin: usize, cursor: &Cursor) {
        let network = &mut self.builder.network;
        let value = match &statement.kind {
            StatementKind::Input { .. } if network.graph.dag.len() > begin => Flow::Node(NodeId::new(begin)),
            StatementKind::Input { .. }
            | StatementKind::Item(_)
            | StatementKind::From(_)
            | StatementKind::If { .. }
            | StatementKind::For { .. }
            | StatementKind::Repeat { .. } => cursor.latest(),
            _ => return,
        };
        if network.expanding {
            network.note_visit(statement.span, begin, value);
        }
    }

    /// What could not be read may have been an item, and unless it begins as a call it may have bound or kept a name.
    fn unreadable_statement(&mut self, frame: &mut Frame<'a>, body: Option<&'a Body>, span: Span, cursor: &mut Cursor) {
        let reporter = &mut self.builder.reporter;
        reporter.unreadable();
        frame.scope.incomplete |= !is_call(reporter.files.text(span));
        if let Some(body) = body {
            self.undecided_body(frame, body, cursor);
        }
        cursor.forget(span);
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
