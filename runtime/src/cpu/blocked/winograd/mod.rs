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

use crate::cpu::blocked::buffer::{Buffer, Shared};
use crate::cpu::blocked::direct::pack_bias;
use crate::cpu::blocked::epilogue::Epilogue;
use crate::cpu::blocked::pool::Pool;
use crate::cpu::blocked::shape::ConvolutionShape;
use crate::cpu::blocked::tile::{Segment, TileArguments, tilings};
use crate::cpu::blocked::vector::{Entry, InstructionSet};
pub use blocking::Blocking;
pub use scheme::Scheme;
use transform::{InputArguments, OutputArguments, Tiles, entries};
use weights::pack;

/// A 3×3 convolution of stride 1 with its weights transformed.
pub struct Winograd {
    scheme: Scheme,
    shape: ConvolutionShape,
    lanes: usize,
    blocking: Blocking,
    /// `[groups of output blocks][frequency][blocks of the group][input channels][LANES]`.
    weights: Buffer,
    bias: Buffer,
    input_entry: Entry<InputArguments>,
    output_entry: Entry<OutputArguments>,
    /// Cuts of a full block of tiles, and of the last one.
    full: Vec<Segment>,
    last: Vec<Segment>,
    /// No bias and no limits: the products are not yet outputs.
    zeros: Buffer,
}

impl Winograd {
    /// Whether the method can do `shape`: 3×3, stride and dilation 1, one group, padding below 3.
    pub fn supports(shape: &ConvolutionShape) -> bool {
        let window = &shape.window;
        window.kernel_size == [3; 2] && window.stride == [1; 2] && window.dilation == [1; 2] && shape.groups == 1
    }

    /// Transforms `weights` `[out_channels, in_channels, 3, 3]`; blocks as [`Blocking::choose`] says.
    pub fn new(set: InstructionSet, shape: ConvolutionShape, scheme: Scheme, weights: &[f32], bias: &[f32]) -> Self {
        Self::with_blocking(set, shape, scheme, Blocking::choose(&shape, scheme, set.lanes()), weights, bias)
    }

    /// As `new`, with a blocking of the caller's choice.
    pub fn with_blocking(
        set: InstructionSet,
        shape: ConvolutionShape,
        scheme: Scheme,
        blocking: Blocking,
        weights: &[f32],
        bias: &[f32],
    ) -> Self {
        assert!(Self::supports(&shape), "Winograd is for 3×3 of stride 1");
        let lanes = set.lanes();
        let (input_entry, output_entry) = entries(scheme, set);
        let tiles = tile_count(&shape, scheme);
        let last = tiles - (tiles.div_ceil(blocking.tiles) - 1) * blocking.tiles;
        let row = |width| tilings(set, width, 2, false).swap_remove(0);
        Self {
            weights: pack(&shape, scheme, lanes, blocking.group, weights),
            bias: pack_bias(shape.out_channels, lanes, bias),
            full: row(blocking.tiles),
            last: row(last),
            zeros: Buffer::zeros(2 * lanes),
            scheme,
            shape,
            lanes,
            blocking,
            input_entry,
            output_entry,
        }
    }

    /// How the work is cut.
    pub fn blocking(&self) -> &Blocking {
        &self.blocking
    }

    /// Bytes of the transformed weights.
    pub fn packed_bytes(&self) -> usize {
        4 * self.weights.len()
    }

    /// Floats of scratch that `run` needs with `threads` threads.
    pub fn workspace_length(&self, threads: usize) -> usize {
        threads * self.scheme.frequencies() * (self.frequency_stride() + self.product_stride())
    }

    /// Convolves blocked `input` to blocked `output`.
    pub fn run(&self, pool: &Pool, input: &[f32], output: &mut [f32], epilogue: &Epilogue<'_>, workspace: &mut [f32]) {
        assert_eq!(input.len(), self.shape.input_length(self.lanes));
        assert_eq!(output.len(), self.shape.output_length(self.lanes));
        assert!(workspace.len() >= self.workspace_length(pool.threads()));
        epilogue.check(output.len());
        let (output, workspace) = (Shared::new(output), Shared::new(workspace));
        let blocks = tile_count(&self.shape, self.scheme).div_ceil(self.blocking.tiles);
        let groups = self.out_blocks().div_ceil(self.blocking.group);
        let chunks = groups.div_ceil(self.blocking.groups);
        let per_thread = self.workspace_length(1);
        let frequencies = self.scheme.frequencies() * self.product_stride();
        pool.run(blocks * chunks, &|task, worker| {
            let (block, chunk) = (task % blocks, task / blocks);
            // SAFETY: every worker has a part of its own in the workspace, whose length was checked.
            let (products, frequencies) =
                unsafe { (workspace.at(worker * per_thread), workspace.at(worker * per_thread + frequencies)) };
            (0..self.in_blocks()).for_each(|channels| self.transform(block, channels, input, frequencies));
            for group in (chunk * self.blocking.groups..groups).take(self.blocking.groups) {
                self.multiply(block, group, frequencies, products, output, epilogue);
            }
        });
    }

