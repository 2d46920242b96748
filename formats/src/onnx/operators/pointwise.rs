//! Operators that work element by element on one value, and those that make chances of scores.

use super::{Said, first, float, one};
use crate::onnx::read::{Call, Reader, axis};
use crate::onnx::tensor::Tensor;
use crate::spec::ValueId;
use cnnc_compiler::ops::Constant;
use cnnc_compiler::shape::Dim;
use cnnc_grammar::ast::JoinKind;

/// A layer without arguments.
fn plain(reader: &mut Reader<'_>, call: &Call<'_>, name: &'static str) -> Said {
    with(reader, call, name, Vec::new())
}

fn with(
    reader: &mut Reader<'_>,
    call: &Call<'_>,
    name: &'static str,
    arguments: Vec<(&'static str, Constant)>,
) -> Said {
    let (value, _) = first(reader, call)?;
    one(reader.layer(name, arguments, value)?)
}

/// A layer with one argument, an attribute that is left out where it is what both sides take.
fn with_number(
    reader: &mut Reader<'_>,
    call: &Call<'_>,
    name: &'static str,
    (attribute, otherwise): (&str, f32),
    (argument, default): (&'static str, f32),
) -> Said {
    let number = call.number(attribute).unwrap_or(otherwise);
    let arguments = if number == default { Vec::new() } else { vec![(argument, float(number))] };
    with(reader, call, name, arguments)
}

pub fn relu(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    plain(reader, call, "ReLU")
}

pub fn sigmoid(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    plain(reader, call, "Sigmoid")
}

pub fn tanh(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    plain(reader, call, "Tanh")
}

pub fn softsign(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    plain(reader, call, "Softsign")
}

pub fn mish(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    plain(reader, call, "Mish")
}

pub fn hard_swish(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    plain(reader, call, "Hardswish")
}

/// PyTorch's has a threshold, past which it is the identity to 1 part in 10⁸: float32 has no more.
pub fn softplus(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    plain(reader, call, "Softplus")
}

pub fn leaky_relu(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    with_number(reader, call, "LeakyReLU", ("alpha", 0.01), ("negative_slope", 0.01))
}

pub fn elu(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    with_number(reader, call, "ELU", ("alpha", 1.0), ("alpha", 1.0))
}

pub fn celu(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    with_number(reader, call, "CELU", ("alpha", 1.0), ("alpha", 1.0))
}

/// `gamma · ELU(x)`; with the constants of Klambauer et al. 2017, to what float32 holds of them, PyTorch's SELU.
pub fn selu(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    let (alpha, gamma) = (call.number("alpha").unwrap_or(1.673_263_2), call.number("gamma").unwrap_or(1.050_701));
    if (alpha - 1.673_263_2).abs() < 1e-5 && (gamma - 1.050_701).abs() < 1e-5 {
        return plain(reader, call, "SELU");
    }
    let (value, _) = first(reader, call)?;
    let curve = reader.layer("ELU", vec![("alpha", float(alpha))], value)?;
    one(by_number(reader, JoinKind::Product, curve, gamma)?)
}

pub fn gelu(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    let arguments = match call.text("approximate") {
        Some("tanh") => vec![("approximate", Constant::Text("tanh".into()))],
        _ => Vec::new(),
    };
    with(reader, call, "GELU", arguments)
}

pub fn thresholded_relu(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    let alpha = call.number("alpha").unwrap_or(1.0);
    with(reader, call, "Threshold", vec![("threshold", float(alpha)), ("value", float(0.0))])
}

pub fn shrink(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    let (lambd, bias) = (call.number("lambd").unwrap_or(0.5), call.number("bias").unwrap_or(0.0));
    let name = match bias {
        0.0 => "Hardshrink",
        bias if bias == lambd => "Softshrink",
        _ => return Err("its bias is neither 0 nor its lambd".into()),
    };
    with(reader, call, name, vec![("lambd", float(lambd))])
}

pub fn prelu(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    let (value, rank) = first(reader, call)?;
    let slope = call.weight(1, "slope")?;
    let channels = reader.network.shape(value).get(1).and_then(Dim::number).unwrap_or(0);
    // A slope for each channel: as many axes as the plane has of size 1 behind it, or it alone.
    let shape = slope.shape();
    let leading = shape.iter().take_while(|&&size| size == 1).count();
    let count = slope.count();
    let by_channel = count as i64 == channels && {
        let place = shape.iter().position(|&size| size != 1).unwrap_or(leading);
        // Up to set 6 a list is always one of channels.
        shape.len().saturating_sub(place) == rank.saturating_sub(1) || (call.version < 7 && shape.len() == 1)
    };
    if count != 1 && !by_channel {
        return steep(reader, value, slope.clone());
    }
    let slope = slope.reshaped(vec![count]).ok_or("its slope has no values")?;
    let arguments = if count == 1 { Vec::new() } else { vec![("num_parameters", Constant::Int(count as i64))] };
    one(reader.weighted("PReLU", arguments, value, &[slope])?)
}

/// A slope for each element: what is above zero, and the slope times what is below.
fn steep(reader: &mut Reader<'_>, value: ValueId, slope: Tensor) -> Said {
    let above = reader.layer("ReLU", Vec::new(), value)?;
    let below = by_number(reader, JoinKind::Minimum, value, 0.0)?;
    let slope = reader.constant(&slope)?;
    let scaled = reader.network.join(JoinKind::Product, Vec::new(), &[below, slope])?;
    one(reader.network.join(JoinKind::Sum, Vec::new(), &[above, scaled])?)
}

pub fn hard_sigmoid(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    let (alpha, beta) = (call.number("alpha").unwrap_or(0.2), call.number("beta").unwrap_or(0.5));
    let (value, _) = first(reader, call)?;
    if (alpha - 1.0 / 6.0).abs() < 1e-6 && beta == 0.5 {
        return one(reader.layer("Hardsigmoid", Vec::new(), value)?);
    }
    let scaled = by_number(reader, JoinKind::Product, value, alpha)?;
    let moved = by_number(reader, JoinKind::Sum, scaled, beta)?;
    one(reader.layer("Hardtanh", vec![("min_val", float(0.0)), ("max_val", float(1.0))], moved)?)
}

/// A value joined with a number.
pub fn by_number(reader: &mut Reader<'_>, kind: JoinKind, value: ValueId, number: f32) -> Result<ValueId, String> {
    if !number.is_finite() {
        return Err("it computes with a number that is not finite".into());
    }
    let number = reader.network.numbers(vec![crate::spec::number(number)], Vec::new())?;
    reader.network.join(kind, Vec::new(), &[value, number])
}

/// `Clip`: bounds are attributes up to set 10, arguments from 11 on.
pub fn clip(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    let (value, _) = first(reader, call)?;
    let bound = |name: &str, index: usize| match call.input(index) {
        Some(_) => call.float(index).map(Some).ok_or_else(|| "its bounds are computed from other values".to_owned()),
        None => Ok(call.number(name)),
    };
    let finite = |bound: Option<f32>| bound.filter(|bound| bound.is_finite() && bound.abs() < f32::MAX);
    let bounds = (finite(bound("min", 1)?), finite(bound("max", 2)?));
    one(match bounds {
        (None, None) => value,
        (Some(0.0), Some(6.0)) => reader.layer("ReLU6", Vec::new(), value)?,
        (Some(0.0), None) => reader.layer("ReLU", Vec::new(), value)?,
        (Some(least), Some(most)) if least < most => {
            reader.layer("Hardtanh", vec![("min_val", float(least)), ("max_val", float(most))], value)?
        }
        (least, most) => {
            let raised = match least {
                Some(least) => by_number(reader, JoinKind::Maximum, value, least)?,
                None => value,
            };
            match most {
                Some(most) => by_number(reader, JoinKind::Minimum, raised, most)?,
                None => raised,
            }
        }
    })
}

pub fn negate(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    let (value, _) = first(reader, call)?;
    one(by_number(reader, JoinKind::Product, value, -1.0)?)
}

pub fn abs(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    plain(reader, call, "Abs")
}

pub fn exp(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    plain(reader, call, "Exp")
}

pub fn log(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    plain(reader, call, "Log")
}

pub fn sqrt(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    plain(reader, call, "Sqrt")
}

pub fn erf(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    plain(reader, call, "Erf")
}

pub fn reciprocal(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    let (value, _) = first(reader, call)?;
    let number = reader.network.numbers(vec![1.0], Vec::new())?;
    one(reader.network.join(JoinKind::Quotient, Vec::new(), &[number, value])?)
}

pub fn power(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    let (value, _) = first(reader, call)?;
    match call.float(1) {
        Some(1.0) => one(value),
        Some(0.5) => sqrt(reader, call),
        Some(-1.0) => reciprocal(reader, call),
        Some(exponent) => one(raised(reader, value, exponent)?),
        None => Err("its power is computed, or is not the same for all elements".into()),
    }
}

/// A value to a power.
pub fn raised(reader: &mut Reader<'_>, value: ValueId, exponent: f32) -> Result<ValueId, String> {
    let exponent =
        if exponent.fract() == 0.0 && exponent.abs() < 1e6 { Constant::Int(exponent as i64) } else { float(exponent) };
    reader.layer("Pow", vec![("exponent", exponent)], value)
}

pub fn softmax(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    over_axis(reader, call, "Softmax")
}

pub fn log_softmax(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    over_axis(reader, call, "LogSoftmax")
}

/// Up to set 12 all axes from `axis` on are one.
fn over_axis(reader: &mut Reader<'_>, call: &Call<'_>, name: &'static str) -> Said {
    let (value, rank) = first(reader, call)?;
    let old = call.version < 13;
    let axis = axis(call.int("axis").unwrap_or(if old { 1 } else { -1 }), rank)?;
    let shape = reader.network.shape(value).clone();
    let behind = shape.get(axis + 1..).unwrap_or_default();
    let dim = |axis: usize| vec![("dim", Constant::Int(axis as i64))];
    if !old || behind.iter().all(|size| *size == Dim::Number(1)) {
        return one(reader.layer(name, dim(axis), value)?);
    }
    let flat = vec![("start_dim", Constant::Int(axis as i64))];
    let flat = reader.layer("Flatten", flat, value)?;
    let chances = reader.layer(name, dim(axis), flat)?;
    one(reader.layer("Reshape", vec![("shape", super::shape(&shape))], chances)?)
}
