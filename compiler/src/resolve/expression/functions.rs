//! The functions of the language: `enumerate`, `zip`, `sum`, `min`, `max`, `round`, `floor`, `ceil`, `len` and `make_divisible`,
//! and those of `tensors`.
//!
//! Each is a line of [`FUNCTIONS`]: its parameters, by which arguments are bound, and its body.

use super::arithmetic::{Fault, OVERFLOW, TOO_LONG, binary};
use super::tensors;
use super::value::{Items, MAX_LEAVES, Value};
use cnnc_grammar::ast::BinaryOperator;

/// A function. Its body gets one entry a parameter, `None` for an argument that was not given; a function that takes any number
/// of values gets them all.
pub(in crate::resolve) struct Function {
    /// Its name.
    pub name: &'static str,
    /// Its parameters in order.
    pub parameters: &'static [&'static str],
    /// How many of them must be given.
    pub required: usize,
    /// Whether more values may follow.
    pub variadic: bool,
    /// What it gives.
    pub body: for<'a> fn(&[Option<Value<'a>>]) -> Result<Value<'a>, Fault>,
}

impl Function {
    /// As it is called: `round(value)`, `min(values, …)`.
    pub fn signature(&self) -> String {
        let parameter = |(position, name): (usize, &&str)| match position < self.required {
            true => (*name).to_owned(),
            false => format!("{name}=…"),
        };
        let parameters: Vec<String> = self.parameters.iter().enumerate().map(parameter).collect();
        let more = if self.variadic { ", …" } else { "" };
        format!("{}({}{more})", self.name, parameters.join(", "))
    }
}

/// Name and call of every function, for editors: `round` and `round(value)`.
pub fn functions() -> impl Iterator<Item = (&'static str, String)> {
    FUNCTIONS.iter().map(|function| (function.name, function.signature()))
}

/// All functions.
pub(in crate::resolve) const FUNCTIONS: &[Function] = &[
    Function { name: "enumerate", parameters: &["values", "start"], required: 1, variadic: false, body: enumerate },
    Function { name: "zip", parameters: &["values"], required: 1, variadic: true, body: zip },
    Function { name: "sum", parameters: &["values"], required: 1, variadic: false, body: total },
    Function {
        name: "min",
        parameters: &["values"],
        required: 1,
        variadic: true,
        body: |given| extreme(given, BinaryOperator::Less),
    },
    Function {
        name: "max",
        parameters: &["values"],
        required: 1,
        variadic: true,
        body: |given| extreme(given, BinaryOperator::Greater),
    },
    Function {
        name: "round",
        parameters: &["value"],
        required: 1,
        variadic: false,
        body: |given| whole(given, round_half_to_even),
    },
    Function {
        name: "floor",
        parameters: &["value"],
        required: 1,
        variadic: false,
        body: |given| whole(given, f64::floor),
    },
    Function {
        name: "ceil",
        parameters: &["value"],
        required: 1,
        variadic: false,
        body: |given| whole(given, f64::ceil),
    },
    Function { name: "len", parameters: &["values"], required: 1, variadic: false, body: length },
    Function {
        name: "make_divisible",
        parameters: &["value", "divisor", "min_value"],
        required: 2,
        variadic: false,
        body: make_divisible,
    },
    Function { name: "arange", parameters: &["count"], required: 1, variadic: true, body: tensors::arange },
    Function { name: "ones", parameters: &["sizes"], required: 1, variadic: true, body: tensors::ones },
    Function { name: "zeros", parameters: &["sizes"], required: 1, variadic: true, body: tensors::zeros },
    Function { name: "stack", parameters: &["values"], required: 1, variadic: true, body: tensors::stack },
];

/// The function of that name.
pub(in crate::resolve) fn function(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|function| function.name == name)
}

fn first<'v, 'a>(given: &'v [Option<Value<'a>>]) -> Option<&'v Value<'a>> {
    given.first().and_then(Option::as_ref)
}

fn enumerate<'a>(given: &[Option<Value<'a>>]) -> Result<Value<'a>, Fault> {
    let start = match given.get(1).and_then(Option::as_ref) {
        None => 0,
        Some(Value::Int(start)) => *start,
        Some(_) => return Err(Fault::Type("an int to start with")),
    };
    match first(given) {
        Some(values) if values.length().is_some() => Ok(Value::Enumerated(values.clone().into(), start)),
        _ => Err(Fault::Type("a list")),
    }
}

