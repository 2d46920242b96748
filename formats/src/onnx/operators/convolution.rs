//! Convolutions, forward and transposed.

use super::padding::{Padding, Window};
use super::{Said, first, of_axes, one, per_axis};
use crate::onnx::read::{Call, Reader};
use crate::onnx::tensor::Tensor;
use cnnc_compiler::ops::Constant;
use cnnc_compiler::shape::Dim;

/// What both read alike.
struct Convolution {
    weight: Tensor,
    bias: Option<Tensor>,
    window: Window,
    groups: i64,
}

impl Convolution {
    fn of(call: &Call<'_>, plane: usize) -> Result<Convolution, String> {
        let weight = call.weight(1, "weight")?.clone();
        let sizes = weight.shape().get(2..).unwrap_or_default();
        if sizes.len() != plane || plane == 0 {
            return Err(format!("its weight is {:?}, and its input has a plane of {plane} axes", weight.shape()));
        }
        let kernel: Vec<i64> = sizes.iter().map(|&size| i64::try_from(size).unwrap_or(i64::MAX)).collect();
        if call.list("kernel_shape").is_some_and(|stated| !stated.is_empty() && stated != kernel) {
            return Err("its weight is of another size than its kernel_shape".into());
        }
        let bias = call.input(2).map(|_| call.weight(2, "bias").cloned()).transpose()?;
        let groups = call.int("group").unwrap_or(1);
        Ok(Convolution { weight, bias, window: Window::of(call, kernel, plane)?, groups })
    }

    fn arguments(&self, channels: i64) -> Vec<(&'static str, Constant)> {
        let mut arguments =
            vec![("out_channels", Constant::Int(channels)), ("kernel_size", per_axis(&self.window.kernel))];
        if self.window.strides.iter().any(|stride| *stride != 1) {
            arguments.push(("stride", per_axis(&self.window.strides)));
        }
        if self.window.dilations.iter().any(|dilation| *dilation != 1) {
            arguments.push(("dilation", per_axis(&self.window.dilations)));
        }
        if self.groups != 1 {
            arguments.push(("groups", Constant::Int(self.groups)));
        }
        if self.bias.is_none() {
            arguments.push(("bias", Constant::Bool(false)));
        }
        arguments
    }

    fn tensors(&self) -> Vec<Tensor> {
        std::iter::once(self.weight.clone()).chain(self.bias.clone()).collect()
    }
}

pub fn convolution(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    let (mut value, rank) = first(reader, call)?;
    let found = Convolution::of(call, rank.saturating_sub(2))?;
    let plane = reader.network.shape(value).get(2..).unwrap_or_default().to_vec();
    let padding = found.window.padding(call, &plane)?;
    let channels = found.weight.shape().first().copied().unwrap_or(0) as i64;
    let mut arguments = found.arguments(channels);
    if !padding.is_symmetric() {
        value = padding.with_zeros(reader, value)?;
    } else if !padding.is_none() {
        arguments.push(("padding", per_axis(&padding.before)));
    }
    let name = of_axes(["Conv1d", "Conv2d", "Conv3d"], plane.len())?;
    one(reader.weighted(name, arguments, value, &found.tensors())?)
}

pub fn transposed(reader: &mut Reader<'_>, call: &Call<'_>) -> Said {
    let (value, rank) = first(reader, call)?;
    let found = Convolution::of(call, rank.saturating_sub(2))?;
    let plane = reader.network.shape(value).get(2..).unwrap_or_default().to_vec();
    let more = call.list("output_padding").filter(|list| list.len() == plane.len());
    let more = more.unwrap_or_else(|| vec![0; plane.len()]);
    if more.iter().any(|more| !(0..1 << 31).contains(more)) {
        return Err("its output_padding is no padding".into());
    }
    let padding = padding_of_transposed(call, &found.window, &plane, &more)?;
    let channels = found.weight.shape().get(1).copied().unwrap_or(0) as i64;
    let mut arguments = found.arguments(channels.saturating_mul(found.groups));
    let name = of_axes(["ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"], plane.len())?;
    // What is cut off behind may be less than before: as much is cut on both sides, and the rest put back.
    let back = padding.before.iter().zip(&padding.after).map(|(before, after)| before - after);
    let output: Vec<i64> = back.zip(&more).map(|(back, more)| back + more).collect();
    let most = |axis: usize| {
        let at = |numbers: &[i64]| numbers.get(axis).copied().unwrap_or(1);
        at(&found.window.strides).max(at(&found.window.dilations))
    };
    if output.iter().enumerate().all(|(axis, more)| (0..most(axis)).contains(more)) {
        if !padding.before.iter().all(|pad| *pad == 0) {
            arguments.push(("padding", per_axis(&padding.before)));
        }
        if output.iter().any(|more| *more != 0) {
            arguments.push(("output_padding", per_axis(&output)));
        }
        return one(reader.weighted(name, arguments, value, &found.tensors())?);
    }
    let cut = Padding {
        before: padding.before.iter().map(|pad| -pad).collect(),
        after: padding.after.iter().zip(&more).map(|(pad, more)| more - pad).collect(),
    };
    if cut.after.iter().any(|side| *side > 0) {
        return Err("its output_padding reaches past what its padding cuts off".into());
    }
    let whole = reader.weighted(name, arguments, value, &found.tensors())?;
    one(cut.with_zeros(reader, whole)?)
}

/// What is cut off on each side, which `output_shape` and `auto_pad` may say too.
fn padding_of_transposed(call: &Call<'_>, window: &Window, plane: &[Dim], more: &[i64]) -> Result<Padding, String> {
    let word = call.text("auto_pad").unwrap_or("NOTSET");
    let stated = call.list("output_shape").filter(|list| !list.is_empty());
    let is_same = word.starts_with("SAME");
    if stated.is_none() && !is_same {
        return window.padding(call, plane);
    }
    let stated = stated.map(|list| list.get(list.len().saturating_sub(plane.len())..).unwrap_or_default().to_vec());
    let mut padding = Padding { before: Vec::new(), after: Vec::new() };
    for (axis, size) in plane.iter().enumerate() {
        let stride = window.strides.get(axis).copied().unwrap_or(1);
        let more = more.get(axis).copied().unwrap_or(0);
        let total = match (stated.as_ref().and_then(|stated| stated.get(axis).copied()), size.number()) {
            (Some(wanted), Some(size)) => {
                let whole =
                    stride.checked_mul(size - 1).and_then(|whole| whole.checked_add(more + window.extent(axis)));
                whole.and_then(|whole| whole.checked_sub(wanted)).ok_or("its output_shape is past following")?
            }
            // The output is `stride` times the input.
            (None, _) => more + window.extent(axis) - stride,
            (Some(_), None) => return Err(format!("its output_shape is fixed, and its input is open, {size}")),
        };
        // What is wanted past the whole is put on behind.
        if total < 0 {
            padding.before.push(0);
            padding.after.push(total);
            continue;
        }
        let (less, rest) = (total / 2, total - total / 2);
        let (before, after) = if word == "SAME_UPPER" { (less, rest) } else { (rest, less) };
        padding.before.push(before);
        padding.after.push(after);
    }
    Ok(padding)
}
