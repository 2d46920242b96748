//! Sliding windows: the only place with the output-size formula.
//!
//! Convolution, pooling and their transposes share it (PyTorch, `nn.Conv2d` and `nn.MaxPool2d`, under "Shape"):
//! `out = ⌊(in + before + after − dilation·(kernel − 1) − 1) / stride⌋ + 1`. With `ceil_mode` the division rounds up, and a last window
//! that would start in the padding after the input is dropped. All arithmetic is checked; a window that does not fit is an error, and one
//! that fits only for some values of a symbol is a requirement.

use super::argument::{PadPair, Padding, Pair};
use super::operator::Reach;
use super::shape_error::ShapeError;
use crate::kernels;
use crate::shape::{Dim, Relation, Requirements, TooLarge};

/// A window along one axis; all in elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AxisWindow {
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
    pub axes: [AxisWindow; 2],
    /// Whether the number of windows rounds up.
    pub ceil_mode: bool,
}

impl AxisWindow {
    /// From the first element of the window to its last: `dilation·(kernel − 1) + 1`.
    pub fn extent(&self) -> usize {
        self.dilation.saturating_mul(self.kernel - 1).saturating_add(1)
    }

    /// The number of windows along an axis of `size`, before any check that one fits.
    fn count(&self, size: &Dim, ceil_mode: bool) -> Result<Dim, TooLarge> {
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
    /// A window with that much padding on both sides of each axis.
    pub fn new(kernel: Pair, stride: Pair, padding: PadPair, dilation: Pair, ceil_mode: bool) -> Window {
        let axis = |kernel, stride, padding, dilation| AxisWindow {
            kernel,
            stride,
            dilation,
            before: padding,
            after: padding,
        };
        Window {
            axes: [axis(kernel.0, stride.0, padding.0, dilation.0), axis(kernel.1, stride.1, padding.1, dilation.1)],
            ceil_mode,
        }
    }

    /// A convolution's window, where the padding may be a word.
    pub fn convolution(kernel: Pair, stride: Pair, padding: Padding, dilation: Pair) -> Window {
        let sizes = match padding {
            Padding::Sizes(sizes) => sizes,
            Padding::Same | Padding::Valid => PadPair(0, 0),
        };
        let mut window = Window::new(kernel, stride, sizes, dilation, false);
        if padding == Padding::Same {
            for axis in &mut window.axes {
                let total = axis.extent() - 1;
                axis.before = total / 2;
                axis.after = total - total / 2;
            }
        }
        window
    }

    /// As the kernels take it.
    pub fn kernel(&self) -> [kernels::AxisWindow; 2] {
        self.axes.map(|AxisWindow { kernel, stride, dilation, before, .. }| kernels::AxisWindow {
            kernel,
            stride,
            dilation,
            before,
        })
    }

    /// The region behind one element.
    pub fn reach(&self) -> Reach {
        Reach::Window {
            extent: self.axes.map(|axis| axis.extent()),
            stride: self.axes.map(|axis| axis.stride),
            before: self.axes.map(|axis| axis.before),
        }
    }

    /// The output's height and width for an input of `[.., height, width]`.
    pub fn output_size(&self, input: [&Dim; 2], requirements: &mut Requirements) -> Result<[Dim; 2], ShapeError> {
        let [height, width] = self.axes;
        Ok([
            self.axis_size("height", height, input[0], requirements)?,
            self.axis_size("width", width, input[1], requirements)?,
        ])
    }

    fn axis_size(
        &self,
        name: &'static str,
        axis: AxisWindow,
        size: &Dim,
        requirements: &mut Requirements,
    ) -> Result<Dim, ShapeError> {
        let least = Dim::from(axis.extent()).minus(&Dim::from(axis.before))?.minus(&Dim::from(axis.after))?;
        if !requirements.require(size, Relation::AtLeast, &least, "the window must fit its padded input")? {
            return Err(self.too_large(name, axis, size)?);
        }
        Ok(axis.count(size, self.ceil_mode)?)
    }

    /// The error, with the formula worked out.
    fn too_large(&self, name: &'static str, axis: AxisWindow, size: &Dim) -> Result<ShapeError, TooLarge> {
        let AxisWindow { kernel, stride, dilation, before, after } = axis;
        let padding = if before == after { format!("2·{before}") } else { format!("{before} + {after}") };
        let count = axis.count(size, false)?;
        let number = size.number().and_then(|size| usize::try_from(size).ok()).unwrap_or(0);
        let missing = axis.extent().saturating_sub(number);
        let [height, width] = self.axes;
        Ok(ShapeError::WindowTooLarge {
            axis: name,
            arithmetic: format!(
                "({size} + {padding} − {dilation}·({kernel} − 1) − 1) / {stride} + 1 = {}",
                count.to_string().replace('-', "−")
            ),
            needs: format!("{}×{}", height.extent(), width.extent()),
            least_padding: Some(missing.div_ceil(2)),
            same_padding: (axis.extent() % 2 == 1 && stride == 1).then_some((axis.extent() - 1) / 2),
        })
    }
}
