//! Pooling: rows of a window are combined first, along whole image rows, and then the columns of each window.

use super::math;
use super::memory::{Address, Memory};
use super::reduce::of_run;
use super::tasks::{Cost, Tasks, Workspace};
use crate::cpu::windows::Windows;
use crate::level::vectorised;
use cnnc_compiler::kernels::{PoolAxis, Pooling, Reduction};
use cnnc_compiler::plan::View;

/// Elements that a task reads.
const TASK: usize = 1 << 13;

/// Pooling over the last two axes.
pub struct Pool {
    input: Address,
    output: Address,
    /// Images, planes of an image.
    outer: [usize; 2],
    /// Steps from image to image: of the input, of the output.
    images: [usize; 2],
    /// Elements from row to row: of the input, of the output.
    row_strides: [usize; 2],
    /// Rows from plane to plane: of the input, of the output. Planes of an image follow each other without a gap.
    heights: [usize; 2],
    /// Width of the input.
    width: usize,
    windows: Windows,
    /// Whether the windows are pairs of columns, one after the other.
    pairs: bool,
    /// How a window's elements are combined where they follow each other: windows are as wide as the image.
    run: Option<Reduction>,
    pooling: Pooling,
}

impl Pool {
    /// `x[.., H, W]`, dense from axis 1.
    pub fn new(x: &View, output: &View, axes: [PoolAxis; 2], pooling: Pooling) -> Pool {
        let rank = output.shape.len();
        let counts = [output.shape[rank - 2], output.shape[rank - 1]];
        let sizes = [x.shape[rank - 2], x.shape[rank - 1]];
        let windows = Windows::new(&axes, sizes, counts, &pooling);
        let is_run = windows.spans[1] == [(0, 1, sizes[1])]
            && windows.spans[0].iter().all(|span| span.1 == 1)
            && x.strides[rank - 2] == sizes[1];
        let reduction = match pooling {
            Pooling::Max => Some(Reduction::Max),
            Pooling::Mean(_) => Some(Reduction::Sum),
            Pooling::Softmax => None,
        };
        // Axis 0 alone may have gaps; with two axes it is the rows themselves.
        let images = if rank > 2 { [x.strides[0], output.strides[0]] } else { [0, 0] };
        Pool {
            input: Address::of(x),
            output: Address::of(output),
            outer: if rank > 2 { [x.shape[0], x.shape[1..rank - 2].iter().product()] } else { [1, 1] },
            images,
            row_strides: [x.strides[rank - 2], output.strides[rank - 2]],
            heights: [sizes[0], counts[0]],
            width: sizes[1],
            pairs: windows.spans[1].iter().enumerate().all(|(at, &span)| span == (2 * at, 1, 2)),
            run: reduction.filter(|_| is_run),
            windows,
            pooling,
        }
    }

    /// Output rows of a task.
    fn per_task(&self) -> usize {
        (TASK / (self.row_elements() + 1)).max(1)
    }

    /// Elements that the first row of windows reads.
    fn row_elements(&self) -> usize {
        self.windows.spans[0].first().map_or(0, |span| span.2) * self.width
    }

    fn rows(&self) -> usize {
        self.outer[0] * self.outer[1] * self.windows.spans[0].len()
    }

