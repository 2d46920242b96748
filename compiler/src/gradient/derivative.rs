//! Derivatives of scalar expressions, with PyTorch's conventions where there is none: that of `max(x, 0)` at 0 is 0, a clamped
//! value has none at its bounds, a choice has that of what is chosen.
//!
//! A derivative is written with the value itself wherever it can be (`y·(1 − y)` of a sigmoid, `y > 0` of a ReLU), so that the
//! caller may put the result that is there anyway in its place and need not keep what it was made of.

use super::product;
use crate::kernels::{Binary, Expression, Unary};
use std::f64::consts::FRAC_2_SQRT_PI;

/// The derivative by an operand; `None` where it is 0 everywhere.
pub(super) fn derivative(expression: &Expression, x: usize) -> Option<Expression> {
    match expression {
        Expression::Operand(index) => (*index == x).then_some(Expression::Constant(1.0)),
        Expression::Constant(_) | Expression::Index(_) | Expression::Uniform(..) => None,
        Expression::Unary(operation, inner) => unary(expression, *operation, inner, derivative(inner, x)?),
        Expression::Binary(operation, a, b) => binary(expression, *operation, [a, b], x),
        Expression::Select(condition, a, b) => {
            let condition = by_value(expression, condition, a, b);
            select(condition, derivative(a, x), derivative(b, x))
        }
    }
}

/// The derivative of one operation on `x`, whose own is `inner`.
fn unary(whole: &Expression, operation: Unary, x: &Expression, inner: Expression) -> Option<Expression> {
    let (x, y) = (x.clone(), whole.clone());
    let slope = match operation {
        Unary::Negate => return Some(-inner),
        Unary::Fixed => return None,
        Unary::Exp => y,
        // Of the value it would be that and 1, which cancel far below zero.
        Unary::ExpM1 => x.clone().unary(Unary::Exp),
        Unary::Log => return Some(inner / x),
        Unary::Log1P => return Some(inner / (x + 1.0)),
        Unary::Sqrt => Expression::Constant(0.5) / y,
        Unary::Tanh => Expression::Constant(1.0) - y.clone() * y,
        Unary::Erf => (-(x.clone() * x)).unary(Unary::Exp) * FRAC_2_SQRT_PI,
    };
    Some(product(slope, inner))
}

fn binary(whole: &Expression, operation: Binary, [a, b]: [&Expression; 2], x: usize) -> Option<Expression> {
    let (da, db) = (derivative(a, x), derivative(b, x));
    let scaled = |factor: &Expression, d: Option<Expression>| d.map(|d| product(factor.clone(), d));
    match operation {
        Binary::Add => sum(da, db),
        Binary::Subtract => sum(da, db.map(|db| -db)),
        Binary::Multiply => sum(scaled(b, da), scaled(a, db)),
        Binary::Divide => match (sigmoid(whole), da, db) {
            (Some(power), None, Some(_)) => {
                let (y, inner) = (whole.clone(), derivative(power, x)?);
                Some(-product(y.clone() * (Expression::Constant(1.0) - y), inner))
            }
            (_, da, db) => {
                let below = db.map(|db| -(product(a.clone(), db) / (b.clone() * b.clone())));
                sum(da.map(|da| da / b.clone()), below)
            }
        },
        Binary::Maximum | Binary::Minimum => bounded(whole, operation, [a, b], [da, db], x),
        Binary::Power => {
            let exponent = b.clone();
            let base = da.map(|da| product(exponent.clone() * a.clone().power(exponent - 1.0), da));
            let power = db.map(|db| product(whole.clone() * a.clone().unary(Unary::Log), db));
            sum(base, power)
        }
        Binary::Greater => None,
    }
}

/// The derivative of the larger or smaller of two values.
fn bounded(
    y: &Expression,
    operation: Binary,
    [a, b]: [&Expression; 2],
    [da, db]: [Option<Expression>; 2],
    x: usize,
) -> Option<Expression> {
    let inside = |value: &Expression, operation: Binary, bound: f64| match operation {
        Binary::Maximum => value.clone().greater(bound),
        _ => Expression::Constant(bound).greater(value.clone()),
    };
    let ((Some((inner, bound)), None, _) | (Some((inner, bound)), _, None)) = (bound(y), &da, &db) else {
        let (larger, smaller) = if operation == Binary::Maximum { (a, b) } else { (b, a) };
        let (greater, less) = (larger.clone().greater(smaller.clone()), smaller.clone().greater(larger.clone()));
        // Of two equal values each gets half, as in PyTorch.
        let half = sum(da.clone(), db.clone()).map(|both| both * 0.5);
        return select(greater, da, select(less, db, half));
    };
    // Of a value between two bounds both conditions are said of the result.
    if let Expression::Binary(first, ..) = inner
        && let Some((innermost, other)) = self::bound(inner)
        && *first != operation
        && (other < bound) == (*first == Binary::Maximum)
    {
        let both = inside(y, *first, other) * inside(y, operation, bound);
        return select(both, derivative(innermost, x), None);
    }
    select(inside(y, operation, bound), da.or(db), None)
}

/// `max(x, number)` or `min(x, number)`, as `x` and the number.
fn bound(expression: &Expression) -> Option<(&Expression, f64)> {
    let Expression::Binary(Binary::Maximum | Binary::Minimum, a, b) = expression else { return None };
    match (&**a, &**b) {
        (Expression::Constant(number), x) | (x, Expression::Constant(number)) => Some((x, *number)),
        _ => None,
    }
}

