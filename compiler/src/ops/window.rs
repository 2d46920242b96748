//! Sliding windows: the only place with their output-size formula.
//!
//! Convolution and pooling share it (PyTorch, `nn.Conv2d` and `nn.MaxPool2d`, under "Shape"):
//!
//! ```text
//! out = ⌊(in + before + after − dilation·(kernel − 1) − 1) / stride⌋ + 1
//! ```
//!
//! With `ceil_mode` the division rounds up, and a last window that would start in the padding after the input is
//! dropped. All arithmetic is checked; a window that does not fit is an error, and one that fits only for some values
//! of a symbol is a requirement.

use super::argument::BindError;
use super::argument_types::{PaddingOf, PerAxis, written};
use super::inputs;
use super::receptive_field::{LayerField, Taps};
use super::shape_error::ShapeError;
use crate::kernels::{self, PoolAxis};
use crate::onnx::Attribute;
use crate::shape::{Dim, Relation, Requirements, Shape, TooLarge};

/// A window along one axis of an input that is padded on both sides; all in elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaddedWindow {
    /// Elements of the window, without dilation.
    pub kernel: usize,
    /// Step from window to window.
    pub stride: usize,
    /// Step from element to element within the window.
    pub dilation: usize,
    /// Padding before the first element.
    pub before: usize,
    /// Padding after the last.
    pub after: usize,
}

/// A window over the axes after batch and channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// In the order of the axes: of a plane height, then width.
    pub axes: Vec<PaddedWindow>,
    /// Whether the number of windows rounds up.
    pub ceil_mode: bool,
    /// The most that the argument `padding` may be: of a pooling half the kernel, as PyTorch has it,
    /// so that every window has an element.
    pub most_padding: Vec<usize>,
}

/// What the axes after batch and channels are called.
pub fn names(count: usize) -> &'static [&'static str] {
    match count {
        1 => &["length"],
        2 => &["height", "width"],
        _ => &["depth", "height", "width"],
    }
}

/// Lines of the axes after batch and channels, each behind the names of those that it is of.
pub fn by_axes(lines: Vec<String>) -> Vec<String> {
    let mut told: Vec<(String, String)> = Vec::new();
    for (name, line) in names(lines.len()).iter().zip(lines) {
        match told.last_mut() {
            Some((names, last)) if *last == line => *names += &format!(", {name}"),
            _ => told.push(((*name).to_owned(), line)),
        }
    }
    told.into_iter().map(|(names, line)| format!("{names}: {line}")).collect()
}

impl PaddedWindow {
    /// From the first element of the window to its last: `dilation·(kernel − 1) + 1`.
    pub fn extent(self) -> usize {
        self.dilation.saturating_mul(self.kernel.saturating_sub(1)).saturating_add(1)
    }

    /// The least size of a padded input that has a window. With `ceil_mode` one that sticks out is enough.
    fn least_padded(self, ceil_mode: bool) -> usize {
        let spare = if ceil_mode { self.stride.saturating_sub(1) } else { 0 };
        self.extent().saturating_sub(spare).max(1)
    }

    /// The least size of the input itself.
    fn least(self, ceil_mode: bool) -> usize {
        self.least_padded(ceil_mode).saturating_sub(self.before).saturating_sub(self.after).max(1)
    }

    /// The least padding, on both sides, with which a window fits into an input of `size`, and no less than there is.
    fn least_padding(self, size: &Dim, ceil_mode: bool) -> Option<usize> {
        let Some(size) = size.number() else { return Some(self.before) };
        let missing = self.least_padded(ceil_mode).saturating_sub(usize::try_from(size).ok()?);
        Some(missing.div_ceil(2).max(self.before))
    }

    /// What is divided for the number of windows, and by what, with its numbers.
    fn room(self, size: &Dim) -> String {
        let PaddedWindow { kernel, stride, dilation, before, after } = self;
        let padding = if before == after { format!("2·{before}") } else { format!("{before} + {after}") };
        format!("({size} + {padding} − {dilation}·({kernel} − 1) − 1) / {stride}")
    }

    /// The padding, on both sides, that keeps the size, if there is one.
    fn same_padding(self) -> Option<usize> {
        (self.stride == 1 && self.extent() % 2 == 1).then_some(self.extent() / 2)
    }

    /// The number of windows along an axis of `size`, before any check that one fits.
    fn count(self, size: &Dim, ceil_mode: bool) -> Result<Dim, TooLarge> {
        let number = |value: usize| i64::try_from(value).map_err(|_| TooLarge);
        let padded = size.plus_number(number(self.before)?)?.plus_number(number(self.after)?)?;
        let room = padded.plus_number(-number(self.extent())?)?;
        if !ceil_mode {
            return room.floor_divided(number(self.stride)?)?.plus_number(1);
        }
        let rounded_up = room.ceiling_divided(number(self.stride)?)?.plus_number(1)?;
        // The last window must start in the input or in the padding before it.
        let starts_inside =
            size.plus_number(number(self.before)? - 1)?.floor_divided(number(self.stride)?)?.plus_number(1)?;
        rounded_up.minimum(&starts_inside)
    }
}

