//! What lies around a value: the operator `Pad`, and padding that windows cannot say themselves.

use super::{Said, first, float, ints, of_axes, one};
use crate::onnx::read::{Call, Reader, axes};
use crate::spec::ValueId;
use cnnc_compiler::ops::Constant;
use cnnc_compiler::shape::Dim;

/// Padding before and after each axis of the plane.
pub struct Padding {
    /// Before.
    pub before: Vec<i64>,
    /// After.
    pub after: Vec<i64>,
}

/// A window that moves over the plane.
pub struct Window {
    /// Its sizes.
    pub kernel: Vec<i64>,
    /// Its steps.
    pub strides: Vec<i64>,
    /// From one of its elements to the next.
    pub dilations: Vec<i64>,
}

impl Window {
    /// The window of a node, of a value with that many axes in its plane.
    pub fn of(call: &Call<'_>, kernel: Vec<i64>, plane: usize) -> Result<Window, String> {
        let list = |name: &str| call.list(name).filter(|list| !list.is_empty()).unwrap_or_else(|| vec![1; plane]);
        let (strides, dilations) = (list("strides"), list("dilations"));
        let all = [&kernel, &strides, &dilations];
        let fits =
            |numbers: &&Vec<i64>| numbers.len() == plane && numbers.iter().all(|number| (1..1 << 31).contains(number));
        if all.iter().all(fits) {
            Ok(Window { kernel, strides, dilations })
        } else {
            Err("its window is no window".into())
        }
    }

    /// From its first element to its last, along an axis.
    pub fn extent(&self, axis: usize) -> i64 {
        let at = |numbers: &[i64]| numbers.get(axis).copied().unwrap_or(1);
        at(&self.dilations) * (at(&self.kernel) - 1) + 1
    }

    /// The padding that a node asks for, of a value with that plane.
    pub fn padding(&self, call: &Call<'_>, plane: &[Dim]) -> Result<Padding, String> {
        let count = plane.len();
        let zeros = || Padding { before: vec![0; count], after: vec![0; count] };
        let upper = match call.text("auto_pad") {
            None | Some("NOTSET" | "") => {
                let Some(pads) = call.list("pads").filter(|pads| !pads.is_empty()) else { return Ok(zeros()) };
                let (before, after) = pads.split_at_checked(count).ok_or("its pads are too few")?;
                let sound = after.len() == count && pads.iter().all(|pad| (0..1 << 31).contains(pad));
                let padding = Padding { before: before.to_vec(), after: after.to_vec() };
                return if sound { Ok(padding) } else { Err("its pads are no pads".into()) };
            }
            Some("VALID") => return Ok(zeros()),
            Some("SAME_UPPER") => true,
            Some("SAME_LOWER") => false,
            Some(other) => return Err(format!("its auto_pad is `{other}`")),
        };
        let mut padding = zeros();
        for (axis, size) in plane.iter().enumerate() {
            let stride = self.strides.get(axis).copied().unwrap_or(1);
            let total = match size.number() {
                Some(size) => ((size + stride - 1) / stride - 1) * stride + self.extent(axis) - size,
                None if stride == 1 => self.extent(axis) - 1,
                None => return Err(format!("its padding depends on a size that is open, {size}")),
            };
            let total = total.max(0);
            let (less, more) = (total / 2, total - total / 2);
            let (before, after) = if upper { (less, more) } else { (more, less) };
            padding.before.splice(axis..=axis, [before]);
            padding.after.splice(axis..=axis, [after]);
        }
        Ok(padding)
    }
}

impl Padding {
    /// Whether it is the same before and after each axis.
    pub fn is_symmetric(&self) -> bool {
        self.before == self.after
    }

    /// Whether there is none.
    pub fn is_none(&self) -> bool {
        self.before.iter().chain(&self.after).all(|pad| *pad == 0)
    }

