//! A statement or declaration as tokens, without its bodies.

use std::borrow::Cow;

use super::Unreadable;
use super::expression::strings;
use super::token::{Token, Trailing};
use crate::ast::{
    Argument, Call, Declaration, DeclarationKind, Expr, FlowItem, FlowKind, Import, InitTarget, Label, Parameter,
    Pattern, Preset, StatementKind, StringPart, Type, TypeKind,
};

/// Tokens being gathered.
#[derive(Default)]
pub(super) struct Head<'ast> {
    pub(super) tokens: Vec<Token<'ast>>,
    /// Set where something could not be read.
    pub(super) unreadable: Option<Unreadable>,
}

impl<'ast> Head<'ast> {
    pub(super) fn word(&mut self, text: impl Into<Cow<'ast, str>>) {
        self.tokens.push(Token::Word(text.into()));
    }

    pub(super) fn sign(&mut self, text: &'static str) {
        self.tokens.push(Token::Sign(text));
    }

    /// A word of the language and a blank.
    pub(super) fn keyword(&mut self, text: &'static str) {
        self.word(text);
        self.sign(" ");
    }

    /// An opening bracket, elements with commas, and the closing one.
    pub(super) fn brackets<Element>(
        &mut self,
        [open, close]: [char; 2],
        trailing: Trailing,
        elements: &'ast [Element],
        write: impl Fn(&mut Self, &'ast Element),
    ) {
        self.tokens.push(Token::Open(open));
        self.commas(elements, write);
        self.tokens.push(Token::Close(close, trailing));
    }

    fn commas<Element>(&mut self, elements: &'ast [Element], write: impl Fn(&mut Self, &'ast Element)) {
        for (index, element) in elements.iter().enumerate() {
            if index > 0 {
                self.tokens.push(Token::Comma);
            }
            write(self, element);
        }
    }

