//! What many layers ask of their inputs, asked in one place and refused in one voice.

use super::argument_types::tuple;
use super::{BindError, ParameterDeclaration, ShapeError};
use crate::graph::Initialiser;
use crate::shape::{Dim, Shape};

/// The one input of a layer that keeps its shape.
pub fn single(inputs: &[Shape]) -> Result<Shape, ShapeError> {
    inputs.first().cloned().ok_or(ShapeError::TooLarge)
}

/// The axes of an input `[N, C, H, W]`.
pub fn planes(inputs: &[Shape]) -> Result<[&Dim; 4], ShapeError> {
    match inputs.first().map(|shape| &**shape) {
        Some([batch, channels, height, width]) => Ok([batch, channels, height, width]),
        Some([_, _]) => Err(rank(inputs, "[N, C, H, W]", Some("height and width are missing"), None)),
        Some([_, _, _]) => Err(rank(inputs, "[N, C, H, W]", Some("one axis is missing"), None)),
        _ => Err(rank(inputs, "[N, C, H, W]", None, None)),
    }
}

/// Batch, channels and the other axes of an input that has so many of these.
pub fn spatial(inputs: &[Shape], count: usize) -> Result<(&Dim, &Dim, &[Dim]), ShapeError> {
    if count == 2 {
        planes(inputs)?;
    }
    match inputs.first().map(|shape| &**shape) {
        Some([batch, channels, sizes @ ..]) if sizes.len() == count => Ok((batch, channels, sizes)),
        Some(shape) if shape.len() + 1 == count + 2 => {
            Err(rank(inputs, form(count), Some("one axis is missing"), None))
        }
        _ => Err(rank(inputs, form(count), None, None)),
    }
}

/// How an input with so many axes after the channels is written.
fn form(count: usize) -> &'static str {
    match count {
        1 => "[N, C, L]",
        2 => "[N, C, H, W]",
        _ => "[N, C, D, H, W]",
    }
}

/// An input that has batch and channels, `[N, C, ...]`; gives the channels.
pub fn channels(inputs: &[Shape]) -> Result<usize, ShapeError> {
    match inputs.first().map(|shape| &**shape) {
        Some([_, channels, ..]) => number("channels", channels),
        _ => Err(rank(inputs, "[N, C, ...]", Some("channels are missing"), None)),
    }
}

/// The refusal of an input by its number of axes.
pub fn rank(
    inputs: &[Shape],
    expected: &'static str,
    help: Option<&'static str>,
    instead: Option<&'static str>,
) -> ShapeError {
    ShapeError::Rank { found: inputs.first().cloned().unwrap_or_default(), expected, help, instead }
}

/// A size that must be a number, such as the channels that a weight has.
pub fn number(axis: &'static str, size: &Dim) -> Result<usize, ShapeError> {
    match size.number() {
        Some(number) => usize::try_from(number).map_err(|_| ShapeError::TooLarge),
        None => Err(ShapeError::Unknown { axis, size: size.clone() }),
    }
}

/// A number of channels that `argument` must divide, divided by it. `all` are the numbers that it must divide together.
pub fn divisible(
    what: &'static str,
    size: usize,
    divisor: usize,
    argument: &'static str,
    all: &[usize],
) -> Result<usize, ShapeError> {
    if let Some(0) = size.checked_rem(divisor) {
        return Ok(size / divisor);
    }
    let mends = nearest(divisor, |candidate| all.iter().all(|number| number.is_multiple_of(candidate)));
    Err(ShapeError::NotDivisible { what, size: Dim::from(size), divisor, argument, mends })
}

/// Refuses groups that do not divide the channels of the output.
pub fn groups(groups: usize, out_channels: usize) -> Result<(), BindError> {
    if out_channels.checked_rem(groups) == Some(0) {
        return Ok(());
    }
    let message = format!("out_channels={out_channels} is not a multiple of groups={groups}");
    let mend = nearest(groups, |candidate| out_channels.is_multiple_of(candidate)).first().map(usize::to_string);
    Err(BindError::Conflict { argument: "groups", message, mend })
}

/// Weight of a convolution or a linear layer, and its bias if there is one, as PyTorch starts them: the bound comes
/// from the sizes of all axes after the first.
pub fn weight_and_bias(weight: Vec<usize>, bias: Option<usize>) -> Vec<ParameterDeclaration> {
    let fan_in = weight.iter().skip(1).fold(1, |product: usize, &size| product.saturating_mul(size));
    let start = Initialiser::fan_in(fan_in);
    let mut all = vec![ParameterDeclaration::trainable("weight", weight, start.clone())];
    all.extend(bias.map(|length| ParameterDeclaration::trainable("bias", vec![length], start)));
    all
}

/// What PyTorch prints of a convolution: channels, window and step, then those of its other arguments (text, name, whether it is
/// the default) that are not the default.
pub fn convolution(channels: [usize; 2], kernel: &[usize], stride: &[usize], more: &[(String, &str, bool)]) -> String {
    let [from, to] = channels;
    let always = format!("{from}, {to}, kernel_size={}, stride={}", tuple(kernel), tuple(stride));
    let more = more.iter().filter(|(_, _, default)| !default);
    more.fold(always, |text, (value, name, _)| format!("{text}, {name}={value}"))
}

/// The nearest number below and the nearest above `wanted` that fit, the nearer first; those far off are no help.
pub fn nearest(wanted: usize, fits: impl Fn(usize) -> bool) -> Vec<usize> {
    const FAR: usize = 4096;
    let below = (wanted.saturating_sub(FAR).max(1)..wanted).rev().find(|&candidate| fits(candidate));
    let above = (wanted.saturating_add(1)..wanted.saturating_add(FAR)).find(|&candidate| fits(candidate));
    let mut found: Vec<usize> = below.into_iter().chain(above).collect();
    found.sort_by_key(|candidate| candidate.abs_diff(wanted));
    found
}

/// An axis as PyTorch counts it, from the end when negative, as a position.
pub fn axis(argument: &'static str, axis: i64, input: &Shape) -> Result<usize, ShapeError> {
    let rank = i64::try_from(input.rank()).unwrap_or(i64::MAX);
    let position = if axis < 0 { axis + rank } else { axis };
    match usize::try_from(position) {
        Ok(position) if position < input.rank() => Ok(position),
        _ => Err(ShapeError::NoSuchAxis { argument, axis, input: input.clone() }),
    }
}
