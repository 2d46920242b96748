//! Fully connected layers: the rows of the batch are what pixels are to a 1×1 convolution. At batch 1 every weight is used
//! once, so the layer is as fast as memory is read; the packed weights of a task are two streams, read in order.
//!
//! Rows go in and out plain. One row is read in place; of several, a task first copies its own next to each other, block by
//! block.

use crate::cpu::blocked::buffer::Shared;
use crate::cpu::blocked::call::KernelCall;
use crate::cpu::blocked::integer::ending::{BlockEnding, Scales};
use crate::cpu::blocked::integer::weights::WordPacking;
use crate::cpu::blocked::pool::Pool;
use crate::cpu::blocked::split::{Split, WorkSizes};
use crate::cpu::blocked::tile::{Segment, TileArguments, TileInput, tilings};
use crate::cpu::blocked::transpose::{Transpose, TransposeArguments};
use crate::cpu::blocked::vector::{Compiled, InstructionSet};
use std::ops::Range;
use std::sync::OnceLock;

/// Terms that are summed one after another, whatever the lanes; such sums are then added up. One long sum of n numbers of one
/// sign errs by up to n/2 units in the last place: VGG-16's 25,088 terms by 2.3e-4 of the answer.
const TERMS: usize = 1024;

/// In which order the features of an input row lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeatureOrder {
    /// As the weights count them.
    Plain,
    /// Rows are images `[C / LANES, pixels, LANES]`; the weights count them as `[C, pixels]`.
    Blocked {
        /// Pixels of a channel; the number of features is a multiple of it.
        pixels: usize,
    },
}

/// Sizes of a fully connected layer: weights are `[out_features, in_features]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinearShape {
    /// Rows of the batch.
    pub rows: usize,
    /// Features of an input row.
    pub in_features: usize,
    /// Features of an output row.
    pub out_features: usize,
    /// The order of the input's features.
    pub order: FeatureOrder,
    /// Whether they are bytes, four of them a word.
    pub of_bytes: bool,
}

impl LinearShape {
    /// Floats, or words, of a row of input: `in_features`, or of blocked images `⌈C / LANES⌉ · LANES · pixels`.
    pub fn row_length(&self, lanes: usize) -> usize {
        let elements = match self.order {
            FeatureOrder::Plain => self.in_features,
            FeatureOrder::Blocked { pixels } => (self.in_features / pixels).next_multiple_of(lanes) * pixels,
        };
        if self.of_bytes { elements.div_ceil(4) } else { elements }
    }

    /// Channels and pixels of a row of input.
    fn sizes(&self) -> [usize; 2] {
        match self.order {
            FeatureOrder::Plain => [self.in_features, 1],
            FeatureOrder::Blocked { pixels } => [self.in_features / pixels, pixels],
        }
    }
}

/// A fully connected layer: how its weights are packed, and how its work is cut.
pub struct Linear {
    shape: LinearShape,
    lanes: usize,
    /// Floats, or words of bytes, that lie side by side in a block of input features.
    unit: usize,
    /// Floats, or words of bytes, of a row of input.
    row: usize,
    blocks: usize,
    transpose: Compiled<TransposeArguments>,
    /// Where each block of input features lies, from the first: made before the first run, so that a layer whose memory is only
    /// foretold takes none.
    taps: OnceLock<Vec<usize>>,
    split: Split,
    /// Rows of a task at most; others have one less.
    most: usize,
    /// How so many rows are cut into tiles, and one less.
    full: Vec<Segment>,
    less: Vec<Segment>,
}

impl Linear {
    /// The layer of `shape`.
    pub fn new(set: InstructionSet, shape: LinearShape) -> Self {
        let lanes = set.lanes();
        let (row, blocks) = (shape.row_length(lanes), shape.out_features.div_ceil(lanes));
        let work = WorkSizes {
            parts: 1,
            rows: shape.rows,
            blocks,
            products: shape.rows * blocks * row,
            weights: blocks * lanes * row,
            lanes,
        };
        let split = Split::choose(&work, |rows| if shape.rows == 1 { 0 } else { rows * row });
        let most = split.most_rows();
        let input = if shape.of_bytes { TileInput::ByteBlocks } else { TileInput::Blocks };
        let tiling = |rows| tilings(set, rows, blocks, input).swap_remove(0);
        Self {
            lanes,
            unit: if shape.of_bytes { lanes / 4 } else { lanes },
            row,
            blocks,
            transpose: set.entry::<Transpose>(),
            taps: OnceLock::new(),
            full: tiling(most),
            less: tiling(most.saturating_sub(1)),
            most,
            split,
            shape,
        }
    }

