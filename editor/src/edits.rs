//! Changes of texts as clients make them: whole documents formatted, and a compiler's fix.

use crate::analysis::Analysis;
use crate::requests::Answer;
use crate::state::State;
use cnnc_compiler::diagnostic::Edit;
use cnnc_grammar::format_text;
use lsp_types::{DocumentFormattingParams, Location, TextEdit, Uri, WorkspaceEdit};
use std::collections::HashMap;

/// The document in the one style; nothing of one that cannot be read.
pub fn formatting(state: &State<'_>, asked: DocumentFormattingParams) -> Answer<Option<Vec<TextEdit>>> {
    let Some(view) = state.view(&asked.text_document.uri) else { return Ok(None) };
    let old = view.text();
    let Ok(new) = format_text(old) else { return Ok(None) };
    Ok(Some(if new == old { Vec::new() } else { vec![changed_part(&view, old, &new)] }))
}

/// The lines that differ, as one edit: cursors and folds elsewhere stay where they are.
fn changed_part(view: &crate::analysis::View, old: &str, new: &str) -> TextEdit {
    let same_head: usize = old
        .split_inclusive('\n')
        .zip(new.split_inclusive('\n'))
        .take_while(|(a, b)| a == b)
        .map(|(a, _)| a.len())
        .sum();
    let (old_rest, new_rest) = (old.get(same_head..).unwrap_or(""), new.get(same_head..).unwrap_or(""));
    let from_behind = old_rest.split_inclusive('\n').rev().zip(new_rest.split_inclusive('\n').rev());
    let same_tail: usize = from_behind.take_while(|(a, b)| a == b).map(|(a, _)| a.len()).sum();
    let range = view.analysis.range(view.span(same_head, old.len() - same_tail));
    TextEdit::new(range, new_rest.get(..new_rest.len() - same_tail).unwrap_or("").to_owned())
}

/// Some edits of the compiler's, in whatever files; none where a file has no address.
pub fn of_fix<'e>(
    state: &State<'_>,
    analysis: &Analysis,
    edits: impl IntoIterator<Item = &'e Edit>,
) -> Option<WorkspaceEdit> {
    let placed = edits.into_iter().map(|edit| Some((state.location(analysis, edit.span)?, edit.replacement.clone())));
    let placed: Vec<(Location, String)> = placed.collect::<Option<_>>()?;
    (!placed.is_empty()).then(|| workspace_edit(placed))
}

/// Changes in whatever files, each a place and what stands there afterwards.
#[allow(clippy::mutable_key_type, reason = "the protocol's own map; nothing of an address changes in it")]
pub fn workspace_edit(placed: impl IntoIterator<Item = (Location, String)>) -> WorkspaceEdit {
    let mut changes: HashMap<Uri, Vec<TextEdit>> = HashMap::new();
    for (Location { uri, range }, text) in placed {
        changes.entry(uri).or_default().push(TextEdit::new(range, text));
    }
    WorkspaceEdit { changes: Some(changes), ..WorkspaceEdit::default() }
}
