//! Parts of a value along an axis.

use super::forms::facts;
use super::{Said, first, ints, one};
use crate::onnx::read::{Call, Fact, Reader, axes, axis};
use crate::spec::ValueId;
use cnnc_compiler::ops::Constant;
use cnnc_compiler::shape::Dim;
use cnnc_grammar::ast::JoinKind;

/// Elements of an axis from one on.
struct Part {
    axis: usize,
    start: i64,
    /// `None`: all that there are.
    length: Option<Dim>,
    step: i64,
}

fn narrowed(reader: &mut Reader<'_>, value: ValueId, part: Part) -> Result<ValueId, String> {
    let Part { axis, start, length, step } = part;
    let mut arguments = vec![("dim", Constant::Int(axis as i64)), ("start", Constant::Int(start))];
    arguments.extend(length.map(|length| ("length", super::size(&length))));
    if step != 1 {
        arguments.push(("step", Constant::Int(step)));
    }
    reader.layer("Narrow", arguments, value)
}

/// Starts, ends, axes and steps are attributes up to set 9, then arguments.
pub fn slice(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    let (mut value, rank) = first(reader, call)?;
    let open = "where it starts or ends is computed from values";
    let places = |name: &str, index: usize| match call.list(name) {
        Some(list) => Some(list.into_iter().map(Dim::Number).collect::<Vec<Dim>>()),
        None => call.sizes(index).map(|sizes| sizes.numbers),
    };
    let (starts, ends) = (places("starts", 1).ok_or(open)?, places("ends", 2).ok_or(open)?);
    let all = match call.list_or_input("axes", 3)? {
        Some(given) => axes(&given, rank)?,
        None => (0..starts.len()).collect(),
    };
    let steps = call.list_or_input("steps", 4)?.unwrap_or_else(|| vec![1; starts.len()]);
    if starts.len() != all.len() || ends.len() != all.len() || steps.len() != all.len() {
        return Err("its axes, starts, ends and steps are not as many".into());
    }
    for (place, &axis) in all.iter().enumerate() {
        let (Some(start), Some(end), Some(&step)) = (starts.get(place), ends.get(place), steps.get(place)) else {
            continue;
        };
        let size = reader.network.shape(value).get(axis).cloned().ok_or("its axis is not there")?;
        if let Some(part) = part(axis, &size, (start, end), step)? {
            value = narrowed(reader, value, part)?;
        }
    }
    one(value)
}

/// What a slice takes of an axis; `None` where it is all of it.
fn part(axis: usize, size: &Dim, (start, end): (&Dim, &Dim), step: i64) -> Result<Option<Part>, String> {
    if step < 1 {
        return Err(format!("its step is {step}, and there are steps from 1 on"));
    }
    let beyond = |_| "its sizes are past following".to_owned();
    // From the front, as far as numbers tell.
    let from_front = |place: &Dim| match (place.number(), size.number()) {
        (Some(place), Some(size)) => {
            Ok(Dim::Number((if place < 0 { place.saturating_add(size) } else { place }).clamp(0, size)))
        }
        (Some(place), None) if place < 0 => size.plus_number(place).map_err(beyond),
        (Some(place), None) if place >= i64::from(i32::MAX) => Ok(size.clone()),
        _ => Ok(place.clone()),
    };
    let (first, last) = (from_front(start)?, from_front(end)?);
    let start = first.number().ok_or_else(|| format!("it starts at an open place, {first}"))?;
    if start == 0 && last == *size && step == 1 {
        return Ok(None);
    }
    if last == *size {
        return Ok(Some(Part { axis, start, length: None, step }));
    }
    let span = last.plus_number(-start).map_err(beyond)?;
    let length = span.ceiling_divided(step).map_err(beyond)?;
    if length.number().is_some_and(|length| length < 1) {
        return Err("it takes nothing".into());
    }
    Ok(Some(Part { axis, start, length: Some(length), step }))
}

