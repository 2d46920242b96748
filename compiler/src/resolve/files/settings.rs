//! Model parameters and initialisers that are set from outside, each in a file of its own, so that errors can point into it: a
//! preset, and a model whose statements are `init`s.

use crate::diagnostic::Problems;
use crate::resolve::error::StructureError;
use cnnc_grammar::ast::{Item, ItemKind, Preset, Statement, StatementKind};
use cnnc_grammar::span::{FileId, Files};

/// The name of the file that holds the settings.
pub const SETTINGS_FILE: &str = "--set";
/// The name of the file that holds the initialisers: an `init` a line, from the second line on.
pub const INIT_FILE: &str = "init";

/// Reads settings of the model called `model`; `None` when there are none, or after an error.
pub(in crate::resolve) fn read_settings(
    model: &str,
    settings: &[(String, String)],
    files: &mut Files,
    problems: &mut Problems,
) -> Option<Preset> {
    if settings.is_empty() {
        return None;
    }
    let arguments: Vec<String> = settings.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let text = format!("model _ = {model}({})", arguments.join(", "));
    let file = files.add(SETTINGS_FILE, text);
    let text = files.get(file).map_or("", |file| file.text.as_str());
    let (tree, errors) = cnnc_grammar::parse(text, file);
    for error in &errors {
        problems.add(super::syntax::diagnostic(error, files));
    }
    match <[Item; 1]>::try_from(tree.items) {
        Ok([Item { kind: ItemKind::Preset(preset), .. }]) if errors.is_empty() => Some(preset),
        _ => {
            if errors.is_empty() {
                problems.add(StructureError::Settings { file: FileId(file.0), size: text.len() }.diagnostic());
            }
            None
        }
    }
}

/// Reads initialisers; `None` after an error.
pub(in crate::resolve) fn read_init(
    rules: &[(String, String)],
    files: &mut Files,
    problems: &mut Problems,
) -> Option<Vec<Statement>> {
    if rules.is_empty() {
        return Some(Vec::new());
    }
    let lines: String = rules.iter().map(|(targets, scheme)| format!("init {targets}: {scheme}\n")).collect();
    let file = files.add(INIT_FILE, format!("model _ {{\n{lines}}}\n"));
    let text = files.get(file).map_or("", |file| file.text.as_str());
    let (tree, errors) = cnnc_grammar::parse(text, file);
    for error in &errors {
        problems.add(super::syntax::diagnostic(error, files));
    }
    let statements = match <[Item; 1]>::try_from(tree.items) {
        Ok([Item { kind: ItemKind::Declaration(declaration), .. }]) => declaration.body.statements,
        _ => Vec::new(),
    };
    let is_init = |statement: &Statement| matches!(statement.kind, StatementKind::Init { .. });
    let is_whole = statements.len() == rules.len() && statements.iter().all(is_init);
    if errors.is_empty() && !is_whole {
        problems.add(StructureError::Initialisers { file, size: text.len() }.diagnostic());
    }
    (errors.is_empty() && is_whole).then_some(statements)
}
