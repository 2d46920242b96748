//! Quick fixes: what the compiler offers to mend a fault with, and all that is safe at once.

use crate::analysis::View;
use crate::diagnostics;
use crate::edits::of_fix;
use crate::requests::Answer;
use crate::state::State;
use cnnc_compiler::diagnostic::{Applicability, Diagnostic, Edit, Fix};
use lsp_types::{CodeAction, CodeActionKind, CodeActionOrCommand, CodeActionParams, CodeActionResponse};

/// The fixes of the faults in a part of a file.
pub fn actions(state: &State<'_>, asked: CodeActionParams) -> Answer<Option<CodeActionResponse>> {
    let Some(view) = state.view(&asked.text_document.uri) else { return Ok(None) };
    let wanted = |kind: &CodeActionKind| {
        let only = asked.context.only.as_ref();
        only.is_none_or(|only| {
            only.iter().any(|wanted| {
                kind == wanted || kind.as_str().strip_prefix(wanted.as_str()).is_some_and(|rest| rest.starts_with('.'))
            })
        })
    };
    let mut actions = Vec::new();
    if wanted(&CodeActionKind::QUICKFIX) {
        let (start, end) = (view.byte(asked.range.start) as u32, view.byte(asked.range.end) as u32);
        for problem in diagnostics::at(&view.analysis, view.file, start, end) {
            let shown = diagnostics::shown(state, &view.analysis, problem);
            actions.extend(problem.fixes.iter().filter_map(|fix| quick_fix(state, &view, &shown, fix)));
        }
    }
    if wanted(&CodeActionKind::SOURCE_FIX_ALL) {
        actions.extend(fix_all(state, &view));
    }
    Ok(Some(actions.into_iter().map(CodeActionOrCommand::CodeAction).collect()))
}

fn quick_fix(state: &State<'_>, view: &View, shown: &lsp_types::Diagnostic, fix: &Fix) -> Option<CodeAction> {
    let titles: Vec<String> = fix.edits.iter().map(|edit| title(view, edit)).collect();
    Some(CodeAction {
        title: titles.join(", "),
        kind: Some(CodeActionKind::QUICKFIX),
        diagnostics: Some(vec![shown.clone()]),
        edit: Some(of_fix(state, &view.analysis, &fix.edits)?),
        is_preferred: Some(fix.applicability == Applicability::Safe),
        ..CodeAction::default()
    })
}

/// What an edit does, in words.
fn title(view: &View, edit: &Edit) -> String {
    let quoted = |text: &str| format!("`{}`", text.trim().replace('\n', " "));
    match (view.analysis.checked.files.text(edit.span), edit.replacement.as_str()) {
        ("", new) => format!("insert {}", quoted(new)),
        (old, "") => format!("remove {}", quoted(old)),
        (old, new) => format!("replace {} by {}", quoted(old), quoted(new)),
    }
}

/// The first safe fix of every fault of the file; of those that overlap the first, for the others may no longer fit.
fn fix_all(state: &State<'_>, view: &View) -> Option<CodeAction> {
    let mut edits: Vec<&Edit> = Vec::new();
    let is_safe = |fix: &&Fix| {
        fix.applicability == Applicability::Safe && fix.edits.iter().all(|edit| edit.span.file == view.file)
    };
    let first_fix = |problem: &'_ Diagnostic| problem.fixes.iter().position(|fix| is_safe(&fix));
    for problem in &view.analysis.checked.problems {
        let Some(fix) = first_fix(problem).and_then(|place| problem.fixes.get(place)) else { continue };
        let overlaps = |edit: &Edit| {
            edits.iter().any(|other| other.span.start <= edit.span.end && edit.span.start <= other.span.end)
        };
        if !fix.edits.iter().any(overlaps) {
            edits.extend(&fix.edits);
        }
    }
    Some(CodeAction {
        title: "mend all that is safe to mend".into(),
        kind: Some(CodeActionKind::SOURCE_FIX_ALL),
        edit: Some(of_fix(state, &view.analysis, edits)?),
        ..CodeAction::default()
    })
}