/// `1 / (1 + eᵘ)`, as `u`.
fn sigmoid(expression: &Expression) -> Option<&Expression> {
    let Expression::Binary(Binary::Divide, one, below) = expression else { return None };
    let Expression::Binary(Binary::Add, other, power) = &**below else { return None };
    let ones = **one == Expression::Constant(1.0) && **other == Expression::Constant(1.0);
    match &**power {
        Expression::Unary(Unary::Exp, u) if ones => Some(u),
        _ => None,
    }
}

/// The condition of a choice, said of its value where that is the same: `select(u > 0, u, u·slope)` with a slope above zero.
fn by_value(whole: &Expression, condition: &Expression, a: &Expression, b: &Expression) -> Expression {
    let leaky = match (condition, b) {
        (Expression::Binary(Binary::Greater, u, zero), Expression::Binary(Binary::Multiply, v, slope)) => {
            let above = matches!(**slope, Expression::Constant(slope) if slope > 0.0);
            **zero == Expression::Constant(0.0) && above && **u == *a && **v == *a
        }
        _ => false,
    };
    if leaky { whole.clone().greater(0.0) } else { condition.clone() }
}

fn select(condition: Expression, a: Option<Expression>, b: Option<Expression>) -> Option<Expression> {
    if a.is_none() && b.is_none() {
        return None;
    }
    let or_zero = |part: Option<Expression>| part.unwrap_or(Expression::Constant(0.0));
    Some(condition.select(or_zero(a), or_zero(b)))
}

fn sum(a: Option<Expression>, b: Option<Expression>) -> Option<Expression> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a + b),
        (a, b) => a.or(b),
    }
}

#[cfg(test)]
mod tests {
    use super::derivative;
    use crate::kernels::{Expression, Unary};
    use crate::passes::simplify;

    /// The derivative in words, held against a difference at some places.
    fn by_x(expression: Expression) -> String {
        let Some(found) = derivative(&expression, 0) else { return "0".into() };
        for x in [-3.3, -0.4, 0.3, 1.7, 6.5] {
            let at = |x: f64| expression.evaluate(&[x, 1.5]);
            let difference = (at(x + 1e-6) - at(x - 1e-6)) / 2e-6;
            let value = found.evaluate(&[x, 1.5]);
            let same = value.is_nan() && difference.is_nan() || (value - difference).abs() < 1e-6 * (1.0 + value.abs());
            assert!(same, "{expression} at {x}: {value}, and by differences {difference}");
        }
        simplify(&found).to_string()
    }

    fn x() -> Expression {
        Expression::operand(0)
    }

    #[test]
    fn derivatives_are_said_by_the_value() {
        assert_eq!(by_x(x().maximum(0.0)), "select(max(x0, 0) > 0, 1, 0)");
        assert_eq!(by_x(x().sigmoid()), "(1 / (1 + exp(-x0))) * (1 - (1 / (1 + exp(-x0))))");
        assert_eq!(by_x(x().unary(Unary::Tanh)), "1 - (tanh(x0) * tanh(x0))");
        let six = by_x(x().maximum(0.0).minimum(6.0));
        assert_eq!(six, "select((min(max(x0, 0), 6) > 0) * (6 > min(max(x0, 0), 6)), 1, 0)");
        let leaky = x().greater(0.0).select(x(), x() * 0.1);
        assert_eq!(by_x(leaky.clone()), format!("select({leaky} > 0, 1, 0.1)"));
    }

    #[test]
    fn every_operation_has_its_derivative() {
        let y = Expression::operand(1);
        by_x(x() * x() / (y.clone() + x()) - y.clone() / x());
        by_x((x() * x() + 1.0).unary(Unary::Log) * (x() * x() + 0.5).sqrt());
        by_x(x().unary(Unary::Exp).unary(Unary::Log1P));
        by_x(x().unary(Unary::Erf) * x().unary(Unary::ExpM1));
        by_x((x() * x() + 1.0).power(0.75) + y.clone().power(x()));
        by_x(x().maximum(y.clone()) - x().minimum(y.clone() * x()));
        by_x(x() * ((x() + 3.0).maximum(0.0).minimum(6.0) / 6.0));
        by_x(x().greater(0.0).select(x() * y.clone(), x().unary(Unary::ExpM1)));
        by_x(x() * x().sigmoid());
        assert_eq!(by_x(y.clone().unary(Unary::Exp)), "0");
        assert_eq!(by_x(x().greater(y)), "0");
        assert_eq!(derivative(&(x().unary(Unary::Fixed) * 2.0), 0), None);
    }

    /// The value and 1 would cancel: in float32 the slope was off by a tenth at −14, and zero from −17 on.
    #[test]
    fn an_exponential_less_one_has_the_slope_of_the_exponential() {
        let slope = derivative(&x().unary(Unary::ExpM1), 0).unwrap();
        assert_eq!(slope.evaluate(&[-40.0]), (-40f64).exp());
    }

    #[test]
    fn at_a_bound_there_is_none() {
        for (expression, at) in
            [(x().maximum(0.0), 0.0), (x().maximum(0.0).minimum(6.0), 6.0), (x().maximum(0.0).minimum(6.0), 0.0)]
        {
            assert_eq!(derivative(&expression, 0).unwrap().evaluate(&[at]), 0.0, "{expression} at {at}");
        }
    }
}
