//! Operators on values, as Python defines them, but with ints of 64 bits and no conversion in silence.
//!
//! `/` gives a float, `//` rounds down and `%` has the sign of the divisor; an int and a float meet as floats; conditions are
//! bools. What has no result (overflow, division by zero) is a [`Fault`]. Sizes that hold symbols add, subtract, multiply and
//! floor-divide. Lists of numbers are `tensors`.

use super::value::{Items, MAX_TEXT_BYTES, Value};
use super::{power, tensors};
use crate::shape::Dim;
use cnnc_grammar::ast::{BinaryOperator, UnaryOperator};
use std::cmp::Ordering;
use std::rc::Rc;

/// Why an operator or a function has no result. Places are added by the evaluation.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::resolve) enum Fault {
    /// Values of the wrong type; the text says what would do, as the end of "expected …".
    Type(&'static str),
    /// There is no such number; the text says why.
    NoResult(&'static str),
    /// A symbol where a number is needed.
    Symbol(Dim),
    /// Lists of different lengths, which are these.
    Lengths(Vec<i64>),
}

pub(super) type Result<T> = std::result::Result<T, Fault>;

pub(super) const OVERFLOW: Fault = Fault::NoResult("the result does not fit 64 bits");
pub(super) const NOT_FINITE: Fault = Fault::NoResult("the result is not a finite number");
pub(super) const ZERO: Fault = Fault::NoResult("this divides by zero");
pub(super) const TOO_LONG: Fault = Fault::NoResult("the result is longer than any list or text may be");
const NUMBERS: Fault = Fault::Type("two numbers");

/// `-value` or `not value`
pub(in crate::resolve) fn unary<'a>(operator: UnaryOperator, value: &Value<'a>) -> Result<Value<'a>> {
    match (operator, value) {
        (UnaryOperator::Not, Value::Bool(truth)) => Ok(Value::Bool(!truth)),
        (UnaryOperator::Not, _) => Err(Fault::Type("a bool")),
        (UnaryOperator::Negate, Value::Int(number)) => number.checked_neg().map(Value::Int).ok_or(OVERFLOW),
        (UnaryOperator::Negate, Value::Float(number)) => Ok(Value::Float(-number)),
        (UnaryOperator::Negate, Value::Size(size)) => size.times_number(-1).map(from_size).map_err(|_| OVERFLOW),
        (UnaryOperator::Negate, Value::List(items)) => tensors::negated(items),
        (UnaryOperator::Negate, _) => Err(Fault::Type("a number")),
    }
}

/// `left operator right`; `and` and `or` take bools and are decided by the evaluation where the left side decides them.
pub(in crate::resolve) fn binary<'a>(
    operator: BinaryOperator,
    left: &Value<'a>,
    right: &Value<'a>,
) -> Result<Value<'a>> {
    use BinaryOperator as Op;
    match operator {
        Op::Or | Op::And => match (left, right) {
            (Value::Bool(a), Value::Bool(b)) => Ok(Value::Bool(if operator == Op::Or { *a || *b } else { *a && *b })),
            _ => Err(Fault::Type("two bools")),
        },
        Op::Equal => equal(left, right).map(Value::Bool),
        Op::NotEqual => equal(left, right).map(|equal| Value::Bool(!equal)),
        Op::Less => order(left, right).map(|order| Value::Bool(order == Ordering::Less)),
        Op::LessEqual => order(left, right).map(|order| Value::Bool(order != Ordering::Greater)),
        Op::Greater => order(left, right).map(|order| Value::Bool(order == Ordering::Greater)),
        Op::GreaterEqual => order(left, right).map(|order| Value::Bool(order != Ordering::Less)),
        Op::Add | Op::Subtract | Op::Multiply | Op::Divide | Op::FloorDivide | Op::Remainder | Op::Power => {
            arithmetic(operator, left, right)
        }
    }
}

/// Whether two values are the same. Values of different types are not compared, since the answer would say nothing.
pub(in crate::resolve) fn equal(left: &Value<'_>, right: &Value<'_>) -> Result<bool> {
    match (left, right) {
        (Value::Bool(a), Value::Bool(b)) => Ok(a == b),
        (Value::Tuple(a), Value::Tuple(b)) | (Value::List(a), Value::List(b)) => {
            if a.values().len() != b.values().len() {
                return Ok(false);
            }
            a.values().iter().zip(b.values()).try_fold(true, |all, (a, b)| Ok(all && equal(a, b)?))
        }
        (Value::Layer(a), Value::Layer(b)) => a.same(b),
        _ => order(left, right).map(|order| order == Ordering::Equal),
    }
}