    /// Transforms a block of tiles of one block of input channels into `frequencies`.
    fn transform(&self, block: usize, channels: usize, input: &[f32], frequencies: *mut f32) {
        let [height, width] = self.shape.window.input;
        let plane = height * width * self.lanes;
        self.for_each_image(block, |image, first, count, done| {
            let arguments = InputArguments {
                image: input[(image * self.in_blocks() + channels) * plane..][..plane].as_ptr(),
                frequencies: frequencies.wrapping_add((channels * self.blocking.tiles + done) * self.lanes),
                tiles: Tiles {
                    size: [height, width],
                    padding: self.shape.window.padding,
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

    /// Multiplies a block of tiles by a group of output channels and writes the outputs.
    fn multiply(
        &self,
        block: usize,
        group: usize,
        frequencies: *const f32,
        products: *mut f32,
        output: Shared,
        epilogue: &Epilogue<'_>,
    ) {
        let (lanes, tiles) = (self.lanes, self.blocking.tiles);
        let blocks = self.blocking.group.min(self.out_blocks() - group * self.blocking.group);
        let is_last = (block + 1) * tiles >= tile_count(&self.shape, self.scheme);
        let segments = if is_last { &self.last } else { &self.full };
        let taps: &[usize] = &self.blocking.taps;
        let per_block = self.shape.in_channels * lanes;
        let group_weights = group * self.blocking.group * self.scheme.frequencies() * per_block;
        for frequency in 0..self.scheme.frequencies() {
            for first in (0..blocks).step_by(2) {
                let count = 2.min(blocks - first);
                let mut arguments = TileArguments {
                    input: frequencies.wrapping_add(frequency * self.frequency_stride()),
                    input_row_stride: 0,
                    taps: taps.as_ptr(),
                    tap_count: taps.len(),
                    full_taps: self.shape.in_channels / lanes,
                    partial: self.shape.in_channels % lanes,
                    weights: self.weights[group_weights + (frequency * blocks + first) * per_block..].as_ptr(),
                    weight_block_stride: per_block,
                    prefetch: count * per_block,
                    output: products.wrapping_add(frequency * self.product_stride() + first * tiles * lanes),
                    output_row_stride: 0,
                    output_block_stride: tiles * lanes,
                    bias: self.zeros.as_ptr(),
                    residual: std::ptr::null(),
                    limits: Epilogue::NONE.limits,
                    tiles: 0,
                };
                for segment in segments {
                    arguments.tiles = segment.tiles;
                    // SAFETY: input and products hold a block of tiles; the segments cover no more than that.
                    unsafe { segment.entries[count - 1](&arguments) };
                    arguments.step(segment.tiles * segment.pixels, lanes, lanes);
                }
            }
        }
        for member in 0..blocks {
            self.write(
                block,
                group * self.blocking.group + member,
                products.wrapping_add(member * tiles * lanes),
                output,
                epilogue,
            );
        }
    }

    /// Transforms the products of a block of tiles and one block of output channels to outputs.
    fn write(&self, block: usize, channels: usize, products: *const f32, output: Shared, epilogue: &Epilogue<'_>) {
        let [height, width] = self.shape.window.output();
        let plane = height * width * self.lanes;
        self.for_each_image(block, |image, first, count, done| {
            let at = (image * self.out_blocks() + channels) * plane;
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
                // SAFETY: the plane lies in the output, whose length `run` checked.
                image: unsafe { output.at(at) },
                residual: epilogue.residual_at(at),
                bias: self.bias[channels * self.lanes..].as_ptr(),
                limits: epilogue.limits,
                tiles,
            };
            // SAFETY: tiles do not overlap, and no other task has these tiles of these channels.
            unsafe { (self.output_entry)(&arguments) }
            if epilogue.finish.is_some() {
                self.finish(image, channels, &tiles, output, epilogue);
            }
        });
    }

    fn finish(&self, image: usize, channels: usize, tiles: &Tiles, output: Shared, epilogue: &Epilogue<'_>) {
        let (size, [height, width]) = (self.scheme.outputs(), tiles.size);
        let block = image * self.out_blocks() + channels;
        for tile in tiles.first..tiles.first + tiles.count {
            let (row, column) = (tile / tiles.columns * size, tile % tiles.columns * size);
            for row in row..height.min(row + size) {
                let at = ((block * height + row) * width + column) * self.lanes;
                // SAFETY: these pixels were written by this task, and belong to it alone.
                unsafe { epilogue.run_finish(block, at, output.at(at), size.min(width - column) * self.lanes) };
            }
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

    fn in_blocks(&self) -> usize {
        self.shape.in_channels.div_ceil(self.lanes)
    }

    fn out_blocks(&self) -> usize {
        self.shape.out_channels.div_ceil(self.lanes)
    }

    fn columns(&self) -> usize {
        self.shape.window.output()[1].div_ceil(self.scheme.outputs())
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
    let [height, width] = shape.window.output().map(|size| size.div_ceil(scheme.outputs()));
    shape.batch * height * width
}
