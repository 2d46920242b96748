//! What people are told: a code, a sentence, places with labels, the arithmetic, a mend, and the way by which the place was reached.
//!
//! Stages report facts in enums of their own, each with one method that makes a [`Diagnostic`] of a fact. `render.rs` is the only
//! file that knows how diagnostics are drawn.

mod code;
mod excerpt;
mod nearest;
mod render;

pub use code::Code;
pub use excerpt::printable;
pub use nearest::nearest;
pub use render::{RenderOptions, Renderer};

use cnnc_grammar::span::Span;
use std::collections::HashSet;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnostic {
    /// Its code.
    pub code: Code,
    /// One sentence, lower-case, without a full stop, in the user's words.
    pub message: String,
    /// Places; the first is the one to look at, and draws `^^^`. Empty when the fault has no place in a spec.
    pub labels: Vec<Label>,
    /// The arithmetic and other facts, each a line drawn as `= …`.
    pub notes: Vec<String>,
    /// Mends in words, each drawn as `= help: …`.
    pub help: Vec<String>,
    /// A mend that an editor, or a test, can apply.
    pub mend: Option<Mend>,
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

/// A change of the source text that mends the fault.
#[derive(Clone, Debug, PartialEq)]
pub struct Mend {
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
            message: message.into(),
            labels: Vec::new(),
            notes: Vec::new(),
            help: Vec::new(),
            mend: None,
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

    /// With a change that mends it; say it in words too, by [`Diagnostic::help`].
    pub fn mend(mut self, span: Span, replacement: impl Into<String>) -> Self {
        self.mend = Some(Mend { span, replacement: replacement.into() });
        self
    }
}

/// All diagnostics of one run; stages add and go on. Past [`Problems::MOST`] no more are kept.
#[derive(Clone, Debug, Default)]
pub struct Problems {
    all: Vec<Diagnostic>,
    seen: HashSet<(Code, Option<Span>, String)>,
}

impl Problems {
    /// The most that are kept: what a broken file of megabytes gives beyond, no one reads.
    pub const MOST: usize = 10_000;

    /// Takes one in. The same code at the same place with the same message is kept once, so that a loop reports once.
    pub fn add(&mut self, diagnostic: Diagnostic) {
        let place = diagnostic.labels.first().map(|label| label.span);
        if self.all.len() >= Problems::MOST {
            return;
        }
        if self.seen.insert((diagnostic.code, place, diagnostic.message.clone())) {
            self.all.push(diagnostic);
        }
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// All of them, by place.
    pub fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.all.sort_by_key(|diagnostic| diagnostic.labels.first().map(|label| label.span));
        self.all
    }
}
