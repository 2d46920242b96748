//! Initialisers: targets and schemes.

use super::{did_you_mean, listed, sizes};
use crate::diagnostic::{Code, Diagnostic};
use cnnc_grammar::span::Span;

/// What is wrong with an `init`.
pub(in crate::resolve) enum InitError<'e> {
    /// A scheme that does not exist.
    UnknownScheme { name: &'e str, span: Span, near: Option<&'e str>, known: &'e [&'e str] },
    /// A target that is no layer type.
    UnknownType { name: &'e str, span: Span, near: Option<&'e str> },
    /// A layer type of which there is none: a warning.
    NoSuchLayer { name: &'e str, span: Span },
    /// A path to nothing.
    NoSuchPath { path: &'e str, span: Span, near: Option<&'e str> },
    /// A target without a weight that the scheme could set.
    NoWeight { target: &'e str, path: Option<&'e str>, axes: bool, span: Span },
    /// A text that is none of the argument's words.
    UnknownWord { name: &'e str, words: &'e [&'e str], near: Option<&'e str>, span: Span },
    /// A width or a factor below zero.
    Negative { name: &'e str, span: Span },
    /// One parameter that the scheme cannot set.
    TooFewAxes { path: &'e str, shape: &'e [usize], span: Span },
}

impl InitError<'_> {
    /// What a person is told: the sentence, the places, and the mend where there is one.
    pub fn diagnostic(&self) -> Diagnostic {
        let code = Code::E221;
        match self {
            InitError::UnknownScheme { name, span, near, known } => {
                let diagnostic = Diagnostic::new(code, format!("there is no scheme `{name}`"), *span, "unknown scheme");
                did_you_mean(diagnostic.note(format!("schemes are {}", listed(known))), *near, *span)
            }
            InitError::UnknownType { name, span, near } => {
                let message = format!("there is no layer or block `{name}`");
                let diagnostic = Diagnostic::new(code, message, *span, "unknown layer type");
                match near {
                    Some(_) => did_you_mean(diagnostic, *near, *span),
                    None => diagnostic.help(format!("a path stands in quotes: `init \"{name}\": …`")),
                }
            }
            InitError::NoSuchLayer { name, span } => {
                Diagnostic::new(code, format!("there is no `{name}` here to initialise"), *span, "fits nothing")
                    .note("an `init` speaks of the model, block or group that it stands in")
                    .as_warning()
            }
            InitError::NoSuchPath { path, span, near } => {
                let diagnostic =
                    Diagnostic::new(code, format!("nothing here has the path `{path}`"), *span, "fits nothing");
                match near {
                    Some(near) => {
                        diagnostic.help(format!("did you mean \"{near}\"?")).guess(*span, format!("\"{near}\""))
                    }
                    None => diagnostic,
                }
            }
            InitError::NoWeight { target, path, axes, span } => {
                let message = format!("`{target}` has no weight that this scheme can set");
                let diagnostic = Diagnostic::new(code, message, *span, "sets nothing");
                let diagnostic = match path.filter(|path| path != target) {
                    Some(path) => diagnostic.note(format!("the first is at `{path}`")),
                    None => diagnostic,
                };
                match axes {
                    true => diagnostic.note("this scheme needs a weight of two axes or more"),
                    false => diagnostic,
                }
            }
            InitError::UnknownWord { name, words, near, span } => {
                let message = format!("`{name}` cannot be this");
                let diagnostic = Diagnostic::new(Code::E205, message, *span, "unknown word");
                let diagnostic = diagnostic.note(format!("it is one of {}", listed(words)));
                match near {
                    Some(near) => {
                        diagnostic.help(format!("did you mean \"{near}\"?")).guess(*span, format!("\"{near}\""))
                    }
                    None => diagnostic,
                }
            }
            InitError::Negative { name, span } => {
                Diagnostic::new(Code::E205, format!("`{name}` cannot be negative"), *span, "less than 0")
            }
            InitError::TooFewAxes { path, shape, span } => {
                let message = format!("this scheme cannot set `{path}`");
                Diagnostic::new(code, message, *span, format!("its shape is {}", sizes(shape)))
                    .note("the scheme needs a parameter of two axes or more")
            }
        }
    }
}
