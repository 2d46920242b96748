//! Sections without weights that change a picture's size, and values made to fit others.

use super::activation::{plus, times};
use crate::darknet::cfg::{Section, wrong};
use crate::darknet::read::{Made, Reader, Said, ints};
use crate::darknet::weights::Divisor;
use crate::spec::{ValueId, number};
use cnnc_compiler::ops::Constant;
use cnnc_compiler::shape::Dim;

/// A pooling along an axis: windows begin `before` places before it, and there are `count`.
struct Windows {
    length: i64,
    size: i64,
    stride: i64,
    before: i64,
    count: i64,
}

impl Windows {
    /// How many windows a layer gives that pads by `before` on both sides.
    fn padded_alike(&self, rounds_up: bool) -> i64 {
        let room = self.length + 2 * self.before - self.size;
        if room < 0 {
            return 0;
        }
        let count = if rounds_up { (room + self.stride - 1) / self.stride + 1 } else { room / self.stride + 1 };
        // A last window that would begin behind all places is dropped.
        let starts_behind = (count - 1) * self.stride >= self.length + self.before;
        if rounds_up && starts_behind { count - 1 } else { count }
    }

    /// Places that the last window reaches past the end.
    fn after(&self) -> i64 {
        ((self.count - 1) * self.stride + self.size - self.before - self.length).max(0)
    }
}

/// The largest of each window. Darknet's `padding` is that of both sides together, `size - 1` where it is not said; the smaller
/// half lies before. Outside lies the least float32, which no place is less than.
pub fn max_pool(reader: &mut Reader<'_>, section: &Section, input: Made) -> Said<Made> {
    let (value, [_, height, width]) = reader.picture(input)?;
    let stride = section.at_least(1, "stride", 1)?;
    let size = section.at_least(1, "size", stride)?;
    let padding = section.at_least(0, "padding", size - 1)?;
    let along = |length: i64| {
        let room = length + padding - size;
        let windows = Windows { length, size, stride, before: padding / 2, count: room / stride + 1 };
        let what =
            || wrong(section.line_of("size"), format!("a window of {size} does not fit into {height} x {width}"));
        if room < 0 { Err(what()) } else { Ok(windows) }
    };
    let both = [along(height)?, along(width)?];
    let mut arguments = vec![("kernel_size", Constant::Int(size))];
    if stride != size {
        arguments.push(("stride", Constant::Int(stride)));
    }
    let before = padding / 2;
    let alike = |rounds_up: bool| {
        before <= size / 2 && both.iter().all(|windows| windows.padded_alike(rounds_up) == windows.count)
    };
    if let Some(rounds_up) = [false, true].into_iter().find(|rounds_up| alike(*rounds_up)) {
        if before != 0 {
            arguments.push(("padding", Constant::Int(before)));
        }
        if rounds_up {
            arguments.push(("ceil_mode", Constant::Bool(true)));
        }
        return Ok(reader.add("MaxPool2d", arguments, value)?.into());
    }
    let [rows, columns] = both.map(|windows| windows.after());
    let sides = [before, columns, before, rows];
    let least = Constant::Float(number(f32::MIN));
    let padded = reader.add("ConstantPad2d", vec![("padding", ints(&sides)), ("value", least)], value)?;
    Ok(reader.add("MaxPool2d", arguments, padded)?.into())
}

/// The mean of each channel.
pub fn average_pool(reader: &mut Reader<'_>, input: Made) -> Said<Made> {
    let (value, _) = reader.picture(input)?;
    Ok(reader.add("AdaptiveAvgPool2d", vec![("output_size", Constant::Int(1))], value)?.into())
}

/// Each place as a square of `stride` by `stride` of them.
pub fn upsample(reader: &mut Reader<'_>, section: &Section, input: Made) -> Said<Made> {
    let (value, _) = reader.picture(input)?;
    let (stride, scale) = (section.whole("stride", 2)?, section.real("scale", 1.0)?);
    if stride < 1 {
        return Err(format!("a stride of {stride} makes sums of squares, which is not read").into());
    }
    let value = reader.add("Upsample", vec![("scale_factor", Constant::Int(stride))], value)?;
    Ok(if scale == 1.0 { value } else { times(reader, value, scale)? }.into())
}

