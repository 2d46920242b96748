//! The same elements in another form: shapes, orders, repetitions, and what leaves everything as it is.

use super::{Said, first, float, ints, is_float, one, repeated, shape};
use crate::element::Element;
use crate::onnx::read::{Call, Fact, Reader, axes, axis};
use crate::onnx::tensor::{Made, Tensor};
use crate::spec::ValueId;
use cnnc_compiler::ops::Constant;
use cnnc_compiler::shape::Dim;
use cnnc_grammar::ast::JoinKind;

pub fn identity(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    reader.note("nodes that change nothing were left out");
    call.input(0).cloned().map(|fact| vec![fact]).ok_or_else(|| "it has no argument".into())
}

/// Computes as float32 whatever width of float is asked for.
pub fn cast(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    let to = call.int("to").unwrap_or(1);
    if call.node.op_type == "Cast" && !is_float(to) {
        return Err("it makes whole numbers of a value, and values are float32 here".into());
    }
    let narrow = |element: Element| {
        !matches!(element, Element::Float16 | Element::BFloat16 | Element::Float32 | Element::Float64)
    };
    if call.tensor(1).is_some_and(|like| narrow(like.element())) {
        return Err("it makes whole numbers or narrow floats of a value, and values are float32 here".into());
    }
    identity(reader, call)
}

/// Stays in the spec, so that training has it; the mask may not be used. The share is an attribute up to set 11.
pub fn dropout(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    let (value, _) = first(reader, call)?;
    let share = call.float(1).or_else(|| call.number("ratio")).unwrap_or(0.5);
    if share != 0.0 && call.input(2).is_some() && call.ints(2).is_none_or(|training| training != [0]) {
        return Err("it drops, as in training".into());
    }
    if call.gives(1) {
        reader.note("masks of dropping, which are all ones at inference, were left out");
    }
    if share == 0.0 {
        return one(value);
    }
    one(reader.layer("Dropout", vec![("p", float(share))], value)?)
}

pub fn transpose(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    let (value, rank) = first(reader, call)?;
    let order = call.list("perm").unwrap_or_else(|| (0..rank as i64).rev().collect());
    if order.iter().copied().eq(0..rank as i64) {
        return one(value);
    }
    one(reader.layer("Permute", vec![("dims", ints(&order))], value)?)
}

/// A value under a new shape, in the plainest words.
fn formed(reader: &mut Reader<'_>, value: ValueId, target: Vec<(&'static str, Constant)>) -> Result<ValueId, String> {
    let before = reader.network.shape(value).clone();
    let made = reader.layer("Reshape", target, value)?;
    let after = reader.network.shape(made).clone();
    if after == before {
        return Ok(value);
    }
    // All axes from one on as one, which is the usual step before a linear layer.
    let kept = after.rank().saturating_sub(1);
    let is_flat =
        kept < before.rank() && before.get(..kept) == after.get(..kept) && kept > 0 && after.rank() < before.rank();
    if is_flat {
        let arguments = if kept == 1 { Vec::new() } else { vec![("start_dim", Constant::Int(kept as i64))] };
        return reader.layer("Flatten", arguments, value);
    }
    Ok(made)
}

pub fn reshape(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    let (value, _) = first(reader, call)?;
    let wanted = call.sizes(1).ok_or("its sizes are computed from values")?.numbers;
    let keeps_zero = call.int("allowzero").unwrap_or(0) == 0;
    let before = reader.network.shape(value).clone();
    let mut sizes = Vec::with_capacity(wanted.len());
    for (place, size) in wanted.iter().enumerate() {
        sizes.push(match size.number() {
            Some(0) if keeps_zero => before.get(place).map(super::size).ok_or("a size is kept that is not there")?,
            Some(-1) => Constant::Int(-1),
            _ => super::size(size),
        });
    }
    if sizes.is_empty() {
        return Err("it makes a value without axes".into());
    }
    // Of the others that are all there before, the one that is left is known.
    if let Some(unknown) = sizes.iter().position(|size| *size == Constant::Int(-1)) {
        let others = sizes.iter().enumerate().filter(|(place, _)| *place != unknown);
        let others: Vec<Dim> = others.map(|(_, size)| dim(size)).collect();
        if let Some(left) = left_over(&before, &others) {
            sizes.splice(unknown..=unknown, [super::size(&left)]);
        }
    }
    one(formed(reader, value, vec![("shape", Constant::Tuple(sizes))])?)
}

