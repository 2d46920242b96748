//! What depends on tensors and sizes of the file alone is computed here, as far as it is small.
//!
//! Weights that are only turned or reshaped are not: that is noted with the tensor and done when it is written.

use super::Said;
use crate::onnx::NoExternalData;
use crate::onnx::read::{Call, Fact, Reader, Sizes, axes, axis};
use crate::onnx::tensor::{MOST_LOOKED_AT, Tensor};
use cnnc_compiler::shape::Dim;

/// A constant of any kind.
pub fn constant(_: &mut Reader<'_>, call: &Call<'_>) -> Said {
    let list = |name: &str| call.attributes.get(name);
    let tensor = if let Some(value) = list("value").and_then(|value| value.t.as_ref()) {
        Tensor::of_file(value, &NoExternalData).map_err(|reason| format!("its tensor {reason}"))?
    } else if let Some(value) = list("value_float") {
        Tensor::of_floats(Vec::new(), vec![value.f])
    } else if let Some(value) = list("value_floats") {
        Tensor::of_floats(vec![value.floats.len()], value.floats.clone())
    } else if let Some(value) = list("value_int") {
        Tensor::of_ints(Vec::new(), vec![value.i])
    } else if let Some(value) = list("value_ints") {
        Tensor::of_ints(vec![value.ints.len()], value.ints.clone())
    } else {
        return Err("its value is of a kind that is not read".into());
    };
    Ok(vec![Fact::Tensor(tensor)])
}

/// One number in every place of a shape.
pub fn constant_of_shape(_: &mut Reader<'_>, call: &Call<'_>) -> Said {
    let sizes = call.ints(0).ok_or("its sizes are open")?;
    let shape = sizes.iter().map(|&size| usize::try_from(size).ok()).collect::<Option<Vec<usize>>>();
    let shape = shape.ok_or("it has a negative size")?;
    let count = shape.iter().try_fold(1usize, |product, &size| product.checked_mul(size));
    let count = count.filter(|&count| count < 1 << 32).ok_or("it has more elements than are followed")?;
    let value = call.attributes.get("value").and_then(|value| value.t.as_ref());
    let value = value.map(|value| Tensor::of_file(value, &NoExternalData)).transpose();
    let value = value.map_err(|reason| format!("its value {reason}"))?;
    Ok(vec![Fact::Tensor(match value {
        Some(value) if value.element().is_float() => {
            let number = value.small_floats().and_then(|values| values.first().copied()).unwrap_or(0.0);
            Tensor::filled(shape, number)
        }
        Some(_) if count > MOST_LOOKED_AT => return Err("it is larger than whole numbers that are followed".into()),
        Some(value) => {
            let number = value.ints().and_then(|values| values.first().copied()).unwrap_or(0);
            Tensor::of_ints(shape, vec![number; count])
        }
        None => Tensor::filled(shape, 0.0),
    })])
}

/// The result of an operator whose arguments are all known; `None` where it is not computed here.
pub fn fold(call: &Call<'_>) -> Option<Fact> {
    of_tensor(call).or_else(|| of_sizes(call)).or_else(|| of_floats(call))
}

/// What leaves a tensor's values as they are.
fn of_tensor(call: &Call<'_>) -> Option<Fact> {
    let tensor = call.tensor(0)?;
    let rank = tensor.shape().len();
    let made = match call.node.op_type.as_str() {
        "Identity" => Some(tensor.clone()),
        // The values stay; whole numbers that were cut would be others.
        "Cast" | "CastLike" => {
            let to = call.int("to").unwrap_or(1);
            let is_float = matches!(to, 1 | 10 | 11 | 16);
            match (is_float, tensor.element().is_float()) {
                (false, true) => {
                    let whole = tensor.small_floats()?.into_iter().map(|value| value.trunc() as i64).collect();
                    Some(Tensor::of_ints(tensor.shape().to_vec(), whole))
                }
                (true, false) => Some(Tensor::of_floats(tensor.shape().to_vec(), tensor.small_floats()?)),
                _ => Some(tensor.clone()),
            }
        }
        "Transpose" => {
            let order = call.list("perm").unwrap_or_else(|| (0..rank as i64).rev().collect());
            tensor.permuted(&axes(&order, rank).ok()?)
        }
        "Reshape" => {
            let wanted = call.ints(1)?;
            let known = |place: usize, size: i64| match size {
                0 => tensor.shape().get(place).copied(),
                size => usize::try_from(size).ok(),
            };
            let others: usize = wanted
                .iter()
                .enumerate()
                .filter(|(_, size)| **size != -1)
                .map(|(place, &size)| known(place, size))
                .try_fold(1usize, |product, size| product.checked_mul(size?))?;
            let sizes = wanted.iter().enumerate().map(|(place, &size)| match size {
                -1 => tensor.count().checked_div(others),
                size => known(place, size),
            });
            tensor.reshaped(sizes.collect::<Option<Vec<usize>>>()?)
        }
        "Unsqueeze" => {
            let added = call.list_or_input("axes", 1).ok()??;
            let total = rank + added.len();
            let added = axes(&added, total).ok()?;
            let mut kept = tensor.shape().iter().copied();
            let shape = (0..total).map(|axis| if added.contains(&axis) { Some(1) } else { kept.next() });
            tensor.reshaped(shape.collect::<Option<Vec<usize>>>()?)
        }
        "Squeeze" => {
            let gone = match call.list_or_input("axes", 1).ok()? {
                Some(gone) => axes(&gone, rank).ok()?,
                None => (0..rank).filter(|&axis| tensor.shape().get(axis) == Some(&1)).collect(),
            };
            let shape =
                tensor.shape().iter().enumerate().filter(|(axis, _)| !gone.contains(axis)).map(|(_, &size)| size);
            tensor.reshaped(shape.collect())
        }
        "Flatten" => {
            let axis = call.int("axis").unwrap_or(1).clamp(0, rank as i64) as usize;
            let (front, back) = tensor.shape().split_at_checked(axis)?;
            tensor.reshaped(vec![front.iter().product(), back.iter().product()])
        }
        _ => None,
    };
    made.map(Fact::Tensor)
}

