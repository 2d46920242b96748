//! What goes wrong, as the one error that everything here gives, and the ways to make it.

use cnnc_compiler::diagnostic::{Applicability, Code, Diagnostic, RenderOptions, Renderer, Severity};
use cnnc_grammar::span::{Files, Span};
use std::fmt;
use std::io;
use std::ops::{Deref, DerefMut};
use std::path::Path;

/// Columns of an error's text.
const WIDTH: usize = 100;

/// Why something cannot be done: one or several diagnostics, and the sources that they point at.
///
/// It prints as the command line prints it, colours aside, and [`Error::details`] gives the same as data. It stands for its first
/// diagnostic, whose fields it has. Boxed, since it is large and rare.
#[derive(Clone)]
#[non_exhaustive]
pub struct Error(Box<Content>);

#[derive(Clone)]
struct Content {
    first: Diagnostic,
    others: Vec<Diagnostic>,
    files: Files,
}

/// A result that fails with an [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// What part of the work failed, as the hundreds of a code say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A spec's text: E1xx.
    Syntax,
    /// A spec's names, values and structure: E2xx.
    Names,
    /// Shapes: E3xx.
    Shapes,
    /// The plan, sizes that are asked for, memory: E4xx.
    Plan,
    /// Devices and threads: E5xx.
    Device,
    /// Weights, data, recipes and other files: E6xx.
    Data,
}

impl ErrorKind {
    fn of(code: Code) -> ErrorKind {
        match code.name().as_bytes() {
            [_, b'1', ..] => ErrorKind::Syntax,
            [_, b'2', ..] => ErrorKind::Names,
            [_, b'3', ..] => ErrorKind::Shapes,
            [_, b'4', ..] => ErrorKind::Plan,
            [_, b'5', ..] => ErrorKind::Device,
            _ => ErrorKind::Data,
        }
    }
}

/// A diagnostic as data.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Detail<'e> {
    /// Its code.
    pub code: Code,
    /// What part of the work it is about.
    pub kind: ErrorKind,
    /// How much it matters; at least one of an error's details is an error.
    pub severity: Severity,
    /// The place to look at; `None` where it has none in a spec.
    pub place: Option<Place<'e>>,
    /// One sentence, lower-case, without a full stop.
    pub message: &'e str,
    /// The arithmetic and other facts.
    pub notes: &'e [String],
    /// Mends in words.
    pub help: &'e [String],
    /// Changes of the text that mend it, each by itself, the likeliest first.
    pub fixes: Vec<Mend<'e>>,
}

/// A place in a source.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Place<'e> {
    /// The name of the source.
    pub file: &'e str,
    /// The line, from 1.
    pub line: usize,
    /// The character in its line, from 1.
    pub column: usize,
    /// The bytes of the source.
    pub bytes: std::ops::Range<usize>,
}

/// A change of the text that mends a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mend<'e> {
    /// Who may make it.
    pub applicability: Applicability,
    /// What is replaced and what stands there then, all of it at once.
    pub edits: Vec<(Place<'e>, &'e str)>,
}

impl Error {
    /// One diagnostic, and the files that it may point into.
    pub fn new(diagnostic: Diagnostic, files: &Files) -> Error {
        Error(Box::new(Content { first: diagnostic, others: Vec::new(), files: files.clone() }))
    }

    /// All that is wrong with a spec; at least one diagnostic.
    pub(crate) fn of_spec(diagnostics: Vec<Diagnostic>, files: Files) -> Error {
        let mut others = diagnostics.into_iter();
        let nothing = || Diagnostic::without_place(Code::E499, "a spec was refused, and nothing is wrong with it");
        let first = others.next().unwrap_or_else(nothing);
        Error(Box::new(Content { first, others: others.collect(), files }))
    }

    /// The code of its first diagnostic.
    pub fn code(&self) -> Code {
        self.0.first.code
    }

    /// What part of the work failed, by its first diagnostic.
    pub fn kind(&self) -> ErrorKind {
        ErrorKind::of(self.code())
    }

