//! Direct convolution over blocked channels, and from plain `[N, C, H, W]` for the stem (few input channels); transposed
//! convolution.
//!
//! A task is a band of output rows times some blocks of output channels. It first copies the input rows that it needs
//! into a scratch band with the padding written out and, for strides, columns sorted by their remainder: then every tap
//! of every pixel is a fixed offset from the pixel, and the hot loop has no branch and no stride. The copy is one
//! vector for every `LANES × window × output blocks` multiply-adds. Unpadded convolutions of stride 1 read the input itself.
//!
//! A transposed convolution of stride s is s² convolutions of stride 1 that take turns in writing the pixels of a row;
//! they share the band, so that a task still finishes whole rows.

mod phase;
mod weights;

use crate::cpu::blocked::band::Band;
use crate::cpu::blocked::buffer::Shared;
use crate::cpu::blocked::call::KernelCall;
use crate::cpu::blocked::cost;
use crate::cpu::blocked::integer::ending::BlockEnding;
use crate::cpu::blocked::integer::weights::WordPacking;
use crate::cpu::blocked::pool::Pool;
use crate::cpu::blocked::shape::ConvolutionShape;
use crate::cpu::blocked::split::{Split, WorkSizes};
use crate::cpu::blocked::tile::{TileArguments, TileInput};
use crate::cpu::blocked::vector::InstructionSet;
use phase::{Phase, Phases};
use std::ops::Range;
use weights::Packing;

/// Multiply-adds below which a convolution is not worth handing to other threads.
const ALONE_MACS: usize = 400_000;

/// How the input's channels lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputLayout {
    /// `[N, C / LANES, H, W, LANES]`.
    Blocked,
    /// `[N, C, H, W]`; all groups are computed as one.
    Plain,
}

/// How weights are packed.
enum Weights {
    Floats(Packing),
    Bytes(WordPacking),
}

impl Weights {
    /// Output blocks, over all groups.
    fn blocks(&self) -> usize {
        match self {
            Weights::Floats(packing) => packing.blocks(),
            Weights::Bytes(packing) => packing.blocks(),
        }
    }

    /// Floats of an output block.
    fn block_length(&self) -> usize {
        match self {
            Weights::Floats(packing) => packing.block_length(),
            Weights::Bytes(packing) => packing.block_length(),
        }
    }
}

/// A convolution: how its weights are packed, and how its work is cut.
pub struct Direct {
    batch: usize,
    lanes: usize,
    /// Weights before they are packed.
    weight_count: usize,
    packing: Weights,
    /// Groups after joining, and the channels in (words of them, of bytes) and output blocks of one.
    groups: usize,
    ins: usize,
    blocks: usize,
    /// Height and width of the output.
    output: [usize; 2],
    band: Band,
    phases: Vec<Phase>,
    /// Output rows and columns from a phase's pixel to its next.
    step: [usize; 2],
    /// Rows of a phase that a tile covers at most.
    tall: usize,
    split: Split,
    /// Whether the work is too little for several threads.
    alone: bool,
}

impl Direct {
    /// The convolution of `shape`, any groups.
    pub fn new(set: InstructionSet, shape: ConvolutionShape, layout: InputLayout) -> Self {
        let shape = if layout == InputLayout::Plain { shape } else { flattened(shape) };
        let window = shape.window;
        let input = if layout == InputLayout::Plain { TileInput::Plain } else { TileInput::Blocks };
        Self::with_phases(set, shape, input, &Phases::of_convolution(&window), false)
    }

    /// The convolution of `shape`, of bytes in blocks of channels, or, `narrow`, in blocks of four: all groups are computed as
    /// one.
    pub fn of_bytes(set: InstructionSet, shape: ConvolutionShape, narrow: bool) -> Self {
        let shape = if narrow { shape } else { flattened(shape) };
        let input = if narrow { TileInput::Words } else { TileInput::ByteBlocks };
        Self::with_phases(set, shape, input, &Phases::of_convolution(&shape.window), false)
    }

    /// The transposed convolution of blocked input: `shape.window` is that of the convolution which it transposes, with the input
    /// and output sizes of the transposed one.
    pub fn transposed(set: InstructionSet, shape: ConvolutionShape) -> Self {
        Self::with_phases(set, shape, TileInput::Blocks, &Phases::of_transposed(&shape.window), true)
    }