/// The first elements as a tuple, then the second ones, and so on. Unlike in Python, lists of different lengths are an error:
/// what is left over of the longer would be lost without a word.
fn zip<'a>(given: &[Option<Value<'a>>]) -> Result<Value<'a>, Fault> {
    const LISTS: Fault = Fault::Type("lists");
    let lists: Vec<_> = given.iter().map(|list| list.as_ref().ok_or(LISTS)).collect::<Result<_, _>>()?;
    let lengths: Vec<i64> = lists.iter().map(|list| list.length().ok_or(LISTS)).collect::<Result<_, _>>()?;
    let length = lengths.first().copied().unwrap_or(0);
    if lengths.iter().any(|other| *other != length) {
        return Err(Fault::Lengths(lengths));
    }
    if length > MAX_LEAVES as i64 {
        return Err(TOO_LONG);
    }
    let row = |position| Items::new(lists.iter().filter_map(|list| list.element(position)).collect());
    let rows = (0..length).map(|position| row(position).map(Value::Tuple)).collect::<Option<_>>();
    rows.and_then(Items::new).map(Value::List).ok_or(TOO_LONG)
}

/// All elements added; 0 for none.
fn total<'a>(given: &[Option<Value<'a>>]) -> Result<Value<'a>, Fault> {
    const NUMBERS: Fault = Fault::Type("a list of numbers");
    let values = first(given).ok_or(NUMBERS)?;
    if let Value::Range(start, end) = values {
        let (start, end) = (i128::from(*start), i128::from(*end));
        // One of the two factors is even; the product stays below 2^127, since it is of two numbers below 2^64.
        let total = (end - start).checked_mul(start + end - 1).map(|twice| twice / 2);
        return total.and_then(|total| i64::try_from(total).ok()).map(Value::Int).ok_or(OVERFLOW);
    }
    let mut total = Value::Int(0);
    for position in 0..values.length().ok_or(NUMBERS)? {
        let Some(value) = values.element(position) else { continue };
        total = binary(BinaryOperator::Add, &total, &value).map_err(|fault| match fault {
            Fault::Type(_) => NUMBERS,
            other => other,
        })?;
    }
    Ok(total)
}

/// The value that no other comes before; the first of equal ones.
fn extreme<'a>(given: &[Option<Value<'a>>], before: BinaryOperator) -> Result<Value<'a>, Fault> {
    let single = match given {
        [Some(values)] => Some((values, values.length().ok_or(Fault::Type("a list, or two values or more"))?)),
        _ => None,
    };
    let count = single.map_or(given.len() as i64, |(_, length)| length);
    let at = |position: i64| match single {
        Some((values, _)) => values.element(position),
        None => usize::try_from(position).ok().and_then(|position| given.get(position).cloned().flatten()),
    };
    if let Some((Value::Range(start, end), 1..)) = single {
        return Ok(Value::Int(if before == BinaryOperator::Less { *start } else { end - 1 }));
    }
    let mut best = at(0).ok_or(Fault::NoResult("an empty list has none"))?;
    for position in 1..count {
        let Some(next) = at(position) else { continue };
        if matches!(binary(before, &next, &best)?, Value::Bool(true)) {
            best = next;
        }
    }
    Ok(best)
}

/// A float brought to a whole number by `rule`.
fn whole<'a>(given: &[Option<Value<'a>>], rule: fn(f64) -> f64) -> Result<Value<'a>, Fault> {
    match first(given) {
        Some(Value::Int(number)) => Ok(Value::Int(*number)),
        Some(Value::Float(number)) => int(rule(*number)),
        Some(Value::Size(size)) => Ok(Value::Size(size.clone())),
        _ => Err(Fault::Type("a number")),
    }
}

/// A whole float as an int.
fn int<'a>(number: f64) -> Result<Value<'a>, Fault> {
    // Both bounds are floats: −2^63 fits an i64, 2^63 does not.
    if number >= i64::MIN as f64 && number < -(i64::MIN as f64) {
        Ok(Value::Int(number as i64))
    } else {
        Err(Fault::NoResult("the result does not fit 64 bits"))
    }
}

fn round_half_to_even(number: f64) -> f64 {
    number.round_ties_even()
}

fn length<'a>(given: &[Option<Value<'a>>]) -> Result<Value<'a>, Fault> {
    match first(given) {
        Some(Value::Text(text)) => Ok(Value::Int(text.chars().count() as i64)),
        Some(values) => values.length().map(Value::Int).ok_or(Fault::Type("a list, a tuple or a str")),
        None => Err(Fault::Type("a list, a tuple or a str")),
    }
}

