//! Values made larger or smaller.
//!
//! ONNX has many ways to say where an element of the result lies in the input; the language has PyTorch's. A way that gives the
//! same elements of a plane, or of a sequence as a plane of one row, has a word; any other is a product with a matrix for each
//! axis (`interpolation.rs`), where sizes are known.

use super::interpolation::{self, Places};
use super::{Said, first, float, one, size};
use crate::onnx::read::{Call, Reader, axes};
use crate::spec::ValueId;
use cnnc_compiler::ops::Constant;
use cnnc_compiler::shape::Dim;

/// By how much, or to which size, each axis is brought.
#[derive(Clone)]
enum By {
    Scales(Vec<f32>),
    Sizes(Vec<Dim>),
}

/// `Resize`, and `Upsample` of sets 7 to 9, which counts from the corner as `Resize` did in set 10.
pub fn resize(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    let (value, rank) = first(reader, call)?;
    let shape = reader.network.shape(value).to_vec();
    let by = by(call, &shape)?;
    let places = match call.version {
        ..11 => "asymmetric",
        _ => call.text("coordinate_transformation_mode").unwrap_or("half_pixel"),
    };
    let (plane, plane_shape) =
        if rank == 3 { (as_plane(&by, Dim::Number(1)), as_row(&shape)) } else { (by.clone(), shape.clone()) };
    let reason = match word(call, &plane, &plane_shape, places) {
        Ok((mode, align)) if rank == 3 => {
            let row = reader.layer("Unsqueeze", vec![("dim", Constant::Int(2))], value)?;
            let row = enlarged(reader, row, plane, mode, align)?;
            return one(reader.layer("Squeeze", vec![("dim", Constant::Int(2))], row)?);
        }
        Ok((mode, align)) => return one(enlarged(reader, value, plane, mode, align)?),
        Err(reason) => reason,
    };
    let axes = axes_of(&by, &shape).ok_or(reason)?;
    let places = Places::of(call, places, rank)?;
    one(interpolation::products(reader, value, &axes, &places)?)
}

/// Scales and sizes of all axes, those that are not named staying as they are.
fn by(call: &Call<'_>, shape: &[Dim]) -> Result<By, String> {
    let rank = shape.len();
    let (scales, sizes) = if call.version < 11 { (1, usize::MAX) } else { (2, 3) };
    let attribute = call.attributes.get("scales").map(|scales| scales.floats.clone());
    let scales = attribute.or_else(|| call.tensor(scales)?.small_floats()).filter(|scales| !scales.is_empty());
    let along = match call.list("axes") {
        Some(given) => axes(&given, rank)?,
        None => (0..rank).collect(),
    };
    let unfit = || format!("its scales or sizes are not as many as its {} axes", along.len());
    if let Some(scales) = scales {
        let mut all = vec![1.0; rank];
        for (place, &axis) in along.iter().enumerate() {
            let scale =
                scales.get(place).copied().filter(|scale| *scale > 0.0 && scale.is_finite()).ok_or_else(unfit)?;
            all.splice(axis..=axis, [scale]);
        }
        return Ok(By::Scales(all));
    }
    let sizes = call.sizes(sizes).ok_or("its scales or sizes are computed from values")?.numbers;
    let mut all = shape.to_vec();
    for (place, &axis) in along.iter().enumerate() {
        all.splice(axis..=axis, [sizes.get(place).cloned().ok_or_else(unfit)?]);
    }
    let policy = call.text("keep_aspect_ratio_policy").unwrap_or("stretch");
    if policy == "stretch" {
        return Ok(By::Sizes(all));
    }
    let ratio = |&axis: &usize| Some(all.get(axis)?.number()? as f32 / shape.get(axis)?.number()? as f32);
    let ratios =
        along.iter().map(ratio).collect::<Option<Vec<f32>>>().ok_or("it keeps the proportions of open sizes")?;
    let scale = match policy {
        "not_larger" => ratios.iter().copied().fold(f32::INFINITY, f32::min),
        _ => ratios.iter().copied().fold(0.0, f32::max),
    };
    let scale = |axis| if along.contains(&axis) { scale } else { 1.0 };
    let scales = By::Scales((0..rank).map(scale).collect());
    if is_whole(&scales, shape) { Ok(scales) } else { Err("it keeps proportions that give no whole size".into()) }
}

