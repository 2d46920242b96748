//! Convolution as matrix products over tiles of output pixels.
//!
//! For a tile of pixels the window's elements are laid out as a matrix (im2col): a row for each input channel and window element, a column
//! for each pixel; the weights, a row for each output channel, are multiplied with it. Tiles are as large as half the second cache
//! allows. A 1×1 window at stride 1 needs no layout: the input is that matrix already.

use super::gemm::multiply;
use super::map::Elementwise;
use super::memory::{Memory, Place};
use super::{Cost, Tasks, Workspace};
use cnnc_compiler::kernels::AxisWindow;
use cnnc_compiler::plan::View;

/// Elements of a tile's matrix.
const TILE_ELEMENTS: usize = 1 << 17;
/// Tiles are multiples of a vector; more pixels than this make no product faster.
const TILE_PIXELS: [usize; 2] = [32, 512];
/// Where an image has fewer tiles than this, output channels are divided as well, to no fewer than so many.
const TASKS: usize = 8;
const LEAST_CHANNELS: usize = 64;

/// A convolution whose groups have more than one input channel.
pub struct Conv {
    input: Place,
    weight: Place,
    output: Place,
    /// Batch, groups.
    outer: [usize; 2],
    /// Input channels, output channels of a group.
    channels: [usize; 2],
    geometry: Geometry,
    /// Steps from image to image: of the input, of the output.
    images: [usize; 2],
    /// Pixels and output channels of a tile.
    tile: [usize; 2],
    finish: Option<Elementwise>,
}

/// The planes and the window.
#[derive(Clone, Copy)]
pub struct Geometry {
    /// Height and width of the input.
    pub input: [usize; 2],
    /// Height and width of the output.
    pub output: [usize; 2],
    /// The window along height and width.
    pub window: [AxisWindow; 2],
}

impl Geometry {
    /// Pixels of an input plane.
    pub fn input_plane(&self) -> usize {
        self.input[0] * self.input[1]
    }

    /// Pixels of an output plane.
    pub fn output_plane(&self) -> usize {
        self.output[0] * self.output[1]
    }

    /// Elements of the window.
    pub fn taps(&self) -> usize {
        self.window[0].kernel * self.window[1].kernel
    }

    /// Whether output pixels are the input pixels of the same number.
    fn is_pointwise(&self) -> bool {
        let plain = |axis: &AxisWindow| axis.kernel == 1 && axis.stride == 1 && axis.before == 0;
        self.window.iter().all(plain) && self.input == self.output
    }
}

impl Conv {
    /// `x[N, C, H, W]`, dense from axis 1, and a dense weight.
    pub fn new(
        x: &View,
        weight: &View,
        output: &View,
        window: [AxisWindow; 2],
        groups: usize,
        finish: Option<Elementwise>,
    ) -> Conv {
        let size = |view: &View| [view.shape[2], view.shape[3]];
        let geometry = Geometry { input: size(x), output: size(output), window };
        let channels = [weight.shape[1], output.shape[1] / groups];
        let depth = channels[0] * geometry.taps();
        let pixels = (TILE_ELEMENTS / depth.max(1) / 32 * 32).clamp(TILE_PIXELS[0], TILE_PIXELS[1]);
        let tiles = x.shape[0] * groups * geometry.output_plane().div_ceil(pixels);
        let parts = TASKS.div_ceil(tiles.max(1)).min(channels[1].div_ceil(LEAST_CHANNELS));
        let per_tile = channels[1].div_ceil(parts.max(1)).max(1);
        Conv {
            input: Place::of(x),
            weight: Place::of(weight),
            output: Place::of(output),
            outer: [x.shape[0], groups],
            channels,
            geometry,
            images: [x.strides[0], output.strides[0]],
            tile: [pixels, per_tile],
            finish,
        }
    }

    fn depth(&self) -> usize {
        self.channels[0] * self.geometry.taps()
    }

    /// Tiles of pixels, parts of channels.
    fn tiles(&self) -> [usize; 2] {
        [self.geometry.output_plane().div_ceil(self.tile[0]), self.channels[1].div_ceil(self.tile[1])]
    }
}

impl Tasks for Conv {
    fn tasks(&self) -> usize {
        self.outer.iter().chain(&self.tiles()).product()
    }

    fn cost(&self) -> Cost {
        let outputs = self.outer[0] * self.outer[1] * self.channels[1] * self.geometry.output_plane();
        let weights = self.outer[1] * self.channels[1] * self.depth();
        Cost { operations: 2 * outputs * self.depth(), elements: outputs + weights }
    }

