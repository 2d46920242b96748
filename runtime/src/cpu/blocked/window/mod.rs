//! Depthwise convolution and pooling: every channel on its own, so a vector of channels at a time with no broadcast.

pub(crate) mod clipped;
mod rows;
mod run;
mod softmax;

use crate::cpu::blocked::buffer::Shared;
use crate::cpu::blocked::call::KernelCall;
use crate::cpu::blocked::cost;
use crate::cpu::blocked::epilogue::BlockEpilogue;
use crate::cpu::blocked::planes::Planes;
use crate::cpu::blocked::pool::Pool;
use crate::cpu::blocked::reduce::Reduce;
use crate::cpu::blocked::shape::Window;
use crate::cpu::blocked::vector::{Compiled, InstructionSet};
use clipped::{ClippedWindow, ClippedWindows};
use cnnc_compiler::kernels::{Divisor, PoolAxis, Pooling, Reduction};
use rows::{Maximum, RowArguments, Rows, Sum, WeightedSum};
use softmax::Softmax;

/// Sizes of a pooling.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PoolShape {
    /// Images.
    pub batch: usize,
    /// Channels.
    pub channels: usize,
    /// Height and width of the input.
    pub input: [usize; 2],
    /// Height and width of the output.
    pub output: [usize; 2],
    /// How the windows lie along height and width.
    pub axes: [PoolAxis; 2],
}

/// Depthwise convolution or pooling over blocked channels: where its windows lie, and how its work is cut.
pub struct Windowed {
    shape: PoolShape,
    lanes: usize,
    blocks: usize,
    /// Elements of a window with weights; 0 for pooling.
    area: usize,
    /// Factor of every row and of every column of output.
    scales: [Vec<f32>; 2],
    clipped: [ClippedWindows; 2],
    planes: Planes,
    /// Rows of the image to bring near for the next row of output: its steps, where the images come from memory; else 0.
    ahead: usize,
    /// Does the work instead where the one window is the whole image.
    whole: Option<Reduce>,
    entry: Compiled<RowArguments<'static>>,
}

impl Windowed {
    /// Depthwise convolution: every channel is a group of its own, with one output.
    pub fn depthwise(set: InstructionSet, [batch, channels]: [usize; 2], window: &Window) -> Self {
        let axes = window.axes.map(PoolAxis::Sliding);
        let shape = PoolShape { batch, channels, input: window.input, output: window.output, axes };
        let scales = window.output.map(|size| vec![1.0; size]);
        let windowed = Self::new(set, shape, scales, set.entry::<Rows<WeightedSum>>());
        Self { area: window.area(), ..windowed }
    }

    /// Pooling.
    pub fn pooling(set: InstructionSet, shape: PoolShape, pooling: Pooling) -> Self {
        let entry = match pooling {
            Pooling::Max => set.entry::<Rows<Maximum>>(),
            Pooling::Mean(_) => set.entry::<Rows<Sum>>(),
            Pooling::Softmax => set.entry::<Softmax>(),
        };
        let mut windowed = Self::new(set, shape, [0, 1].map(|axis| scales(&shape, pooling, axis)), entry);
        let all = |axis: usize| {
            windowed.clipped[axis].windows == [ClippedWindow { first: 0, skipped: 0, count: shape.input[axis] }]
                && (shape.input[axis] == 1 || windowed.clipped[axis].dilation == 1)
        };
        let reduction = match pooling {
            Pooling::Max => Some((Reduction::Max, 1.0)),
            Pooling::Mean(_) => {
                windowed.scales[0].iter().zip(&windowed.scales[1]).map(|(a, b)| (Reduction::Sum, a * b)).next()
            }
            Pooling::Softmax => None,
        };
        if let Some((reduction, factor)) = reduction.filter(|_| all(0) && all(1)) {
            let pixels = shape.input[0] * shape.input[1];
            windowed.whole = Some(Reduce::new(set, [shape.batch, shape.channels], pixels, reduction, factor));
        }
        windowed
    }

