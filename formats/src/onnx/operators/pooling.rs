//! Poolings.

use super::matrices::{Along, product};
use super::padding::{Padding, Window};
use super::pointwise::raised;
use super::{Said, first, of_axes, one, only_first, per_axis};
use crate::onnx::read::{Call, Reader};
use crate::spec::ValueId;
use cnnc_compiler::ops::Constant;
use cnnc_grammar::ast::JoinKind;

/// A pooling of a value, as all kinds read it.
struct Pooling {
    value: ValueId,
    window: Window,
    padding: Padding,
    ceil_mode: bool,
}

impl Pooling {
    fn of(reader: &mut Reader<'_>, call: &Call<'_>) -> Result<Pooling, String> {
        let (value, rank) = first(reader, call)?;
        let kernel = call.list("kernel_shape").ok_or("it has no kernel_shape")?;
        let plane = reader.network.shape(value).get(2..).unwrap_or_default().to_vec();
        let window = Window::of(call, kernel, rank.saturating_sub(2))?;
        let padding = window.padding(call, &plane)?;
        let ceil_mode = call.int("ceil_mode").unwrap_or(0) != 0;
        Ok(Pooling { value, window, padding, ceil_mode })
    }

    /// Whether a layer can pad so itself: as much on both sides, and no more than half a window.
    fn pads_itself(&self) -> bool {
        let half = |(pad, kernel): (&i64, &i64)| *pad <= kernel / 2;
        self.padding.is_symmetric() && self.padding.before.iter().zip(&self.window.kernel).all(half)
    }

    fn axes(&self) -> usize {
        self.window.kernel.len()
    }

    /// The arguments that all have; `padded` where the layer pads.
    fn arguments(&self, padded: bool) -> Vec<(&'static str, Constant)> {
        let mut arguments = vec![("kernel_size", per_axis(&self.window.kernel))];
        if self.window.strides != self.window.kernel {
            arguments.push(("stride", per_axis(&self.window.strides)));
        }
        if padded && !self.padding.is_none() {
            arguments.push(("padding", per_axis(&self.padding.before)));
        }
        if self.ceil_mode {
            arguments.push(("ceil_mode", Constant::Bool(true)));
        }
        arguments
    }

    fn is_dilated(&self) -> bool {
        self.window.dilations.iter().any(|dilation| *dilation != 1)
    }
}

pub fn max(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    only_first(call).map_err(|_| "the places of its largest elements are asked for, which have no word")?;
    let pooling = Pooling::of(reader, call)?;
    let pads = pooling.pads_itself();
    let mut arguments = pooling.arguments(pads);
    if pooling.is_dilated() {
        arguments.push(("dilation", per_axis(&pooling.window.dilations)));
    }
    // No float32 is smaller, so that padding never wins.
    let value = if pads { pooling.value } else { pooling.padding.with_number(reader, pooling.value, f32::MIN)? };
    let name = of_axes(["MaxPool1d", "MaxPool2d", "MaxPool3d"], pooling.axes())?;
    one(reader.layer(name, arguments, value)?)
}

pub fn average(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    let pooling = Pooling::of(reader, call)?;
    let counts = call.int("count_include_pad").unwrap_or(0) != 0;
    let pads = pooling.pads_itself();
    if pooling.is_dilated() || (!pads && pooling.ceil_mode) {
        let share = |taps: Taps| 1.0 / (if counts { taps.padded } else { taps.inside }).max(1) as f32;
        return one(sums(reader, &pooling, pooling.value, share)?);
    }
    let mut arguments = pooling.arguments(pads);
    if pads && !counts && !pooling.padding.is_none() {
        arguments.push(("count_include_pad", Constant::Bool(false)));
    }
    let value = if pads { pooling.value } else { pooling.padding.with_zeros(reader, pooling.value)? };
    let name = of_axes(["AvgPool1d", "AvgPool2d", "AvgPool3d"], pooling.axes())?;
    let means = reader.layer(name, arguments, value)?;
    one(if pads || counts { means } else { without_padding(reader, &pooling, means)? })
}

/// Places along an axis whose shares are written out, at most.
const MOST_WRITTEN: i64 = 256;

