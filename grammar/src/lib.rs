//! The `.cnn` language: source text in, [`ast::Ast`] and syntax errors out; and an AST as text again.
//!
//! This crate knows the shape of sentences and no meaning: no layer, no number of dimensions, no file system. It depends on
//! pest alone, and only `parse` sees pest's rules. Bad input never panics and never recurses past a fixed depth.

pub mod ast;
pub mod error;
mod format;
mod parse;
mod print;
pub mod span;

pub use format::{Unreadable, format, format_text, is_same_spec};
pub use parse::{TOKEN_LIMIT, is_free_word, parse, parse_value, token_count};
