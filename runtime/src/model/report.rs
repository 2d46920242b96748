//! What is wrong, with the sources that it points at: an error that prints as the command line prints it.

use crate::Failure;
use cnnc_compiler::diagnostic::{Diagnostic, RenderOptions, Renderer};
use cnnc_grammar::span::Files;
use std::error::Error;
use std::fmt;

/// Columns of a report's text.
const WIDTH: usize = 100;

/// All that is wrong with a spec, or the one thing that went wrong with a model.
pub struct Report {
    /// What is wrong, by place; at least one.
    pub diagnostics: Vec<Diagnostic>,
    /// The files that the diagnostics point into.
    pub files: Files,
}

impl Report {
    /// One failure, and the files that it may point into.
    pub fn of(failure: Diagnostic, files: &Files) -> Report {
        Report { diagnostics: vec![failure], files: files.clone() }
    }
}

impl From<Failure> for Report {
    fn from(failure: Failure) -> Self {
        Report::of(*failure, &Files::default())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let renderer = Renderer::new(&self.files, RenderOptions { color: false, width: WIDTH });
        let texts: Vec<String> = self.diagnostics.iter().map(|one| renderer.render(one)).collect();
        f.write_str(texts.concat().trim_end())
    }
}

/// As for people: what `main` gives back is printed by this.
impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for Report {}