/// Picks by numbers that are known: a part, or several side by side.
pub fn gather(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    if call.value(0).is_none() {
        return Err("it looks up rows of a table, which is an embedding".into());
    }
    let (value, rank) = first(reader, call)?;
    let axis = axis(call.int("axis").unwrap_or(0), rank)?;
    if let (Some(Fact::Places(table)), [count]) = (call.input(1), &reader.network.shape(value)[..]) {
        let shape = table.shape_of_all(count).ok_or("it reads a list in another order than its own")?;
        return one(reader.layer("Reshape", vec![("shape", super::shape(shape))], value)?);
    }
    let places = call.ints(1).ok_or("which it picks is computed from values")?;
    let is_scalar = call.tensor(1).is_some_and(|tensor| tensor.shape().is_empty());
    let table = call.tensor(1).map(|tensor| tensor.shape().to_vec()).filter(|shape| shape.len() > 1);
    let size = reader.network.shape(value).get(axis).cloned().ok_or("its axis is not there")?;
    let front = |place: i64| match (place, size.number()) {
        (0.., _) => Ok(place),
        (_, Some(size)) if place + size >= 0 => Ok(place + size),
        _ => Err("it counts from the end of an open size".to_owned()),
    };
    let places = places.into_iter().map(front).collect::<Result<Vec<i64>, _>>()?;
    let Some((&start, rest)) = places.split_first() else { return Err("it picks nothing".into()) };
    let step = rest.first().map_or(1, |second| second.saturating_sub(start));
    let count = places.len() as i64;
    let even = step >= 1
        && places.iter().enumerate().all(|(index, place)| step.checked_mul(index as i64) == place.checked_sub(start));
    if even && start == 0 && step == 1 && size.number() == Some(count) && !is_scalar && table.is_none() {
        return one(value);
    }
    let picked = if even {
        narrowed(reader, value, Part { axis, start, length: Some(Dim::Number(count)), step })?
    } else if count <= 64 {
        let mut parts = Vec::new();
        for start in places {
            parts.push(narrowed(reader, value, Part { axis, start, length: Some(Dim::Number(1)), step: 1 })?);
        }
        reader.network.join(JoinKind::Concat, vec![("dim", Constant::Int(axis as i64))], &parts)?
    } else {
        return Err("it picks many places in no even steps".into());
    };
    if is_scalar {
        return one(reader.layer("Squeeze", vec![("dim", Constant::Int(axis as i64))], picked)?);
    }
    let Some(table) = table else { return one(picked) };
    let mut sizes = reader.network.shape(picked).to_vec();
    sizes.splice(axis..=axis, table.into_iter().map(Dim::from));
    one(reader.layer("Reshape", vec![("shape", super::shape(&sizes))], picked)?)
}

/// Sizes are an attribute up to set 12, then an argument; without them, parts are equal.
pub fn split(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    let (value, rank) = first(reader, call)?;
    let axis = axis(call.int("axis").unwrap_or(0), rank)?;
    let sizes = call.list_or_input("split", 1)?.filter(|sizes| !sizes.is_empty());
    let count = sizes.as_ref().map_or(call.results(), Vec::len);
    let dim = (axis != 1).then_some(("dim", Constant::Int(axis as i64)));
    let mut values = Vec::with_capacity(count);
    for index in 0..count.min(call.results()) {
        let place = ("index", Constant::Int(index as i64));
        let (name, by) = match &sizes {
            Some(sizes) if sizes.iter().any(|size| Some(size) != sizes.first()) => {
                ("Split", ("split_size", ints(sizes)))
            }
            _ => ("Chunk", ("chunks", Constant::Int(count as i64))),
        };
        let mut arguments = vec![by, place];
        arguments.extend(dim.clone());
        values.push(if count == 1 { value } else { reader.layer(name, arguments, value)? });
    }
    Ok(facts(values))
}
