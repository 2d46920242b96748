//! Schemes of `init`: `xavier_uniform(gain=1)`, `kaiming_normal(mode="fan_out")`, `normal(mean=0, std=1)`, `constant(value)` and
//! so on.
//!
//! A call comes in, the initialiser of weights and the number for biases go out. Names and formulas are those of `torch.nn.init`.

use crate::diagnostic::nearest;
use crate::graph::{Distribution, Fan, Initialiser};
use crate::resolve::error::{ArgumentError, InitError};
use crate::resolve::expression::{Evaluator, Value};
use crate::resolve::report::Reporter;
use cnnc_grammar::ast::{Argument, Call};
use cnnc_grammar::span::Span;

/// How weights start, and biases where it is said.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::resolve) struct Scheme {
    /// The weights.
    pub weight: Initialiser,
    /// Every bias, where it is set.
    pub bias: Option<f64>,
}

/// What an argument of a scheme may be.
#[derive(Clone, Copy)]
enum Accepts {
    /// A number.
    Any,
    /// A number that is not negative.
    Width,
    /// One of these words; its value is its position.
    Word(&'static [&'static str]),
}

/// An argument: its name, what it may be, and its default (of a word its position).
type SchemeArgument = (&'static str, Accepts, Option<f64>);

/// A scheme's name, its arguments, and what it makes of them.
struct SchemeEntry {
    name: &'static str,
    arguments: &'static [SchemeArgument],
    make: fn(&[f64]) -> Initialiser,
}

const GAIN: SchemeArgument = ("gain", Accepts::Width, Some(1.0));
const MEAN: SchemeArgument = ("mean", Accepts::Any, Some(0.0));
const STD: SchemeArgument = ("std", Accepts::Width, Some(1.0));
const MODES: &[&str] = &["fan_in", "fan_out"];
const NONLINEARITIES: &[&str] = &["leaky_relu", "relu", "linear", "sigmoid", "tanh", "selu"];
const KAIMING: &[SchemeArgument] = &[
    ("a", Accepts::Any, Some(0.0)),
    ("mode", Accepts::Word(MODES), Some(0.0)),
    ("nonlinearity", Accepts::Word(NONLINEARITIES), Some(0.0)),
];

/// The names of all schemes, for editors.
pub fn schemes() -> impl Iterator<Item = &'static str> {
    SCHEMES.iter().map(|entry| entry.name)
}

const SCHEMES: &[SchemeEntry] = &[
    SchemeEntry { name: "xavier_uniform", arguments: &[GAIN], make: |given| Initialiser::xavier_uniform(at(given, 0)) },
    SchemeEntry {
        name: "xavier_normal",
        arguments: &[GAIN],
        make: |given| scaled(Distribution::Normal, Fan::Mean, at(given, 0)),
    },
    SchemeEntry { name: "kaiming_uniform", arguments: KAIMING, make: |given| kaiming(Distribution::Uniform, given) },
    SchemeEntry { name: "kaiming_normal", arguments: KAIMING, make: |given| kaiming(Distribution::Normal, given) },
    SchemeEntry {
        name: "normal",
        arguments: &[MEAN, STD],
        make: |given| Initialiser::Normal { mean: at(given, 0), std: at(given, 1) },
    },
    SchemeEntry {
        name: "trunc_normal",
        arguments: &[MEAN, STD, ("a", Accepts::Any, Some(-2.0)), ("b", Accepts::Any, Some(2.0))],
        make: |given| {
            let (a, b) = (at(given, 2), at(given, 3));
            Initialiser::TruncatedNormal { mean: at(given, 0), std: at(given, 1), low: a.min(b), high: a.max(b) }
        },
    },
    SchemeEntry {
        name: "uniform",
        arguments: &[("bound", Accepts::Width, None)],
        make: |given| Initialiser::Uniform { bound: at(given, 0) },
    },
    SchemeEntry {
        name: "orthogonal",
        arguments: &[GAIN],
        make: |given| Initialiser::Orthogonal { gain: at(given, 0) },
    },
    SchemeEntry {
        name: "constant",
        arguments: &[("value", Accepts::Any, None)],
        make: |given| Initialiser::Constant(at(given, 0)),
    },
    SchemeEntry { name: "zeros", arguments: &[], make: |_| Initialiser::Constant(0.0) },
    SchemeEntry { name: "ones", arguments: &[], make: |_| Initialiser::Constant(1.0) },
];

fn at(given: &[f64], position: usize) -> f64 {
    given.get(position).copied().unwrap_or(0.0)
}

fn scaled(distribution: Distribution, fan: Fan, gain: f64) -> Initialiser {
    Initialiser::Scaled { distribution, fan, gain }
}

/// Kaiming of slope, mode and nonlinearity.
fn kaiming(distribution: Distribution, given: &[f64]) -> Initialiser {
    let fan = if at(given, 1) == 0.0 { Fan::In } else { Fan::Out };
    let nonlinearity = NONLINEARITIES.get(at(given, 2) as usize).copied().unwrap_or_default();
    scaled(distribution, fan, gain_of(nonlinearity, at(given, 0)))
}

/// `torch.nn.init.calculate_gain`; the slope is that of a leaky ReLU.
fn gain_of(nonlinearity: &str, slope: f64) -> f64 {
    match nonlinearity {
        "leaky_relu" => (2.0 / (1.0 + slope * slope)).sqrt(),
        "relu" => 2f64.sqrt(),
        "tanh" => 5.0 / 3.0,
        "selu" => 0.75,
        _ => 1.0,
    }
}