fn dim(size: &Constant) -> Dim {
    match size {
        Constant::Int(number) => Dim::Number(*number),
        Constant::Size(dim) => dim.clone(),
        _ => Dim::Number(-1),
    }
}

/// What is left of a shape's elements once sizes are taken out that are its own, or divide its numbers.
fn left_over(before: &[Dim], others: &[Dim]) -> Option<Dim> {
    let mut left = before.to_vec();
    let mut divisor = 1i64;
    for other in others {
        match left.iter().position(|size| size == other && size.number().is_none()) {
            Some(place) => {
                left.remove(place);
            }
            None => divisor = divisor.checked_mul(other.number().filter(|number| *number > 0)?)?,
        }
    }
    let (numbers, open): (Vec<Dim>, Vec<Dim>) = left.into_iter().partition(|size| size.number().is_some());
    let known = numbers.iter().try_fold(1i64, |product, size| product.checked_mul(size.number()?))?;
    if known % divisor != 0 {
        return None;
    }
    open.iter().try_fold(Dim::Number(known / divisor), |product, size| product.times(size)).ok()
}

pub fn flatten(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    let (value, rank) = first(reader, call)?;
    let axis = call.int("axis").unwrap_or(1);
    let axis = (if axis < 0 { axis + rank as i64 } else { axis }).clamp(0, rank as i64) as usize;
    if axis == 1 && rank == 2 {
        return one(value);
    }
    if axis == 1 && rank == 1 {
        return one(reader.layer("Unsqueeze", vec![("dim", Constant::Int(1))], value)?);
    }
    if axis == 1 {
        return one(reader.layer("Flatten", Vec::new(), value)?);
    }
    let dims = reader.network.shape(value).clone();
    let product = |dims: &[Dim]| dims.iter().try_fold(Dim::Number(1), |product, size| product.times(size));
    let (front, back) = dims.split_at_checked(axis).ok_or("its axis is not there")?;
    let both = [product(front), product(back)].into_iter().collect::<Result<Vec<Dim>, _>>();
    let both = both.map_err(|_| "its sizes are past following")?;
    one(formed(reader, value, vec![("shape", shape(&both))])?)
}

pub fn squeeze(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    let (value, rank) = first(reader, call)?;
    let gone = match call.list_or_input("axes", 1)? {
        Some(gone) => axes(&gone, rank)?,
        None => {
            let dims = reader.network.shape(value);
            (0..rank).filter(|&axis| dims.get(axis) == Some(&Dim::Number(1))).collect()
        }
    };
    let dims: Vec<i64> = gone.iter().map(|&axis| axis as i64).collect();
    let argument = match dims.as_slice() {
        [] => return one(value),
        [single] => Constant::Int(*single),
        several => ints(several),
    };
    one(reader.layer("Squeeze", vec![("dim", argument)], value)?)
}

pub fn unsqueeze(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    let (mut value, rank) = first(reader, call)?;
    let added = call.list_or_input("axes", 1)?.ok_or("it does not say where")?;
    let mut places = axes(&added, rank + added.len())?;
    places.sort_unstable();
    for place in places {
        value = reader.layer("Unsqueeze", vec![("dim", Constant::Int(place as i64))], value)?;
    }
    one(value)
}

pub fn concat(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    let mut values = Vec::new();
    for index in 0..call.inputs.len() {
        // A tensor of no values adds none.
        if call.tensor(index).is_none_or(|tensor| tensor.count() > 0) {
            values.push(reader.value(call, index)?);
        }
    }
    let Some(&first) = values.first() else { return Err("it has no arguments".into()) };
    if values.len() == 1 {
        return one(first);
    }
    let axis = axis(call.int("axis").unwrap_or(1), reader.network.shape(first).rank())?;
    let arguments = if axis == 1 { Vec::new() } else { vec![("dim", Constant::Int(axis as i64))] };
    one(reader.network.join(JoinKind::Concat, arguments, &values)?)
}

