//! What many layers ask of their inputs, asked in one place and refused in one voice.

use super::ShapeError;
use crate::shape::{Dim, Shape};

/// The one input of a layer that keeps its shape.
pub fn single(inputs: &[Shape]) -> Result<Shape, ShapeError> {
    inputs.first().cloned().ok_or(ShapeError::TooLarge)
}

/// The axes of an input `[N, C, H, W]`.
pub fn planes(inputs: &[Shape]) -> Result<[&Dim; 4], ShapeError> {
    match inputs.first().map(|shape| shape.0.as_slice()) {
        Some([batch, channels, height, width]) => Ok([batch, channels, height, width]),
        _ => Err(ShapeError::Rank { found: single(inputs)?, expected: "[N, C, H, W]", mend: None }),
    }
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
    let mends = nearest(divisor, |candidate| all.iter().all(|number| number % candidate == 0));
    Err(ShapeError::NotDivisible { what, size: Dim::from(size), divisor, argument, mends })
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
