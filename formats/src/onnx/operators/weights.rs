//! Arithmetic of tensors of the file: weights that are standardised, tables of places, what an exporter did not fold.
//!
//! Large ones are only noted, and made when they are written (`tensor/made.rs`). Whole numbers go the same way as far as
//! float32 holds them exactly.

use crate::onnx::read::{Call, Fact, axes, axis};
use crate::onnx::tensor::array::{Array, broadcast};
use crate::onnx::tensor::{MOST_LOOKED_AT, Made, Tensor};

/// Whole numbers below this stay exact, also in quotients.
const MOST_EXACT: u64 = 1 << 20;

/// Places along an axis that are listed, at most.
const MOST_PICKED: i64 = 1 << 20;

type OfOne = fn(f32) -> f32;
type OfTwo = fn(f32, f32) -> f32;
type OfMany = fn(&[f32]) -> f32;

/// Functions of one value.
const EACH: &[(&str, OfOne)] = &[
    ("Abs", f32::abs),
    ("Ceil", f32::ceil),
    ("Cos", f32::cos),
    ("Erf", libm::erff),
    ("Exp", f32::exp),
    ("Floor", f32::floor),
    ("Log", f32::ln),
    ("Neg", |value| -value),
    ("Not", |value| f32::from(value == 0.0)),
    ("Reciprocal", f32::recip),
    ("Relu", |value| value.max(0.0)),
    ("Round", f32::round_ties_even),
    ("Sigmoid", |value| 1.0 / (1.0 + (-value).exp())),
    ("Sin", f32::sin),
    ("Sqrt", f32::sqrt),
    ("Tanh", f32::tanh),
];

/// Functions of two values.
const JOINED: &[(&str, OfTwo)] = &[
    ("Add", |a, b| a + b),
    ("And", |a, b| f32::from(a != 0.0 && b != 0.0)),
    ("Div", |a, b| a / b),
    ("Equal", |a, b| f32::from(a == b)),
    ("Greater", |a, b| f32::from(a > b)),
    ("GreaterOrEqual", |a, b| f32::from(a >= b)),
    ("Less", |a, b| f32::from(a < b)),
    ("LessOrEqual", |a, b| f32::from(a <= b)),
    ("Max", f32::max),
    ("Min", f32::min),
    ("Mod", |a, b| a - (a / b).floor() * b),
    ("Mul", |a, b| a * b),
    ("Or", |a, b| f32::from(a != 0.0 || b != 0.0)),
    ("Pow", f32::powf),
    ("Sub", |a, b| a - b),
];

/// What is made of many values; sums are of double precision.
const REDUCED: &[(&str, OfMany)] = &[
    ("ReduceL1", |all| sum(all, f64::abs) as f32),
    ("ReduceL2", |all| sum(all, |value| value * value).sqrt() as f32),
    ("ReduceMax", |all| all.iter().copied().fold(f32::NEG_INFINITY, f32::max)),
    ("ReduceMean", mean),
    ("ReduceMin", |all| all.iter().copied().fold(f32::INFINITY, f32::min)),
    ("ReduceProd", |all| all.iter().product()),
    ("ReduceSum", |all| sum(all, |value| value) as f32),
    ("ReduceSumSquare", |all| sum(all, |value| value * value) as f32),
];

fn sum(all: &[f32], of: fn(f64) -> f64) -> f64 {
    all.iter().map(|&value| of(f64::from(value))).sum()
}

fn mean(all: &[f32]) -> f32 {
    (sum(all, |value| value) / all.len().max(1) as f64) as f32
}

fn variance(all: &[f32]) -> f32 {
    let mean = sum(all, |value| value) / all.len().max(1) as f64;
    (all.iter().map(|&value| (f64::from(value) - mean).powi(2)).sum::<f64>() / all.len().max(1) as f64) as f32
}

fn of_name<T: Copy>(list: &[(&str, T)], name: &str) -> Option<T> {
    list.iter().find(|(known, _)| *known == name).map(|(_, function)| *function)
}

/// What it takes to compute a node of tensors: the elements that are looked at, of a product its multiplications.
pub fn work(call: &Call<'_>) -> usize {
    let elements = call.inputs.iter().flatten().map(Fact::elements).fold(0, usize::saturating_add);
    match (call.node.op_type.as_str(), call.tensor(0), call.tensor(1).and_then(|matrix| matrix.shape().last())) {
        ("MatMul", Some(first), Some(&columns)) if first.count() <= MOST_LOOKED_AT => {
            first.count().saturating_mul(columns)
        }
        _ => elements,
    }
}