    fn with_phases(
        set: InstructionSet,
        shape: ConvolutionShape,
        input: TileInput,
        phases: &Phases,
        transposed: bool,
    ) -> Self {
        let lanes = set.lanes();
        // Floats, or words of bytes, of a pixel that lie side by side, and the channels of each.
        let [unit, together] = match input {
            TileInput::Blocks => [lanes, 1],
            TileInput::Plain => [1, 1],
            TileInput::ByteBlocks => [lanes / 4, 4],
            TileInput::Words => [1, 4],
        };
        let merged = match input {
            TileInput::Plain | TileInput::Words => ConvolutionShape { groups: 1, ..shape },
            TileInput::Blocks | TileInput::ByteBlocks => shape.merged(lanes),
        };
        let (channels, outs) = (merged.in_channels / merged.groups, merged.out_channels / merged.groups);
        let ins = channels.div_ceil(together);
        let blocks = outs.div_ceil(lanes);
        let area = shape.window.area();
        let rows = phases.windows.output[0];
        let pixels = merged.batch * phases.windows.output[0] * phases.windows.output[1];
        let work = WorkSizes {
            parts: merged.batch * merged.groups,
            rows,
            blocks,
            products: pixels * merged.groups * blocks * ins * area,
            weights: blocks * lanes * ins * area,
            lanes,
        };
        let band_of = |rows| Band::new(&phases.windows, ins.div_ceil(unit), unit, rows);
        let split = Split::choose(&work, |rows| band_of(rows).length());
        let band = band_of(split.most_rows());
        let step = phases.step;
        let phases = phases.over(&band, set, blocks, shape.window.axes[1].kernel, input);
        Self {
            batch: shape.batch,
            lanes,
            weight_count: shape.weight_count(),
            packing: match together {
                1 => Weights::Floats(Packing::new(set, &shape, &merged, unit, &phases, transposed)),
                _ => Weights::Bytes(WordPacking::of_convolution(lanes, &shape, &merged, unit)),
            },
            groups: merged.groups,
            ins,
            blocks,
            output: shape.window.output,
            band,
            tall: phases.iter().map(|phase| phase.tilings.len()).min().unwrap_or(1),
            phases,
            step,
            split,
            alone: work.products * lanes < ALONE_MACS,
        }
    }

    /// Floats of scratch that `run` needs for every thread.
    pub fn workspace_length(&self) -> usize {
        self.band.length() + self.sums_length()
    }

    /// Floats of the sums of bytes that something is done to before they are bytes again: two blocks of some rows.
    fn sums_length(&self) -> usize {
        match self.packing {
            Weights::Floats(_) => 0,
            Weights::Bytes(_) => 2 * self.tall * self.output[1] * self.lanes,
        }
    }

    /// Floats of the packed weights: `groups · ⌈outs / LANES⌉ · LANES · ins · area`, where `ins` and `outs` are the channels of
    /// one of the `groups` of [`ConvolutionShape::merged`] (of plain input: of one group of all).
    ///
    /// Of bytes, words of four channels instead of floats, and two a channel of output behind them all: its scale and the sum of
    /// its weights.
    pub fn packed_length(&self) -> usize {
        let weights = self.packing.blocks() * self.packing.block_length();
        match self.packing {
            Weights::Floats(_) => weights,
            Weights::Bytes(_) => weights + 2 * self.packing.blocks() * self.lanes,
        }
    }

    /// Packs `weights` `[out_channels, in_channels / groups, kernel height, kernel width]` (transposed: `[in_channels,
    /// out_channels / groups, ...]`) into `packed_length` floats.
    pub fn pack(&self, pool: &Pool, weights: &[f32], into: &mut [f32]) {
        assert_eq!(weights.len(), self.weight_count);
        assert_eq!(into.len(), self.packed_length());
        let packing = match &self.packing {
            Weights::Floats(packing) => packing,
            Weights::Bytes(packing) => return packing.pack(pool, weights, into),
        };
        let (length, target) = (packing.block_length(), Shared::new(into));
        pool.run(packing.blocks(), &|block, _| {
            // SAFETY: every task has a block of its own, inside `into` by the assertion above.
            let into = unsafe { std::slice::from_raw_parts_mut(target.at(block * length), length) };
            packing.pack(block, weights, into);
        });
    }

