//! What could not be read: finds out what was expected there.

use pest::error::{Error, InputLocation};
use pest::iterators::Pair;

use super::{Builder, Rule, children};
use crate::ast::{Body, Name};
use crate::error::SyntaxErrorKind;
use crate::span::Span;

impl Builder<'_> {
    /// Reports an unreadable statement and reads the body behind it.
    pub(super) fn unreadable(&mut self, pair: Pair<'_, Rule>) -> Option<Body> {
        self.report_unexpected(&pair);
        children(pair).find(|part| part.as_rule() == Rule::body).map(|body| self.body(body))
    }

    /// Reports an unreadable value of a `let`, `tied`, `if`, `for` or `repeat`.
    pub(super) fn unreadable_value(&mut self, pair: &Pair<'_, Rule>) {
        self.report_unexpected(pair);
    }

    /// Reports an unreadable parameter.
    pub(super) fn report_parameter(&mut self, pair: &Pair<'_, Rule>) {
        self.report_unexpected(pair);
    }

    /// Reports an unreadable declaration.
    pub(super) fn report_declaration(&mut self, pair: &Pair<'_, Rule>) {
        self.report_unexpected(pair);
    }

    /// Reports a `}` that closes nothing.
    pub(super) fn stray_brace(&mut self, pair: &Pair<'_, Rule>) {
        self.report(SyntaxErrorKind::Unopened { close: '}' }, self.span(pair));
    }

    /// Reports a file that no rule matches; the grammar matches any text, so that this is a defect of the grammar.
    pub(super) fn unreadable_file(&mut self, error: &Error<Rule>) {
        let start = match error.location {
            InputLocation::Pos(start) | InputLocation::Span((start, _)) => start,
        };
        self.report(
            SyntaxErrorKind::Unexpected { found: String::new(), expected: Vec::new() },
            self.range(start, start),
        );
    }

    fn report_unexpected(&mut self, pair: &Pair<'_, Rule>) {
        let span = self.trimmed(pair);
        let found = self.text.get(span.start as usize..span.end as usize).unwrap_or("").chars().take(40).collect();
        self.report(SyntaxErrorKind::Unexpected { found, expected: Vec::new() }, span);
    }

    /// The span of unreadable text without the blanks behind it.
    pub(super) fn trimmed(&self, pair: &Pair<'_, Rule>) -> Span {
        let start = pair.as_span().start();
        self.range(start, start + pair.as_str().trim_end().len())
    }

    /// The word that a text at `start` begins with.
    pub(super) fn leading_word(&self, text: &str, start: u32) -> Option<Name> {
        let end =
            text.find(|character: char| !character.is_ascii_alphanumeric() && character != '_').unwrap_or(text.len());
        let word = text
            .get(..end)
            .filter(|word| word.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_'))?;
        Some(Name { text: word.to_owned(), span: self.range(start as usize, start as usize + end) })
    }
}
