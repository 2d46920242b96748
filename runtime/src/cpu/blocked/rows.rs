//! Convolution of plain images `[N, C, H, W]` to plain images, for few output channels: pixels of a row side by side in a vector.
//!
//! A block of channels that few channels fill wastes most of every vector, of the products and of all that is done to the
//! results. A task is a band of output rows of an image, over the band of input rows of an output whose rows are whole vectors:
//! every tap is a fixed offset. A tile is up to four channels by three vectors of pixels. The last vector of a row whose width is
//! no multiple of the lanes goes through a buffer, so that nothing past the row is written.

use crate::cpu::blocked::band::{Band, BandWindows};
use crate::cpu::blocked::call::KernelCall;
use crate::cpu::blocked::pool::Pool;
use crate::cpu::blocked::shape::ConvolutionShape;
use crate::cpu::blocked::vector::{Compiled, InstructionSet, Kernel, Vector};

/// Output channels, and vectors of pixels, of a tile.
const CHANNELS: usize = 4;
const VECTORS: usize = 3;
/// Multiply-adds of a task, and of a call that is not worth another thread.
const TASK_MACS: usize = 200_000;

/// A convolution of one group whose columns are next to each other.
pub struct Rows {
    shape: ConvolutionShape,
    lanes: usize,
    band: Band,
    /// Output rows of a task.
    rows: usize,
    /// Where each tap lies in the band, from the pixel's first.
    taps: Vec<usize>,
    entry: Compiled<Tile>,
}

impl Rows {
    /// The convolution of `shape`: one group, and a step of one along the rows.
    pub fn new(set: InstructionSet, shape: ConvolutionShape) -> Self {
        let (lanes, window) = (set.lanes(), shape.window);
        let [height, width] = window.output;
        let per_row = width * shape.weight_count();
        let rows = TASK_MACS.div_ceil(per_row.max(1)).clamp(1, height.max(1));
        let rows = height.div_ceil(height.div_ceil(rows).max(1)).max(1);
        let windows = BandWindows { output: [height, width.next_multiple_of(lanes)], ..BandWindows::of(&window) };
        let band = Band::new(&windows, shape.in_channels, 1, rows);
        let [down, along] = window.axes;
        let elements = || (0..down.kernel).flat_map(move |y| (0..along.kernel).map(move |x| [y, x]));
        let offset =
            |(channel, [y, x]): (usize, [usize; 2])| band.offset(channel, y * down.dilation, x * along.dilation);
        let taps = (0..shape.in_channels).flat_map(|channel| elements().map(move |place| (channel, place)));
        let taps = taps.map(offset).collect();
        Self { shape, lanes, band, rows, taps, entry: set.entry::<TileKernel>() }
    }

    /// Floats of scratch that `run` needs for every thread.
    pub fn workspace_length(&self) -> usize {
        self.band.length()
    }

    /// Floats of the packed weights: one for every tap and channel.
    pub fn packed_length(&self) -> usize {
        self.taps.len() * self.shape.out_channels
    }

    /// Packs `weights` `[out_channels, in_channels, kernel height, kernel width]` as `[tap, out_channels]`.
    pub fn pack(&self, weights: &[f32], into: &mut [f32]) {
        assert_eq!([weights.len(), into.len()], [self.packed_length(); 2]);
        for (channel, filter) in weights.chunks_exact(self.taps.len().max(1)).enumerate() {
            let places = into[channel..].iter_mut().step_by(self.shape.out_channels);
            places.zip(filter).for_each(|(place, &weight)| *place = weight);
        }
    }

    /// Convolves.
    ///
    /// # Safety
    /// The call's input and output are plain images of the shape that `new` was told, its weights `packed_length` floats that
    /// `pack` wrote, its bias one value a channel, residual and workspace as [`KernelCall`] says; and the output overlaps
    /// nothing but, in its own place, the residual.
    pub unsafe fn run(&self, pool: &Pool, call: &KernelCall<'_>) {
        let bands = self.shape.window.output[0].div_ceil(self.rows);
        let body = |task: usize, worker: usize| {
            // SAFETY: the call is as `run` asks; tasks write rows of their own, each with its worker's scratch.
            unsafe { self.run_task(worker, task / bands, task % bands * self.rows, call) }
        };
        let tasks = self.shape.batch * bands;
        if self.shape.macs() < TASK_MACS { (0..tasks).for_each(|task| body(task, 0)) } else { pool.run(tasks, &body) }
    }

