//! The gradient of a convolution by its weight, as matrix products: for some input channels the window's elements are laid out for a tile of
//! pixels, and the gradient's rows, one for each output channel, are multiplied with that. Tiles of all images are added up
//! in order, so the sum is the same for any number of threads.

use super::conv::{Geometry, im2col};
use super::gemm::{multiply, multiply_add};
use super::memory::{Memory, Place};
use super::{Cost, Tasks, Workspace};
use cnnc_compiler::kernels::AxisWindow;
use cnnc_compiler::plan::View;

/// Elements of a tile's matrix.
const TILE_ELEMENTS: usize = 1 << 16;
/// Pixels of a tile at least.
const LEAST_PIXELS: usize = 256;
/// Rows of a tile's matrix, as far as input channels have so many.
const ROWS: usize = 96;
/// Output channels of a task.
const CHANNELS: usize = 128;

/// `x[N, C, H, W]` and `g[N, C', H', W']` to `[C', C/groups, kh, kw]`.
pub struct ConvWeight {
    input: Place,
    gradient: Place,
    output: Place,
    /// Batch, groups.
    outer: [usize; 2],
    /// Input channels, output channels of a group.
    channels: [usize; 2],
    geometry: Geometry,
    /// Steps from image to image: of the input, of the gradient.
    images: [usize; 2],
}

impl ConvWeight {
    /// Both dense from axis 1.
    pub fn new(x: &View, g: &View, output: &View, window: [AxisWindow; 2], groups: usize) -> ConvWeight {
        let size = |view: &View| [view.shape[2], view.shape[3]];
        ConvWeight {
            input: Place::of(x),
            gradient: Place::of(g),
            output: Place::of(output),
            outer: [x.shape[0], groups],
            channels: [output.shape[1], output.shape[0] / groups],
            geometry: Geometry { input: size(x), output: size(g), window },
            images: [x.strides[0], g.strides[0]],
        }
    }

    /// Input channels and output channels of a task.
    fn per_task(&self) -> [usize; 2] {
        let inner = (ROWS / self.geometry.taps().max(1)).clamp(1, self.channels[0].max(1));
        [inner, CHANNELS.min(self.channels[1].max(1))]
    }

    fn parts(&self) -> [usize; 2] {
        let per_task = self.per_task();
        [self.channels[0].div_ceil(per_task[0]), self.channels[1].div_ceil(per_task[1])]
    }
}

impl Tasks for ConvWeight {
    fn tasks(&self) -> usize {
        self.outer[1] * self.parts().iter().product::<usize>()
    }

    fn cost(&self) -> Cost {
        let places = self.outer[0] * self.geometry.output_plane();
        let weights = self.outer[1] * self.channels[0] * self.channels[1] * self.geometry.taps();
        Cost { operations: 2 * weights * places, elements: places * self.outer[1] * self.channels[1] + weights }
    }

    unsafe fn run(&self, task: usize, memory: &Memory, workspace: &mut Workspace) {
        let ([inner_parts, outer_parts], per_task) = (self.parts(), self.per_task());
        let (rest, part) = (task / outer_parts, task % outer_parts);
        let (group, inner_part) = (rest / inner_parts, rest % inner_parts);
        let inner = inner_part * per_task[0]..((inner_part + 1) * per_task[0]).min(self.channels[0]);
        let outer = part * per_task[1]..((part + 1) * per_task[1]).min(self.channels[1]);
        let (plane, taps) = (self.geometry.output_plane(), self.geometry.taps());
        let (rows, depth) = (inner.len() * taps, self.channels[0] * taps);
        let tile = (TILE_ELEMENTS / rows.max(1)).max(LEAST_PIXELS).min(plane.max(1));
        let columns = Workspace::values(&mut workspace.values, rows * tile);
        let channel = group * self.channels[1] + outer.start;
        // SAFETY: the plan was checked: all of this lies inside the views, and tasks write distinct weights.
        unsafe {
            let weights = memory.lane(self.output, channel * depth + inner.start * taps, 1);
            if self.outer[0] * plane == 0 {
                (0..outer.len()).for_each(|row| weights.at(row * depth).slice_mut(rows).fill(0.0));
            }
            for image in 0..self.outer[0] {
                let from =
                    image * self.images[0] + (group * self.channels[0] + inner.start) * self.geometry.input_plane();
                let input = memory.lane(self.input, from, 1).slice(inner.len() * self.geometry.input_plane());
                let gradient = memory.lane(self.gradient, image * self.images[1] + channel * plane, 1);
                for start in (0..plane).step_by(tile) {
                    let pixels = tile.min(plane - start);
                    im2col(input, &self.geometry, start, pixels, &mut columns[..rows * pixels]);
                    let multiply = if image == 0 && start == 0 { multiply } else { multiply_add };
                    let sizes = [outer.len(), rows, pixels];
                    let gradient = (gradient.at(start).pointer, [plane, 1]);
                    multiply(sizes, gradient, (columns.as_ptr(), [1, pixels]), (weights.pointer, depth));
                }
            }
        }
    }
}
