//! Whether two texts are one spec in two layouts: the formatter's own work, held against what it was given.
//!
//! Two texts come in, an answer goes out. It is found without the formatter: by the parser's tree, by the spelling of every
//! number and string in order, and by the comments.

use crate::parse::{Scanner, TokenKind, parse};
use crate::span::FileId;
use std::borrow::Cow;

/// Whether a text has all that another one has, and nothing else, but for the blanks, line ends, commas and `;` between: the
/// same tree, the same numbers and strings as they are spelt, and the same comments. A program that formats a file asks
/// this before it writes, so that nothing is ever lost.
pub fn is_same_spec(before: &str, after: &str) -> bool {
    let tree = |text| {
        let (ast, errors) = parse(text, FileId::default());
        errors.is_empty().then(|| ast.to_string())
    };
    spelling(before) == spelling(after)
        && comments(before) == comments(after)
        && tree(before).is_some_and(|before| Some(before) == tree(after))
}

/// Every number and string, in order; the values in a string's braces without their blanks.
fn spelling(text: &str) -> Vec<Cow<'_, str>> {
    let spelt = |kind, text| match kind {
        TokenKind::Number => Some(Cow::Borrowed(text)),
        TokenKind::String => Some(Cow::Owned(without_blanks_in_braces(text))),
        // Words are in the tree; `name: Sequential { }` may also be written `name: { }`.
        TokenKind::Word
        | TokenKind::UnclosedString
        | TokenKind::Open(_)
        | TokenKind::Close(_)
        | TokenKind::LineEnd
        | TokenKind::Sign
        | TokenKind::Other(_) => None,
    };
    Scanner::new(text).filter_map(|token| spelt(token.kind, text.get(token.start..token.end)?)).collect()
}

fn without_blanks_in_braces(string: &str) -> String {
    let mut is_inside = false;
    let is_kept = |letter: &char| {
        is_inside = *letter == '{' || is_inside && *letter != '}';
        !is_inside || !matches!(letter, ' ' | '\t')
    };
    string.chars().filter(is_kept).collect()
}

/// Every comment, in the order of their texts: what blanks between tokens hold besides blanks.
fn comments(text: &str) -> Vec<&str> {
    let (mut comments, mut end) = (Vec::new(), 0);
    for (start, next) in Scanner::new(text).map(|token| (token.start, token.end)).chain([(text.len(), text.len())]) {
        let comment = text.get(end..start).unwrap_or_default().trim_matches([' ', '\t']);
        comments.extend(Some(comment).filter(|comment| !comment.is_empty()));
        end = next;
    }
    comments.sort_unstable();
    comments
}
