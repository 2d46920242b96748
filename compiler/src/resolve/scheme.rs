//! Schemes of `init`: `xavier_uniform(gain=1)`, `normal(mean=0, std=1)`, `uniform(bound)`, `constant(value)`, `zeros`, `ones`.

use super::error::{ArgumentError, InitError};
use super::state::{Expander, Frame};
use super::value::Value;
use crate::diagnostic::nearest;
use crate::graph::Initialiser;
use cnnc_grammar::ast::{Argument, Call};
use cnnc_grammar::span::Span;

/// How weights start, and biases where it is said.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scheme {
    /// The weights.
    pub weight: Initialiser,
    /// Every bias, where it is set.
    pub bias: Option<f64>,
}

/// A scheme's name, its arguments with their defaults, and what it makes of them.
struct SchemeEntry {
    name: &'static str,
    arguments: &'static [(&'static str, Option<f64>)],
    make: fn(&[f64]) -> Initialiser,
}

const SCHEMES: &[SchemeEntry] = &[
    SchemeEntry {
        name: "xavier_uniform",
        arguments: &[("gain", Some(1.0))],
        make: |given| Initialiser::XavierUniform { gain: at(given, 0) },
    },
    SchemeEntry {
        name: "normal",
        arguments: &[("mean", Some(0.0)), ("std", Some(1.0))],
        make: |given| Initialiser::Normal { mean: at(given, 0), std: at(given, 1) },
    },
    SchemeEntry {
        name: "uniform",
        arguments: &[("bound", None)],
        make: |given| Initialiser::Uniform { bound: at(given, 0) },
    },
    SchemeEntry { name: "constant", arguments: &[("value", None)], make: |given| Initialiser::Constant(at(given, 0)) },
    SchemeEntry { name: "zeros", arguments: &[], make: |_| Initialiser::Constant(0.0) },
    SchemeEntry { name: "ones", arguments: &[], make: |_| Initialiser::Constant(1.0) },
];

fn at(given: &[f64], position: usize) -> f64 {
    given.get(position).copied().unwrap_or(0.0)
}

/// Whether a scheme needs an input and an output side, and so two axes at the least.
pub(super) fn needs_two_axes(initialiser: &Initialiser) -> bool {
    matches!(initialiser, Initialiser::XavierUniform { .. })
}

impl<'a> Expander<'a, '_> {
    /// Reads a scheme; `None` after an error.
    pub fn scheme(&mut self, frame: &Frame<'a>, call: &'a Call) -> Option<Scheme> {
        let name = call.callee.text.as_str();
        let Some(entry) = SCHEMES.iter().find(|entry| entry.name == name) else {
            let known: Vec<&'static str> = SCHEMES.iter().map(|entry| entry.name).collect();
            let near = nearest(name, known.iter().copied());
            self.report(InitError::UnknownScheme { name, span: call.callee.span, near, known: &known }.diagnostic());
            return None;
        };
        let mut given: Vec<Option<f64>> = vec![None; entry.arguments.len()];
        let mut bias = None;
        let mut seen: Vec<(usize, Span)> = Vec::new();
        let mut fits = true;
        for (position, argument) in call.arguments.iter().flatten().enumerate() {
            let value = self.scheme_number(frame, argument);
            let slot = self.scheme_slot(entry, position, argument)?;
            if let Some((_, first)) = seen.iter().find(|(seen, _)| *seen == slot) {
                let name = argument.key.as_ref().map_or("this argument", |key| &key.text);
                let (first, second) = (*first, argument.span);
                self.report(ArgumentError::Twice { name, first, second, first_argument: None }.diagnostic());
                return None;
            }
            seen.push((slot, argument.span));
            fits &= value.is_some();
            match given.get_mut(slot) {
                Some(place) => *place = value,
                None => bias = value,
            }
        }
        let mut numbers = Vec::with_capacity(given.len());
        for ((argument, default), value) in entry.arguments.iter().zip(given) {
            match value.or(*default) {
                Some(number) => numbers.push(number),
                None if fits => {
                    let (callee, call, accepts) = (entry.name, call.span, "a number");
                    let names = vec![*argument];
                    self.report(ArgumentError::Missing { callee, names, accepts, call, declared: None }.diagnostic());
                    return None;
                }
                None => return None,
            }
        }
        fits.then(|| Scheme { weight: (entry.make)(&numbers), bias })
    }

    /// The position of an argument among the scheme's; one past the last is `bias`.
    fn scheme_slot(&mut self, entry: &'static SchemeEntry, position: usize, argument: &'a Argument) -> Option<usize> {
        let Some(key) = &argument.key else {
            if position < entry.arguments.len() {
                return Some(position);
            }
            let (callee, most, span) = (entry.name, entry.arguments.len(), argument.span);
            self.report(ArgumentError::TooMany { callee, most, span, declared: None }.diagnostic());
            return None;
        };
        let names = entry.arguments.iter().map(|(name, _)| *name).chain(["bias"]);
        let slot = names.clone().position(|name| name == key.text);
        if slot.is_none() {
            self.report(ArgumentError::unknown_parameter(entry.name, key, names, None).diagnostic());
        }
        slot
    }

    fn scheme_number(&mut self, frame: &Frame<'a>, argument: &'a Argument) -> Option<f64> {
        let value = self.evaluate(frame, &argument.value)?;
        match value {
            Value::Int(number) => Some(number as f64),
            Value::Float(number) => Some(number),
            Value::Size(size) => {
                self.report_symbol(&size, argument.value.span, "a scheme");
                None
            }
            other => {
                let name = argument.key.as_ref().map_or("this argument", |key| &key.text);
                let (wanted, expr) = ("a number".to_owned(), &argument.value);
                let error = ArgumentError::Wrong { name, wanted, value: &other, expr, declared: None, is_int: false };
                self.report(error.diagnostic());
                None
            }
        }
    }
}