    /// Convolves.
    ///
    /// # Safety
    /// The call's input and output are images of the shape that `new` was told, its weights `packed_length` floats that `pack`
    /// wrote, bias, residual and workspace as [`KernelCall`] says; and the output overlaps nothing but, in its own place, the
    /// residual.
    pub unsafe fn run(&self, pool: &Pool, call: &KernelCall<'_>) {
        let per_group = self.split.tasks();
        let body = |task: usize, worker: usize| {
            let (image, group) = (task / per_group / self.groups, task / per_group % self.groups);
            let [rows, blocks] = self.split.task(task % per_group);
            let task = BandTask { worker, image, group, rows, blocks };
            // SAFETY: the call is as `run` asks; tasks write rows and blocks of their own, each with its worker's scratch.
            unsafe { self.run_task(&task, call) }
        };
        let tasks = self.batch * self.groups * per_group;
        if self.alone { (0..tasks).for_each(|task| body(task, 0)) } else { pool.run(tasks, &body) }
    }

    /// # Safety
    /// As for `run`, and no other task has the rows and blocks of `task`, nor its worker's scratch.
    unsafe fn run_task(&self, task: &BandTask, call: &KernelCall<'_>) {
        let group = self.band.input_length();
        // SAFETY: the input holds all groups of the image, and the workspace a band for every worker.
        let (input, scratch) = unsafe {
            let scratch = call.scratch(task.worker, self.workspace_length());
            let length = self.band.length();
            (
                std::slice::from_raw_parts(call.input.at(task.image, task.group * group), group),
                if length == 0 { &mut [] } else { std::slice::from_raw_parts_mut(scratch, length) },
            )
        };
        let (first_row, rows) = (task.rows.start, task.rows.len());
        let source = self.band.fill(input, first_row, rows, call.padding(), scratch);
        let sums = call.scratch(task.worker, self.workspace_length()).wrapping_add(self.band.length());
        for first in task.blocks.clone().step_by(2) {
            let count = 2.min(task.blocks.end - first);
            // The weights of the next blocks, be they another task's, are on their way from memory while these are used, if the
            // cache holds both.
            let weights = count * self.packing.block_length();
            let fits = first + count < self.blocks && 2 * 4 * weights <= cost::CACHE_BYTES;
            let ahead = if fits { weights } else { 0 };
            let apart = call.is_finished_apart().then_some(sums);
            let mut tile = Blocks { first: task.group * self.blocks + first, count, ahead, ending: None, sums: apart };
            // SAFETY: the weights have scales and sums for every block behind them.
            tile.ending = unsafe { self.ending(&tile, call) };
            for row in (0..rows).step_by(self.tall) {
                let band_rows = row..rows.min(row + self.tall);
                for phase in &self.phases {
                    // SAFETY: the call is as `run` asks; these rows and blocks are this task's alone.
                    unsafe { self.run_rows(task, phase, &tile, band_rows.clone(), source, call) }
                }
                let first = (first_row + row) * self.step[0];
                let end = self.output[0].min((first_row + band_rows.end) * self.step[0]);
                for block in tile.first..tile.first + tile.count {
                    let (pixel, pixels) = (first * self.output[1], (end - first) * self.output[1]);
                    let place = [task.image, block, pixel];
                    // SAFETY: these rows were written above, by this task alone.
                    unsafe {
                        match apart {
                            None => call.finish(task.worker, place, self.at(call, block, pixel), pixels),
                            Some(sums) => {
                                let sums = sums.add((block - tile.first) * self.sums_length() / 2);
                                call.finish_apart(task.worker, place, sums, self.at(call, block, pixel), pixels);
                            }
                        }
                    };
                }
            }
        }
    }

