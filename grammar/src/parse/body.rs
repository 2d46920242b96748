//! Bodies: lists of statements, and what cannot be read among them.
//!
//! One place gives one error: a body on the line after a header that lacks it belongs to the header, and the lines up to a
//! bracket's end belong to the line that left it open, where then a comma was missing.

use pest::iterators::Pair;

use super::comment::{Between, body_comments};
use super::recover::{braces_taken, lacks_body};
use super::scan::{Scanner, TokenKind};
use super::words::{is_join, is_keyword, quote};
use super::{Builder, Rule};
use crate::ast::{Body, Comment, ExprKind, FlowItem, FlowKind, Name, Statement, StatementKind};
use crate::error::{SyntaxError, SyntaxErrorKind};
use crate::span::Span;

/// A body being read.
struct Reading {
    statements: Vec<Statement>,
    /// Comments and lines since the last statement.
    between: Between,
    /// The comment behind the `{`.
    opening: Option<Comment>,
    /// The unreadable statement just before lacks a body, so that a bare `{ }` on the next line is that.
    wants_body: bool,
    open: Option<OpenBracket>,
}

/// A bracket that unreadable text left open, with nothing since but what may stand in brackets.
struct OpenBracket {
    /// The first error of that text.
    error: usize,
    /// Whether that error says no more than that the bracket is open: if it is closed later, a comma was missing.
    is_unclosed: bool,
    /// How many statements there were then, the one with the bracket included.
    statements: usize,
    /// What would close it, in words.
    close: &'static str,
    /// What begins the next line, where the comma is missing.
    next: Option<Span>,
}

impl Reading {
    /// Gives the comments between two statements to the one that they belong to.
    fn take_separator(&mut self, text: &str) {
        let Some(behind) = self.between.take(text) else { return };
        match self.statements.last_mut() {
            Some(last) => last.layout.comments_mut().behind = Some(behind),
            None => self.opening = Some(behind),
        }
    }
}

impl Builder<'_> {
    /// A pair `body`; whether it is closed is for `outer_body` to see.
    pub(super) fn body(&mut self, pair: Pair<'_, Rule>) -> Body {
        let span = self.span(&pair);
        let between = Between::of_body();
        let mut reading = Reading { statements: Vec::new(), between, opening: None, wants_body: false, open: None };
        for child in pair.into_inner() {
            match child.as_rule() {
                Rule::statement => self.take_statement(&mut reading, child),
                Rule::unreadable => self.take_unreadable(&mut reading, child),
                Rule::separator => reading.take_separator(child.as_str()),
                _ => {}
            }
        }
        let comments = body_comments(reading.opening, reading.between.closing());
        Body { statements: reading.statements, comments, span }
    }

    fn take_statement(&mut self, reading: &mut Reading, pair: Pair<'_, Rule>) {
        let error = self.errors.len();
        let text = pair.as_str();
        let (kind, span) = self.statement(pair);
        let layout = self.layout(&mut reading.between, span, &kind.bodies());
        let wants_body = std::mem::take(&mut reading.wants_body);
        if let Some(start) = bare_keyword(&kind) {
            reading.open = None;
            self.report_statement(reading, Rule::lone_keyword, start, span.end as usize);
            return reading.statements.push(Statement { kind: StatementKind::Unreadable(None), span, layout });
        }
        match (kind, reading.statements.last_mut()) {
            (StatementKind::Item(FlowItem { label: None, kind: FlowKind::Group(body) }), Some(last)) if wants_body => {
                self.spare_braces -= 1;
                last.kind = StatementKind::Unreadable(Some(body));
                last.span = last.span.to(span);
            }
            (kind, _) => {
                match &mut reading.open {
                    Some(open) if may_stand_in_brackets(&kind) => drop(open.next.get_or_insert(span)),
                    open => *open = None,
                }
                let is_unreadable = match &kind {
                    StatementKind::Let { value, .. } => value.kind == ExprKind::Unreadable,
                    StatementKind::Item(FlowItem { kind: FlowKind::Constant(value), .. }) => {
                        value.kind == ExprKind::Unreadable
                    }
                    _ => false,
                };
                reading.statements.push(Statement { kind, span, layout });
                if is_unreadable {
                    self.note_open(reading, error, text);
                }
            }
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
        let error = self.errors.len();
        self.report_statement(reading, Rule::lone_statement, start, start + text.len());
        let body_span = body.as_ref().map_or(span, |body| self.span(body));
        let body = body.map(|body| self.body(body));
        let has_body = body.is_some();
        let layout = reading.between.layout();
        reading.statements.push(Statement { kind: StatementKind::Unreadable(body), span: span.to(body_span), layout });
        if !has_body {
            self.note_open(reading, error, text);
        }
    }

    /// Remembers the bracket that unreadable text, reported as `error`, leaves open.
    fn note_open(&self, reading: &mut Reading, error: usize, text: &str) {
        let Some(bracket) = open_bracket(text).filter(|_| reading.open.is_none()) else { return };
        reading.open = Some(OpenBracket {
            error,
            is_unclosed: matches!(
                self.errors.get(error),
                Some(SyntaxError { kind: SyntaxErrorKind::Unclosed { .. }, .. })
            ),
            statements: reading.statements.len(),
            close: if bracket == '(' { "`)`" } else { "`]`" },
            next: None,
        });
    }

    /// Whether a text closes the bracket that is open; it then belongs to the statement that opened it.
    fn closes_open(&mut self, reading: &mut Reading, text: &str, span: Span) -> bool {
        let Some(open) = &mut reading.open else { return false };
        let next = *open.next.get_or_insert_with(|| first_token(text, span));
        if !closes_bracket(text) {
            return false;
        }
        if open.is_unclosed {
            let found = quote(self.text.get(next.start as usize..next.end as usize).unwrap_or(""));
            let kind = SyntaxErrorKind::Unexpected { found, expected: vec!["`,`", open.close] };
            self.errors.truncate(open.error);
            self.errors.push(SyntaxError { kind, span: next });
        } else {
            self.errors.truncate(open.error + 1);
        }
        reading.statements.truncate(open.statements);
        if let Some(last) = reading.statements.last_mut() {
            last.span = last.span.to(span);
        }
        reading.open = None;
        true
    }

    fn report_statement(&mut self, reading: &mut Reading, lone: Rule, start: usize, end: usize) {
        let error = self.diagnose(lone, start, end);
        let (text, rest) = self.text.get(start..).unwrap_or("").split_at_checked(end - start).unwrap_or_default();
        reading.wants_body = !rest.starts_with('{') && lacks_body(&error.kind);
        self.spare_braces += isize::from(reading.wants_body) + braces_taken(&error.kind, text);
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

/// The outermost `(` or `[` that a text leaves open; a bracket of another kind closes nothing.
fn open_bracket(text: &str) -> Option<char> {
    let mut open = Vec::new();
    for token in Scanner::new(text) {
        match token.kind {
            TokenKind::Open(bracket @ ('(' | '[')) => open.push(bracket),
            TokenKind::Close(')') => drop(open.pop_if(|bracket| *bracket == '(')),
            TokenKind::Close(']') => drop(open.pop_if(|bracket| *bracket == '[')),
            _ => {}
        }
    }
    open.first().copied()
}

/// Whether what reads as a statement could as well be a value inside brackets.
fn may_stand_in_brackets(kind: &StatementKind) -> bool {
    matches!(kind, StatementKind::Item(FlowItem { label: None, kind: FlowKind::Use(_) | FlowKind::Constant(_) }))
}