    /// The rows from `first` on of an image.
    ///
    /// # Safety
    /// As for `run`, and no other task has these rows, nor this worker's scratch.
    unsafe fn run_task(&self, worker: usize, image: usize, first: usize, call: &KernelCall<'_>) {
        let [height, width] = self.shape.window.output;
        let rows = self.rows.min(height - first);
        let length = self.band.length();
        // SAFETY: the input holds the image, and the workspace a band for every worker.
        let (input, scratch) = unsafe {
            let input = std::slice::from_raw_parts(call.input.at(image, 0), self.band.input_length());
            let scratch: &mut [f32] = match length {
                0 => &mut [],
                _ => std::slice::from_raw_parts_mut(call.scratch(worker, length), length),
            };
            (input, scratch)
        };
        let band = self.band.fill(input, first, rows, 0.0, scratch).as_ptr();
        let outs = self.shape.out_channels;
        // Channels in equal parts: 6 are 3 and 3.
        let per_tile = outs.div_ceil(outs.div_ceil(CHANNELS).max(1)).max(1);
        for channel in (0..outs).step_by(per_tile) {
            let channels = per_tile.min(outs - channel);
            for row in 0..rows {
                let line = band.wrapping_add(row * self.band.row_step());
                for pixel in (0..width).step_by(VECTORS * self.lanes) {
                    let at = (channel * height + first + row) * width + pixel;
                    let tile = Tile {
                        input: line.wrapping_add(pixel),
                        taps: self.taps.as_ptr(),
                        tap_count: self.taps.len(),
                        weights: call.weights_at(channel),
                        weight_step: outs,
                        channels,
                        pixels: (width - pixel).min(VECTORS * self.lanes),
                        bias: call.bias_at(channel),
                        residual: call.residual_at(image, at),
                        output: call.output.at(image, at),
                        plane: height * width,
                        limits: call.limits,
                    };
                    // SAFETY: the band holds the taps of whole vectors of every row; the output these pixels.
                    unsafe { (self.entry)(&tile) }
                }
            }
            for channel in channel..channel + channels {
                let offset = (channel * height + first) * width;
                // SAFETY: these rows were written above, by this task alone.
                unsafe { call.finish(worker, [image, channel, first * width], offset, rows * width) };
            }
        }
    }
}

/// Some channels by some pixels of a row.
struct Tile {
    /// The first pixel's first tap in the band; whole vectors can be read at every tap.
    input: *const f32,
    taps: *const usize,
    tap_count: usize,
    /// The first channel's weight of the first tap, and floats from a tap to the next.
    weights: *const f32,
    weight_step: usize,
    channels: usize,
    pixels: usize,
    /// One value a channel, or null.
    bias: *const f32,
    /// As the output, or null.
    residual: *const f32,
    output: *mut f32,
    /// Floats from a channel of the output to the next.
    plane: usize,
    limits: [f32; 2],
}

struct TileKernel;

impl Kernel for TileKernel {
    type Arguments = Tile;

    #[inline(always)]
    unsafe fn run<V: Vector>(tile: &Tile) {
        // SAFETY: the caller promises what the tile's fields point to; its pixels take no more vectors than are chosen here.
        unsafe {
            match (tile.channels, tile.pixels.div_ceil(V::LANES)) {
                (1, 1) => tile.compute::<V, 1, 1>(),
                (1, 2) => tile.compute::<V, 1, 2>(),
                (1, _) => tile.compute::<V, 1, VECTORS>(),
                (2, 1) => tile.compute::<V, 2, 1>(),
                (2, 2) => tile.compute::<V, 2, 2>(),
                (2, _) => tile.compute::<V, 2, VECTORS>(),
                (3, 1) => tile.compute::<V, 3, 1>(),
                (3, 2) => tile.compute::<V, 3, 2>(),
                (3, _) => tile.compute::<V, 3, VECTORS>(),
                (_, 1) => tile.compute::<V, CHANNELS, 1>(),
                (_, 2) => tile.compute::<V, CHANNELS, 2>(),
                (_, _) => tile.compute::<V, CHANNELS, VECTORS>(),
            }
        }
    }
}

impl Tile {
    /// # Safety
    /// The tile has so many channels, and pixels for so many vectors; the fields point to what they say.
    #[inline(always)]
    unsafe fn compute<V: Vector, const OUTS: usize, const WIDE: usize>(&self) {
        let mut sums = [[V::zero(); WIDE]; OUTS];
        let mut weights = self.weights;
        for tap in 0..self.tap_count {
            // SAFETY: the band holds whole vectors at every tap, the weights a value for each channel of it.
            unsafe {
                let input = self.input.add(*self.taps.add(tap));
                let values: [V; WIDE] = std::array::from_fn(|vector| V::load(input.add(vector * V::LANES)));
                for channel in 0..OUTS {
                    let weight = V::splat(*weights.add(channel));
                    for vector in 0..WIDE {
                        sums[channel][vector] = values[vector].mul_add(weight, sums[channel][vector]);
                    }
                }
            }
            weights = weights.wrapping_add(self.weight_step);
        }
        for channel in 0..OUTS {
            for vector in 0..WIDE {
                // SAFETY: the channel and at least one pixel of the vector are the tile's.
                unsafe { self.finish(sums[channel][vector], channel, vector * V::LANES) };
            }
        }
    }

    /// Bias, residual and clamp of a vector, and its store; through a buffer where the row ends inside the vector.
    ///
    /// # Safety
    /// The channel and the pixel are the tile's.
    #[inline(always)]
    unsafe fn finish<V: Vector>(&self, sum: V, channel: usize, pixel: usize) {
        let at = channel * self.plane + pixel;
        let pixels = (self.pixels - pixel).min(V::LANES);
        let mut buffer = [0.0; 16];
        // SAFETY: bias, residual and output hold the channel and these pixels; a buffer holds any vector.
        unsafe {
            let mut value = sum;
            if !self.bias.is_null() {
                value = value.add(V::splat(*self.bias.add(channel)));
            }
            if !self.residual.is_null() {
                std::ptr::copy_nonoverlapping(self.residual.add(at), buffer.as_mut_ptr(), pixels);
                value = value.add(V::load(buffer.as_ptr()));
            }
            let value = value.max(V::splat(self.limits[0])).min(V::splat(self.limits[1]));
            if pixels == V::LANES {
                value.store(self.output.add(at));
            } else {
                value.store(buffer.as_mut_ptr());
                std::ptr::copy_nonoverlapping(buffer.as_ptr(), self.output.add(at), pixels);
            }
        }
    }
}
