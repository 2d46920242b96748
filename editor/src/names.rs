//! Names: where they are declared, where they are used, and how they get another.
//!
//! What is one name is what the index ties together: a use may have several declarations (in the arms of an `if`), and then all
//! of them and all their uses are one. Files that are not open are known where an open document imports them.

use crate::analysis::{Analysis, View};
use crate::edits::workspace_edit;
use crate::requests::{Answer, refusal};
use crate::state::State;
use cnnc_compiler::check::check;
use cnnc_compiler::diagnostic::Diagnostic;
use cnnc_compiler::resolve::{Request, Sources};
use cnnc_grammar::is_free_word;
use cnnc_grammar::span::Span;
use lsp_types::{
    DocumentHighlight, DocumentHighlightParams, GotoDefinitionParams, GotoDefinitionResponse, Location,
    PrepareRenameResponse, ReferenceParams, RenameParams, TextDocumentPositionParams, WorkspaceEdit,
};
use std::collections::BTreeSet;

/// A place by the name of its file: the same in every analysis.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    file: String,
    start: u32,
    end: u32,
}

impl Place {
    fn new(analysis: &Analysis, span: Span) -> Option<Place> {
        let file = analysis.checked.files.get(span.file)?.name.clone();
        Some(Place { file, start: span.start, end: span.end })
    }

    fn span(&self, analysis: &Analysis) -> Option<Span> {
        Some(Span { file: analysis.file(&self.file)?, start: self.start, end: self.end })
    }
}

/// All places of one name.
#[derive(Debug, Default)]
struct Places {
    declarations: BTreeSet<Place>,
    uses: BTreeSet<Place>,
}

/// Where the name there is declared.
pub fn definition(state: &State<'_>, asked: GotoDefinitionParams) -> Answer<Option<GotoDefinitionResponse>> {
    let TextDocumentPositionParams { text_document, position } = asked.text_document_position_params;
    let found = state.views(&text_document.uri).into_iter().find_map(|view| {
        let declaration = view.analysis.index().declaration_at(view.file, view.byte(position) as u32)?;
        state.location(&view.analysis, declaration)
    });
    Ok(found.map(GotoDefinitionResponse::Scalar))
}

/// Everywhere that the name there is used.
pub fn references(state: &State<'_>, asked: ReferenceParams) -> Answer<Option<Vec<Location>>> {
    let Some(places) = places_at(state, &asked.text_document_position) else { return Ok(None) };
    let declarations = places.declarations.into_iter().filter(|_| asked.context.include_declaration);
    let all: BTreeSet<Place> = declarations.chain(places.uses).collect();
    Ok(Some(all.iter().filter_map(|place| location(state, place)).collect()))
}

/// The same within the file.
pub fn highlights(state: &State<'_>, asked: DocumentHighlightParams) -> Answer<Option<Vec<DocumentHighlight>>> {
    let name = crate::documents::name_of(&asked.text_document_position_params.text_document.uri);
    let Some(places) = places_at(state, &asked.text_document_position_params) else { return Ok(None) };
    let all: BTreeSet<Place> = places.declarations.into_iter().chain(places.uses).collect();
    let here = all.iter().filter(|place| place.file == name).filter_map(|place| location(state, place));
    Ok(Some(here.map(|location| DocumentHighlight { range: location.range, kind: None }).collect()))
}

/// Whether the name there can be changed, and what stands there.
pub fn prepare_rename(state: &State<'_>, asked: TextDocumentPositionParams) -> Answer<Option<PrepareRenameResponse>> {
    let Some(view) = state.view(&asked.text_document.uri) else { return Ok(None) };
    let Some(places) = places_at(state, &asked) else { return refusal("no name that this spec declares stands here") };
    old_name(state, &places)?;
    let byte = view.byte(asked.position) as u32;
    let touches = |place: &&Place| {
        view.analysis.file(&place.file) == Some(view.file) && (place.start..=place.end).contains(&byte)
    };
    let here = places.declarations.iter().chain(&places.uses).find(touches);
    Ok(here.and_then(|place| location(state, place)).map(|location| PrepareRenameResponse::Range(location.range)))
}

/// Gives the name there another, everywhere. A name that would change what the specs mean is refused: they are checked with it
/// before anything is changed.
pub fn rename(state: &State<'_>, asked: RenameParams) -> Answer<Option<WorkspaceEdit>> {
    let Some(places) = places_at(state, &asked.text_document_position) else {
        return refusal("no name that this spec declares stands here");
    };
    let (old, new) = (old_name(state, &places)?, asked.new_name);
    if !is_free_word(&new) {
        return refusal(format!("`{new}` cannot be a name: it is no word, or one of the language's own"));
    }
    let all: BTreeSet<&Place> = places.declarations.iter().chain(&places.uses).collect();
    refuse_new_faults(state, &all, &old, &new)?;
    let placed = all.into_iter().filter_map(|place| Some((location(state, place)?, new.clone())));
    Ok(Some(workspace_edit(placed)))
}

