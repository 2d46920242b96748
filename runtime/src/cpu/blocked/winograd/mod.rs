//! Winograd convolution F(m×m, 3×3), stride 1: input tiles to frequencies, one matrix product per frequency, and back.
//!
//! A task takes a block of tiles and a chunk of output channels: it transforms the input of its tiles for itself, so that
//! their frequencies stay in its core's cache, then for a group of output channels at a time multiplies, transforms back
//! and applies the epilogue. Tasks with the same tiles repeat the input transform: with many output channels that is
//! cheaper than a barrier and reading what another core has just written.
//!
//! The sums over input channels run in the same order whatever the blocking.

mod blocking;
mod scheme;
mod transform;
mod weights;

use crate::cpu::blocked::buffer::Shared;
use crate::cpu::blocked::call::KernelCall;
use crate::cpu::blocked::pool::Pool;
use crate::cpu::blocked::shape::{ConvolutionShape, Window};
use crate::cpu::blocked::tile::{Segment, TileArguments, TileInput, tilings};
use crate::cpu::blocked::vector::{Compiled, InstructionSet};
pub use blocking::Blocking;
use cnnc_compiler::kernels::AxisWindow;
use cnnc_compiler::plan::Scheme;
use transform::{InputArguments, OutputArguments, Tiles, entries};
use weights::{Pack, PackArguments, matrix};

/// Output blocks that a register tile multiplies at once.
const PAIR: usize = 2;

/// A 3×3 convolution of stride 1: how its weights are transformed and packed, and how its work is cut.
pub struct Winograd {
    scheme: Scheme,
    shape: ConvolutionShape,
    /// Whether the weights are those of a transposed convolution.
    transposed: bool,
    lanes: usize,
    blocking: Blocking,
    pack_entry: Compiled<PackArguments>,
    input_entry: Compiled<InputArguments>,
    output_entry: Compiled<OutputArguments>,
    /// Cuts of a full block of tiles, and of the last one.
    full: Vec<Segment>,
    last: Vec<Segment>,
}

impl Winograd {
    /// Blocked as [`Blocking::choose`] says.
    pub fn new(set: InstructionSet, shape: ConvolutionShape, scheme: Scheme) -> Self {
        Self::with_blocking(set, shape, scheme, Blocking::choose(&shape, scheme, set.lanes()))
    }

    /// The transposed convolution of `shape`, whose window is that of the convolution which it transposes: the convolution with
    /// the filters turned round, and with the padding that the window leaves.
    pub fn transposed(set: InstructionSet, shape: ConvolutionShape, scheme: Scheme) -> Self {
        let axes = shape.window.axes.map(|axis| AxisWindow { before: axis.kernel - 1 - axis.before, ..axis });
        let window = Window { axes, ..shape.window };
        Self { transposed: true, ..Self::new(set, ConvolutionShape { window, ..shape }, scheme) }
    }

    /// As `new`, with a blocking of the caller's choice.
    pub fn with_blocking(set: InstructionSet, shape: ConvolutionShape, scheme: Scheme, blocking: Blocking) -> Self {
        assert!(Scheme::computes(shape.groups, &shape.window.axes), "Winograd is for 3×3 of stride 1");
        let (input_entry, output_entry) = entries(scheme, set);
        let tiles = tile_count(&shape, scheme);
        let last = tiles - tiles.div_ceil(blocking.tiles).saturating_sub(1) * blocking.tiles;
        let row = |width| tilings(set, width, 2, TileInput::Blocks).swap_remove(0);
        Self {
            pack_entry: set.entry::<Pack>(),
            full: row(blocking.tiles),
            last: row(last),
            scheme,
            shape,
            transposed: false,
            lanes: set.lanes(),
            blocking,
            input_entry,
            output_entry,
        }
    }

    /// How the work is cut.
    #[cfg(feature = "internals")]
    pub fn blocking(&self) -> &Blocking {
        &self.blocking
    }

    /// Floats of scratch that `run` needs for every thread.
    pub fn workspace_length(&self) -> usize {
        self.scheme.frequencies() * (self.frequency_stride() + self.product_stride())
    }

    /// Floats of the packed weights: `⌈out_channels / LANES⌉ · LANES · in_channels · frequencies`.
    pub fn packed_length(&self) -> usize {
        self.out_blocks() * self.shape.in_channels * self.lanes * self.scheme.frequencies()
    }