    unsafe fn row(&self, row: usize, memory: &Memory, workspace: &mut Workspace) {
        let (plane, y) = (row / self.windows.spans[0].len(), row % self.windows.spans[0].len());
        let (image, plane) = (plane / self.outer[1], plane % self.outer[1]);
        let (first, step, number) = self.windows.spans[0][y];
        let columns = &self.windows.spans[1];
        let from = image * self.images[0] + (plane * self.heights[0] + first) * self.row_strides[0];
        let to = image * self.images[1] + (plane * self.heights[1] + y) * self.row_strides[1];
        // SAFETY: the plan was checked: these rows lie inside the views, and each row of the output is written once.
        unsafe {
            let source =
                |index: usize| memory.lane(self.input, from + index * step * self.row_strides[0], 1).slice(self.width);
            let output = memory.lane(self.output, to, 1).slice_mut(columns.len());
            if let Some(reduction) = self.run {
                let run = memory.lane(self.input, from, 1).slice(number * self.width);
                output[0] = of_run(reduction, run) * self.windows.factors(y)[0];
                return;
            }
            let combined = Workspace::values(&mut workspace.values, self.width);
            match self.pooling {
                Pooling::Max if self.pairs && number == 2 => larger_of_squares(output, source(0), source(1)),
                Pooling::Mean(_) if self.pairs && number == 2 => {
                    means_of_squares(output, source(0), source(1), self.windows.factors(y));
                }
                Pooling::Max => {
                    combined.fill(f32::NEG_INFINITY);
                    (0..number).for_each(|index| take_larger(combined, source(index)));
                    for (out, &(first, step, number)) in output.iter_mut().zip(columns) {
                        *out = seen(combined, first, step, number).fold(f32::NEG_INFINITY, math::larger);
                    }
                }
                Pooling::Mean(_) => {
                    combined.fill(0.0);
                    (0..number).for_each(|index| add(combined, source(index)));
                    let factors = self.windows.factors(y);
                    for ((out, &(first, step, number)), factor) in output.iter_mut().zip(columns).zip(factors) {
                        *out = seen(combined, first, step, number).sum::<f32>() * factor;
                    }
                }
                Pooling::Softmax => {
                    for (out, &(first, step, columns)) in output.iter_mut().zip(columns) {
                        let elements = (0..number).flat_map(|index| seen(source(index), first, step, columns));
                        *out = softmax(elements);
                    }
                }
            }
        }
    }
}

impl Tasks for Pool {
    fn tasks(&self) -> usize {
        self.rows().div_ceil(self.per_task())
    }

    fn cost(&self) -> Cost {
        let elements = self.rows() * self.row_elements();
        let work = if self.pooling == Pooling::Softmax { 64 } else { 2 };
        Cost { operations: work * elements, elements }
    }

    unsafe fn run(&self, task: usize, memory: &Memory, workspace: &mut Workspace) {
        for row in task * self.per_task()..((task + 1) * self.per_task()).min(self.rows()) {
            // SAFETY: the caller promises the plan's memory; tasks take distinct rows.
            unsafe { self.row(row, memory, workspace) };
        }
    }
}

/// The elements of a row that a window sees.
fn seen(row: &[f32], first: usize, step: usize, number: usize) -> impl Iterator<Item = f32> + Clone {
    (0..number).map(move |index| row[first + index * step])
}

vectorised! {
    fn take_larger(into: &mut [f32], row: &[f32]) {
        into.iter_mut().zip(row).for_each(|(into, &value)| *into = math::larger(*into, value));
    }
}

vectorised! {
    fn add(into: &mut [f32], row: &[f32]) {
        into.iter_mut().zip(row).for_each(|(into, &value)| *into += value);
    }
}

vectorised! {
    fn larger_of_squares(into: &mut [f32], above: &[f32], below: &[f32]) {
        for ((into, above), below) in into.iter_mut().zip(above.chunks_exact(2)).zip(below.chunks_exact(2)) {
            *into = math::larger(math::larger(above[0], below[0]), math::larger(above[1], below[1]));
        }
    }
}

vectorised! {
    fn means_of_squares(into: &mut [f32], above: &[f32], below: &[f32], factors: &[f32]) {
        let rows = above.chunks_exact(2).zip(below.chunks_exact(2));
        for ((into, (above, below)), factor) in into.iter_mut().zip(rows).zip(factors) {
            *into = ((above[0] + below[0]) + (above[1] + below[1])) * factor;
        }
    }
}

/// `Σ x·eˣ / Σ eˣ`, against the largest element so that nothing overflows.
fn softmax(elements: impl Iterator<Item = f32> + Clone) -> f32 {
    let largest = elements.clone().fold(f32::NEG_INFINITY, math::larger);
    let (top, bottom) = elements.fold((0.0, 0.0), |(top, bottom), value| {
        let weight = math::exp(value - largest);
        (top + value * weight, bottom + weight)
    });
    top / bottom
}
