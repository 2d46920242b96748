//! Expressions: pest gives the operators flat, in text order, and this file nests them by precedence.
//!
//! A shunting yard rather than one grammar rule per precedence: fewer pairs, and no recursion but through brackets. Every tree
//! knows its depth, and one deeper than [`EXPRESSION_DEPTH_LIMIT`] is refused, so that whoever walks or drops it may recurse.

use pest::iterators::Pair;

use super::limits::{EXPRESSION_DEPTH_LIMIT, NESTING_LIMIT};
use super::{Builder, Rule, children};
use crate::ast::{Argument, BinaryOperator, Call, Expr, ExprKind, UnaryOperator};
use crate::error::SyntaxErrorKind;
use crate::span::Span;

/// An expression and what its parent must know of it.
pub(super) struct Deep {
    pub(super) expr: Expr,
    /// Levels of the tree; 1 for a leaf.
    pub(super) depth: usize,
    /// Whether it is a comparison without parentheses around it.
    comparison: bool,
}

impl Deep {
    fn new(kind: ExprKind, span: Span, depth: usize) -> Deep {
        Deep { expr: Expr { kind, span }, depth, comparison: false }
    }

    fn unreadable(span: Span) -> Deep {
        Deep::new(ExprKind::Unreadable, span, 1)
    }

    fn is_unreadable(&self) -> bool {
        matches!(self.expr.kind, ExprKind::Unreadable)
    }
}

/// An operator that waits for its right operand.
#[derive(Clone, Copy)]
enum Operator {
    Unary(UnaryOperator),
    Binary(BinaryOperator),
    Range,
}

impl Operator {
    fn binary(text: &str) -> Option<Operator> {
        let operator = match text {
            "or" => BinaryOperator::Or,
            "and" => BinaryOperator::And,
            "==" => BinaryOperator::Equal,
            "!=" => BinaryOperator::NotEqual,
            "<" => BinaryOperator::Less,
            "<=" => BinaryOperator::LessEqual,
            ">" => BinaryOperator::Greater,
            ">=" => BinaryOperator::GreaterEqual,
            "+" => BinaryOperator::Add,
            "-" => BinaryOperator::Subtract,
            "*" => BinaryOperator::Multiply,
            "/" => BinaryOperator::Divide,
            "//" => BinaryOperator::FloorDivide,
            "%" => BinaryOperator::Remainder,
            _ => return None,
        };
        Some(Operator::Binary(operator))
    }

    /// How tightly it binds.
    fn precedence(self) -> u8 {
        match self {
            Operator::Binary(BinaryOperator::Or) => 1,
            Operator::Binary(BinaryOperator::And) => 2,
            Operator::Unary(UnaryOperator::Not) => 3,
            Operator::Binary(
                BinaryOperator::Equal
                | BinaryOperator::NotEqual
                | BinaryOperator::Less
                | BinaryOperator::LessEqual
                | BinaryOperator::Greater
                | BinaryOperator::GreaterEqual,
            ) => 4,
            Operator::Range => 5,
            Operator::Binary(BinaryOperator::Add | BinaryOperator::Subtract) => 6,
            Operator::Binary(
                BinaryOperator::Multiply
                | BinaryOperator::Divide
                | BinaryOperator::FloorDivide
                | BinaryOperator::Remainder,
            ) => 7,
            Operator::Unary(UnaryOperator::Negate) => 8,
        }
    }

    fn is_comparison(self) -> bool {
        self.precedence() == 4
    }
}

/// Operands and operators of the operation being read.
#[derive(Default)]
struct Yard {
    operands: Vec<Deep>,
    operators: Vec<(Operator, Span)>,
}

