//! Resizing by products: what an element of the result takes of those of the input, as a matrix for each axis.
//!
//! Every way of ONNX to count and to weigh is here, by the formulas of its own page on `Resize`; a matrix is a linear layer over
//! its axis.

use super::matrices::{Along, product};
use crate::onnx::read::{Call, Reader, axes};
use crate::onnx::tensor::Tensor;
use crate::spec::ValueId;

/// What an element takes of its neighbours.
#[derive(Clone, Copy)]
enum Curve {
    /// The element of a place that is rounded so.
    Nearest(fn(f64) -> f64),
    /// Straight lines.
    Linear,
    /// Cubic curves of this parameter.
    Cubic(f64),
}

/// A part of an axis that is read, from 0 to 1, and what stands for places beyond it.
struct Region {
    of_axis: Vec<(f64, f64)>,
    beyond: f32,
}

/// Where elements of the result lie in the input, and what they take there.
pub struct Places {
    counts: String,
    curve: Curve,
    smooths: bool,
    excludes: bool,
    region: Option<Region>,
}

impl Places {
    /// The places that a node asks for.
    ///
    /// # Errors
    /// That it asks for what ONNX has not.
    pub fn of(call: &Call<'_>, counts: &str, rank: usize) -> Result<Places, String> {
        const KNOWN: [&str; 6] = [
            "half_pixel",
            "half_pixel_symmetric",
            "pytorch_half_pixel",
            "align_corners",
            "asymmetric",
            "tf_crop_and_resize",
        ];
        if !KNOWN.contains(&counts) {
            return Err(format!("it counts as `{counts}`"));
        }
        let rounding: fn(f64) -> f64 = match call.text("nearest_mode") {
            Some("round_prefer_ceil") => |place| (place + 0.5).floor(),
            Some("ceil") => f64::ceil,
            Some("floor") => f64::floor,
            _ if call.version < 11 => f64::floor,
            _ => |place| (place - 0.5).ceil(),
        };
        let curve = match call.text("mode").unwrap_or("nearest") {
            "nearest" => Curve::Nearest(rounding),
            "linear" | "bilinear" => Curve::Linear,
            "cubic" => Curve::Cubic(f64::from(call.number("cubic_coeff_a").unwrap_or(-0.75))),
            other => return Err(format!("its mode is `{other}`")),
        };
        let region = if counts == "tf_crop_and_resize" { Some(region(call, rank)?) } else { None };
        let is_set = |name: &str| call.int(name).unwrap_or(0) != 0;
        Ok(Places {
            counts: counts.to_owned(),
            curve,
            smooths: is_set("antialias"),
            excludes: is_set("exclude_outside"),
            region,
        })
    }

    /// Where element `place` of so many lies among `size` of axis `axis`.
    fn place(&self, axis: usize, place: usize, size: usize, length: usize, scale: f64) -> f64 {
        let (place, size) = (place as f64, size as f64);
        let whole = size * scale;
        let middle = (place + 0.5) / scale - 0.5;
        let between = |low: f64, high: f64| {
            let along = if whole > 1.0 { place * (high - low) * (size - 1.0) / (whole - 1.0) } else { 0.0 };
            low * (size - 1.0) + along
        };
        match (self.counts.as_str(), &self.region) {
            ("asymmetric", _) => place / scale,
            ("align_corners", _) => between(0.0, 1.0),
            ("half_pixel_symmetric", _) => size / 2.0 * (1.0 - length as f64 / whole) + middle,
            ("pytorch_half_pixel", _) if length == 1 => 0.0,
            (_, Some(region)) => {
                let (low, high) = region.of_axis.get(axis).copied().unwrap_or((0.0, 1.0));
                if whole > 1.0 { between(low, high) } else { (low + high) / 2.0 * (size - 1.0) }
            }
            _ => middle,
        }
    }

    /// What of each input element a place takes.
    fn weights(&self, place: f64, size: usize, scale: f64) -> Vec<f64> {
        let mut weights = vec![0.0; size];
        let last = size as f64 - 1.0;
        let curve: Box<dyn Fn(f64) -> f64> = match self.curve {
            Curve::Nearest(rounded) => {
                weights[rounded(place).clamp(0.0, last) as usize] = 1.0;
                return weights;
            }
            Curve::Linear => Box::new(|distance| (1.0 - distance).max(0.0)),
            Curve::Cubic(a) => Box::new(move |distance| cubic(a, distance)),
        };
        let reach = if matches!(self.curve, Curve::Linear) { 1.0 } else { 2.0 };
        // Where a result is smaller, a curve is stretched over all that lies between two of its elements.
        let narrow = if self.smooths { scale.min(1.0) } else { 1.0 };
        let start = (place.floor() - reach / narrow).floor().max(-4.0 * size as f64) as i64;
        let end = (place.floor() + 1.0 + reach / narrow).ceil().min(5.0 * size as f64) as i64;
        for neighbour in start..=end {
            let is_outside = neighbour < 0 || neighbour >= size as i64;
            if !(is_outside && self.excludes) {
                weights[(neighbour as f64).clamp(0.0, last) as usize] +=
                    curve((narrow * (neighbour as f64 - place)).abs());
            }
        }
        let sum: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|weight| *weight /= sum);
        weights
    }

    /// What an element of the result takes of an axis, and what is added to it.
    fn row(&self, axis: usize, element: usize, [size, length]: [usize; 2], scale: f64) -> (Vec<f32>, f32) {
        let place = self.place(axis, element, size, length, scale);
        match self.region.as_ref().filter(|_| place < 0.0 || place > size as f64 - 1.0) {
            Some(region) => (vec![0.0; size], region.beyond),
            None => (self.weights(place, size, scale).into_iter().map(|weight| weight as f32).collect(), 0.0),
        }
    }
}

/// What a neighbour at a distance counts for.
fn cubic(a: f64, d: f64) -> f64 {
    match d {
        ..=1.0 => ((a + 2.0) * d - (a + 3.0)) * d * d + 1.0,
        ..2.0 => ((a * d - 5.0 * a) * d + 8.0 * a) * d - 4.0 * a,
        _ => 0.0,
    }
}

/// The region of each axis, of those that a node names, or of all.
fn region(call: &Call<'_>, rank: usize) -> Result<Region, String> {
    let bounds = call.tensor(1).and_then(Tensor::small_floats).ok_or("its region is computed from values")?;
    if !bounds.iter().all(|bound| bound.is_finite()) {
        return Err("its region is none".into());
    }
    let along = match call.list("axes") {
        Some(given) => axes(&given, rank)?,
        None => (0..rank).collect(),
    };
    let mut of_axis = vec![(0.0, 1.0); rank];
    for (place, &axis) in along.iter().enumerate() {
        let bound =
            |place: usize| bounds.get(place).map(|bound| f64::from(*bound)).ok_or("its region has too few numbers");
        of_axis.splice(axis..=axis, [(bound(place)?, bound(place + along.len())?)]);
    }
    Ok(Region { of_axis, beyond: call.number("extrapolation_value").unwrap_or(0.0) })
}

/// A value with axes brought to other sizes: of each its place, its size, the size it becomes and the scale.
///
/// # Errors
/// As [`product`].
pub fn products(
    reader: &mut Reader<'_>,
    mut value: ValueId,
    axes: &[(usize, usize, usize, f64)],
    places: &Places,
) -> Result<ValueId, String> {
    // The last first, which need not be turned.
    for &(axis, size, length, scale) in axes.iter().rev() {
        let along = Along { axis, size, length };
        value = product(reader, value, along, |element| places.row(axis, element, [size, length], scale))?;
    }
    Ok(value)
}
