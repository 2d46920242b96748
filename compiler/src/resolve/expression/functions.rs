//! The functions of the language: `enumerate`, `min`, `max`, `round`, `floor`, `ceil`, `len` and `make_divisible`.
//!
//! Each is a line of [`FUNCTIONS`]: its parameters, by which arguments are bound, and its body.

use super::arithmetic::{Fault, binary};
use super::value::Value;
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

/// All functions.
pub(in crate::resolve) const FUNCTIONS: &[Function] = &[
    Function { name: "enumerate", parameters: &["values", "start"], required: 1, variadic: false, body: enumerate },
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
    fn ranges_are_never_written_out() {
        assert_eq!(call("len", &[Value::Range(0, 1_000_000_000)]).unwrap(), "1000000000");
        let pairs = (function("enumerate").unwrap().body)(&[Some(Value::Range(5, 1_000_000_000))]).unwrap();
        assert_eq!(pairs.element(2).unwrap().written(), "(2, 7)");
    }
}
