//! A file and what it imports, read once each.
//!
//! Files are read depth first, in text order. A circle of imports, a file that cannot be read and too many files are errors at
//! the `import`; reading goes on with the rest.

use super::syntax;
use crate::diagnostic::Problems;
use crate::resolve::error::FileError;
use crate::resolve::{LoadedSpec, Sources};
use cnnc_grammar::ast::{Ast, Import, ItemKind};
use cnnc_grammar::span::{FileId, Files, Span};
use cnnc_grammar::{TOKEN_LIMIT, token_count};
use std::collections::HashMap;

/// The most files of one spec.
const MAX_FILES: usize = 1_000;

/// The longest chain of imports.
const MAX_CHAIN: usize = 50;

/// The most bytes that are read for all imports together, those of files that are known already too.
const MAX_BYTES: usize = 256 << 20;

/// Reads a file and its imports. Syntax errors and bad imports go to `problems`; what could be read is in what is loaded.
pub fn load(path: &str, sources: &dyn Sources, files: &mut Files, problems: &mut Problems) -> LoadedSpec {
    let mut loader = Loader {
        sources,
        files,
        problems,
        loaded: LoadedSpec::default(),
        known: HashMap::new(),
        chain: Vec::new(),
        tokens: 0,
        bytes: 0,
    };
    match sources.read(path, None) {
        Ok((name, text)) => loader.file(name, text, None),
        Err(why) => loader.problems.add(FileError::Unreadable { path, why: &why }.diagnostic()),
    }
    loader.loaded
}

struct Loader<'s> {
    sources: &'s dyn Sources,
    files: &'s mut Files,
    problems: &'s mut Problems,
    loaded: LoadedSpec,
    /// Files by name, whether they are done or still being read.
    known: HashMap<String, FileId>,
    /// The files being read, each with the import that led to it.
    chain: Vec<(FileId, Option<Span>)>,
    /// Words and signs of all files so far.
    tokens: usize,
    /// Bytes that were read so far.
    bytes: usize,
}

impl Loader<'_> {
    fn file(&mut self, name: String, text: String, import: Option<Span>) {
        let file = self.files.add(name.clone(), text);
        self.note_import(file, import);
        self.known.insert(name, file);
        let text = self.files.get(file).map_or("", |file| file.text.as_str());
        self.tokens = self.tokens.saturating_add(token_count(text));
        let (tree, errors) = cnnc_grammar::parse(text, file);
        if tree.items.is_empty() && errors.is_empty() {
            self.problems.add(FileError::Empty { file, size: text.len() }.diagnostic());
        }
        for error in &errors {
            self.problems.add(syntax::diagnostic(error, self.files));
        }
        let imports = imports_of(&tree);
        // Its place is taken before its imports, so that the first file's tree comes first.
        self.loaded.trees.push((file, tree));
        self.chain.push((file, import));
        for import in imports {
            self.import(&import);
        }
        self.chain.pop();
    }

    fn import(&mut self, import: &Import) {
        let span = import.path.span;
        if self.is_full() {
            return self.too_many(span);
        }
        let importer = self.chain.last().and_then(|(file, _)| self.files.get(*file)).map(|file| file.name.clone());
        let (name, text) = match self.sources.read(&import.path.text, importer.as_deref()) {
            Ok(read) => read,
            Err(why) => {
                self.loaded.incomplete = true;
                let path = import.path.text.as_str();
                let importer = importer.as_deref().unwrap_or_default();
                let meant = self.sources.meant(path, importer);
                let error = FileError::NotImported { path, why: &why, span, importer, meant: meant.as_deref() };
                return self.problems.add(error.diagnostic());
            }
        };
        if let Some(known) = self.known.get(&name).copied() {
            self.bytes = self.bytes.saturating_add(text.len());
            self.note_import(known, Some(span));
            if let Some(start) = self.chain.iter().position(|(file, _)| *file == known) {
                self.report_circle(start, span);
            }
            return;
        }
        self.bytes = self.bytes.saturating_add(text.len());
        let tokens = self.tokens.saturating_add(token_count(&text));
        if self.loaded.trees.len() >= MAX_FILES || self.chain.len() >= MAX_CHAIN || tokens > TOKEN_LIMIT {
            return self.too_many(span);
        }
        self.file(name, text, Some(span));
    }

    /// Whether so much was read that nothing more is.
    fn is_full(&self) -> bool {
        self.bytes > MAX_BYTES || self.problems.error_count() >= Problems::MOST
    }

    fn too_many(&mut self, span: Span) {
        self.loaded.incomplete = true;
        let (files, chain, tokens) = (MAX_FILES, MAX_CHAIN, TOKEN_LIMIT);
        self.problems.add(FileError::TooMany { files, chain, tokens, span }.diagnostic());
    }

    /// The file that is being read imports that one.
    fn note_import(&mut self, imported: FileId, import: Option<Span>) {
        self.loaded.import_places.extend(import.map(|import| (import, imported)));
        if let Some((importer, _)) = self.chain.last() {
            self.loaded.imports.insert((*importer, imported));
        }
    }

    /// The import at `span` leads back to the file at `start` of the chain.
    fn report_circle(&mut self, start: usize, span: Span) {
        let circle = self.chain.get(start..).unwrap_or_default();
        let name = |file: &FileId| self.files.get(*file).map_or("", |file| file.name.as_str());
        let mut names: Vec<&str> = circle.iter().map(|(file, _)| name(file)).collect();
        names.extend(circle.first().map(|(file, _)| name(file)));
        let imports = circle.iter().skip(1).filter_map(|(_, import)| *import).collect();
        self.problems.add(FileError::Circle { names: &names, imports, span }.diagnostic());
    }
}

fn imports_of(tree: &Ast) -> Vec<Import> {
    let imports = tree.items.iter().filter_map(|item| match &item.kind {
        ItemKind::Import(import) => Some(import.clone()),
        ItemKind::Declaration(_) | ItemKind::Preset(_) | ItemKind::Unreadable(_) => None,
    });
    imports.collect()
}
