//! The gradient of a convolution by its weights: of images and the gradient of the result, both in blocks of channels, to filters
//! as the parameters have them.
//!
//! The sum over images and pixels is cut into a fixed number of parts, which are added up in order at the end: the result has the
//! same bits for any number of threads. A task is a part and a block of output channels. It goes through its images in pieces
//! that the second-level cache holds, and for each piece through blocks of input channels and window elements, a register tile of
//! weights at a time. Where a window element lies in the padding there is nothing to add: rows and columns are cut off, none is
//! written out.
//!
//! Plain images of few channels are copied with their padding, so that a tile can have a row of the window as its weights.

mod gather;
mod tile;

use crate::cpu::blocked::buffer::Shared;
use crate::cpu::blocked::call::{Images, ImagesMut};
use crate::cpu::blocked::cost;
use crate::cpu::blocked::direct::InputLayout;
use crate::cpu::blocked::pool::Pool;
use crate::cpu::blocked::shape::ConvolutionShape;
use crate::cpu::blocked::vector::{Compiled, InstructionSet};
use cnnc_compiler::kernels::AxisWindow;
use gather::{Gather, GatherArguments};
use std::ops::Range;
use tile::TileArguments;

/// Tasks to have at the least, as far as there are images: enough for a handful of threads.
const TASKS: usize = 16;

/// A gradient by weight: how its work is cut.
pub struct ConvWeight {
    shape: ConvolutionShape,
    lanes: usize,
    layout: InputLayout,
    /// Whether every channel is a group of its own, in and out.
    depthwise: bool,
    /// Parts of the batch.
    parts: usize,
    /// Sums of a block of output channels, as vectors.
    rows: usize,
    /// Images of a piece, and rows of the gradient.
    piece: [usize; 2],
    /// Tiles by their number of weights, from 1 on.
    tiles: Vec<Compiled<TileArguments>>,
    gather: Compiled<GatherArguments>,
}

/// What a task is about.
struct Task<'a> {
    x: Images,
    gradient: Images,
    images: Range<usize>,
    block: usize,
    sums: *mut f32,
    scratch: &'a mut [f32],
}

impl ConvWeight {
    /// For the convolution of `shape`; `layout` is that of its input. Plain images have one group.
    pub fn new(set: InstructionSet, shape: ConvolutionShape, layout: InputLayout) -> Self {
        let lanes = set.lanes();
        let depthwise = layout == InputLayout::Blocked
            && shape.groups > 1
            && [shape.in_channels, shape.out_channels] == [shape.groups; 2];
        let tiles = match depthwise {
            true => vec![tile::lanewise(set)],
            false => (1..=tile::most_weights(set)).map(|weights| tile::broadcast(set, weights)).collect(),
        };
        let blocks = shape.out_channels.div_ceil(lanes);
        let mut kernel = Self {
            shape,
            lanes,
            layout,
            depthwise,
            parts: TASKS.div_ceil(blocks.max(1)).clamp(1, shape.batch.max(1)),
            rows: 0,
            piece: [1, shape.window.output[0].max(1)],
            tiles,
            gather: set.entry::<Gather>(),
        };
        let seen = (0..blocks).map(|block| kernel.channels(block).len()).max().unwrap_or(0);
        kernel.rows = shape.window.area() * if depthwise { 1 } else { seen };
        kernel.piece = kernel.pieces(if depthwise { 1 } else { seen.div_ceil(lanes) });
        kernel
    }

    /// Images and rows of a piece, of which a task reads so many blocks of input channels.
    fn pieces(&self, blocks: usize) -> [usize; 2] {
        let window = &self.shape.window;
        let vectors = window.output_pixels() + blocks * window.input_pixels();
        let bytes = (4 * self.lanes * vectors).max(1);
        let (budget, height) = (cost::CACHE_BYTES / 2, window.output[0].max(1));
        let rows = if bytes > budget { (height * budget / bytes).max(1) } else { height };
        let images = if self.layout == InputLayout::Plain { 1 } else { (budget / bytes).max(1) };
        [images, rows]
    }

    fn blocks(&self) -> usize {
        self.shape.out_channels.div_ceil(self.lanes)
    }

    /// The input channels that a block of output channels sees.
    fn channels(&self, block: usize) -> Range<usize> {
        let (ins, outs) = (self.shape.in_channels / self.shape.groups, self.shape.out_channels / self.shape.groups);
        let last = self.shape.out_channels.min((block + 1) * self.lanes) - 1;
        block * self.lanes / outs * ins..(last / outs + 1) * ins
    }

    /// Height and width of a plain image with the padding that windows see.
    fn padded(&self) -> [usize; 2] {
        let window = &self.shape.window;
        [0, 1].map(|axis| window.output[axis].saturating_sub(1) * window.axes[axis].stride + window.extent(axis))
    }

    fn scratch_length(&self) -> usize {
        match self.layout {
            InputLayout::Blocked => 0,
            InputLayout::Plain => self.shape.in_channels * self.padded().iter().product::<usize>(),
        }
    }

