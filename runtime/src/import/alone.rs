//! A known network as a spec that needs no other file: what it imports is written into it, what it does not use is left out, and
//! the arguments that its weights ask for are its own.

use super::library::{Choice, Library};
use crate::failure::fault;
use crate::{Model, Result};
use cnnc_compiler::check::Spec;
use cnnc_grammar::ast::{
    Argument, Ast, Comment, Comments, Declaration, DeclarationKind, Expr, ExprKind, Gap, Item, ItemKind, Layout, Name,
    Number, Statement, StatementKind,
};
use cnnc_grammar::format;
use cnnc_grammar::span::Span;

/// The text of a network, and it compiled; `about` is what a comment says of it.
///
/// # Errors
/// E499 when it cannot be written, which is a fault of ours.
pub fn alone(library: &Library<'_>, choice: &Choice, about: &str) -> Result<(String, Model)> {
    let fault = || fault(format!("`{}` cannot be written by itself", choice.name()));
    let (mut items, mut model) = declarations(library, choice).ok_or_else(fault)?;
    while let Some((fewer, still)) = (0..items.len().saturating_sub(1)).rev().find_map(|place| {
        let fewer: Vec<Item> = [items.get(..place)?, items.get(place + 1..)?].concat();
        compiled(&fewer, choice).map(|still| (fewer, still))
    }) {
        (items, model) = (fewer, still);
    }
    if let Some(first) = items.first_mut() {
        let comment = Comment { text: format!("# {about}"), gap: Gap::NextLine };
        first.layout.comments = Some(Box::new(Comments { before: vec![comment], ..Comments::default() }));
    }
    Ok((text(items).ok_or_else(fault)?, model))
}

/// All declarations of a spec and of what it imports, the model that is chosen last, and it compiled.
pub fn declarations(library: &Library<'_>, choice: &Choice) -> Option<(Vec<Item>, Model)> {
    let spec = Spec::read(&choice.file, library, &mut ());
    let trees = spec.loaded.trees.iter().rev().flat_map(|(_, tree)| &tree.items);
    let mut items: Vec<Item> = trees.filter(|item| name_of(item).is_some()).cloned().collect();
    // The last model of a spec is the one that commands take.
    items.sort_by_key(|item| name_of(item) == Some(&choice.model));
    for item in &mut items {
        item.layout = Layout { gap: Gap::EmptyLine, comments: None };
        without_class_names(item);
        with_channels(item, choice);
    }
    items.last_mut().into_iter().for_each(|item| with_argument(item, choice));
    if let Some(model) = compiled(&items, choice) {
        return Some((items, model));
    }
    // Means of pictures' channels may be those of other channels.
    items.iter_mut().for_each(without_pictures);
    compiled(&items, choice).map(|model| (items, model))
}

/// The name of a block or a model.
fn name_of(item: &Item) -> Option<&String> {
    match &item.kind {
        ItemKind::Declaration(declaration) => Some(&declaration.name.text),
        ItemKind::Preset(preset) => Some(&preset.name.text),
        ItemKind::Import(_) | ItemKind::Unreadable(_) => None,
    }
}

fn text(items: Vec<Item>) -> Option<String> {
    format(&Ast { items, closing: Vec::new() }).ok()
}

/// The network that these declarations make, where nothing is wrong with them.
fn compiled(items: &[Item], choice: &Choice) -> Option<Model> {
    Model::builder().model(&choice.model).text("imported.cnn", &text(items.to_vec())?).ok()
}

/// Takes the names of classes away: they are not those of a checkpoint.
fn without_class_names(item: &mut Item) {
    if let ItemKind::Declaration(Declaration { body, .. }) = &mut item.kind {
        body.statements.retain(|statement| !matches!(statement.kind, StatementKind::Labels(_)));
    }
}

/// Takes away what is done to pictures before they are an input.
fn without_pictures(item: &mut Item) {
    for input in inputs(item) {
        if let StatementKind::Input { image, .. } = &mut input.kind {
            *image = None;
        }
    }
}

fn inputs(item: &mut Item) -> impl Iterator<Item = &mut Statement> {
    let body = match &mut item.kind {
        ItemKind::Declaration(Declaration { body, .. }) => Some(body),
        _ => None,
    };
    let statements = body.into_iter().flat_map(|body| &mut body.statements);
    statements.filter(|statement| matches!(statement.kind, StatementKind::Input { .. }))
}

fn number(size: usize) -> Expr {
    let (value, spelling) = (i64::try_from(size).unwrap_or(i64::MAX), size.to_string().into());
    Expr { kind: ExprKind::Int(Number { value, spelling }), span: Span::default(), grouped: false }
}

/// Gives the input of a model the channels that it has now.
fn with_channels(item: &mut Item, choice: &Choice) {
    let is_model = matches!(&item.kind, ItemKind::Declaration(one) if one.kind == DeclarationKind::Model);
    let Some(channels) = choice.channels.filter(|_| is_model) else { return };
    for input in inputs(item) {
        if let StatementKind::Input { shape, .. } = &mut input.kind
            && let Some(size) = shape.get_mut(1)
        {
            *size = number(channels);
        }
    }
}

/// Makes an argument a model's own.
fn with_argument(item: &mut Item, choice: &Choice) {
    let Some((name, value)) = &choice.argument else { return };
    match &mut item.kind {
        ItemKind::Declaration(declaration) => {
            let own = declaration.parameters.iter_mut().find(|parameter| parameter.name.text == *name);
            own.into_iter().for_each(|parameter| parameter.default = Some(number(*value)));
        }
        ItemKind::Preset(preset) => {
            let given = preset.base.arguments.get_or_insert_default();
            given.retain(|argument| argument.key.as_ref().is_none_or(|key| key.text != *name));
            let key = Some(Name { text: name.clone(), span: Span::default() });
            given.push(Argument { key, value: number(*value), span: Span::default() });
        }
        ItemKind::Import(_) | ItemKind::Unreadable(_) => {}
    }
}