    /// A tuple, with the comma that makes one of a single element.
    pub(super) fn tuple<Element>(&mut self, elements: &'ast [Element], write: impl Fn(&mut Self, &'ast Element)) {
        let trailing = if elements.len() == 1 { Trailing::Always } else { Trailing::Rows };
        self.brackets(['(', ')'], trailing, elements, write);
    }

    pub(super) fn list(&mut self, elements: &'ast [Expr]) {
        self.brackets(['[', ']'], Trailing::Rows, elements, Head::expression);
    }

    /// What parentheses may be put around, where a comment needs them.
    fn parenthesised(&mut self, write: impl FnOnce(&mut Self)) {
        self.tokens.push(Token::Parenthesis { opens: true, needed: false });
        write(self);
        self.tokens.push(Token::Parenthesis { opens: false, needed: false });
    }

    pub(super) fn import(&mut self, import: &'ast Import) {
        self.keyword("import");
        self.word(format!("\"{}\"", import.path.text));
    }

    pub(super) fn preset(&mut self, preset: &'ast Preset) {
        self.keyword("model");
        self.word(&preset.name.text);
        self.sign(" = ");
        self.call(&preset.base);
    }

    pub(super) fn declaration(&mut self, declaration: &'ast Declaration) {
        self.keyword(match declaration.kind {
            DeclarationKind::Block => "block",
            DeclarationKind::Model => "model",
        });
        self.word(&declaration.name.text);
        match declaration.parameters.as_slice() {
            [] => self.parenthesised(|_| ()),
            parameters => self.brackets(['(', ')'], Trailing::Rows, parameters, Head::parameter),
        }
    }

    fn parameter(&mut self, parameter: &'ast Parameter) {
        self.word(&parameter.name.text);
        self.sign(": ");
        self.type_(&parameter.ty);
        if let Some(default) = &parameter.default {
            self.sign(" = ");
            self.expression(default);
        }
    }

    fn type_(&mut self, ty: &'ast Type) {
        self.parenthesised(|head| match &ty.kind {
            TypeKind::Named(name) => head.word(name),
            TypeKind::List(element) => {
                head.brackets(['[', ']'], Trailing::Never, std::slice::from_ref(&**element), Head::type_);
            }
            TypeKind::Tuple(elements) => head.tuple(elements, Head::type_),
            TypeKind::Unreadable => head.unreadable = Some(Unreadable),
        });
    }

    pub(super) fn pattern(&mut self, pattern: &'ast Pattern) {
        self.parenthesised(|head| match pattern {
            Pattern::Name(name) => head.word(&name.text),
            Pattern::Tuple(parts, _) => head.tuple(parts, Head::pattern),
        });
    }

    pub(super) fn call(&mut self, call: &'ast Call) {
        self.word(&call.callee.text);
        if let Some(arguments) = &call.arguments {
            self.brackets(['(', ')'], Trailing::Rows, arguments, Head::argument);
        }
    }

    fn argument(&mut self, argument: &'ast Argument) {
        if let Some(key) = &argument.key {
            self.word(&key.text);
            self.sign("=");
        }
        self.expression(&argument.value);
    }

    fn label(&mut self, label: &'ast Label) {
        match label.parts.as_slice() {
            [StringPart::Text(word)] if !label.quoted => self.word(word),
            parts => self.string(parts),
        }
        if let Some([StringPart::Value(value)]) = label.member.as_ref().map(|member| member.parts.as_slice()) {
            self.brackets(['[', ']'], Trailing::Never, std::slice::from_ref(value), Head::expression);
        }
    }

    pub(super) fn string(&mut self, parts: &'ast [StringPart]) {
        let text = strings(parts, &mut self.unreadable);
        self.word(text);
    }

    /// A statement up to its first `{`, if it has one.
    pub(super) fn statement(&mut self, kind: &'ast StatementKind) {
        match kind {
            StatementKind::Item(item) => self.item(item),
            StatementKind::If { arms, .. } => arms.iter().take(1).for_each(|(condition, _)| self.condition(condition)),
            StatementKind::For { pattern, values, .. } => {
                self.keyword("for");
                self.pattern(pattern);
                self.sign(" ");
                self.keyword("in");
                self.expression(values);
            }
            StatementKind::Repeat { count, .. } => {
                self.keyword("repeat");
                self.expression(count);
            }
            StatementKind::Input { name, shape, image, .. } => {
                self.keyword("input");
                if let Some(name) = name {
                    self.word(&name.text);
                    self.sign(" ");
                }
                self.list(shape);
                if let Some(image) = image {
                    self.sign(" ");
                    self.call(image);
                }
            }
            StatementKind::Expect { shape, .. } => {
                self.keyword("expect");
                self.list(shape);
            }
            StatementKind::Assert { measure, relation, bound } => {
                self.keyword("assert");
                self.call(measure);
                self.operator(*relation);
                self.expression(bound);
            }
            StatementKind::Output(label) => {
                self.keyword("output");
                self.label(label);
            }
            StatementKind::Keep(label) => {
                self.keyword("keep");
                self.label(label);
            }
            StatementKind::From(path) => {
                self.keyword("from");
                for (index, label) in path.iter().enumerate() {
                    self.sign(if index == 0 { "" } else { "." });
                    self.label(label);
                }
            }
            StatementKind::Init { targets, scheme } => {
                self.keyword("init");
                self.commas(targets, |head, target| match target {
                    InitTarget::Layer(name) => head.word(&name.text),
                    InitTarget::Path(path) => head.label(path),
                });
                self.sign(": ");
                self.call(scheme);
            }
            StatementKind::Labels(value) => {
                self.keyword("labels");
                self.expression(value);
            }
            StatementKind::Let { pattern, value } => {
                self.keyword("let");
                self.pattern(pattern);
                self.sign(" = ");
                self.expression(value);
            }
            StatementKind::Tied { name, layer } => {
                self.keyword("tied");
                self.word(&name.text);
                self.sign(" = ");
                self.call(layer);
            }
            StatementKind::Unreadable(_) => self.unreadable = Some(Unreadable),
        }
    }

    /// `if condition`
    pub(super) fn condition(&mut self, condition: &'ast Expr) {
        self.keyword("if");
        self.expression(condition);
    }

    fn item(&mut self, item: &'ast FlowItem) {
        if let Some(label) = &item.label {
            self.label(label);
            let is_body_next = matches!(item.kind, FlowKind::Sequential(_));
            self.sign(if is_body_next { ":" } else { ": " });
        }
        match &item.kind {
            FlowKind::Use(call) | FlowKind::Filled { call, .. } | FlowKind::Join { call, .. } => self.call(call),
            FlowKind::Sequential(_) if item.label.is_none() => self.word("Sequential"),
            FlowKind::Constant(value) => self.expression(value),
            FlowKind::Sequential(_) | FlowKind::Group(_) => {}
        }
    }
}
