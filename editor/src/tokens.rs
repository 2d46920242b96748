//! Semantic tokens: what the words of a document stand for, beyond what they look like.
//!
//! Words are read off the text. The index says what those that are declared stand for, the list of layers says which are layers;
//! others get no token and keep the colour of the editor's own grammar.

use crate::analysis::View;
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
    let places = meanings(&view);
    let (mut data, mut last) = (Vec::new(), lsp_types::Position::default());
    for word in words(view.text()) {
        let known = places.get(&(word.at as u32)).filter(|(length, _)| *length as usize == word.text.len());
        let built_in = || is_layer(view.text(), word).then_some(Meaning::Layer);
        let Some(meaning) = known.map(|(_, meaning)| *meaning).or_else(built_in) else { continue };
        let start = view.analysis.range(view.span(word.at, word.at)).start;
        let delta_line = start.line - last.line;
        let delta_start = if delta_line == 0 { start.character - last.character } else { start.character };
        data.push(SemanticToken {
            delta_line,
            delta_start,
            // Words are ASCII, whatever columns count.
            length: word.text.len() as u32,
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

/// What the names of a file stand for: by where each begins, its length and meaning.
fn meanings(view: &View) -> HashMap<u32, (u32, Meaning)> {
    let declared = declarations(view);
    let uses = view.analysis.index().uses().iter();
    let names = uses.flat_map(|used| [used.name, used.declaration].map(|name| (name, used.declaration)));
    let used = names.map(|(name, declaration)| (name, declared.get(&declaration).copied().unwrap_or(Meaning::Name)));
    // What is declared and not used has a meaning too.
    let all = used.chain(declared.iter().map(|(name, meaning)| (*name, *meaning)));
    let here = all.filter(|(name, _)| name.file == view.file);
    here.map(|(name, meaning)| (name.start, (name.end - name.start, meaning))).collect()
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