    /// Transforms `weights` `[out_channels, in_channels, 3, 3]`, of a transposed convolution `[in_channels, out_channels, 3, 3]`,
    /// into `packed_length` floats `[pairs of output blocks][frequency][blocks of the pair][input channels][LANES]`, which no
    /// blocking changes.
    pub fn pack(&self, pool: &Pool, weights: &[f32], into: &mut [f32]) {
        assert_eq!(weights.len(), self.shape.weight_count());
        assert_eq!(into.len(), self.packed_length());
        let (target, matrix) = (Shared::new(into), matrix(self.scheme));
        pool.run(self.out_blocks(), &|block, _| {
            let channel = block * self.lanes;
            let arguments = PackArguments {
                matrix,
                rows: self.scheme.points(),
                weights: weights[channel * 9 * if self.transposed { 1 } else { self.shape.in_channels }..].as_ptr(),
                transposed: self.transposed.then_some(9 * self.shape.out_channels),
                lanes: self.lanes.min(self.shape.out_channels - channel),
                ins: self.shape.in_channels,
                // SAFETY: the block's first frequency lies in `into`, whose length was checked.
                packed: unsafe { target.at(self.packed_at(block, 0)) },
                frequency_stride: self.packed_at(block, 1) - self.packed_at(block, 0),
            };
            // SAFETY: the filters of the block are whole, and no other task writes its vectors.
            unsafe { (self.pack_entry)(&arguments) }
        });
    }

    /// Convolves blocked images.
    ///
    /// # Safety
    /// The call's input and output are images of the shape that `new` was told, its weights `packed_length` floats that `pack`
    /// wrote, bias, residual and workspace as [`KernelCall`] says; and the output overlaps nothing but, in its own place, the
    /// residual.
    pub unsafe fn run(&self, pool: &Pool, call: &KernelCall<'_>) {
        let blocks = tile_count(&self.shape, self.scheme).div_ceil(self.blocking.tiles);
        let groups = self.out_blocks().div_ceil(self.blocking.group);
        let chunks = groups.div_ceil(self.blocking.groups);
        pool.run(blocks * chunks, &|task, worker| {
            let (block, chunk) = (task % blocks, task / blocks);
            let products = call.scratch(worker, self.workspace_length());
            let frequencies = products.wrapping_add(self.scheme.frequencies() * self.product_stride());
            (0..self.in_blocks()).for_each(|channels| self.transform(block, channels, frequencies, call));
            for group in (chunk * self.blocking.groups..groups).take(self.blocking.groups) {
                self.multiply(block, group, frequencies, products, call);
                for member in 0..self.members(group) {
                    let products = products.wrapping_add(member * self.blocking.tiles * self.lanes);
                    self.write(worker, block, group * self.blocking.group + member, products, call);
                }
            }
        });
    }

    /// Transforms a block of tiles of one block of input channels into `frequencies`.
    fn transform(&self, block: usize, channels: usize, frequencies: *mut f32, call: &KernelCall<'_>) {
        let [height, width] = self.shape.window.input;
        let plane = height * width * self.lanes;
        self.for_each_image(block, |image, first, count, done| {
            let arguments = InputArguments {
                image: call.input.at(image, channels * plane),
                frequencies: frequencies.wrapping_add((channels * self.blocking.tiles + done) * self.lanes),
                tiles: Tiles {
                    size: [height, width],
                    padding: self.shape.window.axes.map(|axis| axis.before),
                    columns: self.columns(),
                    first,
                    count,
                    frequency_stride: self.frequency_stride(),
                },
            };
            // SAFETY: the plane is whole, and the scratch holds a block of tiles for all channels at every frequency.
            unsafe { (self.input_entry)(&arguments) }
        });
    }

    /// Multiplies a block of tiles by a group of output channels.
    fn multiply(&self, block: usize, group: usize, frequencies: *const f32, products: *mut f32, call: &KernelCall<'_>) {
        let (lanes, tiles) = (self.lanes, self.blocking.tiles);
        let first = group * self.blocking.group;
        let outs = first..first + self.members(group);
        let is_last = (block + 1) * tiles >= tile_count(&self.shape, self.scheme);
        let segments = if is_last { &self.last } else { &self.full };
        let taps: &[usize] = &self.blocking.taps;
        let per_block = self.shape.in_channels * lanes;
        for frequency in 0..self.scheme.frequencies() {
            let mut out = outs.start;
            while out < outs.end {
                let count = (PAIR - out % PAIR).min(outs.end - out);
                let mut arguments = TileArguments {
                    input: frequencies.wrapping_add(frequency * self.frequency_stride()),
                    input_row_stride: 0,
                    taps: taps.as_ptr(),
                    tap_count: taps.len(),
                    full_taps: self.shape.in_channels / lanes,
                    partial: self.shape.in_channels % lanes,
                    weights: call.weights_at(self.packed_at(out, frequency)),
                    weight_block_stride: per_block,
                    prefetch: count * per_block,
                    output: products.wrapping_add(frequency * self.product_stride() + (out - first) * tiles * lanes),
                    output_row_stride: 0,
                    output_pixel_stride: lanes,
                    output_block_stride: tiles * lanes,
                    bias: std::ptr::null(),
                    residual: std::ptr::null(),
                    limits: KernelCall::UNLIMITED,
                    ending: std::ptr::null(),
                    tiles: 0,
                };
                for segment in segments {
                    arguments.tiles = segment.tiles;
                    // SAFETY: input and products hold a block of tiles; the segments cover no more than that.
                    unsafe { segment.entries[count - 1](&arguments) };
                    arguments.step(segment.tiles * segment.pixels, lanes);
                }
                out += count;
            }
        }
    }

