//! What could not be read: finds out where reading stopped and what was expected there, one error a place.
//!
//! pest runs again on the unreadable text alone, by one of the grammar's `lone` rules; its furthest failure is the place. What
//! stands there decides: a bracket or a string that is not closed, a slip that `mistake` knows, or else what the rules expected.

use super::failure::Failure;
use super::mistake::mistake;
use super::scan::TokenKind;
use super::words::{END_OF_LINE, OPEN_BRACE, expected, is_keyword, is_reserved, next_in_words, quote};
use super::{Builder, Rule};
use crate::error::{SyntaxError, SyntaxErrorKind};

/// Whether what is wrong with text without a body is that it should have one.
pub(super) fn lacks_body(error: &SyntaxErrorKind) -> bool {
    matches!(error, SyntaxErrorKind::Unexpected { expected, .. } if expected.contains(&OPEN_BRACE))
}

/// How many `{` more than `}` a string without end has taken from the text behind its quote.
pub(super) fn braces_taken(error: &SyntaxErrorKind, text: &str) -> isize {
    let SyntaxErrorKind::UnclosedString = error else { return 0 };
    text.chars().map(|character| isize::from(character == '{') - isize::from(character == '}')).sum()
}

/// What is wrong, and the byte range of it in the unreadable text.
pub(super) type Fact = (SyntaxErrorKind, usize, usize);

impl Builder<'_> {
    /// The error of the unreadable text `start..end`, which should have fitted `lone`.
    pub(super) fn diagnose(&self, lone: Rule, start: usize, end: usize) -> SyntaxError {
        let rest = self.text.get(end..).unwrap_or("");
        let (text_end, rest) = match rest.strip_prefix('{') {
            Some(rest) => (end + 1, rest),
            None => (end, rest),
        };
        let failure = Failure::new(self.text.get(start..text_end).unwrap_or(""), lone);
        let (kind, from, to) = of_string(&failure).unwrap_or_else(|| {
            let failure = failure.narrowed();
            of_carried_on(&failure)
                .or_else(|| of_bracket(&failure))
                .or_else(|| mistake(&failure))
                .or_else(|| of_reserved_word(&failure))
                .unwrap_or_else(|| unexpected(&failure, rest))
        });
        SyntaxError { kind, span: self.range(start + from, start + to) }
    }
}

/// A string without its end, with a string in its braces, or with braces that do not pair.
fn of_string(failure: &Failure<'_>) -> Option<Fact> {
    if let Some(open) = failure.tokens.iter().find(|token| token.kind == TokenKind::UnclosedString)
        && open.start <= failure.position
    {
        let length = failure.text_of(*open).trim_end().len();
        return Some((SyntaxErrorKind::UnclosedString, open.start, open.start + length));
    }
    let (string, following) = failure.string_around()?;
    let position = failure.position;
    let rest = failure.text.get(position..string.end)?;
    if rest.starts_with('}') && failure.interpolation_start().is_none() {
        return Some((SyntaxErrorKind::Unopened { close: '}' }, position, position + 1));
    }
    let inside = rest.strip_prefix('{')?;
    if inside.chars().find(|next| matches!(next, '{' | '}' | '"')) == Some('"') {
        return Some(match following.iter().find(|token| token.kind == TokenKind::String) {
            Some(next) => (SyntaxErrorKind::NestedString, string.end - 1, next.start + 1),
            None => (SyntaxErrorKind::Unclosed { open: '{' }, position, position + 1),
        });
    }
    let brace = position + 1 + inside.find('{')?;
    let kind = SyntaxErrorKind::Unexpected { found: quote("{"), expected: vec!["`}`"] };
    Some((kind, brace, brace + 1))
}

/// A bracket that the end of the statement leaves open, or one that nothing opened.
fn of_bracket(failure: &Failure<'_>) -> Option<Fact> {
    let found = failure.found();
    let open = failure.open().map(|token| (token.kind, token));
    match (open, found.map(|token| token.kind)) {
        (
            Some((TokenKind::Open(open @ ('(' | '[')), token)),
            None | Some(TokenKind::Open('{') | TokenKind::Close('}')),
        ) => Some((SyntaxErrorKind::Unclosed { open }, token.start, token.end)),
        (None, Some(TokenKind::Close(close)))
        | (Some((TokenKind::Open('{'), _)), Some(TokenKind::Close(close @ (')' | ']')))) => {
            found.map(|token| (SyntaxErrorKind::Unopened { close }, token.start, token.end))
        }
        _ => None,
    }
}

/// A statement that ends in an operator, so that the next one was taken for its operand.
fn of_carried_on(failure: &Failure<'_>) -> Option<Fact> {
    let next = failure.tokens.get(..=failure.before().len()).unwrap_or(&failure.tokens);
    let (last, _) = next.iter().zip(next.iter().skip(1)).find(|(operator, word)| {
        operator.kind == TokenKind::Sign
            && word.kind == TokenKind::Word
            && is_keyword(failure.text_of(**word))
            && failure.text.get(operator.end..word.start).is_some_and(|between| between.contains(['\n', '\r']))
    })?;
    let kind = SyntaxErrorKind::Unexpected { found: END_OF_LINE.to_owned(), expected: vec!["an expression"] };
    Some((kind, last.end, last.end))
}

/// A reserved word at the start of a statement, which the rules took for a label or a layer.
fn of_reserved_word(failure: &Failure<'_>) -> Option<Fact> {
    let first = *failure.tokens.first()?;
    let word = failure.text_of(first);
    let is_taken = failure.lone == Rule::lone_statement && failure.before().len() == 1;
    let kind = SyntaxErrorKind::Unexpected { found: quote(word), expected: vec!["a statement"] };
    (is_taken && is_reserved(word) && !is_keyword(word)).then_some((kind, first.start, first.end))
}

/// What stands at the failure and what the rules expected; `rest` is the source after the unreadable text.
fn unexpected(failure: &Failure<'_>, rest: &str) -> Fact {
    let expected = expected_at(failure);
    let (found, from, to) = match failure.found() {
        Some(token) => (quote(failure.text_of(token)), token.start, token.end),
        None => end_of_text(failure, rest),
    };
    (SyntaxErrorKind::Unexpected { found, expected }, from, to)
}

/// What the rules expected, without the `:` that would make a label of any first word.
fn expected_at(failure: &Failure<'_>) -> Vec<&'static str> {
    let mut words = expected(&failure.attempts);
    if let (Rule::lone_statement, [first]) = (failure.lone, failure.before()) {
        let word = failure.text_of(*first);
        let is_label = word.starts_with(|first: char| first.is_ascii_lowercase()) && !is_keyword(word);
        if words.len() > 1 && !is_label {
            words.retain(|word| *word != "`:`");
        }
        if words.len() > 1 && is_keyword(word) {
            words.retain(|word| *word != END_OF_LINE);
        }
    }
    if failure.lone == Rule::lone_parameter {
        words.iter_mut().filter(|word| **word == "`:`").for_each(|word| *word = "`:` and a type");
    }
    words
}

/// What ends the text, and where it stands.
fn end_of_text(failure: &Failure<'_>, rest: &str) -> (String, usize, usize) {
    let (found, from, to) = next_in_words(rest);
    let place = if from < to { failure.text.len() } else { failure.tokens.last().map_or(0, |token| token.end) };
    (found, place + from, place + to)
}