/// Squares of places become channels.
///
/// Darknet reads its memory otherwise than PixelUnshuffle: as if the value were `[c / s², h·s, w·s]`, of which each square of
/// `s` by `s` is taken apart, the place in the square first among the new channels; and the result lies there as `[s², c / s²,
/// h, w]`, which `[c·s², h / s, w / s]` then is. `reverse` is the way back, from `[s², c / s², h, w]` to `[c / s², h·s, w·s]`.
pub fn reorg(reader: &mut Reader<'_>, section: &Section, input: Made) -> Said<Made> {
    if section.flag("flatten")? {
        return Err("`flatten` is not read".into());
    }
    let (stride, extra) = (section.at_least(1, "stride", 1)?, section.at_least(0, "extra", 0)?);
    let reverse = section.flag("reverse")?;
    if extra > 0 {
        return followed_by_zeros(reader, input, extra);
    }
    let (value, [channels, height, width]) = reader.picture(input)?;
    let square = stride.saturating_mul(stride);
    if channels % square != 0 || (!reverse && (height % stride != 0 || width % stride != 0)) {
        let what = format!("{channels} x {height} x {width} cannot be taken apart by {stride} x {stride}");
        return Err(wrong(section.line_of("stride"), what).into());
    }
    let group = channels / square;
    let reshaped = |sizes: &[i64]| {
        let sizes = sizes.iter().map(|size| Constant::Int(*size));
        Constant::Tuple(std::iter::once(Constant::Size(Dim::symbol("N"))).chain(sizes).collect())
    };
    let (taken, order, made) = if reverse {
        (
            [stride, stride, group, height, width],
            [0, 3, 4, 1, 5, 2],
            [group, height.saturating_mul(stride), width.saturating_mul(stride)],
        )
    } else {
        (
            [group, height, stride, width, stride],
            [0, 3, 5, 1, 2, 4],
            [channels.saturating_mul(square), height / stride, width / stride],
        )
    };
    let value = reader.add("Reshape", vec![("shape", reshaped(&taken))], value)?;
    let value = reader.add("Permute", vec![("dims", ints(&order))], value)?;
    Ok(reader.add("Reshape", vec![("shape", reshaped(&made))], value)?.into())
}

/// Numbers in a row with so many zeros behind them.
fn followed_by_zeros(reader: &mut Reader<'_>, input: Made, zeros: i64) -> Said<Made> {
    let (value, _) = reader.row(input)?;
    let value = reader.add("Unsqueeze", vec![("dim", Constant::Int(1))], value)?;
    let value = reader.add("ZeroPad1d", vec![("padding", ints(&[0, zeros]))], value)?;
    Ok(reader.add("Squeeze", vec![("dim", Constant::Int(1))], value)?.into())
}

/// The middle of a picture, its numbers doubled and less 1 unless `noadjust`: what it is at inference.
pub fn crop(reader: &mut Reader<'_>, section: &Section, input: Made) -> Said<Made> {
    let (value, [_, height, width]) = reader.picture(input)?;
    let (rows, columns) = (section.at_least(1, "crop_height", 1)?, section.at_least(1, "crop_width", 1)?);
    if rows > height || columns > width {
        let what = format!("{rows} x {columns} cannot be cut out of {height} x {width}");
        return Err(wrong(section.line, what).into());
    }
    let sides = |length: i64, kept: i64| {
        let before = (length - kept) / 2;
        [-before, -(length - kept - before)]
    };
    let [left, right] = sides(width, columns);
    let [top, bottom] = sides(height, rows);
    let sides = [left, right, top, bottom];
    let mut value = value;
    if sides != [0; 4] {
        value = reader.add("ZeroPad2d", vec![("padding", ints(&sides))], value)?;
    }
    reader.note("crops that take the middle, as at inference");
    if !section.flag("noadjust")? {
        value = times(reader, value, 2.0)?;
        value = plus(reader, value, -1.0)?;
    }
    Ok(value.into())
}

/// One of so many groups of channels.
pub fn group_of(reader: &mut Reader<'_>, section: &Section, made: Made, groups: i64, group: i64) -> Said<Made> {
    let (value, [channels, ..]) = reader.picture(made)?;
    if channels % groups != 0 || group >= groups {
        let what = format!("group {group} of {groups} cannot be taken of {channels} channels");
        return Err(wrong(section.line_of("groups"), what).into());
    }
    let each = channels / groups;
    narrowed(reader, value, group * each, each).map(Made::from)
}

fn narrowed(reader: &mut Reader<'_>, value: ValueId, start: i64, length: i64) -> Said<ValueId> {
    let arguments = vec![("dim", Constant::Int(1)), ("start", Constant::Int(start)), ("length", Constant::Int(length))];
    reader.add("Narrow", arguments, value)
}

/// A value as a shortcut adds it to one of other sizes: each `stride`-th place, of channels those that both have.
pub fn fitted(reader: &mut Reader<'_>, made: Made, [channels, height, width]: [i64; 3]) -> Said<ValueId> {
    let (mut value, [own, rows, columns]) = reader.picture(made)?;
    let stride = (columns / width).max(1);
    let count = |length: i64| (length + stride - 1) / stride;
    if rows / height != columns / width || count(rows) != height || count(columns) != width {
        return Err(format!("it adds {rows} x {columns} places to {height} x {width}, a way that is not read").into());
    }
    if stride > 1 && reader.divisor == Divisor::AlexeyAB {
        return Err(
            "AlexeyAB's Darknet adds places of other sizes in the order of its memory, which is not read".into()
        );
    }
    if own > channels {
        value = narrowed(reader, value, 0, channels)?;
    }
    if stride > 1 {
        let arguments = vec![("kernel_size", Constant::Int(1)), ("stride", Constant::Int(stride))];
        value = reader.add("MaxPool2d", arguments, value)?;
    }
    if own < channels {
        // Channels count as a plane's axis once another axis stands before them.
        let sides = ints(&[0, 0, 0, 0, 0, channels - own]);
        value = reader.add("Unsqueeze", vec![("dim", Constant::Int(1))], value)?;
        value = reader.add("ZeroPad3d", vec![("padding", sides)], value)?;
        value = reader.add("Squeeze", vec![("dim", Constant::Int(1))], value)?;
    }
    reader.note("shortcuts that add values of other sizes");
    Ok(value)
}