/// The axes that change: each with its size, the size that it becomes and the scale between them; `None` of one that is open.
fn axes_of(by: &By, shape: &[Dim]) -> Option<Vec<(usize, usize, usize, f64)>> {
    let axis = |(axis, size): (usize, &Dim)| match by {
        By::Scales(scales) if scales.get(axis) == Some(&1.0) => None,
        By::Sizes(sizes) if sizes.get(axis) == Some(size) => None,
        By::Scales(scales) => Some(size.number().zip(scales.get(axis)).map(|(number, &scale)| {
            // In single precision, where a scale such as 0.7 is a little less, the product is rounded up again.
            (axis, number as usize, (number as f64 * f64::from(scale) + 1e-6).floor() as usize, f64::from(scale))
        })),
        By::Sizes(sizes) => Some(
            size.number()
                .zip(sizes.get(axis).and_then(Dim::number))
                .map(|(number, wanted)| (axis, number as usize, wanted.max(0) as usize, wanted as f64 / number as f64)),
        ),
    };
    shape.iter().enumerate().filter_map(axis).collect()
}

fn as_row(shape: &[Dim]) -> Vec<Dim> {
    let mut shape = shape.to_vec();
    shape.insert(2.min(shape.len()), Dim::Number(1));
    shape
}

fn as_plane(by: &By, row: Dim) -> By {
    match by {
        By::Scales(scales) => {
            let mut scales = scales.clone();
            scales.insert(2.min(scales.len()), 1.0);
            By::Scales(scales)
        }
        By::Sizes(sizes) => {
            let mut sizes = sizes.clone();
            sizes.insert(2.min(sizes.len()), row);
            By::Sizes(sizes)
        }
    }
}

/// The mode of PyTorch that gives the same plane, and whether corners lie on each other.
fn word(call: &Call<'_>, by: &By, shape: &[Dim], places: &str) -> Result<(&'static str, Option<bool>), String> {
    if shape.len() != 4 {
        return Err(format!("it resizes a value of {} axes, of which sizes are open", shape.len()));
    }
    let front = match by {
        By::Scales(scales) => scales.get(..2) == Some(&[1.0, 1.0]),
        By::Sizes(sizes) => sizes.get(..2) == shape.get(..2),
    };
    if !front {
        return Err("it resizes batch or channels".into());
    }
    if call.int("antialias").unwrap_or(0) != 0 || call.int("exclude_outside").unwrap_or(0) != 0 {
        return Err("it smooths, or leaves out what lies outside".into());
    }
    let mode = match call.text("mode").unwrap_or("nearest") {
        "nearest" => return Ok((nearest(call, by, shape, places)?, None)),
        "linear" | "bilinear" => "bilinear",
        "cubic" if call.number("cubic_coeff_a").is_some_and(|a| a != -0.75) => {
            return Err("its cubic curves are not PyTorch's".into());
        }
        "cubic" => "bicubic",
        other => return Err(format!("its mode is `{other}`")),
    };
    match places {
        "half_pixel" => Ok((mode, None)),
        // PyTorch reads a size of 1 at its middle, as it does every other size.
        "pytorch_half_pixel" if leaves_one(by, shape) => Err("it makes a size of 1 by `pytorch_half_pixel`".into()),
        "pytorch_half_pixel" => Ok((mode, None)),
        // Of a scale that gives no whole size, ONNX counts the corner at the fraction.
        "align_corners" if !is_whole(by, shape) => Err("it makes a size that is not whole by `align_corners`".into()),
        "align_corners" => Ok((mode, Some(true))),
        other => Err(format!("between elements it counts as `{other}`")),
    }
}

