//! AST to layer graph: files are read, names looked up, loops written out, arguments bound.
//!
//! Two arrows: [`load`] reads a file and what it imports into a [`Program`]; [`resolve`] writes one of its models out as a
//! [`Graph`]. Since structure may depend on sizes, expansion asks each operator for its shape as it goes.

use crate::diagnostic::Problems;
use crate::graph::Graph;
use cnnc_grammar::ast::Ast;
use cnnc_grammar::span::{FileId, Files};

/// Turns paths into text: the disk in the command line, memory in tests and in the editor.
pub trait Sources {
    /// Reads `path`, which is relative to the file called `importer` (or to nothing, for the first file). Gives a name that is
    /// the same for the same file however it is reached, and the text; or a sentence that says why not.
    fn read(&self, path: &str, importer: Option<&str>) -> Result<(String, String), String>;
}

/// A file with all that it imports, read once each.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// The files' trees, the first file's first.
    pub trees: Vec<(FileId, Ast)>,
}

/// Which network is wanted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// The model's name; the last of the file when none is given.
    pub model: Option<String>,
    /// Model parameters by name, each value in the language's own syntax (`--set width_mult=0.5`).
    pub settings: Vec<(String, String)>,
    /// Sizes of the inputs that replace those of the spec, one list an input in order (`--input-shape 1,3,224,224`).
    pub input_shapes: Vec<Vec<usize>>,
}

impl Program {
    /// The names of the first file's models, in order; the last is the default.
    pub fn models(&self) -> Vec<&str> {
        Vec::new()
    }
}

/// Reads a file and its imports. Syntax errors and bad imports go to `problems`; what could be read is in the program.
pub fn load(_path: &str, _sources: &dyn Sources, _files: &mut Files, _problems: &mut Problems) -> Program {
    Program::default()
}

/// Writes a model out. `None` when there is no graph worth going on with; `problems` then says why.
pub fn resolve(
    _program: &Program,
    _request: &Request,
    _files: &mut Files,
    _sources: &dyn Sources,
    _problems: &mut Problems,
) -> Option<Graph> {
    None
}
