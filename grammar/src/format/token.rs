//! What a statement is made of, without its bodies: words and signs, and the places where a line may end between them.

use std::borrow::Cow;

use crate::ast::Comment;

/// A piece of a statement.
pub(super) enum Token<'ast> {
    /// A word, a number or a string: what [`crate::ast::InsideComment`] counts.
    Word(Cow<'ast, str>),
    /// A sign with the blanks around it.
    Sign(&'static str),
    /// Behind an operator: nothing, or the end of a line where a comment wants one.
    Place,
    /// Between two elements.
    Comma,
    /// An opening bracket.
    Open(char),
    /// Its closing bracket, and the comma before it.
    Close(char, Trailing),
    /// Where parentheses may stand around a name or a type: only for a comment that has no other place.
    Parenthesis {
        /// Whether it is the opening one.
        opens: bool,
        /// Whether a comment needs it.
        needed: bool,
    },
    /// A comment; a line ends behind it.
    Comment(&'ast Comment),
}

/// The comma behind the last element.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Trailing {
    /// None may stand there: the brackets are no list.
    Never,
    /// Where each element has a line of its own.
    Rows,
    /// It makes the tuple.
    Always,
}

impl Token<'_> {
    /// Columns on one line; `None` where a comment ends it.
    pub(super) fn width(&self) -> Option<usize> {
        Some(match self {
            Token::Word(text) => text.chars().count(),
            Token::Sign(text) => text.len(),
            Token::Place | Token::Parenthesis { .. } => 0,
            Token::Comma => 2,
            Token::Open(_) | Token::Close(_, Trailing::Never | Trailing::Rows) => 1,
            Token::Close(_, Trailing::Always) => 2,
            Token::Comment(_) => return None,
        })
    }
}

impl Token<'_> {
    /// Writes the token on a line with others; a comment it cannot.
    pub(super) fn write_flat(&self, text: &mut String) {
        match self {
            Token::Word(word) => text.push_str(word),
            Token::Sign(sign) => text.push_str(sign),
            Token::Comma => text.push_str(", "),
            Token::Open(bracket) => text.push(*bracket),
            Token::Close(bracket, trailing) => {
                text.push_str(if *trailing == Trailing::Always { "," } else { "" });
                text.push(*bracket);
            }
            Token::Place | Token::Parenthesis { .. } | Token::Comment(_) => {}
        }
    }
}

/// Columns of tokens on one line; `None` where a comment ends it.
pub(super) fn width(tokens: &[Token<'_>]) -> Option<usize> {
    tokens.iter().map(Token::width).sum()
}

/// Where the bracket closes that opens at `open`.
pub(super) fn closing(tokens: &[Token<'_>], open: usize) -> usize {
    let mut depth = 0usize;
    for (index, token) in tokens.iter().enumerate().skip(open) {
        match token {
            Token::Open(_) => depth += 1,
            Token::Close(..) => depth = depth.saturating_sub(1),
            _ => continue,
        }
        if depth == 0 {
            return index;
        }
    }
    tokens.len().saturating_sub(1)
}

/// The elements of a bracket's inside: what its own commas part.
pub(super) fn elements<'tokens, 'ast>(inside: &'tokens [Token<'ast>]) -> Vec<&'tokens [Token<'ast>]> {
    let mut depth = 0usize;
    let is_comma = |token: &Token<'ast>| {
        match token {
            Token::Open(_) => depth += 1,
            Token::Close(..) => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && matches!(token, Token::Comma)
    };
    if inside.is_empty() { Vec::new() } else { inside.split(is_comma).collect() }
}
