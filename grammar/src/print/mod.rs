//! Prints an AST as an indented tree, a line a statement: what `cnnc dump --stage ast` shows and snapshots hold.
//!
//! Close to the language but no source text: every form has its own word in front, operations stand in parentheses as they
//! were nested, and there are neither positions nor comments, so that a changed comment changes no snapshot. Source text
//! is what `crate::format` writes.

mod expression;

use std::fmt::{self, Display, Formatter};

use crate::ast::{
    Ast, Body, Declaration, DeclarationKind, FlowItem, FlowKind, InitTarget, ItemKind, Statement, StatementKind,
    UnreadableItem,
};
use expression::{Commas, Shape};

impl Display for Ast {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let mut tree = Tree { formatter, depth: 0 };
        self.items.iter().try_for_each(|item| tree.item(&item.kind))
    }
}

/// A tree being printed.
struct Tree<'tree, 'buffer> {
    formatter: &'tree mut Formatter<'buffer>,
    depth: usize,
}

impl Tree<'_, '_> {
    fn line(&mut self, text: impl Display) -> fmt::Result {
        writeln!(self.formatter, "{:indent$}{text}", "", indent = self.depth * 2)
    }

    fn item(&mut self, item: &ItemKind) -> fmt::Result {
        match item {
            ItemKind::Import(import) => self.line(format_args!("import {:?}", import.path.text)),
            ItemKind::Preset(preset) => self.line(format_args!("preset {} = {}", preset.name.text, preset.base)),
            ItemKind::Declaration(declaration) => self.declaration(declaration),
            ItemKind::Unreadable(UnreadableItem { name, body }) => {
                let name = name.as_ref().map_or("", |name| name.text.as_str());
                self.line(format_args!("unreadable {name}").to_string().trim_end())?;
                body.as_ref().map_or(Ok(()), |body| self.body(body))
            }
        }
    }

    fn declaration(&mut self, declaration: &Declaration) -> fmt::Result {
        let word = match declaration.kind {
            DeclarationKind::Block => "block",
            DeclarationKind::Model => "model",
        };
        self.line(format_args!("{word} {}", declaration.name.text))?;
        self.depth += 1;
        for parameter in &declaration.parameters {
            self.line(format_args!("parameter {parameter}"))?;
        }
        self.depth -= 1;
        self.body(&declaration.body)
    }

    fn body(&mut self, body: &Body) -> fmt::Result {
        self.depth += 1;
        body.statements.iter().try_for_each(|statement| self.statement(statement))?;
        self.depth -= 1;
        Ok(())
    }

    /// A line and the body under it.
    fn header(&mut self, text: impl Display, body: &Body) -> fmt::Result {
        self.line(text)?;
        self.body(body)
    }

    fn statement(&mut self, statement: &Statement) -> fmt::Result {
        match &statement.kind {
            StatementKind::Item(item) => self.flow_item(item),
            StatementKind::If { arms, otherwise } => {
                for (index, (condition, body)) in arms.iter().enumerate() {
                    let word = if index == 0 { "if" } else { "else if" };
                    self.header(format_args!("{word} {condition}"), body)?;
                }
                otherwise.as_ref().map_or(Ok(()), |body| self.header("else", body))
            }
            StatementKind::For { pattern, values, body } => {
                self.header(format_args!("for {pattern} in {values}"), body)
            }
            StatementKind::Repeat { count, body } => self.header(format_args!("repeat {count}"), body),
            StatementKind::Unreadable(body) => {
                self.line("unreadable")?;
                body.as_ref().map_or(Ok(()), |body| self.body(body))
            }
            kind => self.simple_statement(kind),
        }
    }

    /// A statement without a body.
    fn simple_statement(&mut self, kind: &StatementKind) -> fmt::Result {
        match kind {
            StatementKind::Input { name, shape, image, .. } => {
                let name = name.as_ref().map_or(String::new(), |name| format!("{} ", name.text));
                let image = image.as_ref().map_or(String::new(), |image| format!(" {image}"));
                self.line(format_args!("input {name}{}{image}", Shape(shape)))
            }
            StatementKind::Output(label) => self.line(format_args!("output {label}")),
            StatementKind::Expect { shape, .. } => self.line(format_args!("expect {}", Shape(shape))),
            StatementKind::Assert { measure, relation, bound } => {
                self.line(format_args!("assert {measure} {relation} {bound}"))
            }
            StatementKind::Keep(label) => self.line(format_args!("keep {label}")),
            StatementKind::From(path) => {
                let path: Vec<String> = path.iter().map(ToString::to_string).collect();
                self.line(format_args!("from {}", path.join(".")))
            }
            StatementKind::Init { targets, scheme } => self.line(format_args!("init {}: {scheme}", Commas(targets))),
            StatementKind::Labels(value) => self.line(format_args!("labels {value}")),
            StatementKind::Let { pattern, value } => self.line(format_args!("let {pattern} = {value}")),
            StatementKind::Tied { name, layer } => self.line(format_args!("tied {} = {layer}", name.text)),
            StatementKind::Item(_)
            | StatementKind::If { .. }
            | StatementKind::For { .. }
            | StatementKind::Repeat { .. }
            | StatementKind::Unreadable(_) => Ok(()),
        }
    }

    fn flow_item(&mut self, item: &FlowItem) -> fmt::Result {
        let label = item.label.as_ref().map_or(String::new(), |label| format!("{label}: "));
        match &item.kind {
            FlowKind::Use(call) => self.line(format_args!("{label}use {call}")),
            FlowKind::Filled { call, items } => {
                self.line(format_args!("{label}use {call} of items"))?;
                items.items().map_or(Ok(()), |body| self.body(body))
            }
            FlowKind::Join { call, body, .. } => self.header(format_args!("{label}join {call}"), body),
            FlowKind::Sequential(body) => self.header(format_args!("{label}sequential"), body),
            FlowKind::Constant(value) => self.line(format_args!("constant {value}")),
            FlowKind::Group(body) => self.header(format_args!("{label}group"), body),
        }
    }
}

impl Display for InitTarget {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            InitTarget::Layer(name) => formatter.write_str(&name.text),
            InitTarget::Path(path) => write!(formatter, "{path}"),
        }
    }
}
