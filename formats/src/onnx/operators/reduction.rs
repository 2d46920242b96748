//! What several elements are together, along axes.

use super::pointwise::raised;
use super::{Said, first, one};
use crate::onnx::read::{Call, Reader, axes};
use crate::spec::ValueId;
use cnnc_compiler::ops::Constant;
use cnnc_grammar::ast::JoinKind;

/// The axes that are reduced, an attribute up to set 12 or 17, then an argument; none where nothing is.
fn over(call: &Call<'_>, rank: usize) -> Result<Vec<usize>, String> {
    match call.list_or_input("axes", 1)?.filter(|axes| !axes.is_empty()) {
        None if call.int("noop_with_empty_axes").unwrap_or(0) != 0 => Ok(Vec::new()),
        None => Ok((0..rank).collect()),
        Some(given) => axes(&given, rank),
    }
}

fn keeps(call: &Call<'_>) -> bool {
    call.int("keepdims").unwrap_or(1) != 0
}

/// One axis or several, as an argument.
fn dims(axes: &[usize]) -> Constant {
    match axes {
        [single] => Constant::Int(*single as i64),
        several => Constant::Tuple(several.iter().map(|&axis| Constant::Int(axis as i64)).collect()),
    }
}

/// A reduction of the first argument, or of what was made of it.
fn reduced(reader: &mut Reader<'_>, call: &Call<'_>, name: &'static str, value: ValueId) -> Result<ValueId, String> {
    let over = over(call, reader.network.shape(value).rank())?;
    if over.is_empty() {
        return Ok(value);
    }
    let mut arguments = vec![("dim", dims(&over))];
    if keeps(call) {
        arguments.push(("keepdim", Constant::Bool(true)));
    }
    reader.layer(name, arguments, value)
}

fn plain(reader: &mut Reader<'_>, call: &Call<'_>, name: &'static str) -> Said {
    let (value, _) = first(reader, call)?;
    one(reduced(reader, call, name, value)?)
}

pub fn mean(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    plain(reader, call, "Mean")
}

pub fn sum(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    plain(reader, call, "Sum")
}

pub fn max(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    plain(reader, call, "Max")
}

pub fn min(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    plain(reader, call, "Min")
}

pub fn l1(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    let (value, _) = first(reader, call)?;
    let sizes = reader.layer("Abs", Vec::new(), value)?;
    one(reduced(reader, call, "Sum", sizes)?)
}

pub fn l2(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    let (value, _) = first(reader, call)?;
    let squares = raised(reader, value, 2.0)?;
    let sum = reduced(reader, call, "Sum", squares)?;
    one(reader.layer("Sqrt", Vec::new(), sum)?)
}

pub fn sum_of_squares(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    let (value, _) = first(reader, call)?;
    let squares = raised(reader, value, 2.0)?;
    one(reduced(reader, call, "Sum", squares)?)
}

pub fn log_of_sum(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    let (value, _) = first(reader, call)?;
    let sum = reduced(reader, call, "Sum", value)?;
    one(reader.layer("Log", Vec::new(), sum)?)
}

/// `m + ln Σ e^(x − m)` with the largest element `m`, so that no power is too large.
pub fn log_of_sum_of_powers(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    let (value, rank) = first(reader, call)?;
    let over = over(call, rank)?;
    if over.is_empty() {
        return one(value);
    }
    let kept = || vec![("dim", dims(&over)), ("keepdim", Constant::Bool(true))];
    let largest = reader.layer("Max", kept(), value)?;
    let below = reader.network.join(JoinKind::Difference, Vec::new(), &[value, largest])?;
    let powers = reader.layer("Exp", Vec::new(), below)?;
    let sum = reader.layer("Sum", kept(), powers)?;
    let log = reader.layer("Log", Vec::new(), sum)?;
    let made = reader.network.join(JoinKind::Sum, Vec::new(), &[log, largest])?;
    one(if keeps(call) { made } else { reader.layer("Squeeze", vec![("dim", dims(&over))], made)? })
}
