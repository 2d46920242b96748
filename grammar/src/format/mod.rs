//! An AST as source text, in the one style there is: `parse` of what is written is the same AST, comments included.
//!
//! What people decide stays as it is: the order, the spelling of numbers, parentheses around values, which statements
//! share a line, one empty line between groups, and comments with what they stand before or behind. All else is decided
//! here: four spaces a level, one blank around operators and behind `,` and `;`, two before a comment, nothing past column
//! 100 that brackets or `;` can break.
//!
//! `statement` writes bodies and statements, `head` takes a statement without its bodies apart into tokens, `weave` puts its
//! comments between them, and `lines` breaks what does not fit. `guard` holds what was written against what it was made of.

mod expression;
mod guard;
mod head;
mod lines;
mod statement;
mod token;
mod weave;

pub use guard::is_same_spec;

use crate::ast::Ast;
use crate::error::SyntaxError;
use crate::parse::parse;
use crate::span::FileId;

/// The column that lines end before, where they can be broken.
const WIDTH: usize = 100;

/// Columns a level.
const INDENT: usize = 4;

/// Why an AST cannot be written: something of it could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

/// The text of an AST, each line ended. The AST is one that [`parse`] gives, or is built as it would be: names are words,
/// strings hold neither quotes nor braces nor line ends.
///
/// # Errors
/// What could not be read is not in the AST, so it cannot be written.
pub fn format(ast: &Ast) -> Result<String, Unreadable> {
    let mut writer = statement::Writer::default();
    writer.file(ast);
    writer.finish()
}

/// A source text in the one style. Its lines end as its first one does, as Windows ends them (`\r\n`) or as all others do.
///
/// # Errors
/// The syntax errors of a text that has some: it is not formatted.
pub fn format_text(text: &str) -> Result<String, Vec<SyntaxError>> {
    let (ast, errors) = parse(text, FileId::default());
    if !errors.is_empty() {
        return Err(errors);
    }
    let written = format(&ast).map_err(|Unreadable| errors)?;
    let ends_as_windows_does = text.find('\n').is_some_and(|end| text[..end].ends_with('\r'));
    Ok(if ends_as_windows_does { written.replace('\n', "\r\n") } else { written })
}
