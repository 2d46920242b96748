//! Draws diagnostics. The only file that knows codespan.

use super::Diagnostic;
use cnnc_grammar::span::Files;

/// How to draw.
#[derive(Clone, Copy, Debug)]
pub struct RenderOptions {
    /// Whether to use colours.
    pub color: bool,
    /// Columns of the terminal; source lines are cut to it.
    pub width: usize,
}

/// The text of one diagnostic.
pub fn render(_diagnostic: &Diagnostic, _files: &Files, _options: RenderOptions) -> String {
    String::new()
}