/// The rule by which MobileNet and its kin round channels (torchvision, `_make_divisible`): to the nearest multiple of
/// `divisor`, at least `min_value`, and never down by more than a tenth.
fn make_divisible<'a>(given: &[Option<Value<'a>>]) -> Result<Value<'a>, Fault> {
    const NUMBERS: Fault = Fault::Type("a number and an int divisor of at least 1");
    let number = |value: Option<&Value<'a>>| match value {
        Some(Value::Int(number)) => Ok(*number as f64),
        Some(Value::Float(number)) => Ok(*number),
        Some(Value::Size(size)) => Err(Fault::Symbol(size.clone())),
        _ => Err(NUMBERS),
    };
    let value = number(first(given))?;
    let divisor = match given.get(1).and_then(Option::as_ref) {
        Some(Value::Int(divisor)) if *divisor >= 1 => *divisor as f64,
        Some(Value::Size(size)) => return Err(Fault::Symbol(size.clone())),
        _ => return Err(NUMBERS),
    };
    let least = match given.get(2).and_then(Option::as_ref) {
        None => divisor,
        least => number(least)?,
    };
    let multiple = ((value + divisor / 2.0).trunc() / divisor).floor() * divisor;
    let rounded = multiple.max(least);
    int(if rounded < 0.9 * value { rounded + divisor } else { rounded })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(name: &str, given: &[Value<'static>]) -> Result<String, Fault> {
        let given: Vec<_> = given.iter().cloned().map(Some).collect();
        (function(name).unwrap().body)(&given).map(|value| value.written())
    }

    #[test]
    fn round_goes_half_to_even() {
        for (number, rounded) in [(0.5, "0"), (1.5, "2"), (2.5, "2"), (-0.5, "0"), (-1.5, "-2"), (2.4, "2")] {
            assert_eq!(call("round", &[Value::Float(number)]).unwrap(), rounded);
        }
        assert!(call("round", &[Value::Float(1e300)]).is_err());
        assert_eq!(call("floor", &[Value::Float(-0.5)]).unwrap(), "-1");
        assert_eq!(call("ceil", &[Value::Float(-0.5)]).unwrap(), "0");
    }

    #[test]
    fn make_divisible_is_torchvisions() {
        // From torchvision 0.20's `_make_divisible`.
        for (value, divisor, expected) in [
            (32.0, 8, "32"),
            (24.0, 8, "24"),
            (11.2, 8, "16"),
            (12.0, 8, "16"),
            (10.0, 8, "16"),
            (3.0, 8, "8"),
            (67.2, 8, "64"),
        ] {
            assert_eq!(
                call("make_divisible", &[Value::Float(value), Value::Int(divisor)]).unwrap(),
                expected,
                "{value}"
            );
        }
        assert!(call("make_divisible", &[Value::Int(8), Value::Int(0)]).is_err());
    }

    #[test]
    fn extremes_of_values_and_of_lists() {
        assert_eq!(call("max", &[Value::Float(1.0), Value::Int(2)]).unwrap(), "2");
        assert_eq!(call("min", &[Value::Range(3, 1_000_000_000)]).unwrap(), "3");
        assert_eq!(call("max", &[Value::Range(3, 1_000_000_000)]).unwrap(), "999999999");
        assert!(call("max", &[Value::Range(3, 3)]).is_err());
        assert!(call("max", &[Value::Int(3)]).is_err());
    }

    #[test]
    fn lists_side_by_side_and_added() {
        let list = |values: &[i64]| Value::List(Items::new(values.iter().copied().map(Value::Int).collect()).unwrap());
        assert_eq!(call("zip", &[list(&[1, 2]), Value::Range(5, 7)]).unwrap(), "[(1, 5), (2, 6)]");
        assert_eq!(call("zip", &[list(&[1, 2]), list(&[1])]), Err(Fault::Lengths(vec![2, 1])));
        assert!(call("zip", &[Value::Range(0, i64::MAX), Value::Range(0, i64::MAX)]).is_err());
        assert_eq!(call("sum", &[list(&[1, 2, 4])]).unwrap(), "7");
        assert_eq!(call("sum", &[list(&[])]).unwrap(), "0");
        assert_eq!(call("sum", &[Value::Range(-3, 1_000_001)]).unwrap(), "500000499994");
        assert!(call("sum", &[Value::Range(i64::MIN, i64::MAX)]).is_err());
        assert_eq!(call("sum", &[Value::Int(3)]), Err(Fault::Type("a list of numbers")));
    }

    #[test]
    fn ranges_are_never_written_out() {
        assert_eq!(call("len", &[Value::Range(0, 1_000_000_000)]).unwrap(), "1000000000");
        let pairs = (function("enumerate").unwrap().body)(&[Some(Value::Range(5, 1_000_000_000))]).unwrap();
        assert_eq!(pairs.element(2).unwrap().written(), "(2, 7)");
    }
}