/// The result of an operator whose arguments are tensors; `None` where it is not computed here.
pub fn computed(call: &Call<'_>) -> Option<Fact> {
    let operator = call.node.op_type.as_str();
    let first = call.tensor(usize::from(operator == "Where"))?;
    // What else there is says where, or how often, and is read as whole numbers.
    let all_are_values = of_name(JOINED, operator).is_some() || matches!(operator, "Concat" | "Where");
    // Of set 6 the second may lie along axes of the first, and remainders may have the sign of either.
    if (call.version < 7 && call.attributes.contains_key("broadcast")) || call.int("fmod").unwrap_or(0) != 0 {
        return None;
    }
    let is_sound = |tensor: &Tensor| tensor.element().is_float() || is_exact(tensor);
    let others = || call.inputs.iter().flatten();
    if !is_sound(first)
        || (all_are_values && !others().all(|fact| matches!(fact, Fact::Tensor(tensor) if is_sound(tensor))))
    {
        return None;
    }
    let made = of_tensors(call, operator, first)?;
    let compares = matches!(operator, "Equal" | "Greater" | "GreaterOrEqual" | "Less" | "LessOrEqual");
    Some(Fact::Tensor(if first.element().is_float() && !compares { made } else { whole(&made)? }))
}

fn is_exact(tensor: &Tensor) -> bool {
    tensor.ints().is_some_and(|values| values.iter().all(|value| value.unsigned_abs() < MOST_EXACT))
}

/// As whole numbers, cut off as their quotients are.
fn whole(tensor: &Tensor) -> Option<Tensor> {
    let values = tensor.small_floats()?.into_iter().map(|value| value.is_finite().then_some(value as i64));
    Some(Tensor::of_ints(tensor.shape().to_vec(), values.collect::<Option<Vec<i64>>>()?))
}

fn of_tensors(call: &Call<'_>, operator: &str, first: &Tensor) -> Option<Tensor> {
    if let Some(function) = of_name(EACH, operator) {
        return first.each(function);
    }
    if let Some(function) = of_name(JOINED, operator) {
        let others = (1..call.inputs.len()).map(|index| call.tensor(index));
        return others.into_iter().try_fold(first.clone(), |made, other| made.joined(other?, function));
    }
    if let Some(function) = of_name(REDUCED, operator) {
        return reduced(call, first, function);
    }
    match operator {
        "BatchNormalization" => {
            normalised(call, first, &(0..first.shape().len()).filter(|axis| *axis != 1).collect::<Vec<_>>())
        }
        "InstanceNormalization" => normalised(call, first, &(2..first.shape().len()).collect::<Vec<_>>()),
        "Clip" => clipped(call, first),
        "Concat" => concatenated(call, first),
        "CumSum" => cumulated(call, first),
        "Expand" => expanded(first, &places(&call.ints(1)?)?),
        "Gather" => gathered(call, first),
        "GatherND" => rows(call, first),
        "MatMul" => multiplied(call, first),
        "ScatterND" => scattered(call, first),
        "Slice" => sliced(call, first),
        "Tile" => tiled(first, &places(&call.ints(1)?)?),
        "Transpose" => {
            let rank = first.shape().len();
            let order = call.list("perm").unwrap_or_else(|| (0..rank as i64).rev().collect());
            first.permuted(&axes(&order, rank).ok()?)
        }
        "Where" => chosen(call),
        _ => None,
    }
}

fn places(numbers: &[i64]) -> Option<Vec<usize>> {
    numbers.iter().map(|&number| usize::try_from(number).ok()).collect()
}

fn reduced(call: &Call<'_>, first: &Tensor, function: OfMany) -> Option<Tensor> {
    let rank = first.shape().len();
    let axes = match call.list_or_input("axes", 1).ok()?.filter(|axes| !axes.is_empty()) {
        Some(given) => axes(&given, rank).ok()?,
        None if call.int("noop_with_empty_axes").unwrap_or(0) != 0 => return Some(first.clone()),
        None => (0..rank).collect(),
    };
    let made = first.reduced(&axes, function)?;
    if call.int("keepdims").unwrap_or(1) != 0 {
        return Some(made);
    }
    let kept = first.shape().iter().enumerate().filter(|(axis, _)| !axes.contains(axis));
    made.reshaped(kept.map(|(_, size)| *size).collect())
}

