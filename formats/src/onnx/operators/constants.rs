//! What depends on tensors and sizes of the file alone: constants, other forms of tensors, arithmetic of sizes, some of them
//! open. Arithmetic of tensors is in `weights.rs`.

use super::{Said, repeated, weights};
use crate::onnx::NoExternalData;
use crate::onnx::read::{Call, Fact, Reader, Sizes, axes};
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
    let Some(sizes) = call.ints(0) else {
        let sizes = call.sizes(0).ok_or("its sizes are computed from values")?;
        return repeated::spread(&sizes.numbers, |sizes| filled(call, sizes)).ok_or("its sizes are open")?;
    };
    Ok(vec![Fact::Tensor(filled(call, &sizes)?)])
}

/// The tensor that it is.
fn filled(call: &Call<'_>, sizes: &[i64]) -> Result<Tensor, String> {
    let shape = sizes.iter().map(|&size| usize::try_from(size).ok()).collect::<Option<Vec<usize>>>();
    let shape = shape.ok_or("it has a negative size")?;
    let count = shape.iter().try_fold(1usize, |product, &size| product.checked_mul(size));
    let count = count.filter(|&count| count < 1 << 32).ok_or("it has more elements than are followed")?;
    let value = call.attributes.get("value").and_then(|value| value.t.as_ref());
    let value = value.map(|value| Tensor::of_file(value, &NoExternalData)).transpose();
    let value = value.map_err(|reason| format!("its value {reason}"))?;
    Ok(match value {
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
    })
}

/// The result of an operator whose arguments are all known; `None` where it is not computed here.
pub fn fold(call: &Call<'_>) -> Option<Fact> {
    of_tensor(call).or_else(|| of_sizes(call)).or_else(|| weights::computed(call)).or_else(|| of_places(call))
}

/// What leaves a tensor's values as they are.
fn of_tensor(call: &Call<'_>) -> Option<Fact> {
    let tensor = call.tensor(0)?;
    let rank = tensor.shape().len();
    let made = match call.node.op_type.as_str() {
        "Identity" => Some(tensor.clone()),
        // The values stay; whole numbers that were cut would be others.
        "Cast" | "CastLike" => {
            let like = call.tensor(1).map(|like| like.element().is_float());
            let is_float = like.unwrap_or_else(|| call.int("to").is_none_or(super::is_float));
            match (is_float, tensor.element().is_float()) {
                (false, true) => {
                    let whole = tensor.small_floats()?.into_iter().map(|value| value.trunc() as i64).collect();
                    Some(Tensor::of_ints(tensor.shape().to_vec(), whole))
                }
                (true, false) => Some(Tensor::of_floats(tensor.shape().to_vec(), tensor.small_floats()?)),
                _ => Some(tensor.clone()),
            }
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

/// Tables of places that depend on open sizes.
fn of_places(call: &Call<'_>) -> Option<Fact> {
    let inputs = || call.inputs.iter().flatten();
    let table = inputs().find_map(|fact| match fact {
        Fact::Places(places) => Some(places),
        _ => None,
    })?;
    let made = match call.node.op_type.as_str() {
        "Identity" | "Cast" | "CastLike" => table.clone(),
        "Mul" => {
            let factor = inputs().find_map(|fact| match fact {
                Fact::Tensor(tensor) if tensor.count() == 1 => tensor.ints()?.first().copied(),
                _ => None,
            });
            table.times(factor?)?
        }
        "Unsqueeze" => {
            let added = call.list_or_input("axes", 1).ok()??;
            table.unsqueezed(&axes(&added, table.rank() + added.len()).ok()?)
        }
        "Add" => call.input(0)?.places()?.plus(&call.input(1)?.places()?)?,
        _ => return None,
    };
    Some(Fact::Places(made))
}

/// Quotients of sizes as whole numbers.
fn rounded(call: &Call<'_>, sizes: &Sizes, divisor: i64) -> Option<Fact> {
    let round: fn(&Dim, i64) -> Option<Dim> = match call.node.op_type.as_str() {
        "Floor" => |size, divisor| size.floor_divided(divisor).ok(),
        "Cast" if !matches!(call.int("to"), None | Some(1 | 10 | 11 | 16)) => {
            |size, divisor| size.floor_divided(divisor).ok()
        }
        "Ceil" => |size, divisor| size.ceiling_divided(divisor).ok(),
        "Cast" | "Identity" => return call.input(0).cloned(),
        _ => return None,
    };
    let numbers = sizes.numbers.iter().map(|size| round(size, divisor)).collect::<Option<Vec<Dim>>>()?;
    Some(Sizes { numbers, is_scalar: sizes.is_scalar }.fact())
}

/// What works on whole numbers, open sizes among them.
fn of_sizes(call: &Call<'_>) -> Option<Fact> {
    if let Some(Fact::Quotient(sizes, divisor)) = call.input(0) {
        return rounded(call, sizes, *divisor);
    }
    if call.tensor(0).is_some_and(|tensor| tensor.element().is_float()) {
        return None;
    }
    let first = call.sizes(0)?;
    let list = |numbers: Vec<Dim>| Some(Sizes::list(numbers).fact());
    match call.node.op_type.as_str() {
        "Identity" | "Cast" | "CastLike" | "Floor" | "Ceil" => Some(first.fact()),
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
            let wanted = call.ints(1).filter(|wanted| wanted.len() < 2)?;
            let count = usize::try_from(wanted.first().copied().unwrap_or(1)).ok()?;
            match first.numbers.as_slice() {
                [single] if count <= 64 => list(vec![single.clone(); count]),
                all if all.len() == count => list(all.to_vec()),
                _ => None,
            }
        }
        _ => None,
    }
}