impl Window {
    /// The window as attributes of ONNX's convolutions and poolings, but for `ceil_mode`.
    pub fn onnx(&self) -> Vec<(&'static str, Attribute)> {
        let all = |of: fn(&PaddedWindow) -> usize| self.axes.iter().map(|axis| of(axis) as i64).collect::<Vec<i64>>();
        vec![
            ("kernel_shape", Attribute::Ints(all(|axis| axis.kernel))),
            ("strides", Attribute::Ints(all(|axis| axis.stride))),
            ("pads", Attribute::Ints([all(|axis| axis.before), all(|axis| axis.after)].concat())),
            ("dilations", Attribute::Ints(all(|axis| axis.dilation))),
        ]
    }

    /// A convolution's window.
    pub fn convolution<P: PerAxis>(
        kernel: &impl PerAxis,
        stride: &impl PerAxis,
        padding: &PaddingOf<P>,
        dilation: &impl PerAxis,
    ) -> Window {
        let kernel = kernel.per_axis();
        let sizes = match padding {
            PaddingOf::Sizes(sizes) => sizes.per_axis(),
            PaddingOf::Same | PaddingOf::Valid => vec![0; kernel.len()],
        };
        let mut window = Window::symmetric(&kernel, &stride.per_axis(), &sizes, &dilation.per_axis());
        if matches!(padding, PaddingOf::Same) {
            for axis in &mut window.axes {
                let total = axis.extent() - 1;
                axis.before = total / 2;
                axis.after = total - total / 2;
            }
        }
        window
    }

    /// A pooling's window; without a stride, windows lie side by side.
    pub fn pooling<E: PerAxis>(
        kernel: &E,
        stride: &Option<E>,
        padding: &impl PerAxis,
        dilation: &[usize],
        ceil_mode: bool,
    ) -> Window {
        let stride = stride.as_ref().unwrap_or(kernel).per_axis();
        let mut window = Window::symmetric(&kernel.per_axis(), &stride, &padding.per_axis(), dilation);
        window.ceil_mode = ceil_mode;
        window.most_padding = window.axes.iter().map(|axis| axis.kernel / 2).collect();
        window
    }

    fn symmetric(kernel: &[usize], stride: &[usize], padding: &[usize], dilation: &[usize]) -> Window {
        let sizes = kernel.iter().zip(stride).zip(padding.iter().zip(dilation));
        let axis = |((&kernel, &stride), (&padding, &dilation)): ((&usize, &usize), (&usize, &usize))| PaddedWindow {
            kernel,
            stride,
            dilation,
            before: padding,
            after: padding,
        };
        let axes: Vec<PaddedWindow> = sizes.map(axis).collect();
        Window { most_padding: vec![usize::MAX; axes.len()], axes, ceil_mode: false }
    }

    /// Padding before the first element of each axis.
    pub fn padding(&self) -> Vec<usize> {
        self.axes.iter().map(|axis| axis.before).collect()
    }

    /// Refuses more padding than there may be.
    pub fn validate(&self) -> Result<(), BindError> {
        let padding = self.padding();
        if padding.iter().zip(&self.most_padding).all(|(padding, most)| padding <= most) {
            return Ok(());
        }
        let kernel: Vec<usize> = self.axes.iter().map(|axis| axis.kernel).collect();
        let message = format!("padding={} is more than half of kernel_size={}", written(&padding), written(&kernel));
        let mend: Vec<usize> =
            padding.iter().zip(&self.most_padding).map(|(&padding, &most)| padding.min(most)).collect();
        Err(BindError::Conflict { argument: "padding", message, mend: Some(written(&mend)) })
    }

    /// As the kernels take it.
    pub fn kernel(&self) -> Vec<kernels::AxisWindow> {
        let axis = |&PaddedWindow { kernel, stride, dilation, before, .. }: &PaddedWindow| kernels::AxisWindow {
            kernel,
            stride,
            dilation,
            before,
        };
        self.axes.iter().map(axis).collect()
    }

    /// As the kernels of poolings take it.
    pub fn pool_axes(&self) -> Vec<PoolAxis> {
        self.kernel().into_iter().map(PoolAxis::Sliding).collect()
    }

    /// The region behind one element, of its own channel.
    pub fn receptive_field(&self) -> LayerField {
        let taps = |&PaddedWindow { kernel, stride, dilation, before, .. }: &PaddedWindow| {
            Taps::window(kernel, dilation, stride, i64::try_from(before).unwrap_or(i64::MAX))
        };
        LayerField::of_axes(self.axes.iter().map(taps))
    }

