//! Expressions: pest gives operators and operands flat, in text order, and this file nests them by precedence.
//!
//! A shunting yard rather than one grammar rule per precedence: fewer pairs, and no recursion but through brackets. What the flat
//! rule lets pass and the language has not (chained comparisons, `if` without `else`) is refused here. Every tree knows its
//! depth, and one deeper than [`EXPRESSION_DEPTH_LIMIT`] is refused, so that whoever walks or drops it may recurse.

use pest::iterators::{Pair, Pairs};

use super::limits::{EXPRESSION_DEPTH_LIMIT, NESTING_LIMIT};
use super::operator::{COMPARISON, Operator, RANGE};
use super::words::{next_in_words, quote};
use super::{Builder, Rule, children};
use crate::ast::{Expr, ExprKind, UnaryOperator};
use crate::error::SyntaxErrorKind;
use crate::span::Span;

/// An expression and what its parent must know of it.
pub(super) struct Deep {
    pub(super) expr: Expr,
    /// Levels of the tree; 1 for a leaf.
    pub(super) depth: usize,
    /// The precedence of its operator, if it is an operation of two values without parentheses around it.
    precedence: Option<u8>,
}

impl Deep {
    pub(super) fn new(kind: ExprKind, span: Span, depth: usize) -> Deep {
        Deep { expr: Expr { kind, span, grouped: false }, depth, precedence: None }
    }

    pub(super) fn unreadable(span: Span) -> Deep {
        Deep::new(ExprKind::Unreadable, span, 1)
    }

    fn is_unreadable(&self) -> bool {
        matches!(self.expr.kind, ExprKind::Unreadable)
    }
}

/// Operands and operators of the operation being read.
#[derive(Default)]
struct Yard {
    operands: Vec<Deep>,
    operators: Vec<(Operator, Span)>,
    /// How many signs and `not`s stand before the next operand.
    prefixes: usize,
    /// The operator before is one that `not` may not follow.
    binds: bool,
}

/// An error of the expression was reported, and no value is left of it.
struct Refused;

