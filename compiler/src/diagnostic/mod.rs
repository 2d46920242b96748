//! What people are told: a code, a sentence, places with labels, the arithmetic, fixes, and the way by which the place was
//! reached.
//!
//! A diagnostic is an error, a warning or a note. A warning has the code that the same fault has as an error: with errors
//! a command ends with 1, with warnings and notes alone it does what it was asked for and ends with 0.
//!
//! Stages report facts in enums of their own, each with one method that makes a [`Diagnostic`] of a fact. `render.rs` is the only
//! file that knows how diagnostics are drawn.

mod code;
mod excerpt;
mod mend;
mod nearest;
mod render;

pub use code::Code;
pub use excerpt::printable;
pub use mend::{compatible, mended};
pub use nearest::nearest;
pub use render::{RenderOptions, Renderer};

use cnnc_grammar::span::Span;
use std::collections::HashSet;

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing comes of what was asked for.
    Error,
    /// What was asked for is done, and something about it is probably not as it was meant.
    Warning,
    /// What was asked for is done, and this is how.
    Note,
}

/// One thing to tell.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnostic {
    /// Its code; of a note it is for programs alone and not drawn.
    pub code: Code,
    /// An error, unless it says otherwise.
    pub severity: Severity,
    /// One sentence, lower-case, without a full stop, in the user's words.
    pub message: String,
    /// Places; the first is the one to look at, and draws `^^^`. Empty when the fault has no place in a spec.
    pub labels: Vec<Label>,
    /// The arithmetic and other facts, each a line drawn as `= …`.
    pub notes: Vec<String>,
    /// Mends in words, each drawn as `= help: …`.
    pub help: Vec<String>,
    /// Changes of the source text that mend it, each by itself, the likeliest first; `help` has them in words.
    pub fixes: Vec<Fix>,
    /// The calls and loops that led to the first label, innermost first; drawn as notes with places.
    pub trace: Vec<Label>,
}

/// A place with a text beside it.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// The text; may be empty.
    pub text: String,
}

/// A change of the source text that mends a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// Who may make it.
    pub applicability: Applicability,
    /// What is changed, all of it at once; no two overlap.
    pub edits: Vec<Edit>,
}

/// Who may make a fix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Applicability {
    /// Any program, unasked: the text then means beyond doubt what the person wrote.
    Safe,
    /// A person who has looked at it: the text then means one likely thing of several.
    Guess,
}

/// A place and what stands there afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced; empty to insert.
    pub span: Span,
    /// What stands there then.
    pub replacement: String,
}

impl Diagnostic {
    /// A diagnostic at a place.
    pub fn new(code: Code, message: impl Into<String>, span: Span, label: impl Into<String>) -> Self {
        let mut diagnostic = Diagnostic::without_place(code, message);
        diagnostic.labels.push(Label { span, text: label.into() });
        diagnostic
    }

    /// A diagnostic about something that is no place in a spec: a missing file, a device.
    pub fn without_place(code: Code, message: impl Into<String>) -> Self {
        Diagnostic {
            code,
            severity: Severity::Error,
            message: message.into(),
            labels: Vec::new(),
            notes: Vec::new(),
            help: Vec::new(),
            fixes: Vec::new(),
            trace: Vec::new(),
        }
    }

    /// With another place.
    pub fn label(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// With a line of arithmetic or another fact.
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// With a mend in words.
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }

    /// With a change that mends it and leaves no doubt; say it in words too, by [`Diagnostic::help`].
    pub fn safe_fix(self, span: Span, replacement: impl Into<String>) -> Self {
        self.fix(Applicability::Safe, span, replacement.into())
    }

    /// With a change that may be what was meant; say it in words too, by [`Diagnostic::help`].
    pub fn guess(self, span: Span, replacement: impl Into<String>) -> Self {
        self.fix(Applicability::Guess, span, replacement.into())
    }

    fn fix(mut self, applicability: Applicability, span: Span, replacement: String) -> Self {
        self.fixes.push(Fix { applicability, edits: vec![Edit { span, replacement }] });
        self
    }

    /// The same as a warning.
    pub fn as_warning(self) -> Self {
        Diagnostic { severity: Severity::Warning, ..self }
    }

    /// The same as a note.
    pub fn as_note(self) -> Self {
        Diagnostic { severity: Severity::Note, ..self }
    }

    /// Whether it is an error.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// All diagnostics of one run; stages add and go on. Past [`Problems::MOST`] errors, and as many others, no more are kept.
#[derive(Clone, Debug, Default)]
pub struct Problems {
    all: Vec<Diagnostic>,
    errors: usize,
    seen: HashSet<(Code, Option<Span>, String)>,
}

impl Problems {
    /// The most errors that are kept: what a broken file of megabytes gives beyond, no one reads.
    pub const MOST: usize = 10_000;

    /// Takes one in. The same code at the same place with the same message is kept once, so that a loop reports once.
    pub fn add(&mut self, diagnostic: Diagnostic) {
        let place = diagnostic.labels.first().map(|label| label.span);
        let kept = if diagnostic.is_error() { self.errors } else { self.all.len() - self.errors };
        if kept >= Problems::MOST {
            return;
        }
        if self.seen.insert((diagnostic.code, place, diagnostic.message.clone())) {
            self.errors += usize::from(diagnostic.is_error());
            self.all.push(diagnostic);
        }
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether something is wrong.
    pub fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// How many errors there are.
    pub fn error_count(&self) -> usize {
        self.errors
    }

    /// The errors so far.
    pub fn errors(&self) -> impl Iterator<Item = &Diagnostic> {
        self.all.iter().filter(|diagnostic| diagnostic.is_error())
    }

    /// The same with other words for some; what is an error stays one.
    pub(crate) fn changed(self, change: impl FnMut(Diagnostic) -> Diagnostic) -> Problems {
        Problems { all: self.all.into_iter().map(change).collect(), ..self }
    }

    /// All of them: errors, then warnings, then notes, each by place.
    pub fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.all.sort_by_key(|diagnostic| (diagnostic.severity, diagnostic.labels.first().map(|label| label.span)));
        self.all
    }
}
