//! Tokens to lines: on one where they fit, else with brackets broken, the outermost first.
//!
//! A broken bracket has its elements on lines between its own. Plain elements fill the lines; where one is a bracket
//! itself, or a comment stands between them, each has a line of its own, with a comma behind the last.

use super::token::{Token, Trailing, closing, elements, width};
use super::{INDENT, WIDTH};
use crate::ast::{Comment, Gap};

/// Text being written.
#[derive(Default)]
pub(super) struct Text {
    text: String,
    /// Columns of the last line.
    column: usize,
    /// A comment ended the line: what comes next begins one with so many blanks.
    pending: Option<usize>,
}

impl Text {
    pub(super) fn finish(self) -> String {
        self.text
    }

    pub(super) fn column(&self) -> usize {
        self.column
    }

    pub(super) fn push(&mut self, text: &str) {
        if let Some(indent) = self.pending.take() {
            self.line(indent);
        }
        self.text.push_str(text);
        self.column += text.chars().count();
    }

    /// Begins a line; the first line of a file has begun.
    pub(super) fn line(&mut self, indent: usize) {
        self.pending = None;
        self.trim();
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.extend(std::iter::repeat_n(' ', indent));
        self.column = indent;
    }

    /// Begins a line behind an empty one.
    pub(super) fn empty_line(&mut self, indent: usize) {
        self.line(0);
        self.line(indent);
    }

    /// Takes blanks away from the end of the line.
    fn trim(&mut self) {
        self.text.truncate(self.text.trim_end_matches(' ').len());
    }

    /// A comment behind what is written, or on a line of its own.
    pub(super) fn comment(&mut self, comment: &Comment, indent: usize) {
        if comment.gap == Gap::SameLine && self.pending.is_none() {
            self.trim();
            self.push("  ");
        } else {
            self.line(indent);
        }
        self.push(&comment.text);
        self.pending = Some(indent);
    }

    /// Writes tokens into lines that begin with `indent` blanks; `tail` columns follow on the last of them.
    pub(super) fn tokens(&mut self, tokens: &[Token<'_>], indent: usize, tail: usize) {
        let mut next = 0;
        while let Some(token) = tokens.get(next) {
            next += 1;
            match token {
                Token::Comment(comment) => self.comment(comment, indent + INDENT),
                Token::Open(open) => {
                    let close = closing(tokens, next - 1);
                    let (Some(inside), Some(Token::Close(bracket, trailing))) =
                        (tokens.get(next..close), tokens.get(close))
                    else {
                        return;
                    };
                    self.push(open.encode_utf8(&mut [0; 4]));
                    let following = following(tokens.get(close..).unwrap_or_default(), tail);
                    match width(inside) {
                        Some(inside_width) if self.column + inside_width + following <= WIDTH => {
                            self.flat(inside);
                            self.push(if *trailing == Trailing::Always { "," } else { "" });
                        }
                        Some(_) if fills(inside, indent) => self.filled(inside, *trailing, indent),
                        _ if inside.is_empty() => {}
                        _ => self.rows(inside, *trailing, indent),
                    }
                    self.push(bracket.encode_utf8(&mut [0; 4]));
                    next = close + 1;
                }
                token => self.flat(std::slice::from_ref(token)),
            }
        }
    }

    /// Tokens without comments on one line.
    fn flat(&mut self, tokens: &[Token<'_>]) {
        let mut text = String::new();
        tokens.iter().for_each(|token| token.write_flat(&mut text));
        if !text.is_empty() {
            self.push(&text);
        }
    }

    /// Elements one after another, in lines as long as may be.
    fn filled(&mut self, inside: &[Token<'_>], trailing: Trailing, indent: usize) {
        for (index, element) in elements(inside).into_iter().enumerate() {
            let fits = self.column + ", ,".len() + width(element).unwrap_or(0) <= WIDTH;
            match index {
                0 => self.line(indent + INDENT),
                _ if fits => self.push(", "),
                _ => {
                    self.push(",");
                    self.line(indent + INDENT);
                }
            }
            self.flat(element);
        }
        self.push(if trailing == Trailing::Always { "," } else { "" });
        self.line(indent);
    }

    /// Each element on a line of its own.
    fn rows(&mut self, inside: &[Token<'_>], trailing: Trailing, indent: usize) {
        let inner = indent + INDENT;
        let elements = elements(inside);
        let count = elements.len();
        for (index, element) in elements.into_iter().enumerate() {
            let is_comment = |token: &&Token<'_>| matches!(token, Token::Comment(_));
            let before = element.iter().take_while(is_comment).count();
            let (before, element) = element.split_at_checked(before).unwrap_or_default();
            let behind = element.iter().rev().take_while(is_comment).count();
            let (element, behind) = element.split_at_checked(element.len() - behind).unwrap_or_default();
            self.comments(before, inner);
            if !element.is_empty() {
                self.line(inner);
                self.tokens(element, inner, 1);
                self.push(if index + 1 < count || trailing != Trailing::Never { "," } else { "" });
            }
            self.comments(behind, inner);
        }
        self.line(indent);
    }

    fn comments(&mut self, comments: &[Token<'_>], indent: usize) {
        for token in comments {
            if let Token::Comment(comment) = token {
                self.comment(comment, indent);
            }
        }
    }
}

/// Columns from a bracket's end to the next place where the line can be broken.
fn following(tokens: &[Token<'_>], tail: usize) -> usize {
    let mut columns = 0;
    for (index, token) in tokens.iter().enumerate() {
        match token {
            Token::Comma => return columns + 1,
            Token::Open(_) => return columns + 1,
            Token::Close(..) if index > 0 => return columns + 1,
            token => columns += token.width().unwrap_or(0),
        }
    }
    columns + tail
}

/// Whether elements may share lines: plain values, all of which fit.
fn fills(inside: &[Token<'_>], indent: usize) -> bool {
    let fits = |element: &[Token<'_>]| width(element).is_some_and(|width| indent + INDENT + width < WIDTH);
    elements(inside).iter().all(|element| !matches!(element.first(), Some(Token::Open(_))) && fits(element))
}
