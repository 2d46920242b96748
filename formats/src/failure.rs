//! Why a file cannot be read: its caller makes a diagnostic of it that names the file.

use std::io;

/// What is wrong, in words that go on after the file's name: "is cut off".
#[derive(Debug)]
pub struct Failure {
    /// Whose fault it is.
    pub kind: FailureKind,
    /// The words.
    pub reason: String,
    /// The facts behind them.
    pub notes: Vec<String>,
    /// Mends in words.
    pub help: Vec<String>,
}

/// Whose fault a failure is.
#[derive(Debug)]
pub enum FailureKind {
    /// The bytes could not be had.
    Unreadable(io::Error),
    /// The file is not what it says it is, or asks for what nobody should do.
    Broken,
    /// The file is sound, and what was asked for is not in it, or in several places.
    Absent,
}

/// A result that fails with a [`Failure`].
pub type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// A file that is not what it says it is.
    pub fn broken(reason: impl Into<String>) -> Failure {
        Failure { kind: FailureKind::Broken, reason: reason.into(), notes: Vec::new(), help: Vec::new() }
    }

    /// A file that lacks what was asked for, or has it more than once.
    pub fn absent(reason: impl Into<String>) -> Failure {
        Failure { kind: FailureKind::Absent, ..Failure::broken(reason) }
    }

    /// With a fact.
    pub fn note(mut self, text: impl Into<String>) -> Failure {
        self.notes.push(text.into());
        self
    }

    /// With a mend in words.
    pub fn help(mut self, text: impl Into<String>) -> Failure {
        self.help.push(text.into());
        self
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure { kind: FailureKind::Unreadable(error), ..Failure::broken("cannot be read") }
    }
}
