//! Convolution of channels each by itself: a product would have one row, so planes are swept directly.
//!
//! For each output row, every window element adds its multiple of an input row. At a stride along the width, input rows are first parted by
//! their remainder, so that what a window element sees lies together.

use super::conv::{Geometry, inside};
use super::level::vectorised;
use super::map::Elementwise;
use super::memory::{Memory, Place};
use super::{Cost, Tasks, Workspace};
use cnnc_compiler::kernels::AxisWindow;
use cnnc_compiler::plan::View;

/// Output elements times window elements of a task.
const TASK: usize = 1 << 16;

/// A convolution whose groups have one input channel and one or more output channels.
pub struct Depthwise {
    input: Place,
    weight: Place,
    output: Place,
    batch: usize,
    channels: usize,
    /// Output channels of an input channel.
    multiple: usize,
    geometry: Geometry,
    images: [usize; 2],
    finish: Option<Elementwise>,
}

impl Depthwise {
    /// `x[N, C, H, W]`, dense from axis 1, and a dense weight `[C', 1, kh, kw]`.
    pub fn new(
        x: &View,
        weight: &View,
        output: &View,
        window: [AxisWindow; 2],
        groups: usize,
        finish: Option<Elementwise>,
    ) -> Depthwise {
        let size = |view: &View| [view.shape[2], view.shape[3]];
        Depthwise {
            input: Place::of(x),
            weight: Place::of(weight),
            output: Place::of(output),
            batch: x.shape[0],
            channels: output.shape[1],
            multiple: output.shape[1] / groups,
            geometry: Geometry { input: size(x), output: size(output), window },
            images: [x.strides[0], output.strides[0]],
            finish,
        }
    }

    /// Planes of a task.
    fn per_task(&self) -> usize {
        (TASK / (self.geometry.output_plane() * self.geometry.taps()).max(1)).max(1)
    }

    unsafe fn plane(&self, plane: usize, memory: &Memory, workspace: &mut Workspace) {
        let Geometry { input: [height, width], window: [_, columns], .. } = self.geometry;
        let (image, channel) = (plane / self.channels, plane % self.channels);
        let (from, to) = (self.geometry.input_plane(), self.geometry.output_plane());
        // SAFETY: the plan was checked: all of this lies inside the views, and each plane is written by one task.
        unsafe {
            let input = memory.lane(self.input, image * self.images[0] + channel / self.multiple * from, 1).slice(from);
            let weights = memory.lane(self.weight, channel * self.geometry.taps(), 1).slice(self.geometry.taps());
            let output = memory.lane(self.output, image * self.images[1] + channel * to, 1).slice_mut(to);
            if columns.stride == 1 {
                sweep(input, weights, &self.geometry, output);
            } else {
                let parted =
                    Workspace::values(&mut workspace.values, height * columns.stride * width.div_ceil(columns.stride));
                part(input, width, columns.stride, parted);
                sweep(parted, weights, &self.geometry, output);
            }
            if let Some(finish) = &self.finish {
                finish.run(memory, plane, 0, to, workspace);
            }
        }
    }
}

impl Tasks for Depthwise {
    fn tasks(&self) -> usize {
        (self.batch * self.channels).div_ceil(self.per_task())
    }

    fn cost(&self) -> Cost {
        let outputs = self.batch * self.channels * self.geometry.output_plane();
        Cost { operations: 8 * outputs * self.geometry.taps(), elements: 2 * outputs }
    }

    unsafe fn run(&self, task: usize, memory: &Memory, workspace: &mut Workspace) {
        let end = ((task + 1) * self.per_task()).min(self.batch * self.channels);
        for plane in task * self.per_task()..end {
            // SAFETY: as the caller promises; tasks take distinct planes.
            unsafe { self.plane(plane, memory, workspace) };
        }
    }
}

/// Every row parted by the remainder of its columns by `stride`: `stride` rows of `⌈width / stride⌉` for each.
fn part(input: &[f32], width: usize, stride: usize, parted: &mut [f32]) {
    let length = width.div_ceil(stride);
    for (row, parts) in input.chunks_exact(width).zip(parted.chunks_exact_mut(stride * length)) {
        for (remainder, part) in parts.chunks_exact_mut(length).enumerate() {
            let columns = row.iter().skip(remainder).step_by(stride);
            part.iter_mut().zip(columns).for_each(|(into, &value)| *into = value);
        }
    }
}

vectorised! {
    /// One plane: `input` holds the rows, parted when the stride is more than 1.
    fn sweep(input: &[f32], weights: &[f32], geometry: &Geometry, output: &mut [f32]) {
        let [rows, columns] = geometry.window;
        let [height, width] = geometry.input;
        let length = width.div_ceil(columns.stride);
        for (y, output) in output.chunks_exact_mut(geometry.output[1]).enumerate() {
            output.fill(0.0);
            for (ky, weights) in weights.chunks_exact(columns.kernel).enumerate() {
                let Some(from) = (y * rows.stride + ky * rows.dilation).checked_sub(rows.before) else { continue };
                if from >= height {
                    continue;
                }
                let row = &input[from * columns.stride * length..][..columns.stride * length];
                for (kx, &weight) in weights.iter().enumerate() {
                    let (low, high) = inside(&columns, kx, width, 0, output.len());
                    if low == high {
                        continue;
                    }
                    let first = low * columns.stride + kx * columns.dilation - columns.before;
                    let seen = &row[first % columns.stride * length + first / columns.stride..][..high - low];
                    for (sum, &value) in output[low..high].iter_mut().zip(seen) {
                        *sum += weight * value;
                    }
                }
            }
        }
    }
}
