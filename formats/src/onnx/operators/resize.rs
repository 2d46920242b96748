//! Planes made larger or smaller.
//!
//! ONNX has many ways to say where an element of the result lies in the input; the language has PyTorch's. A way that gives the
//! same elements has a word, any other is refused.

use super::{Said, first, float, one, size};
use crate::onnx::read::{Call, Reader};
use cnnc_compiler::ops::Constant;
use cnnc_compiler::shape::Dim;

/// By how much, or to which size.
enum By {
    Scales([f32; 2]),
    Sizes([Dim; 2]),
}

/// `Upsample` of sets 7 to 9: places begin at the corner, `⌊o / scale⌋`.
pub fn upsample(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    let scales = match call.attributes.get("scales") {
        Some(scales) => scales.floats.clone(),
        None => call.tensor(1).and_then(|scales| scales.small_floats()).ok_or("its scales are computed from values")?,
    };
    if call.text("mode").unwrap_or("nearest") != "nearest" {
        return Err("between elements it counts from the corner, and there are counts from the middle".into());
    }
    let by = By::Scales(of_plane(&scales)?);
    enlarged(reader, call, by, "nearest", None)
}

pub fn resize(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    let (value, rank) = first(reader, call)?;
    if rank != 4 {
        return Err(format!("it resizes a value of {rank} axes, and there is a layer for planes of four"));
    }
    let shape = reader.network.shape(value).clone();
    let (scales, sizes) = if call.version < 11 { (1, usize::MAX) } else { (2, 3) };
    let by_scales = call.tensor(scales).and_then(|scales| scales.small_floats()).filter(|scales| !scales.is_empty());
    let axes = call.list("axes");
    let by = match (by_scales, call.sizes(sizes)) {
        (Some(scales), _) => By::Scales(match &axes {
            Some(axes) if axes.as_slice() == [2, 3] && scales.len() == 2 => [scales[0], scales[1]],
            Some(_) if scales.len() != 4 => return Err("it resizes other axes than height and width".into()),
            _ => of_plane(&scales)?,
        }),
        (None, Some(sizes)) => match (sizes.numbers.as_slice(), &axes) {
            ([height, width], Some(axes)) if axes.as_slice() == [2, 3] => By::Sizes([height.clone(), width.clone()]),
            ([batch, channels, height, width], None) if [batch, channels] == [&shape[0], &shape[1]] => {
                By::Sizes([height.clone(), width.clone()])
            }
            _ => return Err("it resizes batch or channels".into()),
        },
        (None, None) => return Err("its scales or sizes are computed from values".into()),
    };
    if call.text("keep_aspect_ratio_policy").is_some_and(|policy| policy != "stretch") {
        return Err("it keeps the proportions".into());
    }
    if call.int("antialias").unwrap_or(0) != 0 || call.int("exclude_outside").unwrap_or(0) != 0 {
        return Err("it smooths, or leaves out what lies outside".into());
    }
    let places = match call.version {
        ..11 => "asymmetric",
        _ => call.text("coordinate_transformation_mode").unwrap_or("half_pixel"),
    };
    let (mode, align) = match call.text("mode").unwrap_or("nearest") {
        "nearest" => (nearest(call, &by, &shape, places)?, None),
        mode @ ("linear" | "cubic") => {
            if mode == "cubic" && call.number("cubic_coeff_a").is_some_and(|a| a != -0.75) {
                return Err("its cubic curves are not PyTorch's".into());
            }
            let align = match places {
                "half_pixel" => None,
                // PyTorch reads a size of 1 at its middle, as it does every other size.
                "pytorch_half_pixel" if leaves_one(&by, &shape) => {
                    return Err("it makes a size of 1 by `pytorch_half_pixel`".into());
                }
                "pytorch_half_pixel" => None,
                // Of a scale that gives no whole size, ONNX counts the corner at the fraction.
                "align_corners" if !is_whole(&by, &shape) => {
                    return Err("it makes a size that is not whole by `align_corners`".into());
                }
                "align_corners" => Some(true),
                other => return Err(format!("between elements it counts as `{other}`")),
            };
            (if mode == "linear" { "bilinear" } else { "bicubic" }, align)
        }
        other => return Err(format!("its mode is `{other}`")),
    };
    enlarged(reader, call, by, mode, align)
}

/// Height and width of a value.
fn plane(shape: &[Dim]) -> impl Iterator<Item = Option<i64>> {
    shape.iter().skip(2).map(Dim::number)
}

/// Whether a size becomes 1 that is another.
fn leaves_one(by: &By, shape: &[Dim]) -> bool {
    let becomes: Vec<Option<i64>> = match by {
        By::Sizes(sizes) => sizes.iter().map(Dim::number).collect(),
        By::Scales(scales) => {
            plane(shape).zip(scales).map(|(size, scale)| Some((size? as f32 * scale) as i64)).collect()
        }
    };
    becomes.into_iter().zip(plane(shape)).any(|(becomes, size)| becomes == Some(1) && size != Some(1))
}

/// Whether scales give whole sizes.
fn is_whole(by: &By, shape: &[Dim]) -> bool {
    let By::Scales(scales) = by else { return true };
    let whole = |(size, scale): (Option<i64>, &f32)| {
        scale.fract() == 0.0 || size.is_some_and(|size| (size as f32 * scale).fract() == 0.0)
    };
    plane(shape).zip(scales).all(whole)
}

/// The scales of height and width; those before must be 1.
fn of_plane(scales: &[f32]) -> Result<[f32; 2], String> {
    match scales {
        [1.0, 1.0, height, width] if *height > 0.0 && *width > 0.0 => Ok([*height, *width]),
        other => Err(format!("its scales are {other:?}, and planes are resized")),
    }
}

/// The word for the nearest element, where one means the same.
fn nearest(call: &Call<'_>, by: &By, shape: &[Dim], places: &str) -> Result<&'static str, String> {
    let factors: Vec<f32> = match by {
        By::Scales(scales) => scales.to_vec(),
        By::Sizes(sizes) => {
            let ratio = |(wanted, own): (&Dim, &Dim)| match (wanted.number(), own.number()) {
                (Some(wanted), Some(own)) if own > 0 => Some(wanted as f32 / own as f32),
                _ => (2..=16)
                    .find(|factor| own.times_number(*factor).is_ok_and(|times| times == *wanted))
                    .map(|factor| factor as f32),
            };
            sizes.iter().zip(shape.iter().skip(2)).filter_map(ratio).collect()
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

fn enlarged(reader: &mut Reader<'_>, call: &Call<'_>, by: By, mode: &'static str, align: Option<bool>) -> Said {
    let (value, _) = first(reader, call)?;
    let pair = |a: Constant, b: Constant| if a == b { a } else { Constant::Tuple(vec![a, b]) };
    let factor = |scale: f32| if scale.fract() == 0.0 { Constant::Int(scale as i64) } else { float(scale) };
    let mut arguments = match by {
        By::Scales([height, width]) => vec![("scale_factor", pair(factor(height), factor(width)))],
        By::Sizes([height, width]) => vec![("size", pair(size(&height), size(&width)))],
    };
    if mode != "nearest" {
        arguments.push(("mode", Constant::Text(mode.into())));
    }
    arguments.extend(align.map(|align| ("align_corners", Constant::Bool(align))));
    one(reader.layer("Upsample", arguments, value)?)
}