    fn sums_length(&self) -> usize {
        self.parts * self.blocks() * self.rows * self.lanes
    }

    /// Floats of scratch that `run` needs, all threads together.
    pub fn workspace_length(&self, threads: usize) -> usize {
        self.sums_length() + threads * self.scratch_length()
    }

    /// Writes the filters.
    ///
    /// # Safety
    /// `x` and `gradient` are images of the shape that `new` was told, `output` has its filters, each dense, and the workspace as
    /// many floats as `workspace_length` says for the pool's threads; nothing overlaps.
    pub unsafe fn run(&self, pool: &Pool, x: Images, gradient: Images, output: ImagesMut, workspace: *mut f32) {
        let blocks = self.blocks();
        // SAFETY: the caller promises a workspace that begins with the sums of all blocks.
        let sums = Shared::new(unsafe { std::slice::from_raw_parts_mut(workspace, self.sums_length()) });
        let scratch = ImagesMut { first: workspace.wrapping_add(self.sums_length()), step: self.scratch_length() };
        pool.run(self.parts * blocks, &|task, worker| {
            let (part, block) = (task / blocks, task % blocks);
            let images = self.shape.batch * part / self.parts..self.shape.batch * (part + 1) / self.parts;
            // SAFETY: every task has sums of its own, and every worker its scratch.
            unsafe {
                let sums = sums.at(task * self.rows * self.lanes);
                std::slice::from_raw_parts_mut(sums, self.rows * self.lanes).fill(0.0);
                let scratch = std::slice::from_raw_parts_mut(scratch.at(worker, 0), self.scratch_length());
                let mut task = Task { x, gradient, images, block, sums, scratch };
                match self.layout {
                    InputLayout::Blocked => self.run_blocked(&task),
                    InputLayout::Plain => self.run_plain(&mut task),
                }
            }
        });
        pool.run(blocks, &|block, _| {
            // SAFETY: all sums are there, and every task writes filters of its own.
            unsafe { self.write_filters(block, sums.at(block * self.rows * self.lanes), output) }
        });
    }

    /// Calls `body` with the images and rows of every piece of a task.
    fn each_piece(&self, task: &Task<'_>, mut body: impl FnMut(Range<usize>, Range<usize>)) {
        let (height, [together, tall]) = (self.shape.window.output[0], self.piece);
        for first in task.images.clone().step_by(together) {
            let images = first..task.images.end.min(first + together);
            for row in (0..height).step_by(tall) {
                body(images.clone(), row..height.min(row + tall));
            }
        }
    }

    /// # Safety
    /// As for `run`; the sums are the task's own.
    unsafe fn run_blocked(&self, task: &Task<'_>) {
        let (window, lanes, area) = (&self.shape.window, self.lanes, self.shape.window.area());
        let channels = match self.depthwise {
            true => task.block * lanes..task.block * lanes + 1,
            false => self.channels(task.block),
        };
        let [rows, columns] = window.axes;
        self.each_piece(task, |images, band| {
            let mut channel = channels.start;
            while channel < channels.end {
                let weights = (lanes - channel % lanes).min(channels.end - channel).min(self.tiles.len());
                for tap in 0..area {
                    let (ky, kx) = (tap / columns.kernel, tap % columns.kernel);
                    let (ys, y) = inside(&rows, ky, window.input[0], band.clone());
                    let (xs, x) = inside(&columns, kx, window.input[1], 0..window.output[1]);
                    let plane = channel / lanes * window.input_pixels();
                    let from = (plane + y * window.input[1] + x) * lanes + channel % lanes;
                    let row = (channel - channels.start) * area + tap;
                    let mut arguments = self.arguments(task, images.clone(), [ys, xs], row);
                    arguments.image = task.x.at(images.start, from);
                    arguments.images[1] = task.x.step;
                    arguments.rows[1] = rows.stride * window.input[1] * lanes;
                    arguments.pixels[1] = columns.stride * lanes;
                    arguments.sum_step = area * lanes;
                    arguments.join_rows(lanes);
                    // SAFETY: the rows and columns are those whose element lies in the image; the sums are the task's.
                    unsafe { (self.tiles[weights - 1])(&arguments) };
                }
                channel += weights;
            }
        });
    }

    /// # Safety
    /// As for `run`; the sums and the scratch are the task's own.
    unsafe fn run_plain(&self, task: &mut Task<'_>) {
        let (window, [height, width]) = (&self.shape.window, self.padded());
        let [rows, columns] = window.axes;
        let together = if columns.dilation == 1 { self.tiles.len() } else { 1 };
        for image in task.images.clone() {
            // SAFETY: the caller promises the image.
            unsafe { self.pad(task.x.at(image, 0), task.scratch) };
            let one = Task { images: image..image + 1, scratch: &mut [], ..*task };
            self.each_piece(&one, |images, band| {
                for channel in 0..self.shape.in_channels {
                    for tap in (0..rows.kernel).flat_map(|y| (0..columns.kernel).step_by(together).map(move |x| [y, x]))
                    {
                        let weights = together.min(columns.kernel - tap[1]);
                        let row = (channel * rows.kernel + tap[0]) * columns.kernel + tap[1];
                        let mut arguments =
                            self.arguments(&one, images.clone(), [band.clone(), 0..window.output[1]], row);
                        let y = band.start * rows.stride + tap[0] * rows.dilation;
                        arguments.image =
                            task.scratch[(channel * height + y) * width + tap[1] * columns.dilation..].as_ptr();
                        arguments.rows[1] = rows.stride * width;
                        arguments.pixels[1] = columns.stride;
                        arguments.sum_step = self.lanes;
                        // SAFETY: every window lies in the padded image; the sums are the task's.
                        unsafe { (self.tiles[weights - 1])(&arguments) };
                    }
                }
            });
        }
    }