impl Builder<'_> {
    /// A pair `expression`.
    pub(super) fn expression(&mut self, pair: Pair<'_, Rule>) -> Expr {
        self.deep_expression(pair).expr
    }

    /// A pair `expression`, with its depth.
    pub(super) fn deep_expression(&mut self, pair: Pair<'_, Rule>) -> Deep {
        let span = self.span(&pair);
        let mut segments = Vec::new();
        let mut yard = Yard::default();
        for child in pair.into_inner() {
            if matches!(child.as_rule(), Rule::if_word | Rule::else_word) {
                segments.push(self.finish(&mut yard, span));
            } else {
                self.shift(&mut yard, child);
            }
        }
        let last = self.finish(&mut yard, span);
        self.conditional(segments, last, span)
    }

    /// `value, condition, value, condition, …` and the last value, nested from the right.
    fn conditional(&mut self, mut segments: Vec<Deep>, last: Deep, span: Span) -> Deep {
        if segments.len() / 2 > NESTING_LIMIT {
            self.report(SyntaxErrorKind::TooDeep { limit: NESTING_LIMIT }, span);
            return Deep::unreadable(span);
        }
        let mut otherwise = last;
        while let (Some(condition), Some(value)) = (segments.pop(), segments.pop()) {
            let span = value.expr.span.to(otherwise.expr.span);
            otherwise = self.nest([value, condition, otherwise], span, |[value, condition, otherwise]| {
                ExprKind::Conditional { value, condition, otherwise }
            });
        }
        otherwise
    }

    /// Takes one operator, operand or access into the yard.
    fn shift(&mut self, yard: &mut Yard, pair: Pair<'_, Rule>) {
        let span = self.span(&pair);
        let operator = match pair.as_rule() {
            Rule::minus => Operator::Unary(UnaryOperator::Negate),
            Rule::not_word => Operator::Unary(UnaryOperator::Not),
            Rule::range_operator => Operator::Range,
            Rule::index | Rule::field => return self.access(yard, pair),
            _ => match Operator::binary(pair.as_str()) {
                Some(operator) => operator,
                None => {
                    let atom = self.atom(pair);
                    return yard.operands.push(atom);
                }
            },
        };
        if !matches!(operator, Operator::Unary(_)) {
            while yard.operators.last().is_some_and(|(top, _)| top.precedence() >= operator.precedence()) {
                self.reduce(yard);
            }
        }
        yard.operators.push((operator, span));
    }

    /// Applies what remains and empties the yard.
    fn finish(&mut self, yard: &mut Yard, span: Span) -> Deep {
        let signs = yard.operators.iter().filter(|(operator, _)| matches!(operator, Operator::Unary(_))).count();
        if signs > NESTING_LIMIT {
            self.report(SyntaxErrorKind::TooDeep { limit: NESTING_LIMIT }, span);
            *yard = Yard::default();
            return Deep::unreadable(span);
        }
        while !yard.operators.is_empty() {
            self.reduce(yard);
        }
        yard.operands.pop().unwrap_or_else(|| Deep::unreadable(span))
    }

    /// Applies the last operator to the last operands.
    fn reduce(&mut self, yard: &mut Yard) {
        let Some((operator, start)) = yard.operators.pop() else { return };
        let Some(right) = yard.operands.pop() else { return };
        let result = match operator {
            Operator::Unary(operator) => {
                let span = start.to(right.expr.span);
                self.nest([right], span, |[value]| ExprKind::Unary(operator, value))
            }
            Operator::Binary(_) | Operator::Range => {
                let Some(left) = yard.operands.pop() else { return yard.operands.push(right) };
                self.pair_up(operator, left, right)
            }
        };
        yard.operands.push(result);
    }

    fn pair_up(&mut self, operator: Operator, left: Deep, right: Deep) -> Deep {
        let span = left.expr.span.to(right.expr.span);
        if operator.is_comparison() && left.comparison {
            self.report(SyntaxErrorKind::ChainedComparison, span);
            return Deep::unreadable(span);
        }
        let mut result = self.nest([left, right], span, |[left, right]| match operator {
            Operator::Binary(operator) => ExprKind::Binary(operator, left, right),
            Operator::Range | Operator::Unary(_) => ExprKind::Range(left, right),
        });
        result.comparison = operator.is_comparison();
        result
    }

    /// `value[index]` or `value.name`, applied to the last operand.
    fn access(&mut self, yard: &mut Yard, pair: Pair<'_, Rule>) {
        let Some(value) = yard.operands.pop() else { return };
        let span = value.expr.span.to(self.span(&pair));
        let is_index = pair.as_rule() == Rule::index;
        let Some(child) = children(pair).next() else { return };
        let result = if is_index {
            let index = self.deep_expression(child);
            self.nest([value, index], span, |[value, index]| ExprKind::Index(value, index))
        } else {
            let name = self.name(&child);
            self.nest([value], span, |[value]| ExprKind::Field(value, name))
        };
        yard.operands.push(result);
    }

    /// Puts operands under a new node; unreadable ones make it unreadable, and so does a tree grown too deep.
    fn nest<const COUNT: usize>(
        &mut self,
        operands: [Deep; COUNT],
        span: Span,
        make: impl FnOnce([Box<Expr>; COUNT]) -> ExprKind,
    ) -> Deep {
        if operands.iter().any(Deep::is_unreadable) {
            return Deep::unreadable(span);
        }
        let depth = 1 + operands.iter().map(|operand| operand.depth).max().unwrap_or(0);
        let kind = make(operands.map(|operand| Box::new(operand.expr)));
        self.bounded(kind, span, depth)
    }

    /// The node, unless it is too deep.
    fn bounded(&mut self, kind: ExprKind, span: Span, depth: usize) -> Deep {
        if depth > EXPRESSION_DEPTH_LIMIT {
            self.report(SyntaxErrorKind::TooDeep { limit: EXPRESSION_DEPTH_LIMIT }, span);
            return Deep::unreadable(span);
        }
        Deep::new(kind, span, depth)
    }

    /// A value without operators.
    fn atom(&mut self, pair: Pair<'_, Rule>) -> Deep {
        let span = self.span(&pair);
        match pair.as_rule() {
            Rule::number => Deep::new(self.number(&pair), span, 1),
            Rule::boolean => Deep::new(ExprKind::Bool(pair.as_str() == "true"), span, 1),
            Rule::string => {
                let (parts, depth) = self.string_parts(pair);
                self.bounded(ExprKind::String(parts), span, depth + 1)
            }
            Rule::list => {
                let (elements, depth) = self.elements(pair);
                self.bounded(ExprKind::List(elements), span, depth + 1)
            }
            Rule::tuple => self.tuple(pair),
            Rule::call => {
                let (call, depth) = self.deep_call(pair);
                let kind =
                    if call.arguments.is_some() { ExprKind::Call(call) } else { ExprKind::Name(call.callee.text) };
                self.bounded(kind, span, depth)
            }
            _ => Deep::unreadable(span),
        }
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
                Deep::new(inner.expr.kind, span, inner.depth)
            }
            None => Deep::unreadable(span),
        }
    }

    /// The values of a list or a tuple.
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

    /// A name with or without arguments, from `call`, `join` or `image`.
    pub(super) fn call(&mut self, pair: Pair<'_, Rule>) -> Call {
        self.deep_call(pair).0
    }

    fn deep_call(&mut self, pair: Pair<'_, Rule>) -> (Call, usize) {
        let mut parts = pair.clone().into_inner();
        let callee = self.name(&parts.next().unwrap_or(pair));
        let mut call = Call { span: callee.span, callee, arguments: None };
        let mut depth = 0;
        if let Some(arguments) = parts.next().filter(|part| part.as_rule() == Rule::arguments) {
            call.span = call.span.to(self.span(&arguments));
            let arguments = children(arguments).map(|argument| {
                let (argument, value_depth) = self.argument(argument);
                depth = depth.max(value_depth);
                argument
            });
            call.arguments = Some(arguments.collect());
        }
        (call, depth + 1)
    }

    fn argument(&mut self, pair: Pair<'_, Rule>) -> (Argument, usize) {
        let span = self.span(&pair);
        let (mut key, mut value) = (None, Deep::unreadable(span));
        for child in children(pair) {
            match child.as_rule() {
                Rule::word => key = Some(self.name(&child)),
                _ => value = self.deep_expression(child),
            }
        }
        (Argument { key, value: value.expr, span }, value.depth)
    }
}
