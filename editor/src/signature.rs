//! Signature help: the arguments of the call that is being typed, the present one marked; of layers and joins from their
//! documentation, of blocks and models from their declarations.

use crate::analysis::View;
use crate::cursor::{Cursor, OpenCall};
use crate::positions::Encoding;
use crate::requests::Answer;
use crate::state::State;
use cnnc_compiler::ops::{LayerEntry, join, layer};
use cnnc_grammar::ast::{Declaration, ItemKind};
use lsp_types::{
    Documentation, MarkupContent, MarkupKind, ParameterInformation, ParameterLabel, SignatureHelp, SignatureHelpParams,
    SignatureInformation,
};

/// An argument of something that can be called.
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// As it is shown in a call: with type and default.
    pub shown: String,
    /// What it means, as Markdown.
    pub meaning: String,
}

/// What stands behind a name that can be called.
pub enum Callable<'v> {
    /// A layer or a join.
    Layer(&'static LayerEntry),
    /// A block or a model.
    Declared(&'v Declaration),
}

impl<'v> Callable<'v> {
    /// What a name calls.
    pub fn of(view: &'v View, name: &str) -> Option<Callable<'v>> {
        let declared = declarations(view).into_iter().find(|declaration| declaration.name.text == name);
        let declared = declared.or_else(|| preset(view, name));
        let built_in = || layer(name).or_else(|| join(name)).map(Callable::Layer);
        declared.map(Callable::Declared).or_else(built_in)
    }

    /// Its arguments.
    pub fn parameters(&self, view: &View) -> Vec<Parameter> {
        match self {
            Callable::Layer(entry) => entry
                .signature
                .arguments
                .iter()
                .map(|argument| Parameter {
                    name: argument.name.to_owned(),
                    shown: argument.with_default(),
                    meaning: format!("{}: {}", argument.accepts, argument.meaning()),
                })
                .collect(),
            Callable::Declared(declaration) => declaration
                .parameters
                .iter()
                .map(|parameter| Parameter {
                    name: parameter.name.text.clone(),
                    shown: view.analysis.checked.files.text(parameter.span).to_owned(),
                    meaning: String::new(),
                })
                .collect(),
        }
    }
}

/// The blocks and models of the file and of all that it imports.
pub fn declarations(view: &View) -> Vec<&Declaration> {
    let loaded = &view.analysis.checked.loaded;
    let seen =
        loaded.trees.iter().filter(|(file, _)| *file == view.file || loaded.imports.contains(&(view.file, *file)));
    let all = seen.flat_map(|(_, tree)| &tree.items);
    all.filter_map(|item| match &item.kind {
        ItemKind::Declaration(declaration) => Some(declaration),
        ItemKind::Import(_) | ItemKind::Preset(_) | ItemKind::Unreadable(_) => None,
    })
    .collect()
}

/// The declaration that a preset is made of.
fn preset<'v>(view: &'v View, name: &str) -> Option<&'v Declaration> {
    let items = view.analysis.checked.loaded.trees.iter().flat_map(|(_, tree)| &tree.items);
    let base = items.clone().find_map(|item| match &item.kind {
        ItemKind::Preset(preset) if preset.name.text == name && preset.base.callee.text != name => {
            Some(&preset.base.callee.text)
        }
        _ => None,
    })?;
    declarations(view).into_iter().find(|declaration| declaration.name.text == *base)
}

/// The signature of the call around the cursor.
pub fn signature(state: &State<'_>, asked: SignatureHelpParams) -> Answer<Option<SignatureHelp>> {
    let at = asked.text_document_position_params;
    let Some(view) = state.view(&at.text_document.uri) else { return Ok(None) };
    let cursor = Cursor::new(&view, view.byte(at.position));
    Ok(cursor.call().and_then(|call| help(&view, &call, state.encoding)))
}

fn help(view: &View, call: &OpenCall<'_>, encoding: Encoding) -> Option<SignatureHelp> {
    let callable = Callable::of(view, call.callee)?;
    let parameters = callable.parameters(view);
    let mut label = format!("{}(", call.callee);
    let mut shown = Vec::new();
    for (place, Parameter { shown: text, meaning, .. }) in parameters.iter().enumerate() {
        label += if place > 0 { ", " } else { "" };
        let start = encoding.columns(&label);
        label += text;
        shown.push(ParameterInformation {
            label: ParameterLabel::LabelOffsets([start, encoding.columns(&label)]),
            documentation: (!meaning.is_empty()).then(|| markdown(meaning.clone())),
        });
    }
    label.push(')');
    let active = match call.key {
        Some(key) => parameters.iter().position(|parameter| parameter.name == key),
        None => Some(call.argument),
    };
    // One past the last marks none, as the protocol has it.
    let active = active.unwrap_or(parameters.len()) as u32;
    let signature =
        SignatureInformation { label, documentation: None, parameters: Some(shown), active_parameter: Some(active) };
    Some(SignatureHelp { signatures: vec![signature], active_signature: Some(0), active_parameter: Some(active) })
}

/// A text as Markdown.
pub fn markdown(value: String) -> Documentation {
    Documentation::MarkupContent(MarkupContent { kind: MarkupKind::Markdown, value })
}