pub fn expand(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    let wanted = call.sizes(1).ok_or("its sizes are computed from values")?.numbers;
    if let Some(number) = call.tensor(0).filter(|tensor| tensor.shape().is_empty()) {
        let made = repeated::spread(&wanted, |sizes| {
            let sizes = sizes.iter().map(|&size| usize::try_from(size).ok()).collect::<Option<Vec<usize>>>();
            let made = sizes.and_then(|sizes| Tensor::made(Made::Expanded(number.clone(), sizes)));
            made.ok_or_else(|| "it is larger than constants that are followed".into())
        });
        return made.unwrap_or_else(|| Err("its sizes are open".into()));
    }
    let (value, rank) = first(reader, call)?;
    let before = reader.network.shape(value).clone();
    let total = wanted.len().max(rank);
    let mut sizes = Vec::with_capacity(total);
    for place in 0..total {
        let own = (place + rank).checked_sub(total).and_then(|axis| before.get(axis));
        let asked = (place + wanted.len()).checked_sub(total).and_then(|axis| wanted.get(axis));
        sizes.push(match (own, asked) {
            (Some(own), Some(asked)) if own == asked || *asked == Dim::Number(1) => Constant::Int(-1),
            (Some(_), None) => Constant::Int(-1),
            (_, Some(asked)) => super::size(asked),
            (None, None) => return Err("its sizes are none".into()),
        });
    }
    if total == rank && sizes.iter().all(|size| *size == Constant::Int(-1)) {
        return one(value);
    }
    one(reader.layer("Expand", vec![("shape", Constant::Tuple(sizes))], value)?)
}

pub fn tile(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    let (value, _) = first(reader, call)?;
    let repeats = call.ints(1).ok_or("how often it repeats depends on open sizes")?;
    if repeats.iter().all(|count| *count == 1) {
        return one(value);
    }
    one(reader.layer("Repeat", vec![("repeats", ints(&repeats))], value)?)
}

/// The blocks of a plane as axes of their own, in another order, under the shape that is left.
fn rearranged(
    reader: &mut Reader<'_>,
    value: ValueId,
    parts: &[Dim],
    order: &[i64],
    result: &[Dim],
) -> Result<ValueId, String> {
    let apart = reader.layer("Reshape", vec![("shape", shape(parts))], value)?;
    let turned = reader.layer("Permute", vec![("dims", ints(order))], apart)?;
    reader.layer("Reshape", vec![("shape", shape(result))], turned)
}

/// Batch, channels, height, width, and the size of a block.
fn blocks(reader: &mut Reader<'_>, call: &Call<'_>) -> Result<(ValueId, [Dim; 4], i64), String> {
    let (value, _) = first(reader, call)?;
    let block = call.int("blocksize").filter(|block| (1..1 << 15).contains(block)).ok_or("it has no blocksize")?;
    match &reader.network.shape(value)[..] {
        [batch, channels, height, width] => Ok((value, [batch, channels, height, width].map(Clone::clone), block)),
        other => Err(format!("it takes four axes, and there are {}", other.len())),
    }
}

/// ONNX's own order has the block first, `CRD` is PyTorch's.
pub fn depth_to_space(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    let (value, [batch, channels, height, width], block) = blocks(reader, call)?;
    if call.text("mode") == Some("CRD") {
        return one(reader.layer("PixelShuffle", vec![("upscale_factor", Constant::Int(block))], value)?);
    }
    let rest = channels.number().filter(|channels| channels % (block * block) == 0);
    let rest = Dim::Number(rest.ok_or("its channels do not divide by its block")? / (block * block));
    let times = |size: &Dim| size.times_number(block).map_err(|_| "its sizes are past following");
    let (high, wide) = (times(&height)?, times(&width)?);
    let number = Dim::Number(block);
    let parts = [batch.clone(), number.clone(), number, rest.clone(), height, width];
    one(rearranged(reader, value, &parts, &[0, 3, 4, 1, 5, 2], &[batch, rest, high, wide])?)
}

pub fn space_to_depth(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    let (value, [batch, channels, height, width], block) = blocks(reader, call)?;
    let part = |size: &Dim| size.floor_divided(block).map_err(|_| "its sizes are past following");
    let (low, narrow) = (part(&height)?, part(&width)?);
    let more = channels.times_number(block * block).map_err(|_| "its channels are past following")?;
    let number = Dim::Number(block);
    let parts = [batch.clone(), channels, low.clone(), number.clone(), narrow.clone(), number];
    one(rearranged(reader, value, &parts, &[0, 3, 5, 1, 2, 4], &[batch, more, low, narrow])?)
}

/// A fact that is a value, for what several results share.
pub fn facts(values: Vec<ValueId>) -> Vec<Fact> {
    values.into_iter().map(Fact::Value).collect()
}