/// Reads a scheme; `None` after an error.
pub(in crate::resolve) fn scheme<'a>(evaluator: &mut Evaluator<'_, 'a, '_>, call: &'a Call) -> Option<Scheme> {
    let name = call.callee.text.as_str();
    let Some(entry) = SCHEMES.iter().find(|entry| entry.name == name) else {
        let known: Vec<&'static str> = SCHEMES.iter().map(|entry| entry.name).collect();
        let near = nearest(name, known.iter().copied());
        evaluator
            .reporter
            .report(InitError::UnknownScheme { name, span: call.callee.span, near, known: &known }.diagnostic());
        return None;
    };
    let mut given: Vec<Option<f64>> = vec![None; entry.arguments.len()];
    let mut bias = None;
    let mut seen: Vec<(usize, Span)> = Vec::new();
    let mut fits = true;
    for (position, argument) in call.arguments.iter().flatten().enumerate() {
        let slot = slot(evaluator.reporter, entry, position, argument)?;
        let (name, accepts) =
            entry.arguments.get(slot).map_or(("bias", Accepts::Any), |(name, accepts, _)| (*name, *accepts));
        let value = value(evaluator, argument, name, accepts);
        if let Some((_, first)) = seen.iter().find(|(seen, _)| *seen == slot) {
            let (first, second) = (*first, argument.span);
            evaluator.reporter.report(ArgumentError::Twice { name, first, second, first_argument: None }.diagnostic());
            return None;
        }
        seen.push((slot, argument.span));
        fits &= value.is_some();
        match given.get_mut(slot) {
            Some(place) => *place = value,
            None => bias = value,
        }
    }
    let numbers = with_defaults(evaluator.reporter, entry, &given, call.span, fits)?;
    Some(Scheme { weight: (entry.make)(&numbers), bias })
}

/// All arguments; `None` when one is missing, which is reported, or was wrong.
fn with_defaults(
    reporter: &mut Reporter<'_>,
    entry: &'static SchemeEntry,
    given: &[Option<f64>],
    call: Span,
    fits: bool,
) -> Option<Vec<f64>> {
    let mut numbers = Vec::with_capacity(given.len());
    for ((argument, _, default), value) in entry.arguments.iter().zip(given) {
        match value.or(*default) {
            Some(number) => numbers.push(number),
            None if fits => {
                let (callee, accepts) = (entry.name, "a number");
                let names = vec![*argument];
                reporter.report(ArgumentError::Missing { callee, names, accepts, call, declared: None }.diagnostic());
                return None;
            }
            None => return None,
        }
    }
    fits.then_some(numbers)
}

/// The position of an argument among the scheme's; one past the last is `bias`.
fn slot(
    reporter: &mut Reporter<'_>,
    entry: &'static SchemeEntry,
    position: usize,
    argument: &Argument,
) -> Option<usize> {
    let Some(key) = &argument.key else {
        if position < entry.arguments.len() {
            return Some(position);
        }
        let (callee, most, span) = (entry.name, entry.arguments.len(), argument.span);
        reporter.report(ArgumentError::TooMany { callee, most, span, declared: None }.diagnostic());
        return None;
    };
    let names = entry.arguments.iter().map(|(name, ..)| *name).chain(["bias"]);
    let slot = names.clone().position(|name| name == key.text);
    if slot.is_none() {
        reporter.report(ArgumentError::unknown_parameter(entry.name, key, names, None).diagnostic());
    }
    slot
}

/// An argument as a number, a word as its position; `None` after an error.
fn value<'a>(
    evaluator: &mut Evaluator<'_, 'a, '_>,
    argument: &'a Argument,
    name: &'static str,
    accepts: Accepts,
) -> Option<f64> {
    let value = evaluator.evaluate(&argument.value)?;
    match (accepts, &value) {
        (Accepts::Word(words), Value::Text(text)) => {
            let found = words.iter().position(|word| **word == **text);
            if found.is_none() {
                let (span, near) = (argument.value.span, nearest(text, words.iter().copied()));
                evaluator.reporter.report(InitError::UnknownWord { name, words, near, span }.diagnostic());
            }
            found.map(|position| position as f64)
        }
        (Accepts::Any | Accepts::Width, Value::Int(_) | Value::Float(_)) => {
            let number = match value {
                Value::Int(number) => number as f64,
                Value::Float(number) => number,
                _ => return None,
            };
            if matches!(accepts, Accepts::Width) && number < 0.0 {
                evaluator.reporter.report(InitError::Negative { name, span: argument.value.span }.diagnostic());
                return None;
            }
            Some(number)
        }
        (_, Value::Size(size)) => {
            evaluator.reporter.report_symbol(size, argument.value.span, "a scheme");
            None
        }
        (_, other) => {
            let wanted = match accepts {
                Accepts::Word(_) => "a text".to_owned(),
                Accepts::Any | Accepts::Width => "a number".to_owned(),
            };
            let (value, expr) = (other.shown(), &argument.value);
            let error = ArgumentError::Wrong { name, wanted, value, expr, declared: None, is_int: false };
            evaluator.reporter.report(error.diagnostic());
            None
        }
    }
}
