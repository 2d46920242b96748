//! Source text to tokens, in one linear pass: what the limits count and what errors speak of. pest reads the language itself.
//!
//! A string is one token, from its quote to the next quote or the end of its line; blanks and comments are skipped.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// Letters, digits and `_`, no digit first.
    Word,
    /// What begins with a digit, readable as a number or not: `64`, `1e-6`, `3x3`.
    Number,
    /// `"…"`
    String,
    /// `"…` up to the end of the line.
    UnclosedString,
    /// `(`, `[` or `{`
    Open(char),
    /// `)`, `]` or `}`
    Close(char),
    /// The end of a line.
    LineEnd,
    /// Punctuation and operators, those of other languages too.
    Sign,
    /// Any other character.
    Other(char),
}

/// A token and its byte range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// Signs of two characters, the language's own and those that people bring from other languages.
const DOUBLE_SIGNS: [&str; 11] = ["==", "!=", "<=", ">=", "//", "..", "&&", "||", "**", "->", "=>"];

/// The tokens of a text.
pub(crate) struct Scanner<'text> {
    text: &'text str,
    position: usize,
}

impl<'text> Scanner<'text> {
    pub(crate) fn new(text: &'text str) -> Self {
        Scanner { text, position: 0 }
    }

    fn rest(&self) -> &'text str {
        self.text.get(self.position..).unwrap_or("")
    }

    fn skip_blanks(&mut self) {
        loop {
            let rest = self.rest();
            let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
            let comment = rest.get(blanks..).filter(|rest| rest.starts_with('#')).map_or(0, line_length);
            if blanks + comment == 0 {
                return;
            }
            self.position += blanks + comment;
        }
    }
}

impl Iterator for Scanner<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        self.skip_blanks();
        let rest = self.rest();
        let first = rest.chars().next()?;
        let (kind, length) = match first {
            '\n' => (TokenKind::LineEnd, 1),
            '\r' => (TokenKind::LineEnd, if rest.starts_with("\r\n") { 2 } else { 1 }),
            '"' => string(rest),
            '(' | '[' | '{' => (TokenKind::Open(first), 1),
            ')' | ']' | '}' => (TokenKind::Close(first), 1),
            '0'..='9' => (TokenKind::Number, number_length(rest)),
            'a'..='z' | 'A'..='Z' | '_' => (TokenKind::Word, word_length(rest)),
            _ if DOUBLE_SIGNS.iter().any(|sign| rest.starts_with(sign)) => (TokenKind::Sign, 2),
            '+' | '-' | '*' | '/' | '%' | '<' | '>' | '=' | '!' | ',' | ';' | ':' | '.' | '&' | '|' => {
                (TokenKind::Sign, 1)
            }
            _ => (TokenKind::Other(first), first.len_utf8()),
        };
        let start = self.position;
        self.position += length;
        Some(Token { kind, start, end: self.position })
    }
}

/// Bytes up to the end of the line.
fn line_length(text: &str) -> usize {
    text.find(['\n', '\r']).unwrap_or(text.len())
}

/// Bytes of letters, digits and `_` at the start of a text.
pub(super) fn word_length(text: &str) -> usize {
    text.find(|character: char| !character.is_ascii_alphanumeric() && character != '_').unwrap_or(text.len())
}

/// A string that a text begins with, and its length.
fn string(text: &str) -> (TokenKind, usize) {
    let inside = text.get(1..).unwrap_or("");
    let length = inside.find(['"', '\n', '\r']).unwrap_or(inside.len());
    match inside.as_bytes().get(length) {
        Some(b'"') => (TokenKind::String, length + 2),
        _ => (TokenKind::UnclosedString, length + 1),
    }
}

/// Bytes of a number with its fraction and exponent, and of letters that do not belong to it.
fn number_length(text: &str) -> usize {
    let mut length = word_length(text);
    let digit_at = |position: usize| text.as_bytes().get(position).is_some_and(u8::is_ascii_digit);
    let byte_at = |position: usize| text.as_bytes().get(position).copied();
    if byte_at(length) == Some(b'.') && digit_at(length + 1) {
        length += 1 + word_length(text.get(length + 1..).unwrap_or(""));
    }
    let ends_in_exponent = matches!(byte_at(length.wrapping_sub(1)), Some(b'e' | b'E'));
    if ends_in_exponent && matches!(byte_at(length), Some(b'+' | b'-')) && digit_at(length + 1) {
        length += 1 + word_length(text.get(length + 1..).unwrap_or(""));
    }
    length
}
