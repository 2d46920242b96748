//! Windows over images of bytes, every channel by itself: depthwise convolution, and pooling by the largest or by the mean.
//!
//! As the float kernels of windows do, a task has some rows of a plane; windows are clipped to the image beforehand. Outside the
//! image lies the input's zero, which adds nothing: the sum of those weights that meet bytes is made anew where windows are cut.

use super::ending::{BlockEnding, Scales};
use super::vector::{IntegerKernel, Integers, entry};
use super::weights::WordPacking;
use crate::cpu::blocked::call::KernelCall;
use crate::cpu::blocked::planes::Planes;
use crate::cpu::blocked::pool::Pool;
use crate::cpu::blocked::shape::Window;
use crate::cpu::blocked::vector::{Compiled, InstructionSet, Vector};
use crate::cpu::blocked::window::PoolShape;
use crate::cpu::blocked::window::clipped::{ClippedWindow, ClippedWindows};
use cnnc_compiler::kernels::{Divisor, PoolAxis, Pooling};
use std::ops::Range;

/// What is done with the bytes of a window.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// They are multiplied by weights and summed.
    Weighted,
    /// The largest.
    Largest,
    /// Their sum over a number.
    Mean(Divisor),
}

/// A depthwise convolution, or a pooling, of bytes.
pub struct WindowedBytes {
    shape: PoolShape,
    lanes: usize,
    blocks: usize,
    kind: Kind,
    packing: WordPacking,
    clipped: [ClippedWindows; 2],
    planes: Planes,
    entry: Compiled<Row<'static>>,
    sums: Compiled<Row<'static>>,
}

impl WindowedBytes {
    /// Depthwise convolution: every channel is a group of its own, with one output.
    pub fn depthwise(set: InstructionSet, [batch, channels]: [usize; 2], window: &Window) -> Self {
        let axes = window.axes.map(PoolAxis::Sliding);
        let shape = PoolShape { batch, channels, input: window.input, output: window.output, axes };
        Self::new(set, shape, Kind::Weighted, window.area())
    }

    /// Pooling by the largest or by the mean; `None` of another.
    pub fn pooling(set: InstructionSet, shape: PoolShape, pooling: Pooling) -> Option<Self> {
        let kind = match pooling {
            Pooling::Max => Kind::Largest,
            Pooling::Mean(divisor) => Kind::Mean(divisor),
            Pooling::Softmax => return None,
        };
        Some(Self::new(set, shape, kind, 0))
    }

    fn new(set: InstructionSet, shape: PoolShape, kind: Kind, area: usize) -> Self {
        let clipped = [0, 1].map(|axis| ClippedWindows::new(&shape.axes[axis], shape.output[axis], shape.input[axis]));
        let (lanes, [height, width]) = (set.lanes(), shape.output);
        let blocks = shape.channels.div_ceil(lanes);
        let elements = |axis: usize| clipped[axis].windows.iter().map(|window| window.count).sum::<usize>();
        let planes = Planes::new([shape.batch, blocks], height, (elements(0) * elements(1)).max(height * width));
        let packing = WordPacking::of_channels(lanes, shape.channels, area);
        let (entry, sums) = match kind {
            Kind::Weighted => (entry::<Rows<Weighted>>(set), entry::<Rows<Weighted>>(set)),
            Kind::Largest => (entry::<Rows<Largest>>(set), entry::<Rows<Largest>>(set)),
            Kind::Mean(_) => (entry::<Rows<Summed>>(set), entry::<Rows<Summed>>(set)),
        };
        Self { shape, lanes, blocks, kind, packing, clipped, planes, entry, sums }
    }

    /// Words of the packed weights, with what lies behind them; none for pooling.
    pub fn packed_length(&self) -> usize {
        match self.kind {
            Kind::Weighted => self.blocks * (self.packing.block_length() + 2 * self.lanes),
            Kind::Largest | Kind::Mean(_) => 0,
        }
    }

    /// Packs weights `[channels, 1, kernel height, kernel width]`.
    pub fn pack(&self, pool: &Pool, weights: &[f32], into: &mut [f32]) {
        self.packing.pack(pool, weights, into);
    }

    /// Floats of scratch that `run` needs for every thread: a row's sums, where they are finished apart.
    pub fn workspace_length(&self) -> usize {
        if self.kind == Kind::Weighted { self.shape.output[1] * self.lanes } else { 0 }
    }

