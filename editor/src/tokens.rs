//! Semantic tokens: what the words of a document stand for, beyond what they look like.
//!
//! Words are read off the text. The index says what those that are declared stand for, the list of layers says which are layers;
//! others get no token and keep the colour of the editor's own grammar.

use crate::analysis::View;
use crate::names::by_place;
use crate::requests::Answer;
use crate::scan::{Word, words};
use crate::state::State;
use cnnc_compiler::ops::layer;
use cnnc_grammar::ast::{DeclarationKind, ItemKind};
use cnnc_grammar::span::Span;
use lsp_types::{
    SemanticToken, SemanticTokenType, SemanticTokens, SemanticTokensLegend, SemanticTokensParams, SemanticTokensResult,
};
use std::collections::HashMap;

/// What a word stands for; the number is its place in the legend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    Layer,
    Block,
    Model,
    Parameter,
    Name,
}

/// The types of tokens that are used, by [`Meaning`].
pub fn legend() -> SemanticTokensLegend {
    let token_types = vec![
        SemanticTokenType::TYPE,
        SemanticTokenType::FUNCTION,
        SemanticTokenType::CLASS,
        SemanticTokenType::PARAMETER,
        SemanticTokenType::VARIABLE,
    ];
    SemanticTokensLegend { token_types, token_modifiers: Vec::new() }
}

/// The tokens of a document.
pub fn tokens(state: &State<'_>, asked: SemanticTokensParams) -> Answer<Option<SemanticTokensResult>> {
    let Some(view) = state.view(&asked.text_document.uri) else { return Ok(None) };
    let (declared, places) = (declarations(&view), by_place(&view.analysis, view.file));
    let (mut data, mut last) = (Vec::new(), lsp_types::Position::default());
    for word in words(view.text()) {
        let place =
            places.get(&(word.at as u32)).filter(|(name, _)| (name.end - name.start) as usize == word.text.len());
        let known = place.map(|(_, declaration)| declared.get(declaration).copied().unwrap_or(Meaning::Name));
        let Some(meaning) = known.or_else(|| is_layer(view.text(), word).then_some(Meaning::Layer)) else { continue };
        let start = view.analysis.range(view.span(word.at, word.at)).start;
        let delta_line = start.line - last.line;
        let delta_start = if delta_line == 0 { start.character - last.character } else { start.character };
        let token = (delta_line, delta_start, word.text.len() as u32);
        data.push(SemanticToken {
            delta_line: token.0,
            delta_start: token.1,
            length: token.2,
            token_type: meaning as u32,
            token_modifiers_bitset: 0,
        });
        last = start;
    }
    Ok(Some(SemanticTokens { result_id: None, data }.into()))
}

/// Whether a word is a layer's name, and neither a label nor an argument's.
fn is_layer(text: &str, word: Word<'_>) -> bool {
    let after = text.get(word.at + word.text.len()..).unwrap_or("").trim_start_matches(' ');
    let is_key = after.starts_with('=') && !after.starts_with("==");
    layer(word.text).is_some() && !is_key && !after.starts_with(':')
}

/// What is declared in all files of an analysis.
fn declarations(view: &View) -> HashMap<Span, Meaning> {
    let mut found = HashMap::new();
    for item in view.analysis.checked.loaded.trees.iter().flat_map(|(_, tree)| &tree.items) {
        match &item.kind {
            ItemKind::Declaration(declaration) => {
                let meaning = match declaration.kind {
                    DeclarationKind::Block => Meaning::Block,
                    DeclarationKind::Model => Meaning::Model,
                };
                found.insert(declaration.name.span, meaning);
                let parameters = declaration.parameters.iter();
                found.extend(parameters.map(|parameter| (parameter.name.span, Meaning::Parameter)));
            }
            ItemKind::Preset(preset) => drop(found.insert(preset.name.span, Meaning::Model)),
            ItemKind::Import(_) | ItemKind::Unreadable(_) => {}
        }
    }
    found
}