fn order(left: &Value<'_>, right: &Value<'_>) -> Result<Ordering> {
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => Ok(a.cmp(b)),
        (Value::Float(a), Value::Float(b)) => a.partial_cmp(b).ok_or(NOT_FINITE),
        (Value::Int(a), Value::Float(b)) => order_mixed(*a, *b),
        (Value::Float(a), Value::Int(b)) => order_mixed(*b, *a).map(Ordering::reverse),
        (Value::Text(a), Value::Text(b)) => Ok(a.cmp(b)),
        (Value::Size(_), Value::Size(_) | Value::Int(_)) | (Value::Int(_), Value::Size(_)) => order_sizes(left, right),
        (Value::Size(size), Value::Float(_)) | (Value::Float(_), Value::Size(size)) => Err(Fault::Symbol(size.clone())),
        _ => Err(Fault::Type("two values of one type")),
    }
}

/// An int and a float by their exact values.
fn order_mixed(int: i64, float: f64) -> Result<Ordering> {
    // A float past ±2^63 saturates to an i128 beyond every i64; the cast truncates, so the fraction decides ties.
    let whole = float as i128;
    let ties = 0.0f64.partial_cmp(&(float - float.trunc())).ok_or(NOT_FINITE)?;
    Ok(i128::from(int).cmp(&whole).then(ties))
}

/// Two sizes, as long as their difference is a number.
fn order_sizes(left: &Value<'_>, right: &Value<'_>) -> Result<Ordering> {
    let (a, b) = (size(left).ok_or(NUMBERS)?, size(right).ok_or(NUMBERS)?);
    match a.minus(&b).map_err(|_| OVERFLOW)?.number() {
        Some(difference) => Ok(difference.cmp(&0)),
        None => Err(Fault::Symbol(if a.number().is_none() { a } else { b })),
    }
}

fn arithmetic<'a>(operator: BinaryOperator, left: &Value<'a>, right: &Value<'a>) -> Result<Value<'a>> {
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => ints(operator, *a, *b),
        (Value::Int(a), Value::Float(b)) => floats(operator, *a as f64, *b),
        (Value::Float(a), Value::Int(b)) => floats(operator, *a, *b as f64),
        (Value::Float(a), Value::Float(b)) => floats(operator, *a, *b),
        (Value::Size(_), Value::Size(_) | Value::Int(_)) | (Value::Int(_), Value::Size(_)) => {
            sizes(operator, left, right)
        }
        (Value::Size(size), Value::Float(_)) | (Value::Float(_), Value::Size(size)) => Err(Fault::Symbol(size.clone())),
        (Value::Text(a), Value::Text(b)) if operator == BinaryOperator::Add => {
            if a.len().saturating_add(b.len()) > MAX_TEXT_BYTES {
                return Err(TOO_LONG);
            }
            Ok(Value::Text(format!("{a}{b}").into()))
        }
        (Value::Tuple(a), Value::Tuple(b)) if operator == BinaryOperator::Add => joined(a, b).map(Value::Tuple),
        // Python would join and repeat nested lists of numbers, NumPy add and multiply: neither is taken for meant.
        (Value::List(a), Value::List(b)) if operator == BinaryOperator::Add => match is_tensor(a) && is_tensor(b) {
            true => Err(Fault::Type("lists that are not nested")),
            false => joined(a, b).map(Value::List),
        },
        (Value::List(items), Value::Int(count)) | (Value::Int(count), Value::List(items))
            if operator == BinaryOperator::Multiply =>
        {
            match is_tensor(items) {
                true => Err(Fault::Type("a float beside a nested list")),
                false => repeated(items, *count).map(Value::List),
            }
        }
        (Value::List(_), Value::List(_) | Value::Int(_) | Value::Float(_))
        | (Value::Int(_) | Value::Float(_), Value::List(_))
            if matches!(operator, BinaryOperator::Add | BinaryOperator::Subtract)
                || matches!(operator, BinaryOperator::Multiply | BinaryOperator::Divide) =>
        {
            tensors::elementwise(operator, left, right)
        }
        _ => Err(NUMBERS),
    }
}

