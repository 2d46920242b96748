//! The outline: declarations with their parameters and named items; and what can be folded.

use crate::analysis::View;
use crate::requests::Answer;
use crate::state::State;
use cnnc_grammar::ast::{Body, DeclarationKind, FlowKind, ItemKind, Name, Statement, StatementKind};
use cnnc_grammar::span::Span;
use lsp_types::{
    DocumentSymbol, DocumentSymbolParams, DocumentSymbolResponse, FoldingRange, FoldingRangeKind, FoldingRangeParams,
    SymbolKind,
};

/// The outline of a document.
pub fn symbols(state: &State<'_>, asked: DocumentSymbolParams) -> Answer<Option<DocumentSymbolResponse>> {
    let Some(view) = state.view(&asked.text_document.uri) else { return Ok(None) };
    let items = view.tree().map(|tree| tree.items.as_slice()).unwrap_or_default();
    Ok(Some(DocumentSymbolResponse::Nested(items.iter().filter_map(|item| declared(&view, &item.kind)).collect())))
}

fn declared(view: &View, item: &ItemKind) -> Option<DocumentSymbol> {
    match item {
        ItemKind::Import(import) => symbol(view, &import.path, "import", SymbolKind::FILE, import.span, Vec::new()),
        ItemKind::Preset(preset) => {
            let detail = format!("model = {}", preset.base.callee.text);
            symbol(view, &preset.name, &detail, SymbolKind::CLASS, preset.span, Vec::new())
        }
        ItemKind::Declaration(declaration) => {
            let parameters = declaration.parameters.iter().filter_map(|parameter| {
                let detail = view.analysis.checked.files.text(parameter.ty.span);
                symbol(view, &parameter.name, detail, SymbolKind::VARIABLE, parameter.span, Vec::new())
            });
            let children = parameters.chain(named(view, &declaration.body)).collect();
            let (detail, kind) = match declaration.kind {
                DeclarationKind::Block => ("block", SymbolKind::FUNCTION),
                DeclarationKind::Model => ("model", SymbolKind::CLASS),
            };
            symbol(view, &declaration.name, detail, kind, declaration.header.to(declaration.body.span), children)
        }
        ItemKind::Unreadable(_) => None,
    }
}

/// The named items of a body, and of unnamed bodies in it.
fn named(view: &View, body: &Body) -> Vec<DocumentSymbol> {
    body.statements.iter().flat_map(|statement| named_of(view, statement)).collect()
}

fn named_of(view: &View, statement: &Statement) -> Vec<DocumentSymbol> {
    let inner: Vec<DocumentSymbol> = statement.kind.bodies().into_iter().flat_map(|body| named(view, body)).collect();
    let StatementKind::Item(item) = &statement.kind else { return inner };
    let Some(label) = &item.label else { return inner };
    let called = match &item.kind {
        FlowKind::Use(call) | FlowKind::Filled { call, .. } | FlowKind::Join { call, .. } => call.callee.text.as_str(),
        FlowKind::Sequential(_) => "Sequential",
        FlowKind::Group(_) | FlowKind::Constant(_) => "",
    };
    let text = view.analysis.checked.files.text(label.span).trim_matches('"').to_owned();
    let name = Name { text, span: label.span };
    symbol(view, &name, called, SymbolKind::FIELD, statement.span, inner).into_iter().collect()
}

/// A symbol; none where nothing is left of its name, which clients refuse.
fn symbol(
    view: &View,
    name: &Name,
    detail: &str,
    kind: SymbolKind,
    span: Span,
    children: Vec<DocumentSymbol>,
) -> Option<DocumentSymbol> {
    #[allow(deprecated, reason = "the type has a field that is, and no other constructor")]
    (!name.text.is_empty()).then(|| DocumentSymbol {
        name: name.text.clone(),
        detail: Some(detail.to_owned()),
        kind,
        tags: None,
        deprecated: None,
        range: view.analysis.range(span.to(name.span)),
        selection_range: view.analysis.range(name.span),
        children: (!children.is_empty()).then_some(children),
    })
}

/// What can be folded: bodies of several lines, and several lines of comments.
pub fn foldings(state: &State<'_>, asked: FoldingRangeParams) -> Answer<Option<Vec<FoldingRange>>> {
    let Some(view) = state.view(&asked.text_document.uri) else { return Ok(None) };
    let mut foldings = Vec::new();
    for item in view.tree().map(|tree| tree.items.as_slice()).unwrap_or_default() {
        match &item.kind {
            ItemKind::Declaration(declaration) => fold(&view, &declaration.body, &mut foldings),
            ItemKind::Unreadable(unreadable) => {
                unreadable.body.iter().for_each(|body| fold(&view, body, &mut foldings))
            }
            ItemKind::Import(_) | ItemKind::Preset(_) => {}
        }
    }
    foldings.extend(comments(view.text()));
    Ok(Some(foldings))
}

fn fold(view: &View, body: &Body, foldings: &mut Vec<FoldingRange>) {
    let range = view.analysis.range(body.span);
    // The closing brace stays in sight.
    foldings.extend(folding(range.start.line, range.end.line.saturating_sub(1), None));
    for inner in body.statements.iter().flat_map(|statement| statement.kind.bodies()) {
        fold(view, inner, foldings);
    }
}

fn folding(start_line: u32, end_line: u32, kind: Option<FoldingRangeKind>) -> Option<FoldingRange> {
    (start_line < end_line).then(|| FoldingRange { start_line, end_line, kind, ..FoldingRange::default() })
}

/// Runs of lines that are comments alone.
fn comments(text: &str) -> Vec<FoldingRange> {
    let (mut runs, mut start) = (Vec::new(), None);
    for (line, text) in text.lines().chain([""]).enumerate() {
        match text.trim_start().starts_with('#') {
            true => start = start.or(Some(line)),
            false => {
                let run = start.take().and_then(|start: usize| {
                    folding(start as u32, line.saturating_sub(1) as u32, Some(FoldingRangeKind::Comment))
                });
                runs.extend(run);
            }
        }
    }
    runs
}