    /// The output's sizes for an input of these sizes.
    pub fn output_size(&self, input: &[Dim], requirements: &mut Requirements) -> Result<Vec<Dim>, ShapeError> {
        const REASON: &str = "the window must fit its padded input";
        for ((name, axis), size) in names(self.axes.len()).iter().zip(&self.axes).zip(input) {
            let least = axis.least(self.ceil_mode);
            // Sizes are at least 1, so that a symbol need not be asked.
            let sure = least == 1 && size.number().is_none();
            if !sure && !requirements.require(size, Relation::AtLeast, &Dim::from(least), REASON)? {
                return Err(self.too_large(name, *axis, size, input)?);
            }
        }
        Ok(self
            .axes
            .iter()
            .zip(input)
            .map(|(axis, size)| axis.count(size, self.ceil_mode))
            .collect::<Result<_, _>>()?)
    }

    /// What a pooling makes of `[N, C, ...]`.
    pub fn pooled(&self, inputs: &[Shape], requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        let (batch, channels, sizes) = inputs::spatial(inputs, self.axes.len())?;
        let sizes = self.output_size(sizes, requirements)?;
        Ok([batch.clone(), channels.clone()].into_iter().chain(sizes).collect())
    }

    /// The formula worked out for each axis of `[N, C, ...]`.
    pub fn arithmetic(&self, inputs: &[Shape]) -> Vec<String> {
        let Ok((.., sizes)) = inputs::spatial(inputs, self.axes.len()) else { return Vec::new() };
        let lines = self.axes.iter().zip(sizes).map(|(axis, size)| {
            let room = axis.room(size);
            let room = match (self.ceil_mode, axis.stride) {
                (true, _) => format!("⌈{room}⌉"),
                (false, 1) => room,
                (false, _) => format!("⌊{room}⌋"),
            };
            Some(format!("{room} + 1 = {}", axis.count(size, self.ceil_mode).ok()?))
        });
        lines.collect::<Option<Vec<String>>>().map(by_axes).unwrap_or_default()
    }

    /// The error, with the formula worked out.
    fn too_large(
        &self,
        name: &'static str,
        axis: PaddedWindow,
        size: &Dim,
        input: &[Dim],
    ) -> Result<ShapeError, TooLarge> {
        let room = axis.room(size);
        let room = if self.ceil_mode { format!("⌈{room}⌉") } else { room };
        let count = axis.count(size, self.ceil_mode)?.to_string().replace('-', "−");
        let needs: Vec<String> = self.axes.iter().map(|axis| axis.least(self.ceil_mode).to_string()).collect();
        Ok(ShapeError::WindowTooLarge {
            axis: name,
            arithmetic: format!("{room} + 1 = {count}"),
            needs: needs.join("×"),
            least_padding: self.that_fits(|axis, size| axis.least_padding(size, self.ceil_mode), input),
            same_padding: self.that_fits(|axis, _| axis.same_padding(), input),
        })
    }

    /// A padding for all axes, if there is one and it is allowed.
    fn that_fits(&self, of: impl Fn(PaddedWindow, &Dim) -> Option<usize>, input: &[Dim]) -> Option<String> {
        let each = self.axes.iter().zip(input).map(|(axis, size)| of(*axis, size));
        let padding = each.collect::<Option<Vec<usize>>>()?;
        let allowed = padding.iter().zip(&self.most_padding).all(|(padding, most)| padding <= most);
        allowed.then(|| written(&padding))
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_layer::{bind, shape};
    use crate::shape::{Relation, Requirements};
    use proptest::prelude::*;

    proptest! {
        /// A symbol and the number that it stands for get the same answer: the same size, or a refusal and a
        /// requirement that does not hold.
        #[test]
        fn symbols_and_numbers_agree(
            layer in prop::sample::select(vec!["MaxPool2d(", "Conv2d(4, ", "ConvTranspose2d(4, "]),
            kernel in 1..5, stride in 1..5, padding in 0..3, dilation in 1..4, ceil_mode in any::<bool>(), height in 1..20i64,
        ) {
            let mode = if layer.starts_with("Max") && ceil_mode { ", ceil_mode=true" } else { "" };
            let text = format!("{layer}{kernel}, stride={stride}, padding={padding}, dilation={dilation}{mode})");
            let Ok(op) = bind(&text) else { return Ok(()) };
            let mut requirements = Requirements::default();
            let symbolic = op.infer(&[shape("[1, 2, H, 50]")], &mut requirements).unwrap();
            let at = |symbol: &str| (symbol == "H").then_some(height);
            let holds = requirements.open.iter().all(|open| {
                let (left, right) = (open.left.at(&at).unwrap(), open.right.at(&at).unwrap());
                open.relation == Relation::AtLeast && left >= right
            });
            let numeric = op.infer(&[shape(&format!("[1, 2, {height}, 50]"))], &mut Requirements::default());
            prop_assert_eq!(numeric.ok().and_then(|shape| shape.numbers()), symbolic.at(&at).filter(|_| holds));
        }
    }
}
