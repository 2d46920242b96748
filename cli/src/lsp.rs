//! `cnnc lsp`: the language server on standard input and output, until the editor ends it.

use crate::console::{Console, Outcome, Stop};
use cnnc_compiler::diagnostic::{Code, Diagnostic};
use cnnc_editor::{Ending, serve_stdio};
use cnnc_grammar::span::Files;
use cnnc_runtime::Disk;

/// Serves; an editor that is gone before it has said so leaves a 1, as the protocol wants it.
pub fn lsp(console: &mut Console<'_>) -> Outcome {
    match serve_stdio(&Disk) {
        Ok(Ending::Orderly) => Ok(()),
        Ok(Ending::Abrupt) => Err(Stop::Reported),
        Err(error) => {
            let message = format!("what comes in is no message of the Language Server Protocol: {error}");
            let help = "`cnnc lsp` is for editors: docs/editor.md says how each starts it";
            let diagnostic = Diagnostic::without_place(Code::E601, message).help(help);
            Err(console.report(&[diagnostic], &Files::default()))
        }
    }
}
