//! AST to layer graph: files are read, names looked up, loops written out, arguments bound.
//!
//! Two arrows: [`load`] reads a file and what it imports into a [`LoadedSpec`]; [`resolve`] writes one of its models out as a
//! [`Graph`](crate::graph::Graph). Since structure may depend on sizes, expansion asks each operator for its shape as it goes.
//!
//! Expansion is one pass over the statements of a model, into every call and every turn of a loop. After an error it goes on with
//! an unknown flow or value, of which nothing is reported, so that independent mistakes appear together. The same pass, with
//! nothing known and every arm of every condition read, checks the declarations that no model reaches.
//!
//! Each room has a state with its methods, and uses the rooms before it, never those after it:
//!
//! 1. `error/`: what may be wrong, as facts, and each fact in words.
//! 2. `report/`: `Reporter`, where errors go with the way that led to them, and what may still be spent.
//! 3. `files/`: text to trees; imports and settings.
//! 4. `expression/`: the expression language: values, functions, types; `Evaluator`, which asks `Names` what lies outside.
//! 5. `calls/`: declarations and calls: `Declarations`, what a name calls, arguments bound to parameters.
//! 6. `builder/`: `Builder` and `Network`, the graph while it is written out: modules, names, parameters, kept values.
//! 7. `statements/`: what statements mean that write out no item: `input`, `keep`, `labels`, `init` and the like.
//! 8. `expansion/`: `Expander`, which walks over bodies, loops, calls and joins and lets items become nodes.
//!
//! `request.rs`, `model.rs`, `declared.rs` and `numbers.rs` put them together: what is asked for, a model written out, a
//! declaration checked, a value alone.

mod builder;
mod calls;
mod declared;
mod error;
mod expansion;
mod expression;
mod files;
mod model;
mod numbers;
mod report;
mod request;
mod statements;

pub use calls::schemes;
pub use expression::functions;
pub use files::{INIT_FILE, SETTINGS_FILE, load, syntax_diagnostic};
pub use numbers::{Numbers, read_numbers};
pub use request::{Request, resolve};
pub(crate) use request::{Resolved, check_all, resolve_one};

use cnnc_grammar::ast::{Ast, DeclarationKind, ItemKind};
use cnnc_grammar::span::{FileId, Span};
use std::collections::HashSet;
use std::path::{Component, Path, PathBuf};

/// Turns paths into text: the disk in the command line, memory in tests and in the editor.
pub trait Sources {
    /// Reads `path`, which is relative to the file called `importer` (or to nothing, for the first file). Gives a name that is
    /// the same for the same file however it is reached, and the text; or a sentence that says why not.
    fn read(&self, path: &str, importer: Option<&str>) -> Result<(String, String), String>;

    /// The path of a file that may have been meant by one that cannot be read, as an import of `importer` names it.
    fn meant(&self, _path: &str, _importer: &str) -> Option<String> {
        None
    }

    /// The paths that an import of `importer` could name, which an editor offers.
    fn importable(&self, _importer: &str) -> Vec<String> {
        Vec::new()
    }
}

/// The path with `a/../` and `./` taken out.
pub fn tidied(path: &Path) -> PathBuf {
    let mut tidy = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(tidy.components().next_back(), Some(Component::Normal(_))) => {
                tidy.pop();
            }
            other => tidy.push(other),
        }
    }
    tidy
}

/// A file with all that it imports, read once each.
#[derive(Clone, Debug, Default)]
pub struct LoadedSpec {
    /// The files' trees, the first file's first.
    pub trees: Vec<(FileId, Ast)>,
    /// Whether an import could not be read, so that an unknown name may be one of its.
    pub incomplete: bool,
    /// Which file imports which: (importer, imported).
    pub imports: HashSet<(FileId, FileId)>,
    /// Where each import that could be read names its file, and that file.
    pub import_places: Vec<(Span, FileId)>,
}

impl LoadedSpec {
    /// Whether the declarations of one file are known in another: in itself and in those that import it. What is no file of the
    /// spec, such as settings, sees what the first file does.
    pub(crate) fn knows(&self, file: FileId, declared_in: FileId) -> bool {
        let is_part = self.trees.iter().any(|(part, _)| *part == file);
        let first = self.trees.first().map(|(first, _)| *first);
        let file = if is_part { file } else { first.unwrap_or(file) };
        file == declared_in || self.imports.contains(&(file, declared_in))
    }

    /// The names of the first file's models, in order; the last is the default.
    pub fn models(&self) -> Vec<&str> {
        self.trees.first().map(|(_, tree)| models_of(tree)).unwrap_or_default()
    }
}

/// The names of a file's models and presets, in order.
fn models_of(tree: &Ast) -> Vec<&str> {
    let names = tree.items.iter().filter_map(|item| match &item.kind {
        ItemKind::Declaration(declaration) if declaration.kind == DeclarationKind::Model => Some(&declaration.name),
        ItemKind::Preset(preset) => Some(&preset.name),
        ItemKind::Declaration(_) | ItemKind::Import(_) | ItemKind::Unreadable(_) => None,
    });
    names.map(|name| name.text.as_str()).collect()
}
