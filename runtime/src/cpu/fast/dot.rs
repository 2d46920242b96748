//! A few rows times a large transposed matrix, as a fully connected layer has it at a small batch: bound by reading the matrix once.

use super::level::vectorised;
use super::map::Elementwise;
use super::memory::{Memory, Place};
use super::{Cost, Tasks, Workspace};
use cnnc_compiler::plan::View;

/// The most rows for which dot products beat the packing of a general product.
pub const MOST_ROWS: usize = 4;
/// Elements of the matrix that a task reads.
const TASK: usize = 1 << 16;
/// Sums that a dot product keeps apart, so that additions do not wait for each other.
const SUMS: usize = 64;

/// `a[M, K]` times the transpose of `b[P, K]`.
pub struct Dot {
    a: Place,
    b: Place,
    output: Place,
    /// M, P, K.
    sizes: [usize; 3],
    /// Elements from row to row of a, b and the output.
    strides: [usize; 3],
    finish: Option<Elementwise>,
}

impl Dot {
    /// Operands with dense rows of any distance.
    pub fn new(a: &View, b: &View, output: &View, finish: Option<Elementwise>) -> Dot {
        Dot {
            a: Place::of(a),
            b: Place::of(b),
            output: Place::of(output),
            sizes: [a.shape[0], b.shape[0], a.shape[1]],
            strides: [a.strides[0], b.strides[0], output.strides[0]],
            finish,
        }
    }

    /// Rows of `b` that a task takes.
    fn per_task(&self) -> usize {
        (TASK / self.sizes[2].max(1)).clamp(8, 1024)
    }
}

impl Tasks for Dot {
    fn tasks(&self) -> usize {
        self.sizes[1].div_ceil(self.per_task())
    }

    fn cost(&self) -> Cost {
        let [rows, columns, depth] = self.sizes;
        Cost { operations: 2 * rows * columns * depth, elements: columns * depth }
    }

    unsafe fn run(&self, task: usize, memory: &Memory, workspace: &mut Workspace) {
        let [rows, columns, depth] = self.sizes;
        let (first, last) = (task * self.per_task(), ((task + 1) * self.per_task()).min(columns));
        // SAFETY: the plan was checked: all of this lies inside the views, and tasks write distinct columns.
        unsafe {
            for column in first..last {
                let b = memory.lane(self.b, column * self.strides[1], 1).slice(depth);
                for row in 0..rows {
                    let a = memory.lane(self.a, row * self.strides[0], 1).slice(depth);
                    let output = memory.lane(self.output, row * self.strides[2] + column, 1).slice_mut(1);
                    dot(a, b, &mut output[0]);
                }
            }
            if let Some(finish) = &self.finish {
                (0..rows).for_each(|row| finish.run(memory, row, first, last, workspace));
            }
        }
    }
}

vectorised! {
    /// The sum of products.
    fn dot(a: &[f32], b: &[f32], output: &mut f32) {
        let (a_blocks, a_rest) = a.as_chunks::<SUMS>();
        let (b_blocks, b_rest) = b.as_chunks::<SUMS>();
        let mut sums = [0.0f32; SUMS];
        for (a, b) in a_blocks.iter().zip(b_blocks) {
            for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
                *sum += a * b;
            }
        }
        for ((sum, a), b) in sums.iter_mut().zip(a_rest).zip(b_rest) {
            *sum += a * b;
        }
        *output = total(sums);
    }
}

/// The sum of all, halving again and again: a fixed order that vectors do well.
#[inline(always)]
pub fn total(mut sums: [f32; SUMS]) -> f32 {
    let mut half = SUMS / 2;
    while half > 0 {
        let (low, high) = sums.split_at_mut(half);
        low.iter_mut().zip(high).for_each(|(low, high)| *low += *high);
        half /= 2;
    }
    sums[0]
}