/// What works on whole numbers, open sizes among them.
fn of_sizes(call: &Call<'_>) -> Option<Fact> {
    let first = call.sizes(0)?;
    let list = |numbers: Vec<Dim>| Some(Sizes::list(numbers).fact());
    match call.node.op_type.as_str() {
        "Identity" | "Cast" | "CastLike" | "Floor" | "Ceil" | "Abs" => Some(first.fact()),
        "Squeeze" => Some(Sizes { is_scalar: first.numbers.len() == 1, ..first }.fact()),
        "Unsqueeze" | "Reshape" | "Flatten" => list(first.numbers),
        "Concat" => {
            let all = (0..call.inputs.len()).map(|index| call.sizes(index).map(|sizes| sizes.numbers));
            list(all.collect::<Option<Vec<_>>>()?.into_iter().flatten().collect())
        }
        "Gather" => {
            let places = call.sizes(1)?;
            let count = first.numbers.len() as i64;
            let pick = |place: &Dim| {
                let place = place.number()?;
                let place = if place < 0 { place + count } else { place };
                first.numbers.get(usize::try_from(place).ok()?).cloned()
            };
            let numbers = places.numbers.iter().map(pick).collect::<Option<Vec<Dim>>>()?;
            Some(Sizes { numbers, is_scalar: places.is_scalar }.fact())
        }
        "Slice" => {
            let number = |name: &str, index: usize| {
                call.list_or_input(name, index).ok()?.and_then(|numbers| numbers.first().copied())
            };
            let (start, end, step) = (number("starts", 1)?, number("ends", 2)?, number("steps", 4).unwrap_or(1));
            let count = first.numbers.len() as i64;
            let place = |given: i64| (if given < 0 { given + count } else { given }).clamp(0, count);
            if step < 1 {
                return None;
            }
            let (start, end) = (place(start), place(end).max(place(start)));
            let picked = first.numbers.get(start as usize..end as usize)?;
            list(picked.iter().step_by(usize::try_from(step).ok()?).cloned().collect())
        }
        "ReduceProd" => {
            let product =
                first.numbers.iter().try_fold(Dim::Number(1), |product, number| product.times(number)).ok()?;
            Some(Sizes { numbers: vec![product], is_scalar: call.int("keepdims").unwrap_or(1) == 0 }.fact())
        }
        "Equal" | "Less" | "Greater" => {
            let second = call.sizes(1)?;
            let at = |sizes: &Sizes, place: usize| sizes.numbers.get(place.min(sizes.numbers.len() - 1)).cloned();
            let count = first.numbers.len().max(second.numbers.len());
            let compare = |place: usize| {
                let difference = at(&first, place)?.minus(&at(&second, place)?).ok()?.number();
                let holds = match (call.node.op_type.as_str(), difference) {
                    ("Equal", Some(difference)) => difference == 0,
                    // A size is at least 1, so it is none of the marks 0 and -1.
                    ("Equal", None)
                        if [&first, &second].iter().any(|one| {
                            at(one, place).and_then(|dim| dim.number()).is_some_and(|number| number <= 0)
                        }) =>
                    {
                        false
                    }
                    ("Less", Some(difference)) => difference < 0,
                    ("Greater", Some(difference)) => difference > 0,
                    _ => return None,
                };
                Some(Dim::Number(i64::from(holds)))
            };
            let numbers = (0..count).map(compare).collect::<Option<Vec<Dim>>>()?;
            Some(Sizes { numbers, is_scalar: first.is_scalar && second.is_scalar }.fact())
        }
        "Max" | "Min" | "Mod" if call.inputs.len() == 2 => {
            let second = call.sizes(1)?;
            let known = |sizes: &Sizes| sizes.numbers.iter().map(Dim::number).collect::<Option<Vec<i64>>>();
            let (left, right) = (known(&first)?, known(&second)?);
            let count = left.len().max(right.len());
            let at = |numbers: &[i64], place: usize| numbers.get(if numbers.len() == 1 { 0 } else { place }).copied();
            let pick = |place: usize| {
                let (a, b) = (at(&left, place)?, at(&right, place)?);
                Some(Dim::Number(match call.node.op_type.as_str() {
                    "Max" => a.max(b),
                    "Min" => a.min(b),
                    // With the divisor's sign, as Python has it.
                    _ if b > 0 && call.int("fmod").unwrap_or(0) == 0 => a.checked_rem_euclid(b)?,
                    _ => return None,
                }))
            };
            let numbers = (0..count).map(pick).collect::<Option<Vec<Dim>>>()?;
            Some(Sizes { numbers, is_scalar: first.is_scalar && second.is_scalar }.fact())
        }
        "Not" => {
            let numbers = first.numbers.iter().map(|number| Some(Dim::Number(i64::from(number.number()? == 0))));
            Some(Sizes { numbers: numbers.collect::<Option<Vec<Dim>>>()?, is_scalar: first.is_scalar }.fact())
        }
        "Where" => {
            let (yes, no) = (call.sizes(1)?, call.sizes(2)?);
            let at = |sizes: &Sizes, place: usize| sizes.numbers.get(place.min(sizes.numbers.len() - 1)).cloned();
            let count = first.numbers.len().max(yes.numbers.len()).max(no.numbers.len());
            let pick = |place: usize| {
                let chosen = if at(&first, place)?.number()? != 0 { &yes } else { &no };
                at(chosen, place)
            };
            list((0..count).map(pick).collect::<Option<Vec<Dim>>>()?)
        }
        "Expand" => {
            let count = call.ints(1)?.into_iter().try_fold(1i64, i64::checked_mul)?;
            let count = usize::try_from(count).ok()?;
            match first.numbers.as_slice() {
                [single] if count <= 64 => list(vec![single.clone(); count]),
                all if all.len() == count => list(all.to_vec()),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Arithmetic of small tensors of floats.
fn of_floats(call: &Call<'_>) -> Option<Fact> {
    let values = call.tensor(0).filter(|tensor| tensor.element().is_float())?.small_floats()?;
    let shape = call.tensor(0)?.shape().to_vec();
    let each = |of: fn(f32) -> f32| {
        Some(Fact::Tensor(Tensor::of_floats(shape.clone(), values.iter().map(|&value| of(value)).collect())))
    };
    let both = |of: fn(f32, f32) -> f32| {
        let (other, other_shape) = (call.tensor(1)?.small_floats()?, call.tensor(1)?.shape().to_vec());
        let (count, shape) = if values.len() >= other.len() {
            (values.len(), shape.clone())
        } else {
            (other.len(), other_shape.clone())
        };
        let simple = values.len() == 1 || other.len() == 1 || (values.len() == other.len() && shape == other_shape);
        let at = |list: &[f32], place: usize| list.get(if list.len() == 1 { 0 } else { place }).copied();
        let made =
            (0..count).map(|place| Some(of(at(&values, place)?, at(&other, place)?))).collect::<Option<Vec<f32>>>()?;
        simple.then(|| Fact::Tensor(Tensor::of_floats(shape, made)))
    };
    match call.node.op_type.as_str() {
        "Sqrt" => each(f32::sqrt),
        "Neg" => each(|value| -value),
        "Exp" => each(f32::exp),
        "Log" => each(f32::ln),
        "Abs" => each(f32::abs),
        "Floor" => each(f32::floor),
        "Ceil" => each(f32::ceil),
        "Reciprocal" => each(|value| 1.0 / value),
        "Add" => both(|a, b| a + b),
        "Sub" => both(|a, b| a - b),
        "Mul" => both(|a, b| a * b),
        "Div" => both(|a, b| a / b),
        "Pow" => both(f32::powf),
        "Max" if call.inputs.len() == 2 => both(f32::max),
        "Min" if call.inputs.len() == 2 => both(f32::min),
        "Concat" => concatenated(call),
        _ => None,
    }
}

/// Small tensors one after the other along an axis.
fn concatenated(call: &Call<'_>) -> Option<Fact> {
    let tensors = (0..call.inputs.len()).map(|index| call.tensor(index)).collect::<Option<Vec<&Tensor>>>()?;
    let first = tensors.first()?.shape();
    let axis = axis(call.int("axis")?, first.len()).ok()?;
    let outer: usize = first.get(..axis)?.iter().product();
    let mut shape = first.to_vec();
    let total: usize = tensors.iter().map(|tensor| tensor.shape().get(axis).copied().unwrap_or(0)).sum();
    *shape.get_mut(axis)? = total;
    let lists = tensors.iter().map(|tensor| tensor.small_floats()).collect::<Option<Vec<Vec<f32>>>>()?;
    let same =
        |tensor: &&Tensor| tensor.shape().len() == first.len() && outer > 0 && tensor.count().is_multiple_of(outer);
    if !tensors.iter().all(same) {
        return None;
    }
    let mut values = Vec::new();
    for place in 0..outer {
        for list in &lists {
            let part = list.len() / outer;
            values.extend(list.get(place * part..(place + 1) * part)?);
        }
    }
    (values.len() == shape.iter().product::<usize>()).then(|| Fact::Tensor(Tensor::of_floats(shape, values)))
}