    /// As PyTorch's paddings have it: the last axis first, before and after.
    pub fn argument(&self) -> Constant {
        let pairs = self.before.iter().zip(&self.after).rev();
        ints(&pairs.flat_map(|(before, after)| [*before, *after]).collect::<Vec<i64>>())
    }

    /// A value with zeros around it.
    pub fn with_zeros(&self, reader: &mut Reader<'_>, value: ValueId) -> Result<ValueId, String> {
        let name = of_axes(["ZeroPad1d", "ZeroPad2d", "ZeroPad3d"], self.before.len())?;
        reader.layer(name, vec![("padding", self.argument())], value)
    }

    /// A value with a number around it.
    pub fn with_number(&self, reader: &mut Reader<'_>, value: ValueId, number: f32) -> Result<ValueId, String> {
        let name = of_axes(["ConstantPad1d", "ConstantPad2d", "ConstantPad3d"], self.before.len())?;
        reader.layer(name, vec![("padding", self.argument()), ("value", float(number))], value)
    }
}

/// `Pad`: numbers are an attribute up to set 10, an argument from 11 on.
pub fn pad(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    let (value, rank) = first(reader, call)?;
    let pads = call.list_or_input("pads", 1)?.ok_or("it does not say by how much")?;
    let all: Vec<usize> = match call.ints(3) {
        Some(given) => axes(&given, rank)?,
        None => (0..rank).collect(),
    };
    if pads.len() != 2 * all.len() || pads.iter().any(|pad| pad.unsigned_abs() >= 1 << 31) {
        return Err("its pads do not fit its axes".into());
    }
    let mut sides = vec![(0, 0); rank];
    for (place, &axis) in all.iter().enumerate() {
        let pad = |place: usize| pads.get(place).copied().unwrap_or(0);
        sides.splice(axis..=axis, [(pad(place), pad(place + all.len()))]);
    }
    let number = match call.input(2) {
        Some(_) => call.float(2).ok_or("what it pads with is computed from other values")?,
        None => call.number("value").unwrap_or(0.0),
    };
    let Some(outermost) = sides.iter().position(|side| *side != (0, 0)) else { return one(value) };
    let of = |sides: &[(i64, i64)]| Padding {
        before: sides.iter().map(|side| side.0).collect(),
        after: sides.iter().map(|side| side.1).collect(),
    };
    match call.text("mode").unwrap_or("constant") {
        "constant" => {}
        mode => {
            let names = match mode {
                "reflect" => ["ReflectionPad1d", "ReflectionPad2d", "ReflectionPad3d"],
                "edge" => ["ReplicationPad1d", "ReplicationPad2d", "ReplicationPad3d"],
                "wrap" => ["CircularPad1d", "CircularPad2d", "CircularPad3d"],
                other => return Err(format!("its mode is `{other}`")),
            };
            if outermost < 2 {
                return Err("it pads batch or channels with what is there".into());
            }
            let padding = of(sides.get(2..).unwrap_or_default());
            let name = of_axes(names, rank.saturating_sub(2))?;
            return one(reader.layer(name, vec![("padding", padding.argument())], value)?);
        }
    }
    let padded = |reader: &mut Reader<'_>, value, padding: &Padding| match number {
        0.0 => padding.with_zeros(reader, value),
        number if number.is_finite() => padding.with_number(reader, value, number),
        _ => padding.with_number(reader, value, if number > 0.0 { f32::MAX } else { f32::MIN }),
    };
    if outermost >= 2 {
        return one(padded(reader, value, &of(sides.get(2..).unwrap_or_default()))?);
    }
    // Channels count as a plane's axis once another axis stands before them.
    if outermost == 1 && rank <= 4 {
        let deeper = reader.layer("Unsqueeze", vec![("dim", Constant::Int(1))], value)?;
        let padding = of(sides.get(1..).unwrap_or_default());
        let result = padded(reader, deeper, &padding)?;
        return one(reader.layer("Squeeze", vec![("dim", Constant::Int(1))], result)?);
    }
    Err("it pads the batch, or more axes than a padding has".into())
}
