//! A file's declarations: imports, presets, blocks and models with their parameters.

use pest::iterators::Pair;

use super::{Builder, Rule, children};
use crate::ast::{
    Ast, Body, Declaration, DeclarationKind, Expr, ExprKind, Import, Item, Parameter, Preset, Type, TypeKind,
    UnreadableItem,
};

impl Builder<'_> {
    /// A pair `file`.
    pub(super) fn file(&mut self, pair: Pair<'_, Rule>) -> Ast {
        let items = pair.into_inner().filter_map(|child| self.item(child)).collect();
        Ast { items }
    }

    fn item(&mut self, pair: Pair<'_, Rule>) -> Option<Item> {
        match pair.as_rule() {
            Rule::import => {
                let span = self.span(&pair);
                let path = children(pair).find(|part| part.as_rule() == Rule::plain_string)?;
                Some(Item::Import(Import { path: self.plain_string(path), span }))
            }
            Rule::preset => self.preset(pair).map(Item::Preset),
            Rule::declaration => self.declaration(pair).map(Item::Declaration),
            Rule::unreadable_declaration => Some(Item::Unreadable(self.unreadable_declaration(pair))),
            Rule::stray_brace => {
                self.stray_brace(&pair);
                None
            }
            _ => None,
        }
    }

    fn preset(&mut self, pair: Pair<'_, Rule>) -> Option<Preset> {
        let span = self.span(&pair);
        let (mut name, mut base) = (None, None);
        for part in children(pair) {
            match part.as_rule() {
                Rule::identifier => name = Some(self.name(&part)),
                Rule::call => base = Some(self.call(part)),
                _ => {}
            }
        }
        Some(Preset { name: name?, base: base?, span })
    }

    fn declaration(&mut self, pair: Pair<'_, Rule>) -> Option<Declaration> {
        let mut parts = children(pair);
        let word = parts.next()?;
        let kind = match word.as_rule() {
            Rule::block_word => DeclarationKind::Block,
            _ => DeclarationKind::Model,
        };
        let mut header = self.span(&word);
        let (mut name, mut parameters, mut body) = (None, Vec::new(), Body::default());
        for part in parts {
            match part.as_rule() {
                Rule::body => body = self.body(part),
                Rule::parameters => {
                    header = header.to(self.span(&part));
                    parameters = children(part).filter_map(|parameter| self.parameter(parameter)).collect();
                }
                _ => {
                    header = header.to(self.span(&part));
                    name = Some(self.name(&part));
                }
            }
        }
        Some(Declaration { kind, name: name?, parameters, body, header })
    }

    fn parameter(&mut self, pair: Pair<'_, Rule>) -> Option<Parameter> {
        if pair.as_rule() == Rule::unreadable_parameter {
            return self.unreadable_parameter(&pair);
        }
        let span = self.span(&pair);
        let (mut name, mut ty, mut default) = (None, None, None);
        for part in children(pair) {
            match part.as_rule() {
                Rule::identifier => name = Some(self.name(&part)),
                Rule::type_ => ty = Some(self.type_(part)),
                _ => default = Some(self.expression(part)),
            }
        }
        Some(Parameter { name: name?, ty: ty?, default, span })
    }

    /// A type; `(T)` is `T`.
    fn type_(&mut self, pair: Pair<'_, Rule>) -> Type {
        let span = self.span(&pair);
        let is_list = pair.as_str().starts_with('[');
        let is_tuple = pair.clone().into_inner().any(|child| child.as_rule() == Rule::comma);
        let mut parts = children(pair.clone());
        let kind = match parts.next() {
            Some(inner) if inner.as_rule() == Rule::type_ => {
                let first = self.type_(inner);
                if is_list {
                    TypeKind::List(Box::new(first))
                } else if is_tuple {
                    TypeKind::Tuple(std::iter::once(first).chain(parts.map(|part| self.type_(part))).collect())
                } else {
                    first.kind
                }
            }
            Some(inner) => TypeKind::Named(inner.as_str().to_owned()),
            None => TypeKind::Unreadable,
        };
        Type { kind, span }
    }

    /// A parameter that keeps its name, if it begins with one, so that the body may use it.
    fn unreadable_parameter(&mut self, pair: &Pair<'_, Rule>) -> Option<Parameter> {
        self.report_parameter(pair);
        let span = self.trimmed(pair);
        let name = self.leading_word(pair.as_str(), span.start)?;
        let ty = Type { kind: TypeKind::Unreadable, span };
        let default = Some(Expr { kind: ExprKind::Unreadable, span });
        Some(Parameter { name, ty, default, span })
    }

    /// What fits no declaration: its error, the name after `model` or `block`, and the body.
    fn unreadable_declaration(&mut self, pair: Pair<'_, Rule>) -> UnreadableItem {
        self.report_declaration(&pair);
        let start = pair.as_span().start();
        let text = pair.as_str();
        let name = ["model", "block"].into_iter().find_map(|word| {
            let rest = text.strip_prefix(word).filter(|rest| rest.starts_with([' ', '\t']))?;
            let name = rest.trim_start_matches([' ', '\t']);
            self.leading_word(name, (start + text.len() - name.len()) as u32)
        });
        let body = children(pair).find(|part| part.as_rule() == Rule::body).map(|body| self.body(body));
        UnreadableItem { name, body }
    }
}
