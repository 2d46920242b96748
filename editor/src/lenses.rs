//! Code lenses above each model that can be written out: command lines of `cnnc` for the client to run in a terminal.

use crate::documents::name_of;
use crate::hints::{heads, summary_of};
use crate::requests::Answer;
use crate::state::State;
use lsp_types::{CodeLens, CodeLensParams, Command};

/// The command that a client has to have: its argument is a command line, the program left out, as a list.
pub const TERMINAL: &str = "cnnc.terminal";

/// What can be run, and its title.
const LENSES: [(&str, &str); 2] = [("check sizes", "summary"), ("run", "run")];

/// The lenses of a document that is a file.
pub fn lenses(state: &State<'_>, asked: CodeLensParams) -> Answer<Option<Vec<CodeLens>>> {
    let Some(view) = state.view(&asked.text_document.uri) else { return Ok(None) };
    let file = name_of(&asked.text_document.uri);
    if !file.starts_with('/') {
        return Ok(None);
    }
    let models = heads(&view).into_iter().filter(|(model, _)| summary_of(&view.analysis, model).is_some());
    let lenses = models.flat_map(|(model, head)| {
        let range = view.analysis.range(head);
        let file = &file;
        LENSES.map(|(title, command)| {
            let line = serde_json::json!([command, file, "--model", model]);
            let command = Command { title: title.into(), command: TERMINAL.into(), arguments: Some(vec![line]) };
            CodeLens { range, command: Some(command), data: None }
        })
    });
    Ok(Some(lenses.collect()))
}
