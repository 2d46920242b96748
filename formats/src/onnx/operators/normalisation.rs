//! Normalisations.

use super::pointwise::{by_number, raised};
use super::{Said, first, float, of_axes, one, only_first, shape};
use crate::onnx::read::{Call, Fact, Reader, axis};
use crate::onnx::tensor::Tensor;
use crate::spec::ValueId;
use cnnc_compiler::ops::Constant;
use cnnc_compiler::shape::Dim;
use cnnc_grammar::ast::JoinKind;

/// What all have where nothing is said.
const EPSILON: f32 = 1e-5;

/// The number that keeps them from dividing by nothing, where it is not the usual one.
fn epsilon(call: &Call<'_>) -> Vec<(&'static str, Constant)> {
    let epsilon = call.number("epsilon").unwrap_or(EPSILON);
    if epsilon == EPSILON { Vec::new() } else { vec![("eps", float(epsilon))] }
}

pub fn batch(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    if call.int("training_mode").unwrap_or(0) != 0 || call.int("spatial").unwrap_or(1) == 0 {
        return Err("it normalises by its own batch".into());
    }
    only_first(call)?;
    let (value, rank) = first(reader, call)?;
    let mut arguments = epsilon(call);
    // What a share of the new is here, is one of the old there.
    let momentum = 1.0 - call.number("momentum").unwrap_or(0.9);
    if (momentum - 0.1).abs() > 1e-6 && (0.0..=1.0).contains(&momentum) {
        arguments.push(("momentum", float(momentum)));
    }
    let all = ["scale", "bias", "mean", "variance"];
    let tensors = all.iter().enumerate().map(|(place, what)| call.weight(place + 1, what).cloned());
    let tensors = tensors.collect::<Result<Vec<Tensor>, _>>()?;
    let name = of_axes(["BatchNorm1d", "BatchNorm2d", "BatchNorm3d"], rank.saturating_sub(2).max(1))?;
    one(reader.weighted(name, arguments, value, &tensors)?)
}

pub fn instance(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    let (value, rank) = first(reader, call)?;
    let mut arguments = epsilon(call);
    arguments.push(("affine", Constant::Bool(true)));
    let tensors = [call.weight(1, "scale")?.clone(), call.weight(2, "bias")?.clone()];
    let name = of_axes(["InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d"], rank.saturating_sub(2))?;
    one(reader.weighted(name, arguments, value, &tensors)?)
}

pub fn group(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    let (value, _) = first(reader, call)?;
    let groups = call.int("num_groups").ok_or("it has no num_groups")?;
    let channels = reader.network.shape(value).get(1).and_then(Dim::number).unwrap_or(0);
    let tensors = [call.weight(1, "scale")?.clone(), call.weight(2, "bias")?.clone()];
    if tensors.iter().any(|tensor| tensor.shape() != [channels as usize]) {
        return Err("it has a scale for each group, and here each channel has one".into());
    }
    let mut arguments = vec![("num_groups", Constant::Int(groups))];
    arguments.extend(epsilon(call));
    one(reader.weighted("GroupNorm", arguments, value, &tensors)?)
}

/// The shape over which a value is normalised, `None` for the last axis alone.
fn normalised(reader: &Reader<'_>, call: &Call<'_>, value: crate::spec::ValueId) -> Result<(Vec<usize>, bool), String> {
    let dims = reader.network.shape(value);
    let axis = axis(call.int("axis").unwrap_or(-1), dims.rank())?;
    let over = dims.get(axis..).unwrap_or_default();
    let numbers = over.iter().map(|dim| dim.number().and_then(|size| usize::try_from(size).ok()));
    let numbers = numbers.collect::<Option<Vec<usize>>>().ok_or("it normalises over a size that is open")?;
    Ok((numbers, over.len() == 1))
}

