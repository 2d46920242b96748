//! Declarations: imports, presets, blocks and models with their parameters.

use pest::iterators::Pair;

use super::{Builder, Rule, children};
use crate::ast::{Body, Declaration, DeclarationKind, Expr, ExprKind, Import, Parameter, Preset, Type, TypeKind};

impl Builder<'_> {
    pub(super) fn import(&mut self, pair: Pair<'_, Rule>) -> Option<Import> {
        let span = self.span(&pair);
        let path = children(pair).find(|part| part.as_rule() == Rule::plain_string)?;
        Some(Import { path: self.plain_string(path), span })
    }

    pub(super) fn preset(&mut self, pair: Pair<'_, Rule>) -> Option<Preset> {
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

    pub(super) fn declaration(&mut self, pair: Pair<'_, Rule>) -> Option<Declaration> {
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
                Rule::body => body = self.outer_body(part, header.start as usize),
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
        let span = self.report_unreadable(pair, Rule::lone_parameter);
        let name = self.leading_word(pair.as_str(), span.start as usize)?;
        let ty = Type { kind: TypeKind::Unreadable, span };
        let default = Some(Expr { kind: ExprKind::Unreadable, span, grouped: false });
        Some(Parameter { name, ty, default, span })
    }
}