    /// All that it has to say, as data.
    pub fn details(&self) -> impl Iterator<Item = Detail<'_>> {
        self.diagnostics().map(|diagnostic| self.detail(diagnostic))
    }

    /// All that it has to say, as the compiler said it.
    pub fn diagnostics(&self) -> impl Iterator<Item = &Diagnostic> {
        std::iter::once(&self.0.first).chain(&self.0.others)
    }

    /// The sources that its diagnostics point into.
    pub fn files(&self) -> &Files {
        &self.0.files
    }

    /// Its text as the command line prints it.
    pub fn render(&self, options: RenderOptions) -> String {
        let renderer = Renderer::new(&self.0.files, options);
        self.diagnostics().map(|one| renderer.render(one)).collect()
    }

    /// The same, whose places lie in these files; one that has files keeps them.
    pub(crate) fn within(mut self, files: &Files) -> Error {
        if self.0.files.iter().next().is_none() {
            self.0.files = files.clone();
        }
        self
    }

    /// With a mend in words.
    pub(crate) fn help(mut self, text: impl Into<String>) -> Error {
        self.help.push(text.into());
        self
    }

    fn detail<'e>(&'e self, diagnostic: &'e Diagnostic) -> Detail<'e> {
        let fixes = diagnostic.fixes.iter().map(|fix| {
            let edits = fix.edits.iter().filter_map(|edit| Some((self.place(edit.span)?, edit.replacement.as_str())));
            Mend { applicability: fix.applicability, edits: edits.collect() }
        });
        Detail {
            code: diagnostic.code,
            kind: ErrorKind::of(diagnostic.code),
            severity: diagnostic.severity,
            place: diagnostic.labels.first().and_then(|label| self.place(label.span)),
            message: &diagnostic.message,
            notes: &diagnostic.notes,
            help: &diagnostic.help,
            fixes: fixes.collect(),
        }
    }

    fn place(&self, span: Span) -> Option<Place<'_>> {
        let file = self.0.files.get(span.file)?;
        let bytes = span.start as usize..span.end as usize;
        let before = file.text.get(..bytes.start)?;
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        Some(Place {
            file: &file.name,
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            bytes,
        })
    }
}

impl Deref for Error {
    type Target = Diagnostic;

    fn deref(&self) -> &Diagnostic {
        &self.0.first
    }
}

impl DerefMut for Error {
    fn deref_mut(&mut self) -> &mut Diagnostic {
        &mut self.0.first
    }
}

/// Two that say the same are equal, whatever else their sources hold.
impl PartialEq for Error {
    fn eq(&self, other: &Error) -> bool {
        self.diagnostics().eq(other.diagnostics())
    }
}

impl From<Diagnostic> for Error {
    fn from(diagnostic: Diagnostic) -> Error {
        Error::new(diagnostic, &Files::default())
    }
}

impl From<Box<Diagnostic>> for Error {
    fn from(diagnostic: Box<Diagnostic>) -> Error {
        Error::from(*diagnostic)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.render(RenderOptions { color: false, width: WIDTH }).trim_end())
    }
}

/// As for people: what `main` gives back is printed by this.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {}

/// A failure without a place in a spec.
pub(crate) fn failure(code: Code, message: impl Into<String>) -> Error {
    Diagnostic::without_place(code, message).into()
}

/// What people should know of something that went well.
pub(crate) fn note(code: Code, message: impl Into<String>) -> Diagnostic {
    Diagnostic::without_place(code, message).as_note()
}

/// A file that could not be opened, read or written: `verb` is the one word.
pub(crate) fn file_failure(verb: &str, path: &Path, error: &io::Error) -> Error {
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
pub(crate) fn broken_file(path: &Path, reason: impl fmt::Display) -> Error {
    failure(Code::E603, format!("`{}` {reason}", path.display()))
}

/// A fault of cnnc: a plan that does not keep its own rules.
pub(crate) fn fault(message: impl fmt::Display) -> Error {
    failure(Code::E499, format!("the plan is not valid: {message}"))
        .help("this is a fault of cnnc itself; please report it with the spec")
}
