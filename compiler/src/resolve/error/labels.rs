//! Labels: names of the classes.

use super::counted;
use crate::diagnostic::{Code, Diagnostic};
use cnnc_grammar::span::Span;

/// What is wrong with `labels`.
pub(in crate::resolve) enum LabelsError<'e> {
    /// In a block.
    InBlock { span: Span, declared: Span },
    /// Two lists.
    Twice { first: Span, second: Span },
    /// A label that is no text.
    NotTexts { kind: &'static str, span: Span },
    /// No label.
    Empty { span: Span },
    /// More or fewer labels than classes.
    Count { labels: usize, classes: usize, span: Span, origin: Span },
    /// A file that cannot be read.
    Unreadable { path: &'e str, why: &'e str, span: Span },
}

impl LabelsError<'_> {
    /// What a person is told: the sentence, the places, and the mend where there is one.
    pub fn diagnostic(&self) -> Diagnostic {
        match self {
            LabelsError::InBlock { span, declared } => {
                Diagnostic::new(Code::E224, "only a model has labels", *span, "in a block")
                    .label(*declared, "declared as a block here")
            }
            LabelsError::Twice { first, second } => {
                Diagnostic::new(Code::E224, "the classes are listed twice", *second, "the second list")
                    .label(*first, "the first list")
            }
            LabelsError::NotTexts { kind, span } => {
                Diagnostic::new(Code::E224, "labels are texts", *span, format!("holds {kind}"))
                    .help("write `labels [\"cat\", \"dog\"]`, or name a file with a label a line")
            }
            LabelsError::Empty { span } => Diagnostic::new(Code::E224, "there is no label", *span, "empty"),
            LabelsError::Count { labels, classes, span, origin } => {
                let (labels, classes) = (counted(*labels, "label", "labels"), counted(*classes, "class", "classes"));
                Diagnostic::new(Code::E224, format!("there are {labels} for {classes}"), *span, labels)
                    .label(*origin, format!("gives {classes}"))
            }
            LabelsError::Unreadable { path, why, span } => {
                Diagnostic::new(Code::E224, format!("cannot read the labels of {path}: {why}"), *span, "named here")
            }
        }
    }
}