    unsafe fn run(&self, task: usize, memory: &Memory, workspace: &mut Workspace) {
        let [pixel_tiles, channel_tiles] = self.tiles();
        let (rest, part) = (task / channel_tiles, task % channel_tiles);
        let (rest, tile) = (rest / pixel_tiles, rest % pixel_tiles);
        let (image, group) = (rest / self.outer[1], rest % self.outer[1]);
        let plane = self.geometry.output_plane();
        let (start, end) = (tile * self.tile[0], ((tile + 1) * self.tile[0]).min(plane));
        let (first, last) = (part * self.tile[1], ((part + 1) * self.tile[1]).min(self.channels[1]));
        let (pixels, depth, channel) = (end - start, self.depth(), group * self.channels[1] + first);
        // SAFETY: the plan was checked: all of this lies inside the views, and tasks write distinct tiles.
        unsafe {
            let planes = image * self.images[0] + group * self.channels[0] * self.geometry.input_plane();
            let input = memory.lane(self.input, planes, 1);
            let weight = memory.lane(self.weight, channel * depth, 1).pointer;
            let output = memory.lane(self.output, image * self.images[1] + channel * plane + start, 1).pointer;
            let (columns, step) = if self.geometry.is_pointwise() {
                (input.at(start).pointer.cast_const(), plane)
            } else {
                let input = input.slice(self.channels[0] * self.geometry.input_plane());
                let columns = Workspace::values(&mut workspace.values, depth * pixels);
                im2col(input, &self.geometry, start, pixels, columns);
                (columns.as_ptr(), pixels)
            };
            let sizes = [last - first, pixels, depth];
            multiply(sizes, (weight, [depth, 1]), (columns, [step, 1]), (output, plane));
            if let Some(finish) = &self.finish {
                let lead = image * self.outer[1] * self.channels[1] + channel;
                (0..last - first).for_each(|row| finish.run(memory, lead + row, start, end, workspace));
            }
        }
    }
}

/// Lays out the window's elements for the pixels `start..start + pixels`: a row of `pixels` for each channel and window element.
pub fn im2col(input: &[f32], geometry: &Geometry, start: usize, pixels: usize, columns: &mut [f32]) {
    let mut rows = columns.chunks_exact_mut(pixels);
    for plane in input.chunks_exact(geometry.input_plane()) {
        for ky in 0..geometry.window[0].kernel {
            for kx in 0..geometry.window[1].kernel {
                let Some(row) = rows.next() else { return };
                lay_out(plane, geometry, [ky, kx], start, row);
            }
        }
    }
}

/// One row of the layout, image row by image row.
fn lay_out(plane: &[f32], geometry: &Geometry, [ky, kx]: [usize; 2], start: usize, row: &mut [f32]) {
    let [height, width] = geometry.input;
    let [rows, columns] = geometry.window;
    let mut rest = row;
    let (mut y, mut x) = (start / geometry.output[1], start % geometry.output[1]);
    while !rest.is_empty() {
        let count = (geometry.output[1] - x).min(rest.len());
        let (part, after) = rest.split_at_mut(count);
        match (y * rows.stride + ky * rows.dilation).checked_sub(rows.before).filter(|&from| from < height) {
            Some(from) => copy_row(&plane[from * width..][..width], &columns, kx, x, part),
            None => part.fill(0.0),
        }
        rest = after;
        (y, x) = (y + 1, 0);
    }
}

/// The elements that window element `kx` sees of an image row, for the output columns from `first` on.
fn copy_row(row: &[f32], window: &AxisWindow, kx: usize, first: usize, part: &mut [f32]) {
    let (low, high) = inside(window, kx, row.len(), first, part.len());
    part[..low].fill(0.0);
    part[high..].fill(0.0);
    if low == high {
        return;
    }
    let from = (first + low) * window.stride + kx * window.dilation - window.before;
    if window.stride == 1 {
        part[low..high].copy_from_slice(&row[from..from + high - low]);
    } else {
        let strided = row[from..].iter().step_by(window.stride);
        part[low..high].iter_mut().zip(strided).for_each(|(into, &value)| *into = value);
    }
}

/// Which of the `count` outputs from `first` on see an element of the row, and not its padding, through window element `k`.
pub fn inside(window: &AxisWindow, k: usize, size: usize, first: usize, count: usize) -> (usize, usize) {
    let shift = k * window.dilation;
    // Output o sees o·stride + shift − before, which must lie in 0..size.
    let low = window.before.saturating_sub(shift).div_ceil(window.stride);
    let high = (size + window.before).saturating_sub(shift).div_ceil(window.stride);
    let low = low.clamp(first, first + count) - first;
    (low, high.clamp(first + low, first + count) - first)
}

#[cfg(test)]
mod tests {
    use super::{AxisWindow, inside};

    #[test]
    fn outputs_that_see_the_row_are_told_from_those_that_see_padding() {
        for (kernel, stride, dilation, before, size) in
            [(3, 1, 1, 1, 5), (3, 2, 1, 1, 6), (5, 3, 2, 4, 7), (1, 2, 1, 0, 9), (3, 1, 4, 4, 3)]
        {
            let window = AxisWindow { kernel, stride, dilation, before };
            for k in 0..kernel {
                for (first, count) in [(0, 8), (2, 3), (5, 1)] {
                    let (low, high) = inside(&window, k, size, first, count);
                    for output in 0..count {
                        let sees = (first + output) * stride + k * dilation;
                        let expected = (before..before + size).contains(&sees);
                        assert_eq!((low..high).contains(&output), expected, "{window:?} {k} {first} {output}");
                    }
                }
            }
        }
    }
}