/// All places of the name at a position, in all open documents.
fn places_at(state: &State<'_>, at: &TextDocumentPositionParams) -> Option<Places> {
    let declared = |view: View| {
        let span = view.analysis.index().declaration_at(view.file, view.byte(at.position) as u32)?;
        Place::new(&view.analysis, span)
    };
    let first = state.views(&at.text_document.uri).into_iter().find_map(declared)?;
    let mut places = Places { declarations: BTreeSet::from([first]), uses: BTreeSet::new() };
    let analyses = state.analyses();
    loop {
        let known = (places.declarations.len(), places.uses.len());
        for analysis in &analyses {
            grow(analysis, &mut places);
        }
        if known == (places.declarations.len(), places.uses.len()) {
            return Some(places);
        }
    }
}

/// Takes in the uses of the declarations, and the other declarations of these uses.
fn grow(analysis: &Analysis, places: &mut Places) {
    let declarations: BTreeSet<Span> = places.declarations.iter().filter_map(|place| place.span(analysis)).collect();
    let names: BTreeSet<Span> =
        declarations.iter().flat_map(|declaration| analysis.index().uses_of(*declaration)).collect();
    let others = analysis.index().uses().iter().filter(|used| names.contains(&used.name));
    places.declarations.extend(others.filter_map(|used| Place::new(analysis, used.declaration)));
    places.uses.extend(names.into_iter().filter_map(|name| Place::new(analysis, name)));
}

fn location(state: &State<'_>, place: &Place) -> Option<Location> {
    state.analyses().iter().find_map(|analysis| state.location(analysis, place.span(analysis)?))
}

/// The name as it stands, where it stands so in all places.
fn old_name(state: &State<'_>, places: &Places) -> Answer<String> {
    let analyses = state.analyses();
    let text = |place: &Place| {
        let known = analyses.iter().find_map(|analysis| Some((analysis, place.span(analysis)?)));
        known.map(|(analysis, span)| analysis.checked.files.text(span).to_owned()).unwrap_or_default()
    };
    let texts: BTreeSet<String> = places.declarations.iter().chain(&places.uses).map(text).collect();
    match texts.first() {
        Some(name) if texts.len() == 1 && is_free_word(name) => Ok(name.clone()),
        _ => refusal("this name is computed, quoted or a path, so it has not one spelling that could be changed"),
    }
}

/// The sources, with some places of one name changed.
struct Renamed<'s> {
    sources: &'s dyn Sources,
    places: &'s BTreeSet<&'s Place>,
    new: &'s str,
}

impl Sources for Renamed<'_> {
    fn read(&self, path: &str, importer: Option<&str>) -> Result<(String, String), String> {
        let (name, mut text) = self.sources.read(path, importer)?;
        for place in self.places.iter().rev().filter(|place| place.file == name) {
            let (start, end) = (place.start as usize, place.end as usize);
            if text.get(start..end).is_some() {
                text.replace_range(start..end, self.new);
            }
        }
        Ok((name, text))
    }
}

/// Checks all open documents with the new name: what they say may not change but for that name, nor what a name stands for.
fn refuse_new_faults(state: &State<'_>, places: &BTreeSet<&Place>, old: &str, new: &str) -> Answer<()> {
    let sources = state.sources();
    let renamed = Renamed { sources: &sources, places, new };
    let request = Request { index: true, ..Request::default() };
    for name in state.documents.names() {
        let Some(before) = state.analysis(name) else { continue };
        let after = check(name, &request, &renamed, &mut ());
        let spoken = |problems: &[Diagnostic]| -> Vec<String> {
            problems.iter().map(|problem| format!("{} {}", problem.code, problem.message.replace(new, old))).collect()
        };
        let ties = |index: Option<&cnnc_compiler::index::Index>| index.map_or(0, |index| index.uses().len());
        let (had, has) = (spoken(&before.checked.problems), spoken(&after.problems));
        let fault = has.iter().zip(after.problems.iter()).find(|(said, _)| !had.contains(said));
        if let Some((_, fault)) = fault {
            return refusal(format!("`{new}` cannot be its name: {}", fault.message));
        }
        if ties(before.checked.index.as_ref()) != ties(after.index.as_ref()) {
            return refusal(format!(
                "`{new}` is the name of something else here, so that the spec would mean another thing"
            ));
        }
    }
    Ok(())
}