    fn new(
        set: InstructionSet,
        shape: PoolShape,
        scales: [Vec<f32>; 2],
        entry: Compiled<RowArguments<'static>>,
    ) -> Self {
        let clipped = [0, 1].map(|axis| ClippedWindows::new(&shape.axes[axis], shape.output[axis], shape.input[axis]));
        let (lanes, [height, width]) = (set.lanes(), shape.output);
        let blocks = shape.channels.div_ceil(lanes);
        let elements = |axis: usize| clipped[axis].windows.iter().map(|window| window.count).sum::<usize>();
        let planes = Planes::new([shape.batch, blocks], height, (elements(0) * elements(1)).max(height * width));
        let bytes = 4 * shape.batch * blocks * lanes * shape.input[0] * shape.input[1];
        // Steps of one are read fast enough as they come.
        let ahead = if bytes > cost::LAST_CACHE_BYTES / 2 && clipped[0].stride > 1 { clipped[0].stride } else { 0 };
        Self { shape, lanes, blocks, area: 0, scales, clipped, planes, ahead, whole: None, entry }
    }

    /// Floats of the packed weights: `⌈channels / LANES⌉ · LANES · area`; none for pooling.
    pub fn packed_length(&self) -> usize {
        self.blocks * self.area * self.lanes
    }

    /// Packs `weights` `[channels, 1, kernel height, kernel width]` into `packed_length` floats `[blocks][window][LANES]`.
    pub fn pack(&self, pool: &Pool, weights: &[f32], into: &mut [f32]) {
        assert_eq!(into.len(), self.packed_length());
        assert_eq!(weights.len(), self.shape.channels * self.area);
        let (lanes, length, target) = (self.lanes, self.area * self.lanes, Shared::new(into));
        pool.run(self.blocks, &|block, _| {
            // SAFETY: every task has a block of its own, inside `into` by the assertion above.
            let into = unsafe { std::slice::from_raw_parts_mut(target.at(block * length), length) };
            into.fill(0.0);
            for (lane, filter) in weights.chunks_exact(self.area).skip(block * lanes).take(lanes).enumerate() {
                for (weight, vector) in filter.iter().zip(into.chunks_exact_mut(lanes)) {
                    vector[lane] = *weight;
                }
            }
        });
    }

    /// Runs over blocked images; without workspace.
    ///
    /// # Safety
    /// The call's input and output are images of the shape that the kernel was told, its weights `packed_length` floats that
    /// `pack` wrote, bias and residual as [`KernelCall`] says; and the output overlaps nothing but, in its own place, the
    /// residual.
    pub unsafe fn run(&self, pool: &Pool, call: &KernelCall<'_>) {
        if let Some(whole) = &self.whole {
            // SAFETY: `whole` was told the same shape, and the caller promises images of it.
            return unsafe { whole.run(pool, call) };
        }
        let [height, width] = self.shape.output;
        let input_plane = self.shape.input[0] * self.shape.input[1] * self.lanes;
        self.planes.run(pool, |part| {
            let pixel = part.rows.start * width;
            let at = (part.block * height * width + pixel) * self.lanes;
            let pixels = part.rows.len() * width;
            let arguments = RowArguments {
                clipped: &self.clipped,
                image: call.input.at(part.image, part.block * input_plane),
                image_width: self.shape.input[1],
                weights: call.weights_at(part.block * self.area * self.lanes),
                scales: &self.scales,
                output: call.output.at(part.image, at),
                residual: call.residual_at(part.image, at),
                epilogue: BlockEpilogue::of(call, part.block, self.lanes),
                rows: part.rows,
                ahead: self.ahead,
            };
            // SAFETY: image, weights, bias and scales are whole, and no other part writes these rows. The kernel does
            // not keep its arguments, so that their lifetime may be called static for the call.
            unsafe {
                (self.entry)(std::mem::transmute::<&RowArguments<'_>, &RowArguments<'static>>(&arguments));
                call.finish(part.worker, [part.image, part.block, pixel], at, pixels);
            }
        });
    }
}

/// What every row (axis 0) or column (axis 1) of output contributes to the factor of its sums.
fn scales(shape: &PoolShape, pooling: Pooling, axis: usize) -> Vec<f32> {
    let elements = |at: usize| shape.axes[axis].elements(at, shape.output[axis], shape.input[axis]).2;
    let divisor = |at: usize| match (pooling, shape.axes[axis]) {
        (Pooling::Max | Pooling::Softmax, _) => 1.0,
        (Pooling::Mean(Divisor::Fixed(number)), _) => [number, 1.0][axis],
        (Pooling::Mean(Divisor::Padded { after }), PoolAxis::Sliding(window)) => {
            let room = window.before + shape.input[axis] + after[axis];
            room.saturating_sub(at * window.stride).div_ceil(window.dilation).min(window.kernel) as f64
        }
        (Pooling::Mean(_), _) => elements(at) as f64,
    };
    (0..shape.output[axis]).map(|at| (1.0 / divisor(at)) as f32).collect()
}
