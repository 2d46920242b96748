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

use super::argument::{Argument, BindError};
use super::argument_types::{PadPair, Padding, Pair};
use super::inputs;
use super::receptive_field::{LayerField, Taps};
use super::shape_error::ShapeError;
use crate::kernels::{self, PoolAxis};
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

/// A window over height and width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Height, then width.
    pub axes: [PaddedWindow; 2],
    /// Whether the number of windows rounds up.
    pub ceil_mode: bool,
    /// The most that the argument `padding` may be: of a pooling half the kernel, as PyTorch has it,
    /// so that every window has an element.
    pub most_padding: [usize; 2],
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
    /// A convolution's window.
    pub fn convolution(kernel: Pair, stride: Pair, padding: Padding, dilation: Pair) -> Window {
        let sizes = match padding {
            Padding::Sizes(sizes) => sizes,
            Padding::Same | Padding::Valid => PadPair(0, 0),
        };
        let mut window = Window::symmetric(kernel, stride, sizes, dilation);
        if padding == Padding::Same {
            for axis in &mut window.axes {
                let total = axis.extent() - 1;
                axis.before = total / 2;
                axis.after = total - total / 2;
            }
        }
        window
    }

    /// A pooling's window; without a stride, windows lie side by side.
    pub fn pooling(kernel: Pair, stride: Option<Pair>, padding: PadPair, dilation: Pair, ceil_mode: bool) -> Window {
        let mut window = Window::symmetric(kernel, stride.unwrap_or(kernel), padding, dilation);
        window.ceil_mode = ceil_mode;
        window.most_padding = window.axes.map(|axis| axis.kernel / 2);
        window
    }

    fn symmetric(kernel: Pair, stride: Pair, padding: PadPair, dilation: Pair) -> Window {
        let axis = |kernel, stride, padding, dilation| PaddedWindow {
            kernel,
            stride,
            dilation,
            before: padding,
            after: padding,
        };
        Window {
            axes: [axis(kernel.0, stride.0, padding.0, dilation.0), axis(kernel.1, stride.1, padding.1, dilation.1)],
            ceil_mode: false,
            most_padding: [usize::MAX; 2],
        }
    }

    /// Refuses more padding than there may be.
    pub fn validate(&self) -> Result<(), BindError> {
        let [height, width] = self.axes.map(|axis| axis.before);
        let [most_height, most_width] = self.most_padding;
        if height <= most_height && width <= most_width {
            return Ok(());
        }
        let [kernel_height, kernel_width] = self.axes.map(|axis| axis.kernel);
        let message = format!(
            "padding={} is more than half of kernel_size={}",
            PadPair(height, width).write(),
            Pair(kernel_height, kernel_width).write()
        );
        let mend = PadPair(height.min(most_height), width.min(most_width)).write();
        Err(BindError::Conflict { argument: "padding", message, mend: Some(mend) })
    }

    /// As the kernels take it.
    pub fn kernel(&self) -> [kernels::AxisWindow; 2] {
        self.axes.map(|PaddedWindow { kernel, stride, dilation, before, .. }| kernels::AxisWindow {
            kernel,
            stride,
            dilation,
            before,
        })
    }

    /// As the kernels of poolings take it.
    pub fn pool_axes(&self) -> [PoolAxis; 2] {
        self.kernel().map(PoolAxis::Sliding)
    }

    /// The region behind one element.
    pub fn receptive_field(&self) -> LayerField {
        LayerField::Plane(self.axes.map(|PaddedWindow { kernel, stride, dilation, before, .. }| {
            Taps::window(kernel, dilation, stride, i64::try_from(before).unwrap_or(i64::MAX))
        }))
    }

    /// The output's height and width for an input of that height and width.
    pub fn output_size(&self, input: [&Dim; 2], requirements: &mut Requirements) -> Result<[Dim; 2], ShapeError> {
        const REASON: &str = "the window must fit its padded input";
        for (name, axis, size) in self.named(input) {
            let least = axis.least(self.ceil_mode);
            // Sizes are at least 1, so that a symbol need not be asked.
            let sure = least == 1 && size.number().is_none();
            if !sure && !requirements.require(size, Relation::AtLeast, &Dim::from(least), REASON)? {
                return Err(self.too_large(name, axis, size, input)?);
            }
        }
        let ([height, width], [rows, columns]) = (self.axes, input);
        Ok([height.count(rows, self.ceil_mode)?, width.count(columns, self.ceil_mode)?])
    }

    /// What a pooling makes of `[N, C, H, W]`.
    pub fn pooled(&self, inputs: &[Shape], requirements: &mut Requirements) -> Result<Shape, ShapeError> {
        let [batch, channels, height, width] = inputs::planes(inputs)?;
        let [height, width] = self.output_size([height, width], requirements)?;
        Ok(Shape::from(vec![batch.clone(), channels.clone(), height, width]))
    }

    fn named<'a>(&self, input: [&'a Dim; 2]) -> [(&'static str, PaddedWindow, &'a Dim); 2] {
        let ([height, width], [rows, columns]) = (self.axes, input);
        [("height", height, rows), ("width", width, columns)]
    }

    /// The error, with the formula worked out.
    fn too_large(
        &self,
        name: &'static str,
        axis: PaddedWindow,
        size: &Dim,
        input: [&Dim; 2],
    ) -> Result<ShapeError, TooLarge> {
        let PaddedWindow { kernel, stride, dilation, before, after } = axis;
        let padding = if before == after { format!("2·{before}") } else { format!("{before} + {after}") };
        let room = format!("({size} + {padding} − {dilation}·({kernel} − 1) − 1) / {stride}");
        let room = if self.ceil_mode { format!("⌈{room}⌉") } else { room };
        let count = axis.count(size, self.ceil_mode)?.to_string().replace('-', "−");
        let [height, width] = self.axes.map(|axis| axis.least(self.ceil_mode));
        Ok(ShapeError::WindowTooLarge {
            axis: name,
            arithmetic: format!("{room} + 1 = {count}"),
            needs: format!("{height}×{width}"),
            least_padding: self.padding(|axis, size| axis.least_padding(size, self.ceil_mode), input),
            same_padding: self.padding(|axis, _| axis.same_padding(), input),
        })
    }

    /// A padding for both axes, if there is one and it is allowed.
    fn padding(&self, of: impl Fn(PaddedWindow, &Dim) -> Option<usize>, input: [&Dim; 2]) -> Option<PadPair> {
        let [(_, height, rows), (_, width, columns)] = self.named(input);
        let (height, width) = (of(height, rows)?, of(width, columns)?);
        let [most_height, most_width] = self.most_padding;
        (height <= most_height && width <= most_width).then_some(PadPair(height, width))
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
