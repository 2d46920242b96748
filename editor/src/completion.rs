//! Completion: what could stand at the cursor, by what stands before it.
//!
//! Where an item begins: layers, joins, blocks, models and the words of statements; behind `from` what is kept; behind `init`
//! layers and schemes; behind `assert` what can be measured; in a call its arguments and the values in scope; in an `import`
//! paths. Documentation is that of the manual, and is sent for the one item that a client asks it of.

use crate::cursor::{Cursor, OpenCall};
use crate::documents::name_of;
use crate::requests::Answer;
use crate::scan::Inside;
use crate::signature::{Callable, declarations, markdown};
use crate::state::State;
use cnnc_compiler::ops::{JOINS, LAYERS, join, layer, page};
use cnnc_compiler::resolve::{Sources, functions, schemes};
use cnnc_grammar::ast::DeclarationKind;
use lsp_types::{CompletionItem, CompletionItemKind, CompletionParams, CompletionResponse, Documentation};

/// The words that begin statements and are no joins, each with what it does.
const STATEMENTS: [(&str, &str); 14] = [
    ("Sequential", "a group with a name of its own in the paths of parameters"),
    ("input", "the shape of what comes in"),
    ("output", "names the current value as an output"),
    ("expect", "a shape contract, checked before anything runs"),
    ("assert", "a budget of the model: parameters, MACs, memory, receptive field"),
    ("keep", "marks the current value"),
    ("from", "gives a kept value back"),
    ("repeat", "writes a body out several times"),
    ("for", "writes a body out for each value of a list"),
    ("if", "writes a body out if a condition holds"),
    ("let", "names a value"),
    ("tied", "one layer wherever its name stands"),
    ("init", "how parameters start"),
    ("labels", "names the classes"),
];

/// What a budget can measure.
const MEASURES: [(&str, &str); 4] = [
    ("params", "the numbers that training changes"),
    ("macs", "multiply-adds, at given sizes: macs(H=224, W=224)"),
    ("memory", "bytes to answer once, at given sizes: memory(H=224, W=224)"),
    ("receptive_field", "what an element of a value sees: receptive_field(layer4)"),
];

/// The words at the top of a file.
const DECLARATIONS: [(&str, &str); 3] =
    [("model", "a whole network"), ("block", "a part of a network"), ("import", "the blocks of another file")];

/// The types of parameters.
const TYPES: [&str; 6] = ["int", "float", "bool", "str", "layer", "tensor"];

/// What could stand at the cursor.
pub fn completion(state: &State<'_>, asked: CompletionParams) -> Answer<Option<CompletionResponse>> {
    let at = asked.text_document_position;
    let Some(view) = state.view(&at.text_document.uri) else { return Ok(None) };
    let cursor = Cursor::new(&view, view.byte(at.position));
    let items = match cursor.before.inside {
        Inside::Comment => Vec::new(),
        Inside::String(start) => paths(state, &cursor, start, &name_of(&at.text_document.uri)),
        Inside::Code => code(&cursor),
    };
    Ok(Some(CompletionResponse::Array(items)))
}

/// The documentation of one item.
pub fn resolve(_: &State<'_>, mut item: CompletionItem) -> Answer<CompletionItem> {
    if item.documentation.is_none() && item.kind == Some(CompletionItemKind::CLASS) {
        item.documentation = layer(&item.label).or_else(|| join(&item.label)).map(page).map(markdown);
    }
    Ok(item)
}

/// The specs that an import could name.
fn paths(state: &State<'_>, cursor: &Cursor<'_>, start: usize, importer: &str) -> Vec<CompletionItem> {
    let head = cursor.view.text().get(..start - 1).unwrap_or("");
    let line = head.get(head.rfind('\n').map_or(0, |end| end + 1)..).unwrap_or("");
    if line.trim() != "import" {
        return Vec::new();
    }
    let range = cursor.view.analysis.range(cursor.view.span(start, cursor.byte));
    let item = |path: String| CompletionItem {
        text_edit: Some(lsp_types::TextEdit::new(range, path.clone()).into()),
        ..item(&path, CompletionItemKind::FILE, "")
    };
    state.sources().importable(importer).into_iter().map(item).collect()
}

