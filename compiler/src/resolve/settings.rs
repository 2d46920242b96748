//! Model parameters that are set from outside: a preset in a file of its own, so that errors can point into it.

use super::declarations::Callable;
use super::error::StructureError;
use crate::diagnostic::Problems;
use cnnc_grammar::ast::{Item, Preset};
use cnnc_grammar::span::{FileId, Files};

/// The name of the file that holds the settings.
const FILE_NAME: &str = "--set";

/// Reads settings of the model called `model`; `None` when there are none, or after an error.
pub(super) fn read(
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
    let file = files.add(FILE_NAME, text);
    let text = files.get(file).map_or("", |file| file.text.as_str());
    let (tree, errors) = cnnc_grammar::parse(text, file);
    for error in &errors {
        problems.add(super::syntax::diagnostic(error, files));
    }
    match <[Item; 1]>::try_from(tree.items) {
        Ok([Item::Preset(preset)]) if errors.is_empty() => Some(preset),
        _ => {
            if errors.is_empty() {
                problems.add(StructureError::Settings { file: FileId(file.0), size: text.len() }.diagnostic());
            }
            None
        }
    }
}

/// The model with these settings before its presets.
pub(super) fn with<'a>(callable: &Callable<'a>, settings: Option<&'a Preset>) -> Callable<'a> {
    let presets = settings.into_iter().chain(callable.presets.iter().copied()).collect();
    Callable { name: callable.name, declaration: callable.declaration, presets }
}