/// Means of whole windows, zeros around the plane counted, as means of what lies in it: times the elements of a window, divided
/// by those that lie in the plane, a list of numbers for each axis where they differ.
fn without_padding(reader: &mut Reader<'_>, pooling: &Pooling, means: ValueId) -> Result<ValueId, String> {
    let why = "its padding is not the same on both sides, or more than half a window, is not counted, and ";
    let plane = |value: ValueId| {
        let sizes = reader.network.shape(value).get(2..).unwrap_or_default().iter();
        sizes.map(|size| size.number()).collect::<Option<Vec<i64>>>().ok_or_else(|| format!("{why}a size is open"))
    };
    let (before, after) = (plane(pooling.value)?, plane(means)?);
    let mut branches = vec![means];
    for (axis, (size, &count)) in before.iter().zip(&after).enumerate() {
        if count > MOST_WRITTEN {
            return Err(format!("{why}it has many places"));
        }
        let at = |numbers: &[i64]| numbers.get(axis).copied().unwrap_or(0);
        let (kernel, stride, pad) =
            (at(&pooling.window.kernel), at(&pooling.window.strides), at(&pooling.padding.before));
        let share = |place: i64| {
            let start = place * stride - pad;
            let inside = (start + kernel).min(*size) - start.max(0);
            (inside > 0).then(|| crate::spec::number((kernel as f64 / inside as f64) as f32))
        };
        let shares = (0..count).map(share).collect::<Option<Vec<f64>>>();
        let shares = shares.ok_or_else(|| format!("{why}a window lies outside"))?;
        if shares.iter().any(|share| *share != 1.0) {
            let behind = after.len() - axis - 1;
            let sizes = std::iter::once(count as usize).chain(std::iter::repeat_n(1, behind)).collect();
            branches.push(reader.network.numbers(shares, sizes)?);
        }
    }
    if branches.len() == 1 { Ok(means) } else { reader.network.join(JoinKind::Product, Vec::new(), &branches) }
}

/// Elements of a window along an axis: those of the plane, and with them those of its padding.
#[derive(Clone, Copy)]
struct Taps {
    inside: usize,
    padded: usize,
}

/// Each window's sum, along each axis times a share: means and sums of dilated windows are such, axis by axis.
fn sums(
    reader: &mut Reader<'_>,
    pooling: &Pooling,
    mut value: ValueId,
    share: impl Fn(Taps) -> f32,
) -> Result<ValueId, String> {
    for axis in (0..pooling.axes()).rev() {
        let size = reader.network.shape(value).get(axis + 2).and_then(|size| size.number());
        let size =
            size.ok_or("its windows are dilated, or its padding is not the same on both sides, and a size is open")?;
        let at = |numbers: &[i64]| numbers.get(axis).copied().unwrap_or(1);
        let (stride, dilation) = (at(&pooling.window.strides), at(&pooling.window.dilations));
        let (before, after) = (at(&pooling.padding.before), at(&pooling.padding.after));
        let room = size + before + after - pooling.window.extent(axis);
        if room < 0 {
            return Err("its window is larger than its input".into());
        }
        let up = i64::from(pooling.ceil_mode && room % stride != 0 && (room / stride + 1) * stride < size + before);
        let taps = |window: usize, within: std::ops::Range<i64>| {
            let start = window as i64 * stride - before;
            let places = (0..at(&pooling.window.kernel)).map(move |tap| start + tap * dilation);
            places.filter(move |place| within.contains(place))
        };
        let row = |window: usize| {
            let padded = taps(window, -before..size + after).count();
            let share = share(Taps { inside: taps(window, 0..size).count(), padded });
            let mut row = vec![0.0; size as usize];
            taps(window, 0..size).for_each(|place| row[place as usize] = share);
            (row, 0.0)
        };
        let (size, length) = (size as usize, (room / stride + 1 + up) as usize);
        reader.charge(length.saturating_mul(at(&pooling.window.kernel) as usize))?;
        value = product(reader, value, Along { axis: axis + 2, size, length }, row)?;
    }
    Ok(value)
}

/// ONNX takes absolute values, PyTorch none: the same for even powers, for odd ones they are taken before.
pub fn lp(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    let power = call.int("p").unwrap_or(2);
    if power <= 0 {
        return Err(format!("its power is {power}"));
    }
    let mut pooling = Pooling::of(reader, call)?;
    if power % 2 != 0 {
        pooling.value = reader.layer("Abs", Vec::new(), pooling.value)?;
    }
    if pooling.is_dilated() {
        let powers = raised(reader, pooling.value, power as f32)?;
        let sum = sums(reader, &pooling, powers, |_| 1.0)?;
        return one(raised(reader, sum, 1.0 / power as f32)?);
    }
    let value = match pooling.padding.is_none() {
        true => pooling.value,
        false => pooling.padding.with_zeros(reader, pooling.value)?,
    };
    let mut arguments = vec![("norm_type", Constant::Int(power))];
    arguments.extend(pooling.arguments(false));
    let name = of_axes(["LPPool1d", "LPPool2d", "LPPool3d"], pooling.axes())?;
    one(reader.layer(name, arguments, value)?)
}

pub fn global_average(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    global(reader, call, ["AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveAvgPool3d"])
}

pub fn global_max(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    global(reader, call, ["AdaptiveMaxPool1d", "AdaptiveMaxPool2d", "AdaptiveMaxPool3d"])
}

fn global(reader: &mut Reader<'_>, call: &Call<'_>, names: [&'static str; 3]) -> Said {
    let (value, rank) = first(reader, call)?;
    let name = of_axes(names, rank.saturating_sub(2))?;
    one(reader.layer(name, vec![("output_size", Constant::Int(1))], value)?)
}
