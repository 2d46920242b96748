//! Depthwise convolution and pooling: every channel on its own, so a vector of channels at a time with no broadcast.

mod rows;
mod span;

use crate::cpu::blocked::buffer::Shared;
use crate::cpu::blocked::call::Call;
use crate::cpu::blocked::pool::Pool;
use crate::cpu::blocked::shape::Window;
use crate::cpu::blocked::vector::{Entry, InstructionSet};
use cnnc_compiler::kernels::{Divisor, PoolAxis, Pooling};
use rows::{Maximum, RowArguments, Rows, Sum, WeightedSum};
use span::Spans;

/// Multiply-adds (or comparisons) that a task has at least, in vectors.
const TASK_VECTORS: usize = 20_000;

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
    spans: [Spans; 2],
    /// Rows of output in a task.
    rows: usize,
    /// Whether the work is too little for several threads.
    alone: bool,
    entry: Entry<RowArguments<'static>>,
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

    /// Pooling, of which only the largest and the mean.
    pub fn pooling(set: InstructionSet, shape: PoolShape, pooling: Pooling) -> Self {
        let entry = match pooling {
            Pooling::Max => set.entry::<Rows<Maximum>>(),
            Pooling::Mean(_) => set.entry::<Rows<Sum>>(),
            Pooling::Softmax => panic!("softmax is not pooled here"),
        };
        Self::new(set, shape, [0, 1].map(|axis| scales(&shape, pooling, axis)), entry)
    }

    fn new(set: InstructionSet, shape: PoolShape, scales: [Vec<f32>; 2], entry: Entry<RowArguments<'static>>) -> Self {
        let spans = [0, 1].map(|axis| Spans::new(&shape.axes[axis], shape.output[axis], shape.input[axis]));
        let [height, width] = shape.output;
        let blocks = shape.channels.div_ceil(set.lanes());
        let elements = |axis: usize| spans[axis].spans.iter().map(|span| span.count).sum::<usize>();
        let plane = elements(0) * elements(1);
        let rows = (TASK_VECTORS * height).div_ceil(plane.max(width).max(1)).clamp(1, height.max(1));
        let alone = shape.batch * blocks * plane < 2 * TASK_VECTORS;
        Self { shape, lanes: set.lanes(), blocks, area: 0, scales, spans, rows, alone, entry }
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
    /// The call's input and output are images of the shape that the kernel was told, its weights `packed_length` floats that `pack`
    /// wrote, bias and residual as [`Call`] says; and the output overlaps nothing but, in its own place, the residual.
    pub unsafe fn run(&self, pool: &Pool, call: &Call<'_>) {
        let [height, width] = self.shape.output;
        let input_plane = self.shape.input[0] * self.shape.input[1] * self.lanes;
        let bands = height.div_ceil(self.rows);
        let body = |task: usize, worker: usize| {
            let (image, block) = (task / bands / self.blocks, task / bands % self.blocks);
            let first = task % bands * self.rows;
            let rows = first..height.min(first + self.rows);
            let at = (block * height + first) * width * self.lanes;
            let arguments = RowArguments {
                spans: &self.spans,
                image: call.input.at(image, block * input_plane),
                image_width: self.shape.input[1],
                weights: call.weights_at(block * self.area * self.lanes),
                bias: call.bias_at(block * self.lanes),
                scales: &self.scales,
                output: call.output.at(image, at),
                residual: call.residual_at(image, at),
                limits: call.limits,
                rows: rows.clone(),
            };
            // SAFETY: image, weights, bias and scales are whole, and no other task writes these rows. The kernel does
            // not keep its arguments, so that their lifetime may be called static for the call.
            unsafe {
                (self.entry)(std::mem::transmute::<&RowArguments<'_>, &RowArguments<'static>>(&arguments));
                call.finish(worker, [image, block, first * width], at, rows.len() * width);
            }
        };
        let tasks = self.shape.batch * self.blocks * bands;
        if self.alone { (0..tasks).for_each(|task| body(task, 0)) } else { pool.run(tasks, &body) }
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
