//! What differs between pieces that are built alike: parameters of their block, as few as there can be.
//!
//! A number that is the same everywhere stays. One that is always another one, a multiple or a part of it, the padding that its
//! kernel needs, or so far behind it, is said by that one.

use super::signature::{COUNT, FIRST, Signature};
use crate::spec::statements::{Argument, Parameter, Statement};
use crate::spec::{Network, Operation, ValueId};
use cnnc_compiler::ops::Constant;
use std::collections::HashSet;

/// The parameters, what stands in the place of each number, and the arguments of each piece.
type Found = (Vec<Parameter>, Vec<Argument>, Vec<Vec<Argument>>);

/// Blocks of more parameters say nothing.
const MOST: usize = 10;

/// The parameters of pieces of one text, none by a name that is taken; `None` where they are too many.
pub fn parameters(pieces: &[Signature], taken: &HashSet<String>) -> Option<Found> {
    let first = pieces.first()?;
    let mut columns: Vec<Column> = Vec::new();
    let mut inside = Vec::with_capacity(first.numbers.len());
    let mut names = taken.clone();
    for (place, name) in first.names.iter().enumerate() {
        let values = pieces.iter().map(|piece| piece.numbers.get(place).cloned()).collect::<Option<Vec<Constant>>>()?;
        let found = said(&values, &columns, name);
        inside.push(match found {
            Some(argument) => argument,
            None => {
                let column = Column::new(name, values, &mut names)?;
                let said = Argument::Variable(column.parameter.name.clone());
                columns.push(column);
                said
            }
        });
    }
    if columns.len() > MOST {
        return None;
    }
    // Those with defaults come last.
    columns.sort_by_key(|column| column.parameter.default.is_some());
    let given = (0..pieces.len()).map(|piece| {
        let value = |column: &Column| column.values.get(piece).cloned().map(Argument::Constant);
        columns.iter().map(value).collect::<Option<Vec<Argument>>>()
    });
    let given = given.collect::<Option<Vec<Vec<Argument>>>>()?;
    Some((columns.into_iter().map(|column| column.parameter).collect(), inside, given))
}

/// Arguments that count channels, of which one may be a multiple of another.
const SIZES: [&str; 7] = ["out_channels", "out_features", "groups", "channels", "features", "size", "shape"];

/// From here on a number that is always so many times another one is meant to be.
const LARGE: i64 = 16;

/// The values of a parameter.
struct Column {
    parameter: Parameter,
    /// The argument that it was made for.
    argument: String,
    values: Vec<Constant>,
}

impl Column {
    fn new(argument: &str, values: Vec<Constant>, names: &mut HashSet<String>) -> Option<Column> {
        let numbers = values.iter().map(|value| match value {
            Constant::Tuple(members) => members.len(),
            _ => 1,
        });
        let numbers = numbers.max()?;
        let base = match argument {
            "out_channels" => "channels",
            "out_features" => "features",
            "shape" => "size",
            // Of a block's own, the number goes.
            other => other.trim_end_matches(|last: char| last.is_ascii_digit()),
        };
        let mut name = base.to_owned();
        let mut number = 2;
        while !names.insert(name.clone()) {
            name = format!("{base}{number}");
            number += 1;
        }
        let usual = usual(argument).map(Constant::Int).filter(|usual| values.contains(usual));
        let parameter = Parameter { name, numbers, default: usual };
        Some(Column { parameter, argument: argument.to_owned(), values })
    }
}

/// What an argument of a convolution is where nothing is said.
pub fn usual(argument: &str) -> Option<i64> {
    match argument {
        "stride" | "dilation" | "groups" => Some(1),
        "padding" => Some(0),
        _ => None,
    }
}