    /// Floats of the packed weights before those of an output block at a frequency.
    fn packed_at(&self, block: usize, frequency: usize) -> usize {
        let first = block / PAIR * PAIR;
        let blocks = PAIR.min(self.out_blocks() - first);
        let before = first * self.scheme.frequencies() + frequency * blocks + block - first;
        before * self.shape.in_channels * self.lanes
    }

    /// Transforms the products of a block of tiles and one block of output channels to outputs.
    fn write(&self, worker: usize, block: usize, channels: usize, products: *const f32, call: &KernelCall<'_>) {
        let [height, width] = self.shape.window.output;
        let plane = height * width * self.lanes;
        self.for_each_image(block, |image, first, count, done| {
            let at = channels * plane;
            let tiles = Tiles {
                size: [height, width],
                padding: [0; 2],
                columns: self.columns(),
                first,
                count,
                frequency_stride: self.product_stride(),
            };
            let arguments = OutputArguments {
                frequencies: products.wrapping_add(done * self.lanes),
                image: call.output.at(image, at),
                residual: call.residual_at(image, at),
                bias: call.bias_at(channels * self.lanes),
                limits: call.limits,
                tiles,
            };
            // SAFETY: tiles do not overlap, and no other task has these tiles of these channels.
            unsafe { (self.output_entry)(&arguments) }
            if call.finish.is_some() {
                self.finish(worker, [image, channels], &tiles, call);
            }
        });
    }

    /// Finishes the pixels of some tiles, those of neighbouring tiles together.
    fn finish(&self, worker: usize, [image, block]: [usize; 2], tiles: &Tiles, call: &KernelCall<'_>) {
        let (size, [height, width], end) = (self.scheme.outputs(), tiles.size, tiles.first + tiles.count);
        let mut tile = tiles.first;
        while tile < end {
            let (row, column) = (tile / tiles.columns * size, tile % tiles.columns * size);
            let next = end.min((tile / tiles.columns + 1) * tiles.columns);
            for row in row..height.min(row + size) {
                let (pixel, pixels) = (row * width + column, ((next - tile) * size).min(width - column));
                let at = (block * height * width + pixel) * self.lanes;
                // SAFETY: these pixels were written by this task, and belong to it alone.
                unsafe { call.finish(worker, [image, block, pixel], at, pixels) };
            }
            tile = next;
        }
    }

    /// Calls `visit(image, first tile in the image, tiles, tiles before)` for the images that a block of tiles touches.
    fn for_each_image(&self, block: usize, mut visit: impl FnMut(usize, usize, usize, usize)) {
        let per_image = tile_count(&self.shape, self.scheme) / self.shape.batch;
        let start = block * self.blocking.tiles;
        let end = (start + self.blocking.tiles).min(per_image * self.shape.batch);
        let mut tile = start;
        while tile < end {
            let count = (end - tile).min(per_image - tile % per_image);
            visit(tile / per_image, tile % per_image, count, tile - start);
            tile += count;
        }
    }

    /// Output blocks of a group.
    fn members(&self, group: usize) -> usize {
        self.blocking.group.min(self.out_blocks() - group * self.blocking.group)
    }

    fn in_blocks(&self) -> usize {
        self.shape.in_channels.div_ceil(self.lanes)
    }

    fn out_blocks(&self) -> usize {
        self.shape.out_channels.div_ceil(self.lanes)
    }

    fn columns(&self) -> usize {
        self.shape.window.output[1].div_ceil(self.scheme.outputs())
    }

    /// Floats from a frequency to the next; one line more than needed, so that frequencies do not share cache sets.
    fn frequency_stride(&self) -> usize {
        self.in_blocks() * self.blocking.tiles * self.lanes + 16
    }

    fn product_stride(&self) -> usize {
        self.blocking.group * self.blocking.tiles * self.lanes + 16
    }
}

/// Tiles over the whole batch.
fn tile_count(shape: &ConvolutionShape, scheme: Scheme) -> usize {
    scheme.count(shape.batch, shape.window.output)
}
