//! What stands around a cursor: the call whose arguments it is among, and what is in scope there.
//!
//! The text before the cursor says where in a call it is, for while a call is typed no tree has it; the tree says in which
//! declaration, and what that declares.

use crate::analysis::View;
use crate::scan::{Before, Inside, Open, before, is_word, word_before};
use crate::signature::Callable;
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

    /// What `from` can give back here: kept values and named inputs, and calls that keep some; behind the path of a call, as
    /// `encoder.`, what that keeps.
    pub fn kept(&self, path: &str) -> Vec<String> {
        let Some(declaration) = self.declaration() else { return Vec::new() };
        let Some((calls, _)) = path.rsplit_once('.') else { return self.kept_in(declaration, true) };
        let mut around = (declaration, true);
        for name in calls.split('.') {
            match self.called(around.0, around.1, name.trim()) {
                Some(called) => around = (called, false),
                None => return Vec::new(),
            }
        }
        self.kept_in(around.0, false)
    }

    /// What a declaration keeps, before the cursor or in all of it.
    fn kept_in(&self, declaration: &'v Declaration, before: bool) -> Vec<String> {
        let mut kept = Vec::new();
        self.each(&declaration.body, before, &mut |statement| match &statement.kind {
            StatementKind::Keep(label) => kept.extend(plain(label)),
            StatementKind::Input { name: Some(name), .. } if before => kept.push(name.text.clone()),
            StatementKind::Item(FlowItem { label: Some(label), kind: FlowKind::Use(call) }) => {
                let keeps = self.declared(&call.callee.text).is_some_and(|inner| !self.keeps_nothing(inner, 0));
                kept.extend(plain(label).filter(|_| keeps).map(|call| format!("{call}.")));
            }
            _ => {}
        });
        kept
    }

    /// Whether nothing in a declaration is kept, nor in what it calls, as far down as names are typed.
    fn keeps_nothing(&self, declaration: &'v Declaration, depth: usize) -> bool {
        let mut nothing = true;
        self.each(&declaration.body, false, &mut |statement| match &statement.kind {
            StatementKind::Keep(_) => nothing = false,
            StatementKind::Item(FlowItem { label: Some(_), kind: FlowKind::Use(call) }) if depth < 8 => {
                nothing &= self.declared(&call.callee.text).is_none_or(|inner| self.keeps_nothing(inner, depth + 1));
            }
            _ => {}
        });
        nothing
    }

    /// The block that an item of that name calls.
    fn called(&self, declaration: &'v Declaration, before: bool, name: &str) -> Option<&'v Declaration> {
        let mut called = None;
        self.each(&declaration.body, before, &mut |statement| {
            if let StatementKind::Item(FlowItem { label: Some(label), kind: FlowKind::Use(call) }) = &statement.kind
                && plain(label).is_some_and(|label| label == name)
            {
                called = Some(&*call.callee.text);
            }
        });
        self.declared(called?)
    }

    fn declared(&self, name: &str) -> Option<&'v Declaration> {
        match Callable::of(self.view, name)? {
            Callable::Declared(declaration) => Some(declaration),
            Callable::Layer(_) => None,
        }
    }

    fn each_before(&self, body: &'v Body, see: &mut dyn FnMut(&'v Statement)) {
        self.each(body, true, see);
    }

    /// The statements of a body, or those that begin before the cursor.
    fn each(&self, body: &'v Body, before: bool, see: &mut dyn FnMut(&'v Statement)) {
        let is_seen = |statement: &&Statement| !before || (statement.span.start as usize) < self.byte;
        for statement in body.statements.iter().take_while(is_seen) {
            see(statement);
            statement.kind.bodies().into_iter().for_each(|inner| self.each(inner, before, see));
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
