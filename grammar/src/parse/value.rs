//! Values without operators, and calls.

use pest::iterators::Pair;

use super::expression::Deep;
use super::words::{is_reserved, quote};
use super::{Builder, Rule, children};
use crate::ast::{Argument, Call, Clause, Expr, ExprKind, Name};
use crate::error::SyntaxErrorKind;

impl Builder<'_> {
    /// One operand, without its accesses.
    pub(super) fn atom(&mut self, pair: Pair<'_, Rule>) -> Deep {
        let span = self.span(&pair);
        match pair.as_rule() {
            Rule::number => Deep::new(self.number(&pair), span, 1),
            Rule::string => {
                let (parts, depth) = self.string_parts(pair);
                self.bounded(ExprKind::String(parts), span, depth + 1)
            }
            Rule::list => self.list(pair),
            Rule::tuple => self.tuple(pair),
            Rule::call => self.name_or_call(pair),
            _ => Deep::unreadable(span),
        }
    }

    /// A name, `true`, `false`, or a call.
    fn name_or_call(&mut self, pair: Pair<'_, Rule>) -> Deep {
        let span = self.span(&pair);
        let (call, depth) = self.deep_call(pair);
        let kind = match (call.arguments, call.callee.text.as_str()) {
            (None, "true") => ExprKind::Bool(true),
            (None, "false") => ExprKind::Bool(false),
            (arguments, _) if self.is_refused(&call.callee, "an expression") => {
                drop(arguments);
                ExprKind::Unreadable
            }
            (None, _) => ExprKind::Name(call.callee.text),
            (arguments, _) => ExprKind::Call(Call { arguments, ..call }),
        };
        self.bounded(kind, span, depth)
    }

    /// Whether a name in use is a reserved word; reports it, as standing in place of `expected`.
    pub(super) fn is_refused(&mut self, name: &Name, expected: &'static str) -> bool {
        let is_refused = is_reserved(&name.text);
        if is_refused {
            let kind = SyntaxErrorKind::Unexpected { found: quote(&name.text), expected: vec![expected] };
            self.report(kind, name.span);
        }
        is_refused
    }

    /// `(a)` is `a` with a wider span, anything with a comma is a tuple.
    fn tuple(&mut self, pair: Pair<'_, Rule>) -> Deep {
        let span = self.span(&pair);
        let is_tuple = pair.clone().into_inner().any(|child| child.as_rule() == Rule::comma);
        if is_tuple {
            let (elements, depth) = self.elements(pair);
            return self.bounded(ExprKind::Tuple(elements), span, depth + 1);
        }
        match children(pair).next() {
            Some(inner) => {
                let inner = self.deep_expression(inner);
                let mut grouped = Deep::new(inner.expr.kind, span, inner.depth);
                grouped.expr.grouped = true;
                grouped
            }
            None => Deep::unreadable(span),
        }
    }

    /// A list, written out or made by loops.
    fn list(&mut self, pair: Pair<'_, Rule>) -> Deep {
        let span = self.span(&pair);
        let is_made = pair.clone().into_inner().any(|child| child.as_rule() == Rule::clause);
        if !is_made {
            let (elements, depth) = self.elements(pair);
            return self.bounded(ExprKind::List(elements), span, depth + 1);
        }
        let mut parts = children(pair);
        let Some(element) = parts.next().map(|element| self.deep_expression(element)) else {
            return Deep::unreadable(span);
        };
        let mut depth = element.depth;
        let clauses = parts.filter_map(|part| self.clause(part, &mut depth)).collect();
        self.bounded(ExprKind::Comprehension { element: Box::new(element.expr), clauses }, span, depth + 1)
    }

    /// A loop in a list; `depth` grows to that of the deepest of its values.
    fn clause(&mut self, pair: Pair<'_, Rule>, depth: &mut usize) -> Option<Clause> {
        let mut parts = children(pair);
        let pattern = self.pattern(parts.next()?);
        let mut value = |part| {
            let value = self.deep_expression(part);
            *depth = (*depth).max(value.depth);
            value.expr
        };
        let values = value(parts.next()?);
        let conditions = parts.filter_map(|condition| children(condition).next()).map(value).collect();
        Some(Clause { pattern, values, conditions })
    }

    /// The values of a list, a tuple or a shape, and the depth of the deepest.
    pub(super) fn elements(&mut self, pair: Pair<'_, Rule>) -> (Vec<Expr>, usize) {
        let mut depth = 0;
        let elements = children(pair)
            .map(|child| {
                let element = self.deep_expression(child);
                depth = depth.max(element.depth);
                element.expr
            })
            .collect();
        (elements, depth)
    }

    /// A layer or block with or without arguments, from `call`, `join` or `image`; reports a reserved word in its place.
    pub(super) fn call(&mut self, pair: Pair<'_, Rule>) -> Call {
        let call = self.deep_call(pair).0;
        self.is_refused(&call.callee, "a layer or block");
        call
    }

    /// A name with or without arguments, and the depth of the deepest argument.
    pub(super) fn deep_call(&mut self, pair: Pair<'_, Rule>) -> (Call, usize) {
        let mut parts = pair.clone().into_inner();
        let callee = self.name(&parts.next().unwrap_or(pair));
        let mut call = Call { span: callee.span, callee, arguments: None };
        let mut depth = 0;
        if let Some(arguments) = parts.next().filter(|part| part.as_rule() == Rule::arguments) {
            let parentheses = self.span(&arguments);
            call.span = call.span.to(parentheses);
            let (mut braced, mut others, mut all) = (Vec::new(), Vec::new(), Vec::new());
            for argument in children(arguments) {
                let items = argument.clone().into_inner().find(|child| child.as_rule() == Rule::braced);
                let (argument, value_depth) = self.argument(argument);
                depth = depth.max(value_depth);
                match items {
                    Some(items) => braced.push((argument.span, items)),
                    None => others.push(argument.span),
                }
                all.push(argument);
            }
            for (span, items) in braced {
                let body = children(items).find(|part| part.as_rule() == Rule::body).map(|body| self.body(body));
                let others = others.clone();
                let items = body.map_or(span, |body| body.span);
                let kind = SyntaxErrorKind::ItemsAsArgument { arguments: parentheses, items, others };
                self.report(kind, span);
            }
            call.arguments = Some(all);
        }
        (call, depth + 1)
    }

    fn argument(&mut self, pair: Pair<'_, Rule>) -> (Argument, usize) {
        let start = self.range(pair.as_span().start(), pair.as_span().start());
        let (mut key, mut value) = (None, Deep::unreadable(start));
        for child in pair.into_inner() {
            match child.as_rule() {
                Rule::key => key = child.into_inner().next().map(|word| self.name(&word)),
                Rule::braced => value = Deep::unreadable(self.span(&child)),
                _ => value = self.deep_expression(child),
            }
        }
        let span = start.to(value.expr.span);
        (Argument { key, value: value.expr, span }, value.depth)
    }
}