impl Builder<'_> {
    /// A pair `expression`.
    pub(super) fn expression(&mut self, pair: Pair<'_, Rule>) -> Expr {
        self.deep_expression(pair).expr
    }

    /// A pair `expression` or `unconditional`, with its depth.
    pub(super) fn deep_expression(&mut self, pair: Pair<'_, Rule>) -> Deep {
        let span = self.span(&pair);
        let mut parts = pair.into_inner();
        if parts.len() == 1 {
            return parts.next().map_or_else(|| Deep::unreadable(span), |atom| self.atom(atom));
        }
        self.conditional(parts, span).unwrap_or_else(|Refused| Deep::unreadable(span))
    }

    /// `value if condition else value if condition else value`, nested from the right.
    fn conditional(&mut self, parts: Pairs<'_, Rule>, span: Span) -> Result<Deep, Refused> {
        let mut segments = Vec::new();
        let mut yard = Yard::default();
        for part in parts {
            let word = if part.as_rule() == Rule::operator { sign_of(&part) } else { "" };
            match (word, segments.len() % 2) {
                ("if", 0) | ("else", 1) => segments.push(self.finish(&mut yard)?),
                ("if", _) => return self.refuse(&part, word, "`else`"),
                ("else", _) => return self.refuse(&part, word, "an `if` before it"),
                _ => self.shift(&mut yard, part)?,
            }
        }
        let mut otherwise = self.finish(&mut yard)?;
        if segments.len() % 2 == 1 {
            return self.lacks_else(span);
        }
        if segments.len() / 2 > NESTING_LIMIT {
            return self.too_deep(NESTING_LIMIT, span);
        }
        while let (Some(condition), Some(value)) = (segments.pop(), segments.pop()) {
            let span = value.expr.span.to(otherwise.expr.span);
            otherwise = self.nest([value, condition, otherwise], span, |[value, condition, otherwise]| {
                ExprKind::Conditional { value, condition, otherwise }
            });
        }
        Ok(otherwise)
    }

    /// Takes one operator, operand or access into the yard.
    fn shift(&mut self, yard: &mut Yard, part: Pair<'_, Rule>) -> Result<(), Refused> {
        let start = part.as_span().start();
        match part.as_rule() {
            Rule::prefix => self.shift_prefix(yard, &part)?,
            Rule::operator => {
                let sign = sign_of(&part);
                let Some(operator) = Operator::binary(sign) else { return Err(Refused) };
                while yard.operators.last().is_some_and(|(top, _)| operator.follows(*top)) {
                    self.reduce(yard)?;
                }
                yard.operators.push((operator, self.range(start, start + sign.len())));
                yard.binds = !operator.takes_not();
            }
            Rule::index | Rule::field => self.access(yard, part),
            _ => {
                yard.prefixes = 0;
                yard.operands.push(self.atom(part));
            }
        }
        Ok(())
    }

    /// Takes a sign or a `not` into the yard.
    fn shift_prefix(&mut self, yard: &mut Yard, part: &Pair<'_, Rule>) -> Result<(), Refused> {
        let start = part.as_span().start();
        let (operator, word) = match part.as_str().starts_with('-') {
            true => (UnaryOperator::Negate, "-"),
            false => (UnaryOperator::Not, "not"),
        };
        if operator == UnaryOperator::Not && yard.binds {
            return self.refuse(part, word, "an expression");
        }
        let place = self.range(start, start + word.len());
        yard.prefixes += 1;
        if yard.prefixes > NESTING_LIMIT {
            return self.too_deep(NESTING_LIMIT, place);
        }
        yard.binds = operator == UnaryOperator::Negate;
        yard.operators.push((Operator::Unary(operator), place));
        Ok(())
    }

    /// Applies what remains and empties the yard.
    fn finish(&mut self, yard: &mut Yard) -> Result<Deep, Refused> {
        while !yard.operators.is_empty() {
            self.reduce(yard)?;
        }
        std::mem::take(yard).operands.pop().ok_or(Refused)
    }

    /// Applies the last operator to the last operands.
    fn reduce(&mut self, yard: &mut Yard) -> Result<(), Refused> {
        let (Some((operator, place)), Some(right)) = (yard.operators.pop(), yard.operands.pop()) else {
            return Err(Refused);
        };
        let result = match operator {
            Operator::Unary(operator) => {
                let span = place.to(right.expr.span);
                self.nest([right], span, |[value]| ExprKind::Unary(operator, value))
            }
            Operator::Binary(binary) => {
                let left = yard.operands.pop().ok_or(Refused)?;
                self.unchained(operator, place, &left, &right)?;
                let span = left.expr.span.to(right.expr.span);
                self.nest([left, right], span, |[left, right]| ExprKind::Binary(binary, left, right))
            }
            Operator::Range => {
                let left = yard.operands.pop().ok_or(Refused)?;
                self.unchained(operator, place, &left, &right)?;
                let span = left.expr.span.to(right.expr.span);
                self.nest([left, right], span, |[left, right]| ExprKind::Range(left, right))
            }
        };
        let precedence = Some(operator.precedence());
        yard.operands.push(Deep { precedence, ..result });
        Ok(())
    }

    /// Refuses `a < b < c` and `a..b..c`.
    fn unchained(&mut self, operator: Operator, place: Span, left: &Deep, right: &Deep) -> Result<(), Refused> {
        let precedence = operator.precedence();
        if left.precedence != Some(precedence) {
            return Ok(());
        }
        match precedence {
            COMPARISON => self.report(SyntaxErrorKind::ChainedComparison, left.expr.span.to(right.expr.span)),
            RANGE => {
                let (found, expected) = (quote(".."), vec!["the end of the range"]);
                self.report(SyntaxErrorKind::Unexpected { found, expected }, place);
            }
            _ => return Ok(()),
        }
        Err(Refused)
    }

    /// `value[index]` or `value.name`, applied to the last operand.
    fn access(&mut self, yard: &mut Yard, pair: Pair<'_, Rule>) {
        let Some(value) = yard.operands.pop() else { return };
        let span = value.expr.span.to(self.span(&pair));
        let is_index = pair.as_rule() == Rule::index;
        let mut parts = children(pair);
        let Some(child) = parts.next() else { return yard.operands.push(value) };
        let result = match (is_index, child.as_rule()) {
            (false, _) => {
                let name = self.name(&child);
                self.nest([value], span, |[value]| ExprKind::Field(value, name))
            }
            (true, Rule::slice) => self.slice(value, None, child, span),
            (true, _) => {
                let first = self.deep_expression(child);
                match parts.next() {
                    Some(slice) => self.slice(value, Some(first), slice, span),
                    None => self.nest([value, first], span, |[value, index]| ExprKind::Index(value, index)),
                }
            }
        };
        yard.operands.push(result);
    }

    /// `value[start:end:step]`, from what stands behind the start.
    fn slice(&mut self, value: Deep, start: Option<Deep>, pair: Pair<'_, Rule>, span: Span) -> Deep {
        let mut bounds = vec![start];
        for part in pair.into_inner() {
            match (part.as_rule(), bounds.last_mut()) {
                (Rule::colon, _) | (_, None) => bounds.push(None),
                (_, Some(bound)) => *bound = Some(self.deep_expression(part)),
            }
        }
        if std::iter::once(&value).chain(bounds.iter().flatten()).any(Deep::is_unreadable) {
            return Deep::unreadable(span);
        }
        let depth = bounds.iter().flatten().map(|bound| bound.depth).fold(value.depth, usize::max) + 1;
        let mut bounds = bounds.into_iter().map(|bound| bound.map(|bound| Box::new(bound.expr)));
        let mut next = || bounds.next().flatten();
        let (start, end, step) = (next(), next(), next());
        self.bounded(ExprKind::Slice { value: Box::new(value.expr), start, end, step }, span, depth)
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
    pub(super) fn bounded(&mut self, kind: ExprKind, span: Span, depth: usize) -> Deep {
        if depth > EXPRESSION_DEPTH_LIMIT {
            self.report(SyntaxErrorKind::TooDeep { limit: EXPRESSION_DEPTH_LIMIT }, span);
            return Deep::unreadable(span);
        }
        Deep::new(kind, span, depth)
    }

    fn too_deep<Value>(&mut self, limit: usize, span: Span) -> Result<Value, Refused> {
        self.report(SyntaxErrorKind::TooDeep { limit }, span);
        Err(Refused)
    }

    /// Reports an operator where something else is expected.
    fn refuse<Value>(&mut self, part: &Pair<'_, Rule>, word: &str, expected: &'static str) -> Result<Value, Refused> {
        let start = part.as_span().start();
        let kind = SyntaxErrorKind::Unexpected { found: quote(word), expected: vec![expected] };
        self.report(kind, self.range(start, start + word.len()));
        Err(Refused)
    }

    /// Reports `a if b` at its end.
    fn lacks_else(&mut self, span: Span) -> Result<Deep, Refused> {
        let end = span.end as usize;
        let (found, from, to) = next_in_words(self.text.get(end..).unwrap_or(""));
        let kind = SyntaxErrorKind::Unexpected { found, expected: vec!["`else`"] };
        self.report(kind, self.range(end + from, end + to));
        Err(Refused)
    }
}

/// The sign or word of an operator, without the line ends that its token takes.
fn sign_of<'text>(operator: &Pair<'text, Rule>) -> &'text str {
    operator.as_str().split([' ', '\t', '\n', '\r', '#']).next().unwrap_or("")
}