/// A weight in the shape over which is normalised.
fn over(tensor: &Tensor, numbers: &[usize]) -> Result<Tensor, String> {
    let given = tensor.shape().iter().filter(|size| **size != 1);
    let wanted = numbers.iter().filter(|size| **size != 1);
    let fits = given.eq(wanted);
    fits.then(|| tensor.reshaped(numbers.to_vec()))
        .flatten()
        .ok_or_else(|| format!("its weight is {:?}, and it normalises over {numbers:?}", tensor.shape()))
}

/// Mean and `1 / √(variance + ε)` over the last axes from one on, which are the further results of a layer norm.
fn moments(reader: &mut Reader<'_>, call: &Call<'_>, value: ValueId) -> Result<[ValueId; 2], String> {
    let rank = reader.network.shape(value).rank();
    let from = axis(call.int("axis").unwrap_or(-1), rank)?;
    let dims = (from..rank).map(|axis| Constant::Int(axis as i64)).collect();
    let over = || vec![("dim", Constant::Tuple(Vec::clone(&dims))), ("keepdim", Constant::Bool(true))];
    let mean = reader.layer("Mean", over(), value)?;
    let centred = reader.network.join(JoinKind::Difference, Vec::new(), &[value, mean])?;
    let squares = raised(reader, centred, 2.0)?;
    let variance = reader.layer("Mean", over(), squares)?;
    let sum = by_number(reader, JoinKind::Sum, variance, call.number("epsilon").unwrap_or(EPSILON))?;
    let root = reader.layer("Sqrt", Vec::new(), sum)?;
    let number = reader.network.numbers(vec![1.0], Vec::new())?;
    Ok([mean, reader.network.join(JoinKind::Quotient, Vec::new(), &[number, root])?])
}

pub fn layer(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    let (value, _) = first(reader, call)?;
    let further = if call.gives(1) || call.gives(2) { moments(reader, call, value)?.to_vec() } else { Vec::new() };
    let (numbers, is_last) = normalised(reader, call, value)?;
    let mut tensors = vec![over(call.weight(1, "scale")?, &numbers)?];
    let mut arguments = epsilon(call);
    if !is_last {
        let sizes: Vec<Dim> = numbers.iter().map(|&size| Dim::from(size)).collect();
        arguments.push(("normalized_shape", shape(&sizes)));
    }
    match call.input(2) {
        Some(_) => tensors.push(over(call.weight(2, "bias")?, &numbers)?),
        None => arguments.push(("bias", Constant::Bool(false))),
    }
    let normalised = reader.weighted("LayerNorm", arguments, value, &tensors)?;
    Ok(std::iter::once(normalised).chain(further).map(Fact::Value).collect())
}

pub fn root_mean_square(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    let (value, _) = first(reader, call)?;
    let (numbers, is_last) = normalised(reader, call, value)?;
    let mut arguments = vec![("eps", float(call.number("epsilon").unwrap_or(EPSILON)))];
    if !is_last {
        let sizes: Vec<Dim> = numbers.iter().map(|&size| Dim::from(size)).collect();
        arguments.push(("normalized_shape", shape(&sizes)));
    }
    let weight = over(call.weight(1, "scale")?, &numbers)?;
    one(reader.weighted("RMSNorm", arguments, value, &[weight])?)
}

/// Of an even number of channels, ONNX has the odd one behind and PyTorch before.
pub fn local_response(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    let (value, _) = first(reader, call)?;
    let size = call.int("size").ok_or("it has no size")?;
    if size % 2 == 0 {
        return Err(format!("it takes {size} channels together; odd numbers have a word"));
    }
    let number = |name: &str, otherwise: f32| float(call.number(name).unwrap_or(otherwise));
    let arguments = vec![
        ("size", Constant::Int(size)),
        ("alpha", number("alpha", 1e-4)),
        ("beta", number("beta", 0.75)),
        ("k", number("bias", 1.0)),
    ];
    one(reader.layer("LocalResponseNorm", arguments, value)?)
}
