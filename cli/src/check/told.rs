//! What a check found, for programs: a spec's diagnostics come in, and go out with every place as file, bytes, lines and columns.
//! It is what `--format json` writes, and what the other formats are made of.

use cnnc_compiler::check::Checked;
use cnnc_compiler::diagnostic::{Applicability, Diagnostic, Fix, Label, RenderOptions, Renderer, Severity};
use cnnc_grammar::span::{Files, Span};
use serde::Serialize;

/// One diagnostic.
#[derive(Debug, PartialEq, Serialize)]
pub struct Told {
    /// `error`, `warning` or `note`.
    pub severity: &'static str,
    /// `E302`
    pub code: &'static str,
    /// One sentence.
    pub message: String,
    /// The file of the first label; without labels the spec that was checked.
    pub file: String,
    /// Places; the first is the one to look at.
    pub labels: Vec<Labelled>,
    /// The arithmetic and other facts.
    pub notes: Vec<String>,
    /// Mends in words.
    pub help: Vec<String>,
    /// Mends as changes, each by itself, the likeliest first.
    pub fixes: Vec<Mend>,
    /// The calls and loops that led to the first label, innermost first.
    pub trace: Vec<Labelled>,
}

/// A place with a text.
#[derive(Debug, PartialEq, Serialize)]
pub struct Labelled {
    /// The place.
    #[serde(flatten)]
    pub place: Place,
    /// What is said there; may be empty.
    pub text: String,
}

/// A part of a file.
#[derive(Debug, PartialEq, Serialize)]
pub struct Place {
    /// The file.
    pub file: String,
    /// Its first character.
    pub start: Position,
    /// What stands behind its last one.
    pub end: Position,
}

/// A place between two characters.
#[derive(Debug, PartialEq, Serialize)]
pub struct Position {
    /// Bytes before it in the file.
    pub byte: u32,
    /// Its line, from 1.
    pub line: usize,
    /// Its column, from 1, in characters.
    pub column: usize,
}

/// A change that mends.
#[derive(Debug, PartialEq, Serialize)]
pub struct Mend {
    /// `safe` or `guess`.
    pub applicability: &'static str,
    /// What is changed, all at once.
    pub edits: Vec<Replaced>,
}

/// A place and what stands there afterwards.
#[derive(Debug, PartialEq, Serialize)]
pub struct Replaced {
    /// What is replaced; empty to insert.
    #[serde(flatten)]
    pub place: Place,
    /// What stands there then.
    pub replacement: String,
}

impl Told {
    /// Whether nothing comes of what was asked for.
    pub fn is_error(&self) -> bool {
        self.severity == "error"
    }

    /// Sentence, notes and mends, a line each.
    pub fn in_words(&self) -> String {
        let helps = self.help.iter().map(|help| format!("help: {help}"));
        let lines = std::iter::once(self.message.clone()).chain(self.notes.iter().cloned()).chain(helps);
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// All that is to be said of a spec.
pub fn all(spec: &str, checked: &Checked) -> Vec<Told> {
    let places = Places::new(&checked.files);
    checked.problems.iter().map(|problem| places.told(spec, problem)).collect()
}

/// Finds lines and columns.
struct Places<'files> {
    files: &'files Files,
    renderer: Renderer<'files>,
}

impl<'files> Places<'files> {
    fn new(files: &'files Files) -> Self {
        Places { files, renderer: Renderer::new(files, RenderOptions { color: false, width: usize::MAX }) }
    }

    fn told(&self, spec: &str, problem: &Diagnostic) -> Told {
        let labels: Vec<Labelled> = problem.labels.iter().map(|label| self.labelled(label)).collect();
        Told {
            severity: match problem.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Note => "note",
            },
            code: problem.code.name(),
            message: problem.message.clone(),
            file: labels.first().map_or_else(|| spec.to_owned(), |label| label.place.file.clone()),
            labels,
            notes: problem.notes.clone(),
            help: problem.help.clone(),
            fixes: problem.fixes.iter().map(|fix| self.mend(fix)).collect(),
            trace: problem.trace.iter().map(|label| self.labelled(label)).collect(),
        }
    }

    fn labelled(&self, label: &Label) -> Labelled {
        Labelled { place: self.place(label.span), text: label.text.clone() }
    }

    fn mend(&self, fix: &Fix) -> Mend {
        let applicability = match fix.applicability {
            Applicability::Safe => "safe",
            Applicability::Guess => "guess",
        };
        let edits = fix.edits.iter();
        let edits = edits.map(|edit| Replaced { place: self.place(edit.span), replacement: edit.replacement.clone() });
        Mend { applicability, edits: edits.collect() }
    }

    fn place(&self, span: Span) -> Place {
        let file = self.files.get(span.file).map_or("", |file| file.name.as_str());
        let (start, end) = (self.position(span, span.start), self.position(span, span.end));
        Place { file: file.to_owned(), start, end }
    }

    fn position(&self, span: Span, byte: u32) -> Position {
        let (line, column) = self.renderer.position(Span { start: byte, end: byte, ..span });
        Position { byte, line, column }
    }
}