    /// A tile over the gradient at some images, rows and columns; what is about the image is left to be said.
    fn arguments(
        &self,
        task: &Task<'_>,
        images: Range<usize>,
        [rows, columns]: [Range<usize>; 2],
        row: usize,
    ) -> TileArguments {
        let [height, width] = self.shape.window.output;
        let pixel = (task.block * height + rows.start) * width + columns.start;
        TileArguments {
            image: std::ptr::null(),
            gradient: task.gradient.at(images.start, pixel * self.lanes),
            images: [images.len(), 0, task.gradient.step],
            rows: [rows.len(), 0, width * self.lanes],
            pixels: [columns.len(), 0],
            sums: task.sums.wrapping_add(row * self.lanes),
            sum_step: 0,
        }
    }

    /// Copies a plain image with its padding.
    ///
    /// # Safety
    /// The image is whole.
    unsafe fn pad(&self, image: *const f32, into: &mut [f32]) {
        let (window, [height, width]) = (&self.shape.window, self.padded());
        let before = window.axes.map(|axis| axis.before);
        let (left, kept) = (before[1].min(width), window.input[1].min(width.saturating_sub(before[1])));
        for (index, row) in into.chunks_exact_mut(width.max(1)).enumerate() {
            let (channel, y) = (index / height, index % height);
            row.fill(0.0);
            if let Some(y) = y.checked_sub(before[0]).filter(|&y| y < window.input[0]) {
                let at = (channel * window.input[0] + y) * window.input[1];
                // SAFETY: the row lies in the image, as the caller promises.
                let from = unsafe { std::slice::from_raw_parts(image.add(at), kept) };
                row[left..left + kept].copy_from_slice(from);
            }
        }
    }

    /// Adds up the parts of a block's sums, and writes its filters.
    ///
    /// # Safety
    /// `sums` are the block's in the first part, and the output has its filters.
    unsafe fn write_filters(&self, block: usize, sums: *const f32, output: ImagesMut) {
        let (first, area) = (block * self.lanes, self.shape.window.area());
        let filters = self.lanes.min(self.shape.out_channels - first);
        let (ins, outs) = (self.shape.in_channels / self.shape.groups, self.shape.out_channels / self.shape.groups);
        let weights = ins * area;
        let mut gather = GatherArguments {
            sums,
            part_step: self.blocks() * self.rows * self.lanes,
            parts: self.parts,
            weights,
            filters,
            to: output.at(first, 0),
            filter_step: output.step,
        };
        if self.rows == weights {
            // SAFETY: the caller promises that the sums are the block's; all its filters have the same rows of sums.
            return unsafe { (self.gather)(&gather) };
        }
        for filter in first..first + filters {
            let channel = filter / outs * ins - self.channels(block).start;
            // A vector of sums is read from its lane on: only that lane is a filter.
            gather.sums = sums.wrapping_add(channel * area * self.lanes);
            // SAFETY: from that channel on, the sums hold the filter's weights in its lane, and the output has room for them.
            unsafe { self.write_filter(&gather, filter - first, output.at(filter, 0)) };
        }
    }

    /// Writes one filter of a block whose filters see different channels.
    ///
    /// # Safety
    /// The sums hold the filter's weights, and `to` has room for them.
    unsafe fn write_filter(&self, gather: &GatherArguments, lane: usize, to: *mut f32) {
        for weight in 0..gather.weights {
            let from = gather.sums.wrapping_add(weight * self.lanes + lane);
            // SAFETY: the caller promises sums that hold the filter's weights, and room for these.
            unsafe {
                let parts = (0..gather.parts).map(|part| *from.add(part * gather.part_step));
                *to.add(weight) = parts.sum();
            }
        }
    }
}

/// The windows among some whose element `index` along an axis lies in the image, and where it lies for the first of them.
fn inside(axis: &AxisWindow, index: usize, size: usize, windows: Range<usize>) -> (Range<usize>, usize) {
    let offset = index * axis.dilation;
    let first = axis.before.saturating_sub(offset).div_ceil(axis.stride).max(windows.start);
    let end = (size + axis.before).saturating_sub(offset).div_ceil(axis.stride).min(windows.end);
    if first >= end {
        return (0..0, 0);
    }
    (first..end, first * axis.stride + offset - axis.before)
}
