//! Values as expressions of the language: constants, numbers, arguments, and what a loop goes through.

use super::progressions;
use super::statements::{Argument as Given, Turns};
use cnnc_compiler::ops::{Constant, Numbers};
use cnnc_compiler::shape::Dim;
use cnnc_grammar::ast::{
    BinaryOperator, Call, Expr, ExprKind, FlowKind, ItemKind, Name, Number, Pattern, StatementKind, StringPart,
    UnaryOperator,
};
use cnnc_grammar::span::{FileId, Span};
use std::collections::HashSet;

/// An argument.
pub fn given(argument: &Given) -> Option<Expr> {
    let of = |left: Expr, operator, right: Expr| expr(ExprKind::Binary(operator, Box::new(left), Box::new(right)));
    Some(match argument {
        Given::Constant(constant) => value_of(constant)?,
        Given::Tuple(members) => expr(ExprKind::Tuple(members.iter().map(given).collect::<Option<_>>()?)),
        Given::Variable(name) => expr(ExprKind::Name(name.clone())),
        Given::Times(factor, other) => of(int(*factor), BinaryOperator::Multiply, given(other)?),
        Given::Part(other, divisor) => of(given(other)?, BinaryOperator::FloorDivide, int(*divisor)),
        // `a + (b + c)` as `a + b + c`.
        Given::Sum(one, other) => match &**other {
            Given::Sum(first, second) => {
                let inner = Given::Sum(one.clone(), first.clone());
                given(&Given::Sum(Box::new(inner), second.clone()))?
            }
            other => of(given(one)?, BinaryOperator::Add, given(other)?),
        },
    })
}

/// What stands between `for` and its braces.
pub fn turns(turns: &Turns) -> Option<(Pattern, Expr)> {
    Some(match turns {
        Turns::Range(variable, first, behind) => {
            let range = ExprKind::Range(Box::new(given(first)?), Box::new(given(behind)?));
            (Pattern::Name(name_of(variable)), expr(range))
        }
        Turns::List(variables, rows) => {
            let mut patterns: Vec<Pattern> =
                variables.iter().map(|variable| Pattern::Name(name_of(variable))).collect();
            let rows = rows.iter().map(|row| {
                let values = row.iter().map(given).collect::<Option<Vec<Expr>>>()?;
                <[Expr; 1]>::try_from(values)
                    .map_or_else(|values| Some(expr(ExprKind::Tuple(values))), |[one]| Some(one))
            });
            let rows = expr(ExprKind::List(rows.collect::<Option<_>>()?));
            let pattern = if patterns.len() == 1 { patterns.pop()? } else { Pattern::Tuple(patterns, Span::default()) };
            (pattern, rows)
        }
    })
}

/// A name without a place.
pub fn name_of(text: &str) -> Name {
    Name { text: text.to_owned(), span: Span::default() }
}

/// An expression without a place.
pub fn expr(kind: ExprKind) -> Expr {
    Expr { kind, span: Span::default(), grouped: false }
}

/// A constant; `None` of a number that is not finite.
pub fn value_of(value: &Constant) -> Option<Expr> {
    let all = |members: &[Constant]| members.iter().map(value_of).collect::<Option<Vec<Expr>>>();
    Some(match value {
        Constant::Int(number) => int(*number),
        Constant::Float(number) => float(*number)?,
        Constant::Bool(truth) => expr(ExprKind::Bool(*truth)),
        Constant::Text(text) => expr(ExprKind::String(vec![StringPart::Text(text.clone())])),
        Constant::Size(dim) => size(dim)?,
        Constant::Tuple(members) => expr(ExprKind::Tuple(all(members)?)),
        Constant::List(members) => expr(ExprKind::List(all(members)?)),
    })
}

/// A whole number.
pub fn int(number: i64) -> Expr {
    let spelling = number.unsigned_abs().to_string().into();
    let magnitude = expr(ExprKind::Int(Number { value: number.saturating_abs(), spelling }));
    negated(magnitude, number < 0)
}

/// A number that is not whole; `None` of one that is not finite.
pub fn float(number: f64) -> Option<Expr> {
    let magnitude = number.abs();
    let spelling = format!("{magnitude:?}").into();
    let positive = expr(ExprKind::Float(Number { value: magnitude, spelling }));
    number.is_finite().then(|| negated(positive, number.is_sign_negative()))
}

fn negated(magnitude: Expr, negative: bool) -> Expr {
    if negative { expr(ExprKind::Unary(UnaryOperator::Negate, Box::new(magnitude))) } else { magnitude }
}

/// A size as the expression that it prints as, which is one of the language.
pub fn size(dim: &Dim) -> Option<Expr> {
    if let Dim::Number(number) = dim {
        return Some(int(*number));
    }
    let (parsed, errors) = cnnc_grammar::parse(&format!("model M {{ Reshape(({dim},)) }}"), FileId::default());
    let ItemKind::Declaration(declaration) = parsed.items.into_iter().next()?.kind else { return None };
    let StatementKind::Item(item) = declaration.body.statements.into_iter().next()?.kind else { return None };
    let FlowKind::Use(Call { arguments: Some(arguments), .. }) = item.kind else { return None };
    let ExprKind::Tuple(members) = arguments.into_iter().next()?.value.kind else { return None };
    members.into_iter().next().filter(|_| errors.is_empty())
}

/// Numbers as nested lists of these sizes; where they are a progression, as the sentence that says it, with names that are free.
pub fn constant(numbers: &Numbers, taken: &HashSet<String>) -> Option<Expr> {
    fn nested(numbers: &[f64], sizes: &[usize]) -> Option<Expr> {
        let Some((&size, inner)) = sizes.split_first() else { return float(*numbers.first()?) };
        let each = numbers.len().checked_div(size)?.max(1);
        Some(expr(ExprKind::List(numbers.chunks(each).map(|part| nested(part, inner)).collect::<Option<_>>()?)))
    }
    progressions::said(numbers, taken).or_else(|| nested(&numbers.numbers, &numbers.sizes))
}