/// Whether a size becomes 1 that is another.
fn leaves_one(by: &By, shape: &[Dim]) -> bool {
    let becomes: Vec<Option<i64>> = match by {
        By::Sizes(sizes) => sizes.iter().skip(2).map(Dim::number).collect(),
        By::Scales(scales) => {
            let sizes = shape.iter().map(Dim::number).zip(scales);
            sizes.skip(2).map(|(size, scale)| Some((size? as f32 * scale) as i64)).collect()
        }
    };
    becomes.into_iter().zip(shape.iter().skip(2)).any(|(becomes, size)| becomes == Some(1) && *size != Dim::Number(1))
}

/// Whether scales give whole sizes.
fn is_whole(by: &By, shape: &[Dim]) -> bool {
    let By::Scales(scales) = by else { return true };
    let whole = |(size, scale): (&Dim, &f32)| {
        scale.fract() == 0.0 || size.number().is_some_and(|size| (size as f32 * scale).fract() == 0.0)
    };
    shape.iter().zip(scales).all(whole)
}

/// The word for the nearest element, where one means the same.
fn nearest(call: &Call<'_>, by: &By, shape: &[Dim], places: &str) -> Result<&'static str, String> {
    let factors: Vec<f32> = match by {
        By::Scales(scales) => scales.iter().skip(2).copied().collect(),
        By::Sizes(sizes) => {
            let ratio = |(wanted, own): (&Dim, &Dim)| match (wanted.number(), own.number()) {
                (Some(wanted), Some(own)) if own > 0 => Some(wanted as f32 / own as f32),
                _ => (1..=16)
                    .find(|factor| own.times_number(*factor).is_ok_and(|times| times == *wanted))
                    .map(|factor| factor as f32),
            };
            sizes.iter().zip(shape).skip(2).filter_map(ratio).collect()
        }
    };
    let whole = factors.len() == 2 && factors.iter().all(|factor| factor.fract() == 0.0 && *factor >= 1.0);
    let twice = whole && factors.iter().all(|factor| *factor <= 2.0);
    let rounding = match call.version {
        ..11 => "floor",
        _ => call.text("nearest_mode").unwrap_or("round_prefer_floor"),
    };
    match (places, rounding) {
        ("asymmetric", "floor") => Ok("nearest"),
        ("asymmetric", "round_prefer_floor") if twice => Ok("nearest"),
        ("half_pixel" | "pytorch_half_pixel", "round_prefer_floor" | "round_prefer_ceil") if whole => Ok("nearest"),
        ("half_pixel", "round_prefer_ceil") => Ok("nearest-exact"),
        _ => Err(format!("it takes the nearest element by `{places}` and `{rounding}`")),
    }
}

fn enlarged(
    reader: &mut Reader<'_>,
    value: ValueId,
    by: By,
    mode: &'static str,
    align: Option<bool>,
) -> Result<ValueId, String> {
    let pair = |both: Vec<Constant>| match both.as_slice() {
        [a, b] if a == b => a.clone(),
        _ => Constant::Tuple(both),
    };
    let factor = |scale: &f32| if scale.fract() == 0.0 { Constant::Int(*scale as i64) } else { float(*scale) };
    let mut arguments = match by {
        By::Scales(scales) => vec![("scale_factor", pair(scales.iter().skip(2).map(factor).collect()))],
        By::Sizes(sizes) => vec![("size", pair(sizes.iter().skip(2).map(size).collect()))],
    };
    if mode != "nearest" {
        arguments.push(("mode", Constant::Text(mode.into())));
    }
    arguments.extend(align.map(|align| ("align_corners", Constant::Bool(align))));
    reader.layer("Upsample", arguments, value)
}