    /// Runs over images of bytes in blocks.
    ///
    /// # Safety
    /// The call's input and output are images of the shape that the kernel was told, its weights what `pack` wrote, bias,
    /// residual and workspace as [`KernelCall`] says; and the output overlaps nothing but, in its own place, the residual.
    pub unsafe fn run(&self, pool: &Pool, call: &KernelCall<'_>) {
        let Some(bytes) = call.bytes else { return };
        let [height, width] = self.shape.output;
        let plane = self.shape.input[0] * self.shape.input[1] * self.lanes / 4;
        let (in_block, out_words) = (self.packing.block_length(), call.output_words(self.lanes));
        self.planes.run(pool, |part| {
            // SAFETY: the call is as `run` asks: weights, their scales and sums, and bias cover the block; no other part writes
            // these rows, and scratch is the worker's own.
            unsafe {
                let apart = call.is_finished_apart();
                let ending = self.ending(&bytes.scales, call, part.block, apart);
                let scratch = call.scratch(part.worker, self.workspace_length());
                for row in part.rows.clone() {
                    let pixel = row * width;
                    let at = (part.block * height * width + pixel) * out_words;
                    let arguments = Row {
                        clipped: &self.clipped,
                        image: call.input.at(part.image, part.block * plane).cast(),
                        image_width: self.shape.input[1],
                        weights: call.weights_at(part.block * in_block),
                        zero: bytes.scales.input.zero(),
                        scales: bytes.scales,
                        divide: matches!(self.kind, Kind::Mean(_)).then_some(self),
                        ending: ending.as_ref(),
                        row,
                        columns: 0..width,
                        output: if apart { scratch } else { call.output.at(part.image, at) },
                        output_step: if apart { self.lanes } else { out_words },
                        residual: if apart { std::ptr::null() } else { call.residual_at(part.image, at) },
                    };
                    let entry = if apart { self.sums } else { self.entry };
                    // The kernel does not keep its arguments, so that their lifetime may be called static for the call.
                    entry(std::mem::transmute::<&Row<'_>, &Row<'static>>(&arguments));
                    if apart {
                        call.finish_apart(part.worker, [part.image, part.block, pixel], scratch, at, width);
                    } else {
                        call.finish(part.worker, [part.image, part.block, pixel], at, width);
                    }
                }
            }
        });
    }

    /// # Safety
    /// The call's weights are those that `pack` wrote, and its bias covers the block.
    unsafe fn ending(&self, of: &Scales, call: &KernelCall<'_>, block: usize, apart: bool) -> Option<BlockEnding> {
        if self.kind != Kind::Weighted {
            return None;
        }
        let first = block * self.lanes;
        let behind = self.blocks * self.packing.block_length();
        let packed = [behind, behind + self.blocks * self.lanes].map(|start| call.weights_at(start + first));
        // SAFETY: the caller promises packed weights and a bias that covers the block.
        Some(unsafe { BlockEnding::new(of, packed, call.bias_at(first), call.limits, self.lanes, apart) })
    }

    /// What the sum of a window's bytes is divided by.
    fn divisor(&self, row: usize, column: usize, windows: [&ClippedWindow; 2]) -> f32 {
        let Kind::Mean(divisor) = self.kind else { return 1.0 };
        let spans = windows.map(|window| (window.first, 1, window.count));
        divisor.of(&self.shape.axes, [row, column], self.shape.input, spans) as f32
    }
}

/// A row of output of one block of channels.
struct Row<'a> {
    clipped: &'a [ClippedWindows; 2],
    /// `[height][width][LANES]`.
    image: *const u8,
    image_width: usize,
    /// `[window][LANES]`.
    weights: *const f32,
    /// The byte that stands for 0 in the image.
    zero: u8,
    scales: Scales,
    /// Who says what means are divided by.
    divide: Option<&'a WindowedBytes>,
    ending: Option<&'a BlockEnding>,
    row: usize,
    columns: Range<usize>,
    output: *mut f32,
    output_step: usize,
    residual: *const f32,
}

/// What is done to the bytes of a window.
trait Operation {
    /// Whether there are weights.
    const WEIGHTED: bool;
    fn step<I: Integers>(sum: I, bytes: I, weight: I) -> I;
}

struct Weighted;
struct Largest;
struct Summed;

impl Operation for Weighted {
    const WEIGHTED: bool = true;
    #[inline(always)]
    fn step<I: Integers>(sum: I, bytes: I, weight: I) -> I {
        sum.multiply_add(bytes, weight)
    }
}

impl Operation for Largest {
    const WEIGHTED: bool = false;
    #[inline(always)]
    fn step<I: Integers>(sum: I, bytes: I, _: I) -> I {
        sum.max(bytes)
    }
}

impl Operation for Summed {
    const WEIGHTED: bool = false;
    #[inline(always)]
    fn step<I: Integers>(sum: I, bytes: I, _: I) -> I {
        sum.add(bytes)
    }
}

struct Rows<O>(std::marker::PhantomData<O>);

/// Outputs that are computed side by side.
const PIXELS: usize = 6;

impl<O: Operation> IntegerKernel for Rows<O> {
    type Arguments = Row<'static>;