fn code(cursor: &Cursor<'_>) -> Vec<CompletionItem> {
    let statement = cursor.statement();
    let words: Vec<&str> = statement.split_whitespace().collect();
    let is_at_top = cursor.before.open.is_empty();
    let in_brackets = cursor.before.open.last().is_some_and(|open| open.bracket != '{');
    match words.as_slice() {
        ["model" | "block", ..] if in_brackets && statement.trim_end().ends_with([':', '[', '(']) => {
            TYPES.iter().map(|name| item(name, CompletionItemKind::KEYWORD, "a type")).collect()
        }
        ["model", .., "="] if is_at_top => declared(cursor, |kind| kind == DeclarationKind::Model),
        _ if is_at_top && words.is_empty() => described(&DECLARATIONS),
        _ if is_at_top => Vec::new(),
        ["from", ..] if !in_brackets => {
            let path = words.get(1).copied().unwrap_or("");
            cursor.kept(path).iter().map(|name| item(name, CompletionItemKind::VARIABLE, "kept")).collect()
        }
        ["assert"] if !in_brackets => described(&MEASURES),
        ["init", ..] if !in_brackets && statement.contains(':') => {
            schemes().map(|name| item(name, CompletionItemKind::ENUM_MEMBER, "a scheme")).collect()
        }
        ["init", ..] if !in_brackets => layers().collect(),
        ["keep" | "output" | "input", ..] if !in_brackets => Vec::new(),
        _ => match cursor.call() {
            Some(call) => arguments(cursor, &call),
            None if in_brackets || words.last().is_some_and(|word| !word.ends_with(':')) => values(cursor),
            None => items(cursor),
        },
    }
}

/// What an item can begin with.
fn items(cursor: &Cursor<'_>) -> Vec<CompletionItem> {
    let joins = JOINS.iter().map(|entry| item(entry.signature.name, CompletionItemKind::CLASS, "a join"));
    let mut items: Vec<CompletionItem> = layers().chain(joins).collect();
    items.extend(declared(cursor, |_| true));
    items.extend(described(&STATEMENTS));
    items.extend(cursor.values().iter().map(|name| item(name, CompletionItemKind::VARIABLE, "")));
    items
}

/// The arguments that a call does not have yet, and values.
fn arguments(cursor: &Cursor<'_>, call: &OpenCall<'_>) -> Vec<CompletionItem> {
    let mut items = Vec::new();
    if let (None, Some(callable)) = (call.key, Callable::of(cursor.view, call.callee)) {
        let parameters = callable.parameters(cursor.view).into_iter().enumerate();
        // What stands before the present argument without a key has a parameter by its place.
        let by_place = call.argument.saturating_sub(call.given.len());
        let open = parameters
            .filter(|(place, parameter)| *place >= by_place && !call.given.contains(&parameter.name.as_str()));
        items.extend(open.map(|(_, parameter)| CompletionItem {
            insert_text: Some(format!("{}=", parameter.name)),
            documentation: (!parameter.meaning.is_empty()).then(|| markdown(parameter.meaning)),
            sort_text: Some(format!("0{}", parameter.name)),
            ..item(&parameter.name, CompletionItemKind::PROPERTY, &parameter.shown)
        }));
    }
    items.extend(values(cursor));
    items
}

/// What a value can be: names in scope, functions, and layers.
fn values(cursor: &Cursor<'_>) -> Vec<CompletionItem> {
    let mut items: Vec<CompletionItem> =
        cursor.values().iter().map(|name| item(name, CompletionItemKind::VARIABLE, "")).collect();
    items.extend(functions().map(|(name, call)| item(name, CompletionItemKind::FUNCTION, &call)));
    items.extend(["true", "false"].map(|word| item(word, CompletionItemKind::KEYWORD, "")));
    items.extend(layers().map(|layer| CompletionItem { sort_text: Some(format!("~{}", layer.label)), ..layer }));
    items
}

fn layers() -> impl Iterator<Item = CompletionItem> {
    LAYERS.iter().map(|entry| {
        let arguments = entry.signature.arguments.iter().map(|argument| argument.with_default());
        item(entry.signature.name, CompletionItemKind::CLASS, &arguments.collect::<Vec<_>>().join(", "))
    })
}

/// The blocks and models of this file and of its imports, but for the one that the cursor is in.
fn declared(cursor: &Cursor<'_>, wanted: fn(DeclarationKind) -> bool) -> Vec<CompletionItem> {
    let around = cursor.declaration().map(|declaration| declaration.name.span);
    let others = declarations(cursor.view)
        .into_iter()
        .filter(|declaration| wanted(declaration.kind) && Some(declaration.name.span) != around);
    let shown = |declaration: &cnnc_grammar::ast::Declaration| {
        let head = cursor.view.analysis.checked.files.text(declaration.header);
        CompletionItem {
            documentation: Some(Documentation::String(head.to_owned())),
            ..item(&declaration.name.text, CompletionItemKind::FUNCTION, head)
        }
    };
    others.map(shown).collect()
}

fn described(words: &[(&str, &str)]) -> Vec<CompletionItem> {
    words.iter().map(|(word, what)| item(word, CompletionItemKind::KEYWORD, what)).collect()
}

fn item(label: &str, kind: CompletionItemKind, detail: &str) -> CompletionItem {
    let detail = (!detail.is_empty()).then(|| detail.to_owned());
    CompletionItem { label: label.to_owned(), kind: Some(kind), detail, ..CompletionItem::default() }
}
