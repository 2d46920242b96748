//! A call of a layer: as it is written in a spec, and what the layer itself makes of a shape.

use cnnc_compiler::ops::{Constant, LAYERS, Op};
use cnnc_compiler::shape::{Dim, Requirements, Shape};

/// The largest value of a net, and the most multiply-adds of a layer: a net costs milliseconds.
const MOST_ELEMENTS: usize = 1600;
const MOST_MACS: u64 = 12_000;

/// A call of a layer.
#[derive(Clone, Debug)]
pub struct LayerCall {
    /// The layer's name.
    pub name: &'static str,
    /// Its arguments.
    pub arguments: Vec<(&'static str, Constant)>,
}

impl LayerCall {
    /// With no argument.
    pub fn plain(name: &'static str) -> LayerCall {
        LayerCall { name, arguments: Vec::new() }
    }

    /// With one argument more.
    pub fn with(mut self, name: &'static str, value: Constant) -> LayerCall {
        self.arguments.push((name, value));
        self
    }

    /// As it is written in a spec.
    pub fn text(&self) -> String {
        if self.arguments.is_empty() {
            return self.name.to_owned();
        }
        let arguments: Vec<String> =
            self.arguments.iter().map(|(name, value)| format!("{name}={}", text(value))).collect();
        format!("{}({})", self.name, arguments.join(", "))
    }

    /// The operator and what it makes of a value of that shape, when it takes one and the result is small.
    pub fn of(&self, shape: &[usize]) -> Option<(Op, Vec<usize>)> {
        let entry = LAYERS.iter().find(|entry| entry.signature.name == self.name)?;
        let operator = (entry.bind)(&self.arguments.iter().cloned().collect()).ok()?;
        let inferred = operator.infer(&[Shape::from(shape)], &mut Requirements::default()).ok()?;
        let output: Vec<usize> =
            inferred.iter().map(Dim::number).map(|size| usize::try_from(size?).ok()).collect::<Option<_>>()?;
        let small = output.iter().product::<usize>() <= MOST_ELEMENTS && !output.contains(&0);
        (small && operator.macs(&[shape.to_vec()], &output) <= MOST_MACS).then_some((operator, output))
    }
}

fn text(value: &Constant) -> String {
    let list = |members: &[Constant]| members.iter().map(text).collect::<Vec<_>>().join(", ");
    match value {
        Constant::Int(number) => number.to_string(),
        Constant::Float(number) => format!("{number:?}"),
        Constant::Bool(truth) => truth.to_string(),
        Constant::Text(text) => format!("\"{text}\""),
        Constant::Size(size) => size.to_string(),
        Constant::Tuple(members) if members.len() == 1 => format!("({},)", list(members)),
        Constant::Tuple(members) => format!("({})", list(members)),
        Constant::List(members) => format!("[{}]", list(members)),
    }
}

/// A whole number.
pub fn int(number: usize) -> Constant {
    Constant::Int(number as i64)
}

/// A tuple of two numbers, or of one where they are the same.
pub fn pair(a: usize, b: usize) -> Constant {
    if a == b { int(a) } else { Constant::Tuple(vec![int(a), int(b)]) }
}

/// A tuple.
pub fn ints(numbers: impl IntoIterator<Item = i64>) -> Constant {
    Constant::Tuple(numbers.into_iter().map(Constant::Int).collect())
}