    #[inline(always)]
    unsafe fn run<I: Integers>(a: &Row<'static>) {
        let columns = &a.clipped[1];
        let mut column = a.columns.start;
        // SAFETY: the caller promises windows that are clipped to the image, and that the rest is whole.
        unsafe {
            while column < a.columns.end {
                let inside =
                    columns.inside.contains(&column) && column + PIXELS <= columns.inside.end.min(a.columns.end);
                if inside {
                    a.outputs::<I, O, PIXELS>(column);
                    column += PIXELS;
                } else {
                    a.outputs::<I, O, 1>(column);
                    column += 1;
                }
            }
        }
    }
}

impl Row<'_> {
    /// Some outputs side by side, whose windows have the same columns.
    ///
    /// # Safety
    /// Their windows are clipped to the image, and the rest is whole.
    #[inline(always)]
    unsafe fn outputs<I: Integers, O: Operation, const PIXELS: usize>(&self, column: usize) {
        let [rows, columns] = self.clipped;
        let (up, left) = (&rows.windows[self.row], &columns.windows[column]);
        let step = columns.stride * I::LANES;
        let mut sums = [I::splat(0); PIXELS];
        // SAFETY: the caller promises windows that lie in the image, and weights for the whole of one.
        unsafe {
            for y in 0..up.count {
                let line = self.image.add(((up.first + y * rows.dilation) * self.image_width + left.first) * I::LANES);
                let weights = match O::WEIGHTED {
                    true => self.weights.add(((up.skipped + y) * columns.kernel + left.skipped) * I::LANES),
                    false => self.weights,
                };
                for x in 0..left.count {
                    let weight = if O::WEIGHTED { I::load(weights.add(x * I::LANES)) } else { I::splat(0) };
                    let bytes = line.add(x * columns.dilation * I::LANES);
                    for pixel in 0..PIXELS {
                        sums[pixel] = O::step(sums[pixel], I::widen(bytes.add(pixel * step)), weight);
                    }
                }
            }
            if O::WEIGHTED {
                self.pad::<I, PIXELS>(up, left, &mut sums);
            }
            for (pixel, sum) in sums.into_iter().enumerate() {
                let at = (column + pixel) * self.output_step;
                self.end::<I, O>(sum, [up, &columns.windows[column + pixel]], column + pixel, at);
            }
        }
    }

    /// Adds what the zeros outside the image come to, which the ending takes for the whole window's.
    ///
    /// # Safety
    /// The weights are whole.
    #[inline(always)]
    unsafe fn pad<I: Integers, const PIXELS: usize>(
        &self,
        up: &ClippedWindow,
        left: &ClippedWindow,
        sums: &mut [I; PIXELS],
    ) {
        let kernels = [self.clipped[0].kernel, self.clipped[1].kernel];
        if self.zero == 0 || [up.count, left.count] == kernels {
            return;
        }
        let zero = I::splat(i32::from(self.zero));
        for y in 0..kernels[0] {
            for x in 0..kernels[1] {
                let is_in =
                    |at: usize, window: &ClippedWindow| (window.skipped..window.skipped + window.count).contains(&at);
                if !(is_in(y, up) && is_in(x, left)) {
                    // SAFETY: the caller promises weights for the whole window.
                    let weight = unsafe { I::load(self.weights.add((y * kernels[1] + x) * I::LANES)) };
                    sums.iter_mut().for_each(|sum| *sum = sum.multiply_add(zero, weight));
                }
            }
        }
    }

    /// # Safety
    /// The output has room at that place, and the residual is like it, or null.
    #[inline(always)]
    unsafe fn end<I: Integers, O: Operation>(&self, sum: I, windows: [&ClippedWindow; 2], column: usize, at: usize) {
        // SAFETY: the caller promises room for a block of a pixel.
        unsafe {
            let to = self.output.add(at);
            if let Some(ending) = self.ending {
                let mut value = ending.of_block::<I>(0).number(sum);
                if !self.residual.is_null() {
                    value = ending.with_residual::<I>(value, self.residual.add(at));
                }
                return ending.store::<I>(value, to);
            }
            let Some(divide) = self.divide else { return sum.narrow(to.cast()) };
            // The mean of numbers: every element of the window has the input's zero.
            let count = (windows[0].count * windows[1].count) as f32;
            let (input, divisor) = (self.scales.input, divide.divisor(self.row, column, windows));
            let factor = input.scale() / divisor;
            let shift = f32::from(input.zero()) * count * factor;
            let splat = |number: f32| I::Floats::splat(number);
            match self.scales.output {
                None => I::fused(sum.floats(), splat(factor), splat(-shift)).store(to),
                Some(output) => {
                    let addend = f32::from(output.zero()) - shift / output.scale();
                    I::store_bytes(I::fused(sum.floats(), splat(factor / output.scale()), splat(addend)), to.cast());
                }
            }
        }
    }
}
