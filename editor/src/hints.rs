//! Inlay hints: behind every item the shape that it gives, and behind a model's head what the model costs.
//!
//! Where loops and calls pass an item several times, or several models do, the hint has the range of each size. Of items that
//! share a line and give the same shape, the last one has the hint; an input that says its shape has none.

use crate::analysis::{Analysis, View};
use crate::requests::Answer;
use crate::state::State;
use cnnc_compiler::index::{Shapes, Site};
use cnnc_compiler::summary::Summary;
use cnnc_grammar::ast::{DeclarationKind, ItemKind};
use cnnc_grammar::span::Span;
use lsp_types::{InlayHint, InlayHintLabel, InlayHintParams, Position};
use std::collections::BTreeMap;

/// The hints of a part of a file.
pub fn hints(state: &State<'_>, asked: InlayHintParams) -> Answer<Option<Vec<InlayHint>>> {
    let views = state.views(&asked.text_document.uri);
    let Some(own) = views.first() else { return Ok(None) };
    let (start, end) = (own.byte(asked.range.start) as u32, own.byte(asked.range.end) as u32);
    let mut hints: Vec<InlayHint> = shapes(&views)
        .into_iter()
        .filter(|(place, _)| (start..=end).contains(place))
        .map(|(place, shapes)| hint(own, place, shapes.to_string()))
        .collect();
    hints.extend(totals(own, start, end));
    Ok(Some(hints))
}

/// By the end of an item, the shapes that it gives in any of the views.
fn shapes(views: &[View]) -> BTreeMap<u32, Shapes> {
    let Some((text, lines)) = views.first().and_then(|own| Some((own.text(), own.lines()?))) else {
        return BTreeMap::new();
    };
    let mut all: BTreeMap<u32, (u32, Shapes)> = BTreeMap::new();
    let sites = views
        .iter()
        .flat_map(|view| view.analysis.index().sites().iter().filter(|site| site.statement.file == view.file));
    for Site { statement, shapes, .. } in sites {
        let Some(shapes) = shapes.as_ref().filter(|shapes| !says(text, *statement, shapes)) else { continue };
        match all.get_mut(&statement.end) {
            // The outer of two statements that end together, such as a loop and the last item of it, comes first; the inner one
            // says what it gives, and has the place.
            Some((start, known)) if *start == statement.start => known.merge(shapes),
            Some((start, _)) if *start > statement.start => {}
            _ => drop(all.insert(statement.end, (statement.start, shapes.clone()))),
        }
    }
    let line_of = |place: u32| lines.line(place as usize);
    let mut shown: BTreeMap<u32, Shapes> = BTreeMap::new();
    let mut last: Option<u32> = None;
    for (place, (_, shapes)) in all {
        let is_said_again = |before: u32| line_of(before) == line_of(place) && shown.get(&before) == Some(&shapes);
        // A brace that opens between them ends the run: what stands in it is another flow.
        let between = |before: u32| text.get(before as usize..place as usize).unwrap_or("");
        if let Some(before) = last.filter(|before| is_said_again(*before) && !between(*before).contains('{')) {
            shown.remove(&before);
        }
        shown.insert(place, shapes);
        last = Some(place);
    }
    shown
}

/// Whether a statement says its shape itself, as most inputs do.
fn says(text: &str, statement: Span, shapes: &Shapes) -> bool {
    let written = text.get(statement.start as usize..statement.end as usize).unwrap_or("");
    !written.contains('{') && written.contains(&shapes.to_string())
}

fn hint(view: &View, place: u32, label: String) -> InlayHint {
    let position: Position = view.analysis.range(view.span(place as usize, place as usize)).start;
    InlayHint {
        position,
        label: InlayHintLabel::String(label),
        kind: None,
        text_edits: None,
        tooltip: None,
        padding_left: Some(true),
        padding_right: None,
        data: None,
    }
}

/// The totals of the models whose heads lie in a part of a file.
fn totals(view: &View, start: u32, end: u32) -> Vec<InlayHint> {
    let heads = heads(view).into_iter().filter(|(_, head)| (start..=end).contains(&head.end));
    let known = heads.filter_map(|(name, head)| {
        let summary = summary_of(&view.analysis, name)?;
        Some(hint(view, head.end, summary.totals.to_string()))
    });
    known.collect()
}

/// The models of a file, each with its head.
pub fn heads(view: &View) -> Vec<(&str, Span)> {
    let items = view.tree().map(|tree| tree.items.as_slice()).unwrap_or_default().iter();
    items.filter_map(|item| head(&item.kind)).collect()
}

/// The name and the head of a model.
fn head(kind: &ItemKind) -> Option<(&str, Span)> {
    match kind {
        ItemKind::Declaration(declaration) if declaration.kind == DeclarationKind::Model => {
            Some((declaration.name.text.as_str(), declaration.header))
        }
        ItemKind::Preset(preset) => Some((preset.name.text.as_str(), preset.span)),
        ItemKind::Declaration(_) | ItemKind::Import(_) | ItemKind::Unreadable(_) => None,
    }
}

/// The table of a model that could be written out.
pub fn summary_of<'a>(analysis: &'a Analysis, model: &str) -> Option<&'a Summary> {
    analysis.summaries().iter().find(|summary| *summary.model == *model)
}
