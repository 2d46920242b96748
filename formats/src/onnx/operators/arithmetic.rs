//! Arithmetic of several values: joins, and numbers where sizes are computed.

use super::{Said, one};
use crate::onnx::read::{Call, Fact, Reader, Sizes, axis as axis_of};
use crate::spec::ValueId;
use cnnc_compiler::ops::Constant;
use cnnc_compiler::shape::Dim;
use cnnc_grammar::ast::JoinKind;

/// All arguments as values, joined.
fn joined(reader: &mut Reader<'_>, call: &Call<'_>, kind: JoinKind) -> Result<ValueId, String> {
    let values =
        (0..call.inputs.len()).map(|index| argument(reader, call, index)).collect::<Result<Vec<ValueId>, _>>()?;
    match values.as_slice() {
        [] => Err("it has no arguments".into()),
        [single] => Ok(*single),
        several => reader.network.join(kind, Vec::new(), several),
    }
}

/// An argument as a value: a tensor beside the other of two, where that is a value.
fn argument(reader: &mut Reader<'_>, call: &Call<'_>, index: usize) -> Result<ValueId, String> {
    let other = (call.inputs.len() == 2).then(|| call.value(1 - index)).flatten();
    match (call.tensor(index).cloned(), other) {
        (Some(tensor), Some(other)) => {
            let shape = reader.network.shape(other).clone();
            reader.beside(&tensor, &shape)
        }
        _ => reader.value(call, index),
    }
}

/// A join, or sizes where both sides are.
fn of_two(reader: &mut Reader<'_>, call: &Call<'_>, kind: JoinKind, sizes: fn(&Dim, &Dim) -> Option<Dim>) -> Said {
    if let (Some(left), Some(right)) = (call.sizes(0), call.sizes(1)) {
        return elementwise(&left, &right, sizes).map(|sizes| vec![sizes.fact()]);
    }
    if call.version < 7 && call.int("broadcast").unwrap_or(0) != 0 {
        return old_broadcast(reader, call, kind);
    }
    one(joined(reader, call, kind)?)
}

/// In set 6 the second lies along the first from `axis` on, or at its end.
fn old_broadcast(reader: &mut Reader<'_>, call: &Call<'_>, kind: JoinKind) -> Said {
    let left = reader.value(call, 0)?;
    let rank = reader.network.shape(left).rank();
    let right = match (call.int("axis"), call.tensor(1)) {
        (Some(axis), Some(tensor)) => {
            let axis = axis_of(axis, rank)?;
            let behind =
                rank.checked_sub(axis + tensor.shape().len()).ok_or("its second argument reaches past the first")?;
            let sizes = tensor.shape().iter().copied().chain(std::iter::repeat_n(1, behind)).collect();
            reader.constant(&tensor.reshaped(sizes).ok_or("its second argument has no values")?)?
        }
        (Some(axis), None) => {
            let mut right = reader.value(call, 1)?;
            let own = reader.network.shape(right).rank();
            for place in own..rank.saturating_sub(axis_of(axis, rank)?) {
                right = reader.layer("Unsqueeze", vec![("dim", Constant::Int(place as i64))], right)?;
            }
            right
        }
        (None, _) => reader.value(call, 1)?,
    };
    one(reader.network.join(kind, Vec::new(), &[left, right])?)
}

/// Numbers with numbers; one alone goes with each of a list.
fn elementwise(left: &Sizes, right: &Sizes, of: fn(&Dim, &Dim) -> Option<Dim>) -> Result<Sizes, String> {
    let count = match (left.numbers.len(), right.numbers.len()) {
        (a, b) if a == b => a,
        (1, b) => b,
        (a, 1) => a,
        (a, b) => return Err(format!("it takes {a} and {b} sizes")),
    };
    let pick =
        |sizes: &Sizes, place: usize| sizes.numbers.get(if sizes.numbers.len() == 1 { 0 } else { place }).cloned();
    let numbers = (0..count).map(|place| of(&pick(left, place)?, &pick(right, place)?)).collect::<Option<Vec<Dim>>>();
    let numbers = numbers.ok_or("what it makes of open sizes cannot be followed")?;
    Ok(Sizes { numbers, is_scalar: left.is_scalar && right.is_scalar })
}

pub fn add(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    of_two(reader, call, JoinKind::Sum, |a, b| a.plus(b).ok())
}

pub fn subtract(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    of_two(reader, call, JoinKind::Difference, |a, b| a.minus(b).ok())
}

pub fn multiply(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    of_two(reader, call, JoinKind::Product, |a, b| a.times(b).ok())
}

/// Sizes are whole and positive, so rounding towards zero is rounding down. What a float divides is rounded by a later node.
pub fn divide(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    if let (Some(Fact::Sizes(sizes)), Some(divisor)) = (call.input(0), call.tensor(1))
        && divisor.element().is_float()
    {
        let number = call.ints(1).as_deref().and_then(<[i64]>::first).copied().filter(|number| *number > 0);
        let number = number.filter(|_| divisor.count() == 1).ok_or("it divides open sizes by no whole number")?;
        return Ok(vec![Fact::Quotient(sizes.clone(), number)]);
    }
    of_two(reader, call, JoinKind::Quotient, |a, b| a.floor_divided(b.number()?).ok())
}

pub fn sum(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    one(joined(reader, call, JoinKind::Sum)?)
}

pub fn largest(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    one(joined(reader, call, JoinKind::Maximum)?)
}

pub fn smallest(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    one(joined(reader, call, JoinKind::Minimum)?)
}

pub fn mean(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    let total = joined(reader, call, JoinKind::Sum)?;
    if call.inputs.len() == 1 {
        return Ok(vec![Fact::Value(total)]);
    }
    let count = reader.network.numbers(vec![call.inputs.len() as f64], Vec::new())?;
    one(reader.network.join(JoinKind::Quotient, Vec::new(), &[total, count])?)
}