/// `(x − mean) / √(variance + ε) · scale + bias`, mean and variance being its own over those axes, or given: how weights are
/// standardised.
fn normalised(call: &Call<'_>, x: &Tensor, over: &[usize]) -> Option<Tensor> {
    let is_batch = call.node.op_type == "BatchNormalization";
    if x.shape().len() < 2 {
        return None;
    }
    let by_channel = |index: usize| {
        let tensor = call.tensor(index)?;
        let behind = std::iter::repeat_n(1, x.shape().len() - 2);
        tensor.reshaped(std::iter::once(tensor.count()).chain(behind).collect())
    };
    let epsilon = Tensor::of_floats(Vec::new(), vec![call.number("epsilon").unwrap_or(1e-5)]);
    let is_given = is_batch && call.int("training_mode").unwrap_or(0) == 0;
    let mean = if is_given { by_channel(3)? } else { x.reduced(over, mean)? };
    let variance = if is_given { by_channel(4)? } else { x.reduced(over, variance)? };
    let root = variance.joined(&epsilon, |variance, epsilon| (variance + epsilon).sqrt())?;
    let centred = x.joined(&mean, |x, mean| x - mean)?;
    let scaled = centred.joined(&root, |x, root| x / root)?.joined(&by_channel(1)?, |x, scale| x * scale)?;
    scaled.joined(&by_channel(2)?, |x, bias| x + bias)
}

/// Bounds are arguments from set 11 on; as attributes they are not looked for.
fn clipped(call: &Call<'_>, first: &Tensor) -> Option<Tensor> {
    let bound = |made: Tensor, index: usize, of: OfTwo| match call.input(index) {
        Some(_) => made.joined(call.tensor(index)?, of),
        None => Some(made),
    };
    if call.version < 11 {
        return None;
    }
    bound(bound(first.clone(), 1, f32::max)?, 2, f32::min)
}

fn concatenated(call: &Call<'_>, first: &Tensor) -> Option<Tensor> {
    let all = (0..call.inputs.len()).map(|index| call.tensor(index).cloned()).collect::<Option<Vec<Tensor>>>()?;
    Tensor::made(Made::Concatenated(all, axis(call.int("axis").unwrap_or(1), first.shape().len()).ok()?))
}

/// Each element with all before it along an axis; sums are of double precision.
fn cumulated(call: &Call<'_>, first: &Tensor) -> Option<Tensor> {
    let is_plain = ["exclusive", "reverse"].iter().all(|name| call.int(name).unwrap_or(0) == 0);
    let axis = axis(call.ints(1).filter(|_| is_plain)?.first().copied()?, first.shape().len()).ok()?;
    let size = *first.shape().get(axis)?;
    let apart: usize = first.shape().get(axis + 1..)?.iter().product();
    let mut sums: Vec<f64> = first.small_floats()?.into_iter().map(f64::from).collect();
    for part in sums.chunks_mut((size * apart).max(1)) {
        for place in apart..part.len() {
            part[place] += part[place - apart];
        }
    }
    Some(Tensor::of_floats(first.shape().to_vec(), sums.into_iter().map(|sum| sum as f32).collect()))
}

/// Sizes of 1 in the wanted shape leave the tensor's own.
fn expanded(first: &Tensor, wanted: &[usize]) -> Option<Tensor> {
    let shape = broadcast(first.shape(), wanted)?;
    Tensor::made(Made::Expanded(first.clone(), shape))
}

fn gathered(call: &Call<'_>, first: &Tensor) -> Option<Tensor> {
    let axis = axis(call.int("axis").unwrap_or(0), first.shape().len()).ok()?;
    let made = Tensor::made(Made::Picked(first.clone(), axis, picked(call, first, axis)?))?;
    let (before, behind) = (first.shape().get(..axis)?, first.shape().get(axis + 1..)?);
    made.reshaped([before, call.tensor(1)?.shape(), behind].concat())
}

/// Elements of the first axis, each place a row of one number.
fn rows(call: &Call<'_>, first: &Tensor) -> Option<Tensor> {
    let (1, outer) = call.tensor(1)?.shape().split_last().map(|(last, outer)| (*last, outer))? else { return None };
    if call.int("batch_dims").unwrap_or(0) != 0 {
        return None;
    }
    let made = Tensor::made(Made::Picked(first.clone(), 0, picked(call, first, 0)?))?;
    made.reshaped([outer, first.shape().get(1..)?].concat())
}

