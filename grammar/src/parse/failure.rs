//! Unreadable text, and where and why reading it failed.

use pest::Parser;
use pest::error::{Error, ErrorVariant, InputLocation};

use super::Rule;
use super::generated::CnnParser;
use super::scan::{Scanner, Token, TokenKind};

/// A failed reading. Positions are byte positions in `text`.
pub(super) struct Failure<'text> {
    /// The unreadable text and the `{` behind it, if there is one.
    pub(super) text: &'text str,
    /// The rule that the text should have fitted.
    pub(super) lone: Rule,
    /// Its tokens without line ends.
    pub(super) tokens: Vec<Token>,
    /// Where pest could not go on.
    pub(super) position: usize,
    /// What it tried there.
    pub(super) attempts: Vec<Rule>,
}

impl<'text> Failure<'text> {
    /// Reads `text` by `lone` once more, for the place where that fails.
    pub(super) fn new(text: &'text str, lone: Rule) -> Self {
        let (position, attempts) = match CnnParser::parse(lone, text) {
            Ok(_) => (text.len(), Vec::new()),
            Err(error) => (location(&error), attempts(error)),
        };
        let tokens = Scanner::new(text).filter(|token| token.kind != TokenKind::LineEnd).collect();
        Failure { text, lone, tokens, position, attempts }
    }

    /// The token at the failure; `None` at the end of the text.
    pub(super) fn found(&self) -> Option<Token> {
        self.tokens.get(self.count_before()).copied()
    }

    /// The tokens before the failure.
    pub(super) fn before(&self) -> &[Token] {
        self.tokens.get(..self.count_before()).unwrap_or(&[])
    }

    fn count_before(&self) -> usize {
        self.tokens.partition_point(|token| token.end <= self.position)
    }

    /// A token's text.
    pub(super) fn text_of(&self, token: Token) -> &'text str {
        self.text.get(token.start..token.end).unwrap_or("")
    }

    /// The innermost bracket that is open at the failure.
    pub(super) fn open(&self) -> Option<Token> {
        let mut open = Vec::new();
        for token in self.before() {
            match token.kind {
                TokenKind::Open(_) => open.push(*token),
                TokenKind::Close(_) => drop(open.pop()),
                _ => {}
            }
        }
        open.pop()
    }

    /// The string that the failure lies in, past its quote, and the tokens behind it.
    pub(super) fn string_around(&self) -> Option<(Token, &[Token])> {
        let (string, following) = self.tokens.get(self.count_before()..)?.split_first()?;
        (string.kind == TokenKind::String && string.start < self.position).then_some((*string, following))
    }

    /// Where the braces begin that the failure lies in, in a string.
    pub(super) fn interpolation_start(&self) -> Option<usize> {
        let (string, _) = self.string_around()?;
        let before = self.text.get(string.start..self.position)?;
        let (position, brace) = before.rmatch_indices(['{', '}']).next()?;
        (brace == "{").then_some(string.start + position)
    }

    /// The same failure, with the tokens of a string's braces where it lies in them.
    pub(super) fn narrowed(mut self) -> Self {
        let (Some(start), Some((string, _))) = (self.interpolation_start(), self.string_around()) else { return self };
        let inside = self.text.get(start..string.end.saturating_sub(1)).unwrap_or("");
        self.tokens = Scanner::new(inside)
            .map(|token| Token { start: token.start + start, end: token.end + start, ..token })
            .collect();
        self
    }
}

/// Where pest stopped.
pub(super) fn location(error: &Error<Rule>) -> usize {
    match error.location {
        InputLocation::Pos(start) | InputLocation::Span((start, _)) => start,
    }
}

fn attempts(error: Error<Rule>) -> Vec<Rule> {
    match error.variant {
        ErrorVariant::ParsingError { positives, .. } => positives,
        ErrorVariant::CustomError { .. } => Vec::new(),
    }
}
