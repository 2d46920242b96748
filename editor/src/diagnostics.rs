//! What the compiler says of all open documents and their imports, told file by file as it changes.

use crate::analysis::Analysis;
use crate::state::State;
use cnnc_compiler::diagnostic::{self, Severity};
use cnnc_grammar::span::{FileId, Span};
use lsp_server::{Message, Notification};
use lsp_types::notification::{Notification as _, PublishDiagnostics};
use lsp_types::{
    Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity, NumberOrString, PublishDiagnosticsParams,
};
use std::collections::{BTreeMap, HashSet};

/// Tells the client of every file of which there is something else to say than before.
pub fn tell(state: &mut State<'_>, send: &dyn Fn(Message)) {
    let now = all(state);
    let before = std::mem::take(&mut state.told);
    let healed = before.keys().filter(|name| !now.contains_key(*name)).map(|name| (name.as_str(), &[][..]));
    let changed = now.iter().filter(|(name, said)| before.get(*name) != Some(said));
    for (name, said) in changed.map(|(name, said)| (name.as_str(), said.as_slice())).chain(healed) {
        let Some(uri) = state.documents.uri_of(name) else { continue };
        let version = state.documents.get(name).map(|document| document.version);
        let parameters = PublishDiagnosticsParams { uri, diagnostics: said.to_vec(), version };
        send(Notification::new(PublishDiagnostics::METHOD.into(), parameters).into());
    }
    state.told = now;
}

/// All that is to be said, by file, each once however many documents import the file and on whatever way they reach the place.
fn all(state: &State<'_>) -> BTreeMap<String, Vec<Diagnostic>> {
    let mut all: BTreeMap<String, Vec<Diagnostic>> = BTreeMap::new();
    let mut known = HashSet::new();
    for name in state.documents.names() {
        let Some(analysis) = state.analysis(name) else { continue };
        for problem in &analysis.checked.problems {
            let place = problem.labels.first().map_or(Span::default(), |label| label.span);
            let Some(file) = analysis.checked.files.get(place.file) else { continue };
            let fact = (file.name.clone(), place.start, place.end, problem.code, problem.message.clone());
            if known.insert(fact) {
                all.entry(file.name.clone()).or_default().push(shown(state, &analysis, problem));
            }
        }
    }
    all
}

/// A diagnostic as clients have them: its notes and mends behind the message, its other places as related ones.
pub fn shown(state: &State<'_>, analysis: &Analysis, problem: &diagnostic::Diagnostic) -> Diagnostic {
    let mut labels = problem.labels.iter();
    let first = labels.next();
    let mut message = problem.message.clone();
    let beside = first.map(|label| label.text.as_str()).filter(|text| !text.is_empty());
    beside.into_iter().for_each(|text| message += &format!("\n{text}"));
    problem.notes.iter().for_each(|note| message += &format!("\n{note}"));
    problem.help.iter().for_each(|help| message += &format!("\nhelp: {help}"));
    let related = labels.chain(&problem.trace).filter_map(|label| {
        let location = state.location(analysis, label.span)?;
        Some(DiagnosticRelatedInformation { location, message: label.text.clone() })
    });
    let related: Vec<_> = related.collect();
    Diagnostic {
        range: analysis.range(first.map_or(Span::default(), |label| label.span)),
        severity: Some(match problem.severity {
            Severity::Error => DiagnosticSeverity::ERROR,
            Severity::Warning => DiagnosticSeverity::WARNING,
            Severity::Note => DiagnosticSeverity::INFORMATION,
        }),
        code: Some(NumberOrString::String(problem.code.name().into())),
        source: Some("cnnc".into()),
        message,
        related_information: (!related.is_empty()).then_some(related),
        ..Diagnostic::default()
    }
}

/// The problems of an open document whose first place touches those bytes of it.
pub fn at(analysis: &Analysis, file: FileId, start: u32, end: u32) -> Vec<&diagnostic::Diagnostic> {
    let touches = |span: Span| span.file == file && span.start <= end && start <= span.end;
    let problems = analysis.checked.problems.iter();
    problems.filter(|problem| problem.labels.first().is_some_and(|label| touches(label.span))).collect()
}
