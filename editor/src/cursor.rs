//! What stands around a cursor: the call whose arguments it is among, and what is in scope there.
//!
//! The text before the cursor says where in a call it is, for while a call is typed no tree has it; the tree says in which
//! declaration, and what that declares.

use crate::analysis::View;
use crate::scan::{Before, Inside, Open, before, is_word, word_before};
use cnnc_grammar::ast::{
    Body, Declaration, FlowItem, FlowKind, ItemKind, Label, Pattern, Statement, StatementKind, StringPart,
};

/// A cursor in a file.
pub struct Cursor<'v> {
    /// The file.
    pub view: &'v View,
    /// Its place, in bytes.
    pub byte: usize,
    /// What stands before it.
    pub before: Before,
}

/// A call whose arguments a cursor is among.
pub struct OpenCall<'v> {
    /// What is called.
    pub callee: &'v str,
    /// Which argument, from 0.
    pub argument: usize,
    /// The key of that argument, where one is written.
    pub key: Option<&'v str>,
    /// The keys that are written so far.
    pub given: Vec<&'v str>,
}

impl<'v> Cursor<'v> {
    /// At a position.
    pub fn new(view: &'v View, byte: usize) -> Cursor<'v> {
        Cursor { view, byte, before: before(view.text(), 0, byte) }
    }

    /// The word that ends at the cursor.
    pub fn word(&self) -> &'v str {
        word_before(self.view.text(), self.byte)
    }

    /// The text of the statement before that word: from the line's begin, or the last `;`, `{` or `}` outside strings.
    pub fn statement(&self) -> &'v str {
        let head = self.view.text().get(..self.byte - self.word().len()).unwrap_or("");
        let line = head.get(head.rfind('\n').map_or(0, |end| end + 1)..).unwrap_or("");
        let (mut start, mut inside) = (0, false);
        for (at, character) in line.char_indices() {
            inside ^= character == '"';
            if !inside && matches!(character, ';' | '{' | '}') {
                start = at + 1;
            }
        }
        line.get(start..).unwrap_or("").trim_start()
    }

    /// The innermost call around the cursor.
    pub fn call(&self) -> Option<OpenCall<'v>> {
        if self.before.inside == Inside::Comment {
            return None;
        }
        let is_call = |open: &&Open| open.bracket == '(' && !word_before(self.view.text(), open.at).is_empty();
        let open = self.before.open.iter().rev().take_while(|open| open.bracket != '{').find(is_call)?;
        let text = self.view.text();
        let starts = std::iter::once(open.at).chain(open.commas.iter().copied());
        let keys: Vec<Option<&str>> = starts.map(|start| key(text.get(start + 1..self.byte).unwrap_or(""))).collect();
        Some(OpenCall {
            callee: word_before(text, open.at),
            argument: open.commas.len(),
            key: keys.last().copied().flatten(),
            given: keys.into_iter().flatten().collect(),
        })
    }

    /// The declaration around the cursor.
    pub fn declaration(&self) -> Option<&'v Declaration> {
        let items = self.view.tree().map(|tree| tree.items.as_slice()).unwrap_or_default();
        items.iter().find_map(|item| match &item.kind {
            ItemKind::Declaration(declaration) => {
                let all = declaration.header.to(declaration.body.span);
                (all.start as usize..=all.end as usize).contains(&self.byte).then_some(declaration)
            }
            ItemKind::Import(_) | ItemKind::Preset(_) | ItemKind::Unreadable(_) => None,
        })
    }

    /// The values that are declared before the cursor: parameters, names of `let` and `for`, named sizes of inputs, tied layers.
    pub fn values(&self) -> Vec<&'v str> {
        let Some(declaration) = self.declaration() else { return Vec::new() };
        let mut values: Vec<&str> =
            declaration.parameters.iter().map(|parameter| parameter.name.text.as_str()).collect();
        self.each_before(&declaration.body, &mut |statement| match &statement.kind {
            StatementKind::For { pattern, .. } | StatementKind::Let { pattern, .. } => bound(pattern, &mut values),
            StatementKind::Tied { name, .. } => values.push(&name.text),
            StatementKind::Input { shape, .. } => {
                values.extend(shape.iter().map(|size| self.view.analysis.checked.files.text(size.span)).filter(
                    |text| text.starts_with(|first: char| first.is_ascii_alphabetic()) && text.chars().all(is_word),
                ));
            }
            _ => {}
        });
        values
    }

    /// What `from` can give back here: kept values and named inputs.
    pub fn kept(&self) -> Vec<String> {
        let (Some(declaration), mut kept) = (self.declaration(), Vec::new()) else { return Vec::new() };
        self.each_before(&declaration.body, &mut |statement| match &statement.kind {
            StatementKind::Keep(label) => kept.extend(plain(label)),
            StatementKind::Input { name: Some(name), .. } => kept.push(name.text.clone()),
            StatementKind::Item(FlowItem { label: Some(label), kind: FlowKind::Use(_) }) => {
                kept.extend(plain(label).map(|call| format!("{call}.")));
            }
            _ => {}
        });
        kept
    }

    /// The statements that begin before the cursor.
    fn each_before(&self, body: &'v Body, see: &mut dyn FnMut(&'v Statement)) {
        for statement in body.statements.iter().take_while(|statement| (statement.span.start as usize) < self.byte) {
            see(statement);
            statement.kind.bodies().into_iter().for_each(|inner| self.each_before(inner, see));
        }
    }
}

/// The key that an argument begins with.
fn key(argument: &str) -> Option<&str> {
    let argument = argument.trim_start();
    let end = argument.find(|character| !is_word(character))?;
    let (word, rest) = (argument.get(..end)?, argument.get(end..)?.trim_start());
    (!word.is_empty() && rest.starts_with('=') && !rest.starts_with("==")).then_some(word)
}

/// The names that a pattern binds.
fn bound<'p>(pattern: &'p Pattern, values: &mut Vec<&'p str>) {
    match pattern {
        Pattern::Name(name) if name.text == "_" => {}
        Pattern::Name(name) => values.push(&name.text),
        Pattern::Tuple(members, _) => members.iter().for_each(|member| bound(member, values)),
    }
}

/// A name that is not computed.
fn plain(label: &Label) -> Option<String> {
    match label.parts.as_slice() {
        [StringPart::Text(text)] => Some(text.clone()),
        _ => None,
    }
}