    /// Runs one phase over some rows of the band, as many as a tile has at most.
    ///
    /// # Safety
    /// As for `run_task`.
    unsafe fn run_rows(
        &self,
        task: &BandTask,
        phase: &Phase,
        blocks: &Blocks,
        rows: Range<usize>,
        source: &[f32],
        call: &KernelCall<'_>,
    ) {
        let (lanes, [height, width]) = (call.output_words(self.lanes), self.output);
        let tall = phase.size[0].saturating_sub(task.rows.start + rows.start).min(rows.len());
        let Some(segments) = tall.checked_sub(1).map(|index| &phase.tilings[index]) else { return };
        let output_row = phase.first[0] + (task.rows.start + rows.start) * self.step[0];
        let at = self.at(call, blocks.first, output_row * width + phase.first[1]);
        let weight_block_stride = self.packing.block_length();
        let mut arguments = TileArguments {
            input: source[rows.start * self.band.row_step()..].as_ptr(),
            input_row_stride: self.band.row_step(),
            taps: phase.taps.as_ptr(),
            tap_count: phase.taps.len(),
            full_taps: self.ins / self.band.unit() * phase.elements.len(),
            partial: self.ins % self.band.unit(),
            weights: call.weights_at(blocks.first * weight_block_stride + phase.before * self.ins * self.lanes),
            weight_block_stride,
            prefetch: blocks.ahead,
            output: call.output.at(task.image, at),
            output_row_stride: self.step[0] * width * lanes,
            output_pixel_stride: self.step[1] * lanes,
            output_block_stride: height * width * lanes,
            bias: call.bias_at(blocks.first * self.lanes),
            residual: call.residual_at(task.image, at),
            limits: call.limits,
            ending: blocks.ending.as_ref().map_or(std::ptr::null(), |ending| ending),
            tiles: 0,
        };
        if let Some(sums) = blocks.sums {
            arguments.output = sums;
            arguments.output_row_stride = width * self.lanes;
            arguments.output_pixel_stride = self.lanes;
            arguments.output_block_stride = self.sums_length() / 2;
            arguments.residual = std::ptr::null();
        }
        for segment in segments {
            arguments.tiles = segment.tiles;
            // SAFETY: taps and strides are the band's own, so all reads stay in `source` for the pixels of the
            // row; weights and bias hold `count` blocks from here; no other task writes these rows and blocks.
            unsafe { segment.entries[blocks.count - 1](&arguments) };
            arguments.step(segment.tiles * segment.pixels, self.band.unit());
        }
    }

    /// Floats, or words, from the start of an output image to a pixel of a block.
    fn at(&self, call: &KernelCall<'_>, block: usize, pixel: usize) -> usize {
        (block * self.output[0] * self.output[1] + pixel) * call.output_words(self.lanes)
    }

    /// How the sums of some blocks end, of bytes.
    ///
    /// # Safety
    /// The call's weights are those that `pack` wrote, and its bias covers the blocks.
    unsafe fn ending(&self, blocks: &Blocks, call: &KernelCall<'_>) -> Option<BlockEnding> {
        let scales = &call.bytes?.scales;
        let first = blocks.first * self.lanes;
        let behind = self.packing.blocks() * self.packing.block_length();
        let packed = [behind, behind + self.packing.blocks() * self.lanes].map(|start| call.weights_at(start + first));
        let (bias, apart) = (call.bias_at(first), call.is_finished_apart());
        // SAFETY: the caller promises packed weights and a bias that covers the blocks.
        Some(unsafe { BlockEnding::new(scales, packed, bias, call.limits, blocks.count * self.lanes, apart) })
    }
}

/// What a task is about.
struct BandTask {
    worker: usize,
    image: usize,
    group: usize,
    /// Rows of a phase, and output blocks of the group.
    rows: Range<usize>,
    blocks: Range<usize>,
}

/// One or two neighbouring blocks of output channels, counted over all groups.
struct Blocks {
    first: usize,
    count: usize,
    /// Floats from their weights to those that are needed next; 0 for none.
    ahead: usize,
    /// How sums of products of bytes end.
    ending: Option<BlockEnding>,
    /// Where such sums go that something else is done to before they are bytes.
    sums: Option<*mut f32>,
}

/// The same convolution over longer rows, where all windows are one pixel.
fn flattened(shape: ConvolutionShape) -> ConvolutionShape {
    let mut window = shape.window;
    if window.is_pointwise() {
        window.input = flatten(window.input_pixels());
        window.output = window.input;
    }
    ConvolutionShape { window, ..shape }
}

/// Pixels of an image whose rows do not matter, as rows long enough for several tiles and enough of them for several tasks.
fn flatten(pixels: usize) -> [usize; 2] {
    let rows = (1..=16).rev().find(|rows| pixels.is_multiple_of(*rows) && pixels / rows >= 98).unwrap_or(1);
    [rows, pixels / rows]
}
