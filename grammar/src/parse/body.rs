//! Bodies: lists of statements, and what cannot be read among them.
//!
//! One place gives one error: a body on the line after a header that lacks it belongs to the header, and the lines up to a
//! bracket's end belong to the line that left it open, where then a comma was missing.

use pest::iterators::Pair;

use super::recover::lacks_body;
use super::scan::{Scanner, TokenKind};
use super::words::{is_join, is_keyword, quote};
use super::{Builder, Rule};
use crate::ast::{Body, FlowItem, FlowKind, Name, Statement, StatementKind};
use crate::error::SyntaxErrorKind;
use crate::span::Span;

/// A body being read.
#[derive(Default)]
struct Reading {
    statements: Vec<Statement>,
    /// The unreadable statement just before lacks a body, so that a bare `{ }` on the next line is that.
    wants_body: bool,
    open: Option<OpenBracket>,
}

/// A bracket that an unreadable statement left open, with nothing since but what may stand in brackets.
struct OpenBracket {
    /// The error that says so.
    error: usize,
    /// How many statements there were then, the unreadable one included.
    statements: usize,
    /// What would close it, in words.
    close: &'static str,
    /// What begins the next line, where the comma is missing if the bracket is closed later.
    next: Option<Span>,
}

impl Builder<'_> {
    /// A pair `body`; whether it is closed is for `outer_body` to see.
    pub(super) fn body(&mut self, pair: Pair<'_, Rule>) -> Body {
        let span = self.span(&pair);
        let mut reading = Reading::default();
        for child in pair.into_inner() {
            match child.as_rule() {
                Rule::statement => {
                    let statement = self.statement(child);
                    self.take_statement(&mut reading, statement);
                }
                Rule::unreadable => self.take_unreadable(&mut reading, child),
                _ => {}
            }
        }
        Body { statements: reading.statements, span }
    }

    fn take_statement(&mut self, reading: &mut Reading, statement: Statement) {
        let Statement { kind, span } = statement;
        if let Some(start) = bare_keyword(&kind) {
            reading.open = None;
            self.report_statement(reading, Rule::lone_keyword, start, span.end as usize);
            return reading.statements.push(Statement { kind: StatementKind::Unreadable(None), span });
        }
        let wants_body = std::mem::take(&mut reading.wants_body);
        match &mut reading.open {
            Some(open) if matches!(kind, StatementKind::Item(FlowItem { label: None, kind: FlowKind::Use(_) })) => {
                open.next.get_or_insert(span);
            }
            _ => reading.open = None,
        }
        match (kind, reading.statements.last_mut()) {
            (StatementKind::Item(FlowItem { label: None, kind: FlowKind::Group(body) }), Some(last)) if wants_body => {
                last.kind = StatementKind::Unreadable(Some(body));
                last.span = last.span.to(span);
            }
            (kind, _) => reading.statements.push(Statement { kind, span }),
        }
    }

    /// Reports an unreadable statement and reads the body behind it.
    fn take_unreadable(&mut self, reading: &mut Reading, pair: Pair<'_, Rule>) {
        let start = pair.as_span().start();
        let (mut text, mut body) = ("", None);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::unreadable_text => text = part.as_str(),
                _ => body = Some(part),
            }
        }
        let span = self.range(start, start + text.trim_end().len());
        reading.wants_body = false;
        if body.is_some() {
            reading.open = None;
        } else if self.closes_open(reading, text, span) {
            return;
        }
        self.report_statement(reading, Rule::lone_statement, start, start + text.len());
        let body_span = body.as_ref().map_or(span, |body| self.span(body));
        let body = body.map(|body| self.body(body));
        reading.statements.push(Statement { kind: StatementKind::Unreadable(body), span: span.to(body_span) });
    }

    /// Whether a text closes the bracket that is open; it then belongs to the statement that opened it.
    fn closes_open(&mut self, reading: &mut Reading, text: &str, span: Span) -> bool {
        let Some(open) = &mut reading.open else { return false };
        let next = *open.next.get_or_insert_with(|| first_token(text, span));
        if !closes_bracket(text) {
            return false;
        }
        let found = quote(self.text.get(next.start as usize..next.end as usize).unwrap_or(""));
        let kind = SyntaxErrorKind::Unexpected { found, expected: vec!["`,`", open.close] };
        self.errors.truncate(open.error);
        reading.statements.truncate(open.statements);
        if let Some(last) = reading.statements.last_mut() {
            last.span = last.span.to(span);
        }
        reading.open = None;
        self.report(kind, next);
        true
    }

    fn report_statement(&mut self, reading: &mut Reading, lone: Rule, start: usize, end: usize) {
        let error = self.diagnose(lone, start, end);
        let close = match error.kind {
            SyntaxErrorKind::Unclosed { open: '(' } => Some("`)`"),
            SyntaxErrorKind::Unclosed { open: '[' } => Some("`]`"),
            _ => None,
        };
        reading.wants_body = lacks_body(&error.kind);
        if let (None, Some(close)) = (&reading.open, close) {
            let (error, statements) = (self.errors.len(), reading.statements.len() + 1);
            reading.open = Some(OpenBracket { error, statements, close, next: None });
        }
        self.errors.push(error);
    }

    /// Reports unreadable text that should have fitted `lone`, and says where it stands without the blanks behind it.
    pub(super) fn report_unreadable(&mut self, pair: &Pair<'_, Rule>, lone: Rule) -> Span {
        let start = pair.as_span().start();
        let text = pair.as_str();
        let error = self.diagnose(lone, start, start + text.len());
        self.errors.push(error);
        self.range(start, start + text.trim_end().len())
    }

    /// The word that a text at `start` begins with.
    pub(super) fn leading_word(&self, text: &str, start: usize) -> Option<Name> {
        let first = Scanner::new(text).next().filter(|token| token.kind == TokenKind::Word && token.start == 0)?;
        Some(Name { text: text.get(..first.end)?.to_owned(), span: self.range(start, start + first.end) })
    }
}

/// Where a keyword begins that stands as if it were a layer: `keep`, `sum(dim=1)` or, behind a label, `sum`.
fn bare_keyword(kind: &StatementKind) -> Option<usize> {
    let StatementKind::Item(FlowItem { label, kind: FlowKind::Use(call) }) = kind else { return None };
    let word = call.callee.text.as_str();
    let is_bare = if label.is_none() { is_keyword(word) } else { is_join(word) };
    is_bare.then_some(call.span.start as usize)
}

/// The first token of a text that lies at `span`.
fn first_token(text: &str, span: Span) -> Span {
    match Scanner::new(text).find(|token| token.kind != TokenKind::LineEnd) {
        Some(token) => {
            Span { start: span.start + token.start as u32, end: span.start + token.end as u32, file: span.file }
        }
        None => span,
    }
}

/// Whether a text closes a bracket that it did not open.
fn closes_bracket(text: &str) -> bool {
    let mut depth = 0;
    Scanner::new(text).any(|token| {
        match token.kind {
            TokenKind::Open(_) => depth += 1,
            TokenKind::Close(_) => depth -= 1,
            _ => {}
        }
        depth < 0
    })
}
