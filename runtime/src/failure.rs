//! What goes wrong at run time, as the diagnostics that the rest of cnnc speaks in.

use cnnc_compiler::diagnostic::{Code, Diagnostic};
use std::io;
use std::path::Path;

/// A diagnostic, boxed since it is large and rare.
pub type Failure = Box<Diagnostic>;

/// A result that fails with a diagnostic.
pub type Result<T> = std::result::Result<T, Failure>;

/// A failure without a place in a spec.
pub(crate) fn failure(code: Code, message: impl Into<String>) -> Failure {
    Box::new(Diagnostic::without_place(code, message))
}

/// What people should know of something that went well.
pub(crate) fn note(code: Code, message: impl Into<String>) -> Diagnostic {
    Diagnostic::without_place(code, message).as_note()
}

/// A file that could not be opened, read or written: `verb` is the one word.
pub(crate) fn file_failure(verb: &str, path: &Path, error: &io::Error) -> Failure {
    let reason = match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_string(),
        io::ErrorKind::PermissionDenied => "permission denied".to_string(),
        io::ErrorKind::IsADirectory => "it is a folder".to_string(),
        io::ErrorKind::UnexpectedEof => "it ends too early".to_string(),
        _ => error.to_string(),
    };
    failure(Code::E601, format!("cannot {verb} `{}`: {reason}", path.display()))
}

/// A file whose content is not what its name or its header says.
pub(crate) fn broken_file(path: &Path, reason: impl std::fmt::Display) -> Failure {
    failure(Code::E603, format!("`{}` {reason}", path.display()))
}

/// A fault of cnnc: a plan that does not keep its own rules.
pub(crate) fn fault(message: impl std::fmt::Display) -> Failure {
    let mut diagnostic = Diagnostic::without_place(Code::E499, format!("the plan is not valid: {message}"));
    diagnostic.help.push("this is a fault of cnnc itself; please report it with the spec".into());
    Box::new(diagnostic)
}
