//! The limits of a file, checked in one linear pass before pest recurses.
//!
//! Brackets are counted as pest nests them: bodies in bodies, and within one statement the `(` and `[` around a value, those of
//! a value inside a string too. A line that nothing carries on ends its statement, so its unclosed brackets count no further.

use super::scan::{Scanner, Token, TokenKind};
use crate::error::{SyntaxError, SyntaxErrorKind};
use crate::span::{FileId, Span};

/// The deepest nesting of brackets, and the longest chain of signs or of `if … else` values.
pub(super) const NESTING_LIMIT: usize = 100;

/// The deepest tree of an expression: an operator, an access and a bracket are a level each.
pub(super) const EXPRESSION_DEPTH_LIMIT: usize = 500;

/// The largest file, in bytes; far below what a span can say.
pub(super) const FILE_SIZE_LIMIT_BYTES: usize = 16 << 20;

/// The most words, numbers, strings and signs of a program: each takes some hundred bytes while it is read.
pub const TOKEN_LIMIT: usize = 1_000_000;

/// How many words, numbers, strings and signs a text has.
pub fn token_count(text: &str) -> usize {
    Scanner::new(text).filter(|token| token.kind != TokenKind::LineEnd).count()
}

/// Refuses a file that is too large or nested too deeply.
pub(super) fn check(text: &str, file: FileId) -> Result<(), SyntaxError> {
    if text.len() > FILE_SIZE_LIMIT_BYTES {
        let kind = SyntaxErrorKind::FileTooLarge { size_bytes: text.len(), limit_bytes: FILE_SIZE_LIMIT_BYTES };
        return Err(SyntaxError { kind, span: Span { file, start: 0, end: 0 } });
    }
    let mut nesting = Nesting::default();
    let mut tokens = 0;
    for token in Scanner::new(text) {
        nesting.take(token, text);
        tokens += usize::from(token.kind != TokenKind::LineEnd);
        if tokens > TOKEN_LIMIT {
            let kind = SyntaxErrorKind::TooManyTokens { limit: TOKEN_LIMIT };
            let span = Span { file, start: token.start as u32, end: token.end as u32 };
            return Err(SyntaxError { kind, span });
        }
        if nesting.depth > NESTING_LIMIT {
            let kind = SyntaxErrorKind::TooDeep { limit: NESTING_LIMIT };
            let span = Span { file, start: token.start as u32, end: token.end as u32 };
            return Err(SyntaxError { kind, span });
        }
    }
    Ok(())
}

/// The brackets open at a token.
#[derive(Default)]
struct Nesting {
    braces: usize,
    /// `(` and `[` of the statement.
    brackets: usize,
    /// A line ended that may have ended the statement.
    line_ended: bool,
    /// The token before carries the statement over the end of its line.
    carries: bool,
    /// Brackets around the deepest place of the token.
    depth: usize,
}

impl Nesting {
    fn take(&mut self, token: Token, text: &str) {
        if token.kind == TokenKind::LineEnd {
            self.line_ended |= !self.carries;
            return;
        }
        let token_text = text.get(token.start..token.end).unwrap_or("");
        // A loop in a list may begin a line.
        let goes_on = matches!(token.kind, TokenKind::Close(')' | ']')) || matches!(token_text, "for" | "if");
        if std::mem::take(&mut self.line_ended) && !goes_on {
            self.brackets = 0;
        }
        match token.kind {
            TokenKind::Open('{') => (self.braces, self.brackets) = (self.braces + 1, 0),
            TokenKind::Close('}') => (self.braces, self.brackets) = (self.braces.saturating_sub(1), 0),
            TokenKind::Open(_) => self.brackets += 1,
            TokenKind::Close(_) => self.brackets = self.brackets.saturating_sub(1),
            TokenKind::Sign if token_text == ";" => self.brackets = 0,
            _ => {}
        }
        let inside = if token.kind == TokenKind::String { depth_in_string(token_text) } else { 0 };
        self.depth = self.braces + self.brackets + inside;
        self.carries = match token.kind {
            TokenKind::Sign | TokenKind::Open(_) => true,
            TokenKind::Word => matches!(token_text, "if" | "else" | "and" | "or" | "not"),
            _ => false,
        };
    }
}

/// The deepest nesting of brackets inside the braces of a string.
fn depth_in_string(text: &str) -> usize {
    let (mut depth, mut deepest) = (0usize, 0);
    for byte in text.bytes() {
        match byte {
            b'{' => depth = 1,
            b'}' => depth = 0,
            b'(' | b'[' if depth > 0 => depth += 1,
            b')' | b']' if depth > 1 => depth -= 1,
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}