/// Values by those of other parameters, or as they are where all are the same.
fn said(values: &[Constant], columns: &[Column], argument: &str) -> Option<Argument> {
    let first = values.first()?;
    if values.iter().all(|value| value == first) {
        return Some(Argument::Constant(first.clone()));
    }
    let variable = |column: &Column| Argument::Variable(column.parameter.name.clone());
    if let Some(column) = columns.iter().find(|column| column.values == values) {
        return Some(variable(column));
    }
    let ints = |values: &[Constant]| values.iter().map(int).collect::<Option<Vec<i64>>>();
    let own = ints(values)?;
    for column in columns {
        let Some(other) = ints(&column.values) else { continue };
        let pairs = || own.iter().zip(&other);
        let of_kernel = argument == "padding" && column.parameter.name.starts_with("kernel_size");
        if of_kernel && pairs().all(|(own, other)| *own == other / 2) {
            return Some(Argument::Part(Box::new(variable(column)), 2));
        }
        let (a, b) = (*own.first()?, *other.first()?);
        let is_number = argument == FIRST && column.argument == FIRST;
        if is_number && a > b && pairs().all(|(own, other)| own - other == a - b) {
            return Some(sum(variable(column), a - b));
        }
        if is_number && let Some((count, factor, rest)) = behind(&own, &other, columns) {
            let turns = Argument::Times(factor, Box::new(variable(count)));
            return Some(sum(Argument::Sum(Box::new(variable(column)), Box::new(turns)), rest));
        }
        let is_size = |name: &str| SIZES.iter().any(|size| name.starts_with(size));
        // Where numbers are large, one is no multiple of another by chance.
        let is_large = own.iter().all(|number| *number >= LARGE);
        if !(is_size(argument) || is_large) || !is_size(&column.parameter.name) {
            continue;
        }
        if b != 0 && a % b == 0 && a / b > 1 && pairs().all(|(own, other)| *own == other * (a / b)) {
            return Some(Argument::Times(a / b, Box::new(variable(column))));
        }
        if a != 0 && b % a == 0 && b / a > 1 && pairs().all(|(own, other)| own * (b / a) == *other) {
            return Some(Argument::Part(Box::new(variable(column)), b / a));
        }
    }
    None
}

/// What stands behind a loop is numbered behind its turns: the column of their count, the step of a turn, and what is added.
fn behind<'c>(own: &[i64], first: &[i64], columns: &'c [Column]) -> Option<(&'c Column, i64, i64)> {
    columns.iter().filter(|column| column.argument == COUNT).find_map(|column| {
        let counts = column.values.iter().map(int).collect::<Option<Vec<i64>>>()?;
        let apart: Vec<i64> = own.iter().zip(first).map(|(own, first)| own - first).collect();
        let (place, other) = (1..counts.len()).find_map(|place| Some((place, counts.get(place)? - counts.first()?)))?;
        let step = (apart.get(place)? - apart.first()?).checked_div(other)?;
        let rest = apart.first()? - step * counts.first()?;
        // Any two rows have a step; only a third shows that it is one.
        let fits = counts.len() > 2 && step > 0 && rest >= 0;
        (fits && apart.iter().zip(&counts).all(|(apart, count)| *apart == step * count + rest))
            .then_some((column, step, rest))
    })
}

/// A value and a number, which is left out where it is 0.
fn sum(value: Argument, number: i64) -> Argument {
    match number {
        0 => value,
        number => Argument::Sum(Box::new(value), Box::new(Argument::Constant(Constant::Int(number)))),
    }
}

fn int(value: &Constant) -> Option<i64> {
    match value {
        Constant::Int(number) => Some(*number),
        _ => None,
    }
}

/// The order in which parameters come from a convolution's arguments.
const ORDER: [&str; 8] =
    ["out_channels", "kernel_size", "stride", "padding", "output_padding", "dilation", "groups", "bias"];

/// Writes out what a convolution's arguments are where nothing is said, so that one that says it is built like one that does not.
pub fn say_all(network: &Network, body: &mut [Statement]) {
    for statement in body {
        if let Statement::Item(_, value, arguments) = statement
            && network.node(*value).is_layer("Parameter")
        {
            for (_, argument) in arguments.iter_mut() {
                if let Argument::Constant(Constant::Tuple(members)) = argument {
                    *argument = Argument::Tuple(members.iter().cloned().map(Argument::Constant).collect());
                }
            }
        }
        if let Statement::Item(_, value, arguments) = statement
            && is_convolution(network, *value)
        {
            for name in ["stride", "padding", "dilation", "groups"] {
                let said = arguments.iter().any(|(argument, _)| *argument == name);
                if let Some(usual) = usual(name).filter(|_| !said) {
                    arguments.push((name, Argument::Constant(Constant::Int(usual))));
                }
            }
            arguments.sort_by_key(|(name, _)| ORDER.iter().position(|other| other == name));
        }
        statement.bodies_mut().into_iter().for_each(|inner| say_all(network, inner));
    }
}

/// Takes out again what needs not be said.
pub fn say_less(network: &Network, body: &mut [Statement]) {
    for statement in body {
        if let Statement::Item(_, value, arguments) = statement
            && is_convolution(network, *value)
        {
            let is_usual = |name: &str, argument: &Argument| match argument {
                Argument::Constant(Constant::Int(number)) => usual(name) == Some(*number),
                _ => false,
            };
            arguments.retain(|(name, argument)| !is_usual(name, argument));
        }
        statement.bodies_mut().into_iter().for_each(|inner| say_less(network, inner));
    }
}

fn is_convolution(network: &Network, value: ValueId) -> bool {
    matches!(network.node(value).operation, Operation::Layer(layer) if layer.starts_with("Conv"))
}
