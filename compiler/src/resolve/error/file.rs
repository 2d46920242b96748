//! Files: missing ones, empty ones, circles of imports.

use crate::diagnostic::{Code, Diagnostic};
use cnnc_grammar::span::{FileId, Span};

/// What is wrong with a file or an import.
pub(in crate::resolve) enum FileError<'e> {
    /// The first file, which cannot be read.
    Unreadable { path: &'e str, why: &'e str },
    /// An import of that file that cannot be read, and the path that may have been meant.
    NotImported { path: &'e str, why: &'e str, span: Span, importer: &'e str, meant: Option<&'e str> },
    /// A file that declares nothing.
    Empty { file: FileId, size: usize },
    /// An import that leads back: the files of the circle, the first again at the end, and the imports on the way.
    Circle { names: &'e [&'e str], imports: Vec<Span>, span: Span },
    /// More files, or a longer chain of them, than is read.
    TooMany { files: usize, chain: usize, tokens: usize, span: Span },
}

impl FileError<'_> {
    /// What a person is told: the sentence, the places, and the mend where there is one.
    pub fn diagnostic(&self) -> Diagnostic {
        match self {
            FileError::Unreadable { path, why } => {
                Diagnostic::without_place(Code::E601, format!("cannot read {path}: {why}"))
            }
            FileError::NotImported { path, why, span, importer, meant } => {
                let message = format!("cannot import {path}: {why}");
                let diagnostic = Diagnostic::new(Code::E218, message, *span, "imported here")
                    .note(format!("a path begins at the folder of {importer}, which imports it"));
                match meant {
                    Some(meant) => diagnostic.help(format!("there is {meant}")).guess(*span, format!("\"{meant}\"")),
                    None => diagnostic,
                }
            }
            FileError::Empty { file, size } => {
                let end = u32::try_from(*size).unwrap_or(0);
                let span = Span { file: *file, start: end, end };
                Diagnostic::new(Code::E219, "the file declares nothing", span, "no model or block up to here")
                    .help("begin with `model Name { input [N, 3, 32, 32] … }`")
            }
            FileError::Circle { names, imports, span } => {
                let message = match names {
                    [only, _] => format!("{only} imports itself"),
                    names => format!("imports go in a circle: {}", names.join(", then ")),
                };
                let diagnostic = Diagnostic::new(Code::E218, message, *span, "leads back");
                imports.iter().fold(diagnostic, |diagnostic, import| diagnostic.label(*import, "imported here"))
            }
            FileError::TooMany { files, chain, tokens, span } => {
                let message = format!(
                    "a program has at most {files} files, imported over at most {chain} steps, and {tokens} words and signs"
                );
                Diagnostic::new(Code::E218, message, *span, "not read")
            }
        }
    }
}