    /// Floats of scratch that `run` needs for every thread.
    pub fn workspace_length(&self) -> usize {
        let columns = if self.shape.rows == 1 { 0 } else { self.row.div_ceil(self.unit) };
        (columns * self.unit + 2 * self.lanes) * self.most
    }

    /// Floats of the packed weights: `⌈out_features / LANES⌉ · LANES ·` [`LinearShape::row_length`]; of bytes two more a channel.
    pub fn packed_length(&self) -> usize {
        self.blocks * self.lanes * (self.row + if self.shape.of_bytes { 2 } else { 0 })
    }

    /// Packs `weights` `[out_features, in_features]` into `packed_length` floats `[output blocks][input row][LANES]`.
    pub fn pack(&self, pool: &Pool, weights: &[f32], into: &mut [f32]) {
        assert_eq!(weights.len(), self.shape.in_features * self.shape.out_features);
        let piece = self.piece_length();
        self.pack_pieces(pool, into, |block, _| &weights[block * piece..weights.len().min((block + 1) * piece)]);
    }

    /// Floats of a block of output features' weights; the last block may have fewer.
    pub fn piece_length(&self) -> usize {
        self.lanes * self.shape.in_features
    }

    /// As [`Linear::pack`], of the weights of one block of output features after the other, in any order, as `piece` gives them
    /// to a worker.
    pub fn pack_pieces<'w>(&self, pool: &Pool, into: &mut [f32], piece: impl Fn(usize, usize) -> &'w [f32] + Sync) {
        assert_eq!(into.len(), self.packed_length());
        if self.shape.of_bytes {
            let packing = WordPacking::of_rows(self.lanes, self.shape.out_features, self.shape.sizes());
            return packing.pack_pieces(pool, into, piece);
        }
        let order = self.order();
        let (length, target) = (self.row * self.lanes, Shared::new(into));
        pool.run(self.blocks, &|block, worker| {
            // SAFETY: every task has a block of its own, inside `into` by the assertion above.
            let into = unsafe { std::slice::from_raw_parts_mut(target.at(block * length), length) };
            self.pack_block(piece(block, worker), &order, into);
        });
    }

    /// Makes what runs would make otherwise, the first of them.
    pub fn make_tables(&self) {
        self.taps();
    }

    fn taps(&self) -> &[usize] {
        let place = |block| block * self.most * self.unit;
        self.taps.get_or_init(|| (0..self.row.div_ceil(self.unit)).map(place).collect())
    }

    /// The order of the weights of a block of input channels: floats from its first vector, for each channel's pixels; empty
    /// where they lie as in the filter.
    fn order(&self) -> Vec<usize> {
        match self.shape.order {
            FeatureOrder::Plain => Vec::new(),
            FeatureOrder::Blocked { pixels } => {
                let place = |channel| (0..pixels).map(move |pixel| (pixel * self.lanes + channel) * self.lanes);
                (0..self.lanes).flat_map(place).collect()
            }
        }
    }

    fn pack_block(&self, filters: &[f32], order: &[usize], into: &mut [f32]) {
        let (lanes, features) = (self.lanes, self.shape.in_features);
        if self.row > features {
            into.fill(0.0);
        }
        // All features at once, or those of a block of channels.
        let step = if order.is_empty() { features } else { order.len() };
        for feature in (0..features).step_by(step.max(1)) {
            let arguments = TransposeArguments {
                from: filters[feature..].as_ptr(),
                step: features,
                rows: filters.len() / features,
                columns: step.min(features - feature),
                to: into[feature * lanes..].as_mut_ptr(),
                offsets: if order.is_empty() { std::ptr::null() } else { order.as_ptr() },
            };
            // SAFETY: the filters are whole, and the order's offsets are those of the vectors of a block of channels.
            unsafe { (self.transpose)(&arguments) }
        }
    }

    /// Multiplies rows: the call's images are rows, `row_length` floats in and `out_features` floats out.
    ///
    /// # Safety
    /// The call's input and output have the rows of the shape that `new` was told, its weights are `packed_length` floats that
    /// `pack` wrote, bias, residual and workspace as [`KernelCall`] says; and the output overlaps nothing but, in its own
    /// place, the residual.
    pub unsafe fn run(&self, pool: &Pool, call: &KernelCall<'_>) {
        pool.run(self.split.tasks(), &|task, worker| {
            let [rows, blocks] = self.split.task(task);
            // SAFETY: the call is as `run` asks; tasks write rows and features of their own, each with its worker's scratch.
            unsafe { self.run_task(worker, rows, blocks, call) }
        });
    }

    /// # Safety
    /// As for `run`, and no other task has these rows and blocks, nor this worker's scratch.
    unsafe fn run_task(&self, worker: usize, rows: Range<usize>, blocks: Range<usize>, call: &KernelCall<'_>) {
        let lanes = self.lanes;
        let scratch = call.scratch(worker, self.workspace_length());
        let columns = scratch.wrapping_add(2 * self.most * lanes);
        // SAFETY: the call is as `run` asks; the scratch holds a band of rows, and two blocks of their outputs before it.
        unsafe {
            if self.shape.rows > 1 {
                rows.clone().for_each(|row| self.copy_row(call.input.at(row, 0), columns, row - rows.start));
            }
            let input = if self.shape.rows > 1 { columns.cast_const() } else { call.input.at(0, 0) };
            if let Some(bytes) = call.bytes {
                return self.run_bytes(worker, (rows, blocks), (input, scratch), &bytes.scales, call);
            }
            for first in blocks.clone().step_by(2) {
                let pair = first..blocks.end.min(first + 2);
                let whole = pair.end * lanes <= self.shape.out_features;
                let alike = call.residual.is_none_or(|residual| residual.step == call.output.step);
                let weights = call.weights_at(first * lanes * self.row);
                let bias = call.bias_at(first * lanes);
                // Of several parts the sum so far stands where a residual would be read.
                let in_place = alike && (call.residual.is_none() || self.taps().len() <= TERMS / lanes);
                if whole && in_place {
                    let into = Target {
                        output: call.output.at(rows.start, first * lanes),
                        pixel_stride: call.output.step,
                        block_stride: lanes,
                        bias,
                        residual: call.residual_at(rows.start, first * lanes),
                        limits: call.limits,
                        ending: std::ptr::null(),
                    };
                    self.multiply(input, &rows, pair.len(), weights, &into);
                } else {
                    let block_stride = self.most * lanes;
                    let (residual, limits) = (std::ptr::null(), KernelCall::UNLIMITED);
                    let ending = std::ptr::null();
                    let (output, pixel_stride) = (scratch, lanes);
                    let into = Target { output, pixel_stride, block_stride, bias, residual, limits, ending };
                    self.multiply(input, &rows, pair.len(), weights, &into);
                    pair.for_each(|block| self.store(&rows, block, scratch.add((block - first) * block_stride), call));
                }
            }
            let features = blocks.start * lanes..self.shape.out_features.min(blocks.end * lanes);
            if let Some(finish) = call.finish {
                for row in rows {
                    let values = call.output.at(row, features.start);
                    finish.finish_features(worker, row, features.start, values, features.len());
                }
            }
        }
    }

    /// Multiplies rows of bytes: sums become floats, are finished, and stored as what the output is.
    ///
    /// # Safety
    /// As for `run_task`; `input` holds the rows, and `sums` two blocks of their outputs.
    unsafe fn run_bytes(
        &self,
        worker: usize,
        (rows, blocks): (Range<usize>, Range<usize>),
        (input, sums): (*const f32, *mut f32),
        scales: &Scales,
        call: &KernelCall<'_>,
    ) {
        let (lanes, block_stride) = (self.lanes, self.most * self.lanes);
        let behind = self.blocks * lanes * self.row;
        let bare = Scales { output: None, ..*scales };
        for first in blocks.clone().step_by(2) {
            let count = (blocks.end - first).min(2);
            let (channel, limits) = (first * lanes, call.limits);
            let packed = [behind, behind + self.blocks * lanes].map(|start| call.weights_at(start + channel));
            // SAFETY: the call is as `run` asks: scales and sums lie behind the weights, and the bias covers the blocks; rows and
            // features are this task's alone.
            unsafe {
                let ending = BlockEnding::new(&bare, packed, call.bias_at(channel), limits, count * lanes, false);
                let into = Target {
                    output: sums,
                    pixel_stride: lanes,
                    block_stride,
                    bias: std::ptr::null(),
                    residual: std::ptr::null(),
                    limits: KernelCall::UNLIMITED,
                    ending: &ending,
                };
                self.multiply(input, &rows, count, call.weights_at(channel * self.row), &into);
                for (block, row) in (0..count).flat_map(|block| rows.clone().map(move |row| (block, row))) {
                    let values = sums.add(block * block_stride + (row - rows.start) * lanes);
                    let feature = channel + block * lanes;
                    let features = lanes.min(self.shape.out_features - feature);
                    if let Some(finish) = call.finish {
                        finish.finish_features(worker, row, feature, values, features);
                    }
                    match scales.output {
                        None => std::ptr::copy_nonoverlapping(values, call.output.at(row, feature), features),
                        Some(of) => {
                            let to = call.output.at(row, feature / 4).cast::<u8>();
                            (0..features).for_each(|lane| *to.add(lane) = of.byte(*values.add(lane)));
                        }
                    }
                }
            }
        }
    }

    /// Copies a row of input into the columns of a band: its blocks, `row` vectors on from the first row's.
    ///
    /// # Safety
    /// `values` holds a row, `columns` a band.
    unsafe fn copy_row(&self, values: *const f32, columns: *mut f32, row: usize) {
        for (block, tap) in self.taps().iter().enumerate() {
            let length = self.unit.min(self.row - block * self.unit);
            // SAFETY: the caller promises a row of values and a band of columns, of which each block is a part.
            unsafe {
                let to = columns.add(tap + row * self.unit);
                std::ptr::copy_nonoverlapping(values.add(block * self.unit), to, length);
            }
        }
    }

    /// Multiplies the rows of a band by one or two blocks of output features.
    ///
    /// # Safety
    /// Input, weights and target hold what is read and written.
    unsafe fn multiply(
        &self,
        input: *const f32,
        rows: &Range<usize>,
        blocks: usize,
        weights: *const f32,
        into: &Target,
    ) {
        let segments = if rows.len() == self.most { &self.full } else { &self.less };
        // Sums of whole numbers are exact, however long.
        let (taps, step) = (self.taps(), if self.shape.of_bytes { usize::MAX } else { TERMS / self.lanes });
        for first in (0..taps.len()).step_by(step) {
            let (is_first, is_last) = (first == 0, step >= taps.len() - first);
            let part = &taps[first..taps.len().min(first.saturating_add(step))];
            let mut arguments = TileArguments {
                input,
                input_row_stride: 0,
                taps: part.as_ptr(),
                tap_count: part.len(),
                full_taps: (self.row / self.unit - first).min(part.len()),
                partial: self.row % self.unit,
                weights: weights.wrapping_add(first * self.unit * self.lanes),
                weight_block_stride: self.row * self.lanes,
                prefetch: 0,
                output: into.output,
                output_row_stride: 0,
                output_pixel_stride: into.pixel_stride,
                output_block_stride: into.block_stride,
                bias: if is_first { into.bias } else { std::ptr::null() },
                // What the parts before came to is where the sum goes.
                residual: if is_first { into.residual } else { into.output },
                limits: if is_last { into.limits } else { KernelCall::UNLIMITED },
                ending: into.ending,
                tiles: 0,
            };
            for segment in segments {
                arguments.tiles = segment.tiles;
                // SAFETY: the caller promises that input, weights and target hold the band; the segments cover its rows and no
                // more, and the parts of the taps all of a row.
                unsafe { segment.entries[blocks - 1](&arguments) };
                arguments.step(segment.tiles * segment.pixels, self.unit);
            }
        }
    }

    /// Adds the residual to the sums of a block, clamps them and stores the features that the output has.
    ///
    /// # Safety
    /// `sums` holds a vector for every row, and the output has the rows.
    unsafe fn store(&self, rows: &Range<usize>, block: usize, sums: *const f32, call: &KernelCall<'_>) {
        let features = block * self.lanes..self.shape.out_features.min((block + 1) * self.lanes);
        for row in rows.clone() {
            for feature in features.clone() {
                // SAFETY: the caller promises sums for every row, and an output that has the rows; these features are among its
                // own.
                unsafe {
                    let mut value = *sums.add((row - rows.start) * self.lanes + feature - features.start);
                    if let Some(residual) = &call.residual {
                        value += *residual.at(row, feature);
                    }
                    let value = if value < call.limits[0] { call.limits[0] } else { value };
                    *call.output.at(row, feature) = if value > call.limits[1] { call.limits[1] } else { value };
                }
            }
        }
    }
}

/// Where a product goes, and its epilogue.
struct Target {
    output: *mut f32,
    pixel_stride: usize,
    block_stride: usize,
    bias: *const f32,
    residual: *const f32,
    limits: [f32; 2],
    /// Of sums of products of bytes; null of floats.
    ending: *const BlockEnding,
}