/// The places along an axis that the second argument says, from the front.
fn picked(call: &Call<'_>, first: &Tensor, axis: usize) -> Option<Vec<usize>> {
    let size = i64::try_from(first.shape().get(axis).copied()?).ok()?;
    let front = |place: i64| usize::try_from(if place < 0 { place + size } else { place }).ok();
    call.ints(1)?.into_iter().map(front).collect()
}

fn sliced(call: &Call<'_>, first: &Tensor) -> Option<Tensor> {
    let rank = first.shape().len();
    let (starts, ends) = (call.list_or_input("starts", 1).ok()??, call.list_or_input("ends", 2).ok()??);
    let along = match call.list_or_input("axes", 3).ok()? {
        Some(given) => axes(&given, rank).ok()?,
        None => (0..starts.len()).collect(),
    };
    let steps = call.list_or_input("steps", 4).ok()?.unwrap_or_else(|| vec![1; starts.len()]);
    let mut made = first.clone();
    for (place, &axis) in along.iter().enumerate() {
        let (start, end, step) = (*starts.get(place)?, *ends.get(place)?, *steps.get(place)?);
        let size = made.shape().get(axis).copied().and_then(|size| i64::try_from(size).ok())?;
        if size > MOST_PICKED || step == 0 {
            return None;
        }
        let within =
            |at: i64, [least, most]: [i64; 2]| (if at < 0 { at.saturating_add(size) } else { at }).clamp(least, most);
        let (bounds, forward) = if step > 0 { ([0, size], 1) } else { ([-1, size - 1], -1) };
        let (first, last) = (within(start, bounds), within(end, bounds));
        let count = ((last - first) * forward).max(0) as usize;
        let by = usize::try_from(step.unsigned_abs()).ok()?;
        let picked = (0..count).step_by(by).map(|far| usize::try_from(first + forward * far as i64).ok());
        made = Tensor::made(Made::Picked(made, axis, picked.collect::<Option<Vec<usize>>>()?))?;
    }
    Some(made)
}

fn tiled(first: &Tensor, repeats: &[usize]) -> Option<Tensor> {
    let count = repeats.iter().try_fold(first.count(), |product, &often| product.checked_mul(often))?;
    if repeats.len() != first.shape().len() || count > MOST_LOOKED_AT {
        return None;
    }
    repeats.iter().enumerate().try_fold(first.clone(), |made, (axis, &often)| {
        let size = made.shape().get(axis).copied()?;
        Tensor::made(Made::Picked(made, axis, (0..often).flat_map(|_| 0..size).collect()))
    })
}

fn array(tensor: &Tensor) -> Option<Array<f32>> {
    Some(Array { shape: tensor.shape().to_vec(), values: tensor.small_floats()? })
}

/// A product of small tensors, the second a matrix.
fn multiplied(call: &Call<'_>, first: &Tensor) -> Option<Tensor> {
    let second = call.tensor(1)?;
    let made = array(first)?.product(&array(second)?)?;
    Some(Tensor::of_floats(made.shape, made.values))
}

/// A small tensor with some of its elements replaced.
fn scattered(call: &Call<'_>, first: &Tensor) -> Option<Tensor> {
    if call.text("reduction").is_some_and(|reduction| reduction != "none") {
        return None;
    }
    let places = Array { shape: call.tensor(1)?.shape().to_vec(), values: call.ints(1)? };
    let made = array(first)?.scattered(&places, &array(call.tensor(2)?)?)?;
    Some(Tensor::of_floats(made.shape, made.values))
}

/// Of small tensors, the second where the first is not 0, else the third.
fn chosen(call: &Call<'_>) -> Option<Tensor> {
    let (condition, yes, no) = (array(call.tensor(0)?)?, array(call.tensor(1)?)?, array(call.tensor(2)?)?);
    let shapes = broadcast(&condition.shape, &yes.shape);
    let shape = broadcast(&shapes?, &no.shape)?;
    if shape.iter().try_fold(1usize, |product, &size| product.checked_mul(size))? > MOST_LOOKED_AT {
        return None;
    }
    let pairs = condition.joined(&yes, |condition, yes| (condition, yes))?;
    let made =
        pairs.joined(&no.each(|no| (no, no)), |(condition, yes), (no, _)| if condition != 0.0 { yes } else { no })?;
    Some(Tensor::of_floats(made.shape, made.values))
}
