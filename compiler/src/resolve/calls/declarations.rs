//! The blocks and models of all files, by name.
//!
//! No two files declare one name; a file knows its own and those of the files that it imports. What is wrong with the names
//! themselves is reported here, once: two of one name, the name of a built-in layer, presets of something that is no model or
//! that go in a circle.

use super::circles::CallGraph;
use crate::diagnostic::{Problems, nearest};
use crate::ops;
use crate::resolve::LoadedSpec;
use crate::resolve::error::{NameError, StructureError};
use crate::resolve::expression::Callable;
use cnnc_grammar::ast::{Declaration, DeclarationKind, Item, ItemKind, Name, Preset};
use cnnc_grammar::span::Files;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

/// The most presets that stand on each other.
const MAX_CHAIN: usize = 100;

/// All declarations. A name whose declaration cannot be used has no callable, and calling it is no further error.
pub(in crate::resolve) struct Declarations<'a> {
    loaded: &'a LoadedSpec,
    by_name: HashMap<&'a str, Option<Rc<Callable<'a>>>>,
    /// Every name once, in order.
    names: Vec<&'a str>,
    /// The names of declarations that call themselves, by way of others or not.
    circular: HashSet<&'a str>,
    /// The layers that each declaration surely writes out, under its own name.
    least_layers: HashMap<&'a str, u64>,
}

impl<'a> Declarations<'a> {
    /// Gathers the declarations of all files.
    pub fn new(loaded: &'a LoadedSpec, files: &Files, problems: &mut Problems) -> Self {
        let mut table = Gathered { loaded, files, meanings: HashMap::new(), names: Vec::new() };
        // Imported files come first, so that of two of one name the one in the importing file is the second.
        for item in loaded.trees.iter().rev().flat_map(|(_, tree)| &tree.items) {
            table.add(item, problems);
        }
        let mut declarations = Declarations {
            loaded,
            by_name: HashMap::new(),
            names: table.names.clone(),
            circular: HashSet::new(),
            least_layers: HashMap::new(),
        };
        for name in &table.names {
            declarations.by_name.insert(name, table.callable(name, problems).map(Rc::new));
        }
        let calls = CallGraph::new(&declarations, loaded, problems);
        declarations.least_layers = calls.least_layers();
        declarations.circular = calls.circular;
        declarations
    }

    /// All files' trees.
    pub fn loaded(&self) -> &'a LoadedSpec {
        self.loaded
    }

    /// How many layers a block or model surely writes out, whatever its arguments.
    pub fn least_layers(&self, name: &str) -> u64 {
        let callable = self.by_name.get(name).and_then(Option::as_ref);
        let declared = callable.map(|callable| callable.declaration.name.text.as_str());
        declared.and_then(|name| self.least_layers.get(name)).copied().unwrap_or(0)
    }

    /// Whether a declaration calls itself, which is reported already.
    pub fn is_circular(&self, declaration: &Declaration) -> bool {
        self.circular.contains(declaration.name.text.as_str())
    }

    /// The callable of that name; `Some(None)` for one whose declaration is broken.
    pub fn get(&self, name: &str) -> Option<&Option<Rc<Callable<'a>>>> {
        self.by_name.get(name)
    }

    /// All names, in order.
    pub fn names(&self) -> &[&'a str] {
        &self.names
    }
}

/// What a name is declared as.
#[derive(Clone, Copy)]
enum Meaning<'a> {
    Declaration(&'a Declaration),
    Preset(&'a Preset),
    Unreadable,
}

/// Declarations before presets are followed.
struct Gathered<'a, 'f> {
    loaded: &'a LoadedSpec,
    files: &'f Files,
    meanings: HashMap<&'a str, (&'a Name, Meaning<'a>)>,
    names: Vec<&'a str>,
}

impl<'a> Gathered<'a, '_> {
    fn add(&mut self, item: &'a Item, problems: &mut Problems) {
        let (name, meaning) = match &item.kind {
            ItemKind::Import(_) => return,
            ItemKind::Declaration(declaration) => (&declaration.name, Meaning::Declaration(declaration)),
            ItemKind::Preset(preset) => (&preset.name, Meaning::Preset(preset)),
            ItemKind::Unreadable(unreadable) => match &unreadable.name {
                Some(name) => (name, Meaning::Unreadable),
                None => return,
            },
        };
        if ops::layer(&name.text).is_some() {
            problems.add(NameError::BuiltIn { name: &name.text, span: name.span }.diagnostic());
        }
        if let Some((first, _)) = self.meanings.get(name.text.as_str()) {
            problems.add(
                NameError::Twice {
                    name: &name.text,
                    what: "declaration",
                    first: first.span,
                    second: name.span,
                    mend: None,
                }
                .diagnostic(),
            );
            return;
        }
        self.meanings.insert(&name.text, (name, meaning));
        self.names.push(&name.text);
    }

    /// Follows presets to the declaration that they stand on.
    fn callable(&self, name: &str, problems: &mut Problems) -> Option<Callable<'a>> {
        let (name, mut meaning) = *self.meanings.get(name)?;
        let mut presets = Vec::new();
        let mut seen = HashSet::from([name.text.as_str()]);
        loop {
            let preset = match meaning {
                Meaning::Declaration(declaration) => return Some(Callable { name, declaration, presets }),
                Meaning::Unreadable => return None,
                Meaning::Preset(preset) => preset,
            };
            let base = &preset.base.callee;
            if presets.len() == MAX_CHAIN {
                problems.add(StructureError::PresetChain { span: base.span, limit: MAX_CHAIN }.diagnostic());
                return None;
            }
            presets.push(preset);
            if !seen.insert(&base.text) {
                if base.text == name.text {
                    problems.add(StructureError::PresetCircle { name: &name.text, span: base.span }.diagnostic());
                }
                return None;
            }
            meaning = self.base(preset, presets.len() == 1, problems)?;
        }
    }

    /// What a preset is made from. Its errors are reported for the preset itself, not for those that stand on it.
    fn base(&self, preset: &'a Preset, report: bool, problems: &mut Problems) -> Option<Meaning<'a>> {
        let base = &preset.base.callee;
        let problem = match self.meanings.get(base.text.as_str()) {
            Some((name, Meaning::Declaration(declaration))) if declaration.kind == DeclarationKind::Block => {
                StructureError::PresetOfBlock { name: &base.text, span: base.span, declared: name.span }.diagnostic()
            }
            Some((name, _)) if !self.loaded.knows(base.span.file, name.span.file) => {
                let (declared, file) =
                    (name.span, self.files.get(name.span.file).map_or("", |file| file.name.as_str()));
                NameError::NotImported { name: &base.text, span: base.span, declared, file }.diagnostic()
            }
            Some((_, meaning)) => return Some(*meaning),
            None => {
                let models = self.names.iter().copied().filter(|name| self.is_model(name));
                NameError::UnknownModel { name: &base.text, span: base.span, near: nearest(&base.text, models) }
                    .diagnostic()
            }
        };
        if report {
            problems.add(problem);
        }
        None
    }

    fn is_model(&self, name: &str) -> bool {
        match self.meanings.get(name) {
            Some((_, Meaning::Declaration(declaration))) => declaration.kind == DeclarationKind::Model,
            Some((_, Meaning::Preset(_))) => true,
            _ => false,
        }
    }
}