fn ints<'a>(operator: BinaryOperator, a: i64, b: i64) -> Result<Value<'a>> {
    let number = match operator {
        BinaryOperator::Add => a.checked_add(b),
        BinaryOperator::Subtract => a.checked_sub(b),
        BinaryOperator::Multiply => a.checked_mul(b),
        BinaryOperator::Divide => return floats(operator, a as f64, b as f64),
        BinaryOperator::FloorDivide | BinaryOperator::Remainder if b == 0 => return Err(ZERO),
        BinaryOperator::FloorDivide => floor_quotient(a, b),
        BinaryOperator::Remainder => Some(floor_remainder(a, b)),
        BinaryOperator::Power => return power::ints(a, b),
        _ => return Err(NUMBERS),
    };
    number.map(Value::Int).ok_or(OVERFLOW)
}

/// `⌊a / b⌋` for a divisor that is not 0; `None` when it does not fit.
fn floor_quotient(a: i64, b: i64) -> Option<i64> {
    let quotient = a.checked_div(b)?;
    let inexact = a.checked_rem(b)? != 0;
    if inexact && ((a < 0) != (b < 0)) { quotient.checked_sub(1) } else { Some(quotient) }
}

/// The remainder of [`floor_quotient`], for a divisor that is not 0; it lies between 0 and the divisor.
fn floor_remainder(a: i64, b: i64) -> i64 {
    let remainder = a.wrapping_rem(b);
    if remainder != 0 && (remainder < 0) != (b < 0) { remainder + b } else { remainder }
}

fn floats<'a>(operator: BinaryOperator, a: f64, b: f64) -> Result<Value<'a>> {
    let divides = matches!(operator, BinaryOperator::Divide | BinaryOperator::FloorDivide | BinaryOperator::Remainder);
    if divides && b == 0.0 {
        return Err(ZERO);
    }
    let number = match operator {
        BinaryOperator::Add => a + b,
        BinaryOperator::Subtract => a - b,
        BinaryOperator::Multiply => a * b,
        BinaryOperator::Divide => a / b,
        BinaryOperator::FloorDivide => ((a - float_remainder(a, b)) / b).round(),
        BinaryOperator::Remainder => float_remainder(a, b),
        BinaryOperator::Power => return power::floats(a, b),
        _ => return Err(NUMBERS),
    };
    if number.is_finite() { Ok(Value::Float(number)) } else { Err(NOT_FINITE) }
}

/// The remainder with the sign of the divisor.
fn float_remainder(a: f64, b: f64) -> f64 {
    let remainder = a % b;
    if remainder != 0.0 && (remainder < 0.0) != (b < 0.0) { remainder + b } else { remainder }
}

fn sizes<'a>(operator: BinaryOperator, left: &Value<'a>, right: &Value<'a>) -> Result<Value<'a>> {
    let (a, b) = (size(left).ok_or(NUMBERS)?, size(right).ok_or(NUMBERS)?);
    let symbol = || Fault::Symbol(if a.number().is_none() { a.clone() } else { b.clone() });
    let result = match operator {
        BinaryOperator::Add => a.plus(&b),
        BinaryOperator::Subtract => a.minus(&b),
        BinaryOperator::Multiply => a.times(&b),
        BinaryOperator::FloorDivide => match b.number() {
            Some(0) => return Err(ZERO),
            Some(divisor) if divisor > 0 => a.floor_divided(divisor),
            _ => return Err(symbol()),
        },
        BinaryOperator::Power => return power::sizes(&a, &b),
        _ => return Err(symbol()),
    };
    result.map(from_size).map_err(|_| OVERFLOW)
}

/// A value as a size.
pub(in crate::resolve) fn size(value: &Value<'_>) -> Option<Dim> {
    match value {
        Value::Int(number) => Some(Dim::Number(*number)),
        Value::Size(size) => Some(size.clone()),
        _ => None,
    }
}

/// A size as a value: an int as soon as it is a number.
pub(in crate::resolve) fn from_size<'a>(size: Dim) -> Value<'a> {
    match size {
        Dim::Number(number) => Value::Int(number),
        symbolic => Value::Size(symbolic),
    }
}

/// Whether a list is a nested one of numbers.
fn is_tensor(items: &Items<'_>) -> bool {
    let is_row = |value: &Value<'_>| matches!(value, Value::List(row) if row.values().iter().all(is_nested_number));
    !items.values().is_empty() && items.values().iter().all(is_row)
}

fn is_nested_number(value: &Value<'_>) -> bool {
    match value {
        Value::Int(_) | Value::Float(_) => true,
        Value::List(items) => items.values().iter().all(is_nested_number),
        _ => false,
    }
}

