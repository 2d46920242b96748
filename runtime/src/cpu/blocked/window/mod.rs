//! Depthwise convolution and pooling: every channel on its own, so a vector of channels at a time with no broadcast.

mod rows;

use crate::cpu::blocked::buffer::{Buffer, Shared};
use crate::cpu::blocked::direct::pack_bias;
use crate::cpu::blocked::epilogue::Epilogue;
use crate::cpu::blocked::pool::Pool;
use crate::cpu::blocked::shape::Window;
use crate::cpu::blocked::vector::{Entry, InstructionSet};
use rows::{Maximum, RowArguments, Rows, Sum, WeightedSum, elements};
use std::ops::Range;

/// Multiply-adds (or comparisons) that a task has at least, in vectors.
const TASK_VECTORS: usize = 20_000;

/// What a window computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooling {
    /// The largest element; padding never is.
    Max,
    /// The mean over the window, padding counted as zeros (PyTorch's `count_include_pad=True`); what a ceiling lets
    /// reach past the padding is not counted.
    MeanWithPadding,
    /// The mean over the elements that exist.
    Mean,
}

/// Depthwise convolution or pooling over blocked channels.
pub struct Windowed {
    window: Window,
    lanes: usize,
    batch: usize,
    blocks: usize,
    /// `[blocks][window][LANES]`; empty for pooling.
    weights: Buffer,
    bias: Buffer,
    /// Factor of every row and of every column of output.
    scales: [Vec<f32>; 2],
    existing: [Vec<Range<usize>>; 2],
    inside: Range<usize>,
    /// Rows of output in a task.
    rows: usize,
    entry: Entry<RowArguments<'static>>,
}

impl Windowed {
    /// Depthwise convolution: `weights` `[channels, 1, kernel height, kernel width]`, `bias` `[channels]`.
    pub fn depthwise(
        set: InstructionSet,
        [batch, channels]: [usize; 2],
        window: Window,
        weights: &[f32],
        bias: &[f32],
    ) -> Self {
        let (lanes, area) = (set.lanes(), window.area());
        assert_eq!(weights.len(), channels * area);
        let mut packed = Buffer::zeros(channels.next_multiple_of(lanes) * area);
        for (channel, filter) in weights.chunks_exact(area).enumerate() {
            for (element, weight) in filter.iter().enumerate() {
                packed[(channel / lanes * area + element) * lanes + channel % lanes] = *weight;
            }
        }
        let scales = window.output().map(|size| vec![1.0; size]);
        let mut windowed = Self::new(set, [batch, channels], window, scales, set.entry::<Rows<WeightedSum>>());
        windowed.weights = packed;
        windowed.bias = pack_bias(channels, lanes, bias);
        windowed
    }

    /// Pooling of `[batch, channels]` images.
    pub fn pooling(set: InstructionSet, [batch, channels]: [usize; 2], window: Window, pooling: Pooling) -> Self {
        let counts = |axis: usize| {
            let count = |at: usize| match pooling {
                Pooling::Max => 1,
                Pooling::Mean => elements(&window, axis, at).len(),
                Pooling::MeanWithPadding => {
                    let end = window.input[axis] + 2 * window.padding[axis];
                    let left = end.saturating_sub(at * window.stride[axis]).div_ceil(window.dilation[axis]);
                    window.kernel_size[axis].min(left)
                }
            };
            (0..window.output()[axis]).map(|at| 1.0 / count(at).max(1) as f32).collect()
        };
        let entry = match pooling {
            Pooling::Max => set.entry::<Rows<Maximum>>(),
            Pooling::Mean | Pooling::MeanWithPadding => set.entry::<Rows<Sum>>(),
        };
        Self::new(set, [batch, channels], window, [counts(0), counts(1)], entry)
    }

    fn new(
        set: InstructionSet,
        [batch, channels]: [usize; 2],
        window: Window,
        scales: [Vec<f32>; 2],
        entry: Entry<RowArguments<'static>>,
    ) -> Self {
        let lanes = set.lanes();
        let [height, width] = window.output();
        let whole = |at: &usize| elements(&window, 1, *at) == (0..window.kernel_size[1]);
        let start = (0..width).find(whole).unwrap_or(width);
        let end = (start..width).find(|at| !whole(at)).unwrap_or(width);
        let rows = TASK_VECTORS.div_ceil(width * window.area()).clamp(1, height);
        Self {
            window,
            lanes,
            batch,
            blocks: channels.div_ceil(lanes),
            weights: Buffer::zeros(0),
            bias: Buffer::zeros(channels.next_multiple_of(lanes)),
            scales,
            existing: [0, 1].map(|axis| (0..window.output()[axis]).map(|at| elements(&window, axis, at)).collect()),
            inside: start..end,
            rows,
            entry,
        }
    }

    /// Runs over blocked `input` into blocked `output`.
    pub fn run(&self, pool: &Pool, input: &[f32], output: &mut [f32], epilogue: &Epilogue<'_>) {
        let [height, width] = self.window.output();
        let planes = self.batch * self.blocks;
        let input_plane = self.window.input[0] * self.window.input[1] * self.lanes;
        let output_plane = height * width * self.lanes;
        assert_eq!(input.len(), planes * input_plane);
        assert_eq!(output.len(), planes * output_plane);
        epilogue.check(output.len());
        let output = Shared::new(output);
        let bands = height.div_ceil(self.rows);
        let body = |task: usize, _: usize| {
            let (plane, row) = (task / bands, task % bands * self.rows);
            let rows = row..height.min(row + self.rows);
            let at = plane * output_plane + row * width * self.lanes;
            let block = plane % self.blocks;
            let weights = block * self.window.area() * self.lanes;
            let arguments = RowArguments {
                window: &self.window,
                image: input[plane * input_plane..][..input_plane].as_ptr(),
                weights: self.weights.get(weights..).unwrap_or_default().as_ptr(),
                bias: self.bias[block * self.lanes..].as_ptr(),
                scales: [&self.scales[0], &self.scales[1]],
                // SAFETY: the rows lie in the output, whose length was checked.
                output: unsafe { output.at(at) },
                residual: epilogue.residual_at(at),
                limits: epilogue.limits,
                rows: rows.clone(),
                existing: [&self.existing[0], &self.existing[1]],
                inside: self.inside.clone(),
            };
            // SAFETY: image, weights, bias and scales are whole, and no other task writes these rows. The kernel does
            // not keep its arguments, so that their lifetime may be called static for the call.
            unsafe {
                (self.entry)(std::mem::transmute::<&RowArguments<'_>, &RowArguments<'static>>(&arguments));
                epilogue.run_finish(plane, at, output.at(at), rows.len() * width * self.lanes);
            }
        };
        let vectors = planes * height * width * self.window.area();
        if vectors < 2 * TASK_VECTORS {
            (0..planes * bands).for_each(|task| body(task, 0))
        } else {
            pool.run(planes * bands, &body)
        }
    }
}