fn joined<'a>(a: &Items<'a>, b: &Items<'a>) -> Result<Rc<Items<'a>>> {
    Items::new(a.values().iter().chain(b.values()).cloned().collect()).ok_or(TOO_LONG)
}

fn repeated<'a>(items: &Items<'a>, count: i64) -> Result<Rc<Items<'a>>> {
    let count = usize::try_from(count.max(0)).map_err(|_| TOO_LONG)?;
    items.repeated(count).ok_or(TOO_LONG)
}

#[cfg(test)]
mod tests {
    use super::*;
    use BinaryOperator as Op;

    fn int(operator: Op, a: i64, b: i64) -> Option<i64> {
        match binary(operator, &Value::Int(a), &Value::Int(b)) {
            Ok(Value::Int(number)) => Some(number),
            _ => None,
        }
    }

    fn float(operator: Op, a: f64, b: f64) -> Option<f64> {
        match binary(operator, &Value::Float(a), &Value::Float(b)) {
            Ok(Value::Float(number)) => Some(number),
            _ => None,
        }
    }

    #[test]
    fn floor_division_and_remainder_have_pythons_signs() {
        for (a, b, quotient, remainder) in
            [(7, 2, 3, 1), (-7, 2, -4, 1), (7, -2, -4, -1), (-7, -2, 3, -1), (6, 3, 2, 0)]
        {
            assert_eq!(int(Op::FloorDivide, a, b), Some(quotient), "{a} // {b}");
            assert_eq!(int(Op::Remainder, a, b), Some(remainder), "{a} % {b}");
            assert_eq!(float(Op::FloorDivide, a as f64, b as f64), Some(quotient as f64), "{a}.0 // {b}.0");
            assert_eq!(float(Op::Remainder, a as f64, b as f64), Some(remainder as f64), "{a}.0 % {b}.0");
        }
        assert_eq!(int(Op::Remainder, i64::MIN, -1), Some(0));
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        assert_eq!(int(Op::Add, i64::MAX, 1), None);
        assert_eq!(int(Op::Multiply, i64::MAX, 2), None);
        assert_eq!(int(Op::FloorDivide, i64::MIN, -1), None);
        assert_eq!(int(Op::FloorDivide, 1, 0), None);
        assert_eq!(float(Op::Divide, 1.0, 0.0), None);
        assert_eq!(float(Op::Multiply, 1e300, 1e300), None);
        assert!(unary(UnaryOperator::Negate, &Value::Int(i64::MIN)).is_err());
    }

    #[test]
    fn division_gives_a_float() {
        assert!(matches!(binary(Op::Divide, &Value::Int(6), &Value::Int(3)), Ok(Value::Float(2.0))));
    }

    #[test]
    fn ints_and_floats_compare_exactly() {
        let less = |a: &Value<'_>, b: &Value<'_>| matches!(binary(Op::Less, a, b), Ok(Value::Bool(true)));
        assert!(less(&Value::Int(2), &Value::Float(2.5)));
        assert!(less(&Value::Float(-2.5), &Value::Int(-2)));
        assert!(!less(&Value::Float(-2.0), &Value::Int(-2)));
        // 2^53 + 1 is no float, so that a comparison as floats would call these equal.
        assert!(less(&Value::Float(9_007_199_254_740_992.0), &Value::Int(9_007_199_254_740_993)));
        assert!(less(&Value::Int(i64::MAX), &Value::Float(1e300)));
    }

    #[test]
    fn symbols_compute_until_a_number_is_needed() {
        let height = Value::Size(Dim::symbol("H"));
        let twice = binary(Op::Multiply, &height, &Value::Int(2)).unwrap();
        assert_eq!(twice.written(), "2*H");
        assert!(matches!(binary(Op::Subtract, &twice, &twice), Ok(Value::Int(0))));
        assert!(matches!(binary(Op::Less, &height, &twice), Err(Fault::Symbol(_))));
        assert!(matches!(binary(Op::Divide, &height, &Value::Int(2)), Err(Fault::Symbol(_))));
        assert!(matches!(binary(Op::Equal, &height, &height), Ok(Value::Bool(true))));
    }

    #[test]
    fn lists_cannot_grow_without_end() {
        let mut list = Value::List(Items::new(vec![Value::Int(0); 1000]).unwrap());
        let mut steps = 0;
        while let Ok(longer) = binary(Op::Add, &list, &list) {
            list = longer;
            steps += 1;
        }
        assert!(steps < 12, "{steps}");
        assert!(binary(Op::Multiply, &list, &Value::Int(i64::MAX)).is_err());
    }
}
