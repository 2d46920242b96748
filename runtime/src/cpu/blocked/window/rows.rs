//! The kernel of windows: rows of output of one block of channels.
//!
//! Outputs whose windows lie inside the image are done along rows, those at the left and right edge down columns, in runs of
//! which all windows have the same elements; what is left, corners and windows at no regular steps, is done one by one.

use super::clipped::ClippedWindows;
use super::run::Run;
use crate::cpu::blocked::epilogue::{BlockEpilogue, LoadedEpilogue};
use crate::cpu::blocked::vector::{Kernel, Vector};
use std::marker::PhantomData;
use std::ops::Range;

/// What is done with the elements of a window.
pub(super) trait Operation {
    /// Whether elements are multiplied by weights.
    const WEIGHTED: bool;
    fn start<V: Vector>() -> V;
    fn step<V: Vector>(sum: V, value: V, weight: V) -> V;
}

pub(super) struct WeightedSum;
pub(super) struct Sum;
pub(super) struct Maximum;

impl Operation for WeightedSum {
    const WEIGHTED: bool = true;
    #[inline(always)]
    fn start<V: Vector>() -> V {
        V::zero()
    }
    #[inline(always)]
    fn step<V: Vector>(sum: V, value: V, weight: V) -> V {
        value.mul_add(weight, sum)
    }
}

impl Operation for Sum {
    const WEIGHTED: bool = false;
    #[inline(always)]
    fn start<V: Vector>() -> V {
        V::zero()
    }
    #[inline(always)]
    fn step<V: Vector>(sum: V, value: V, _: V) -> V {
        sum.add(value)
    }
}

impl Operation for Maximum {
    const WEIGHTED: bool = false;
    #[inline(always)]
    fn start<V: Vector>() -> V {
        V::splat(f32::NEG_INFINITY)
    }
    #[inline(always)]
    fn step<V: Vector>(sum: V, value: V, _: V) -> V {
        sum.max_or_nan(value)
    }
}

/// Some rows of one block of channels.
pub(super) struct RowArguments<'a> {
    /// The windows, along rows and along columns of output.
    pub(super) clipped: &'a [ClippedWindows; 2],
    /// `[height][width][LANES]`.
    pub(super) image: *const f32,
    /// Pixels of a row of the image.
    pub(super) image_width: usize,
    /// `[window][LANES]`; not read unless the operation is weighted.
    pub(super) weights: *const f32,
    /// Factors of the sum, one for every row and one for every column of output.
    pub(super) scales: &'a [Vec<f32>; 2],
    /// First row's output, `[rows][width][LANES]`.
    pub(super) output: *mut f32,
    /// Laid out as `output`, or null.
    pub(super) residual: *const f32,
    pub(super) epilogue: BlockEpilogue,
    /// Rows of output to do.
    pub(super) rows: Range<usize>,
    /// Rows of the image that a row of output reads and the one before did not, where the image comes from afar; else 0.
    pub(super) ahead: usize,
}

/// Outputs of one block of channels.
pub(super) struct Rows<O>(PhantomData<O>);

impl<O: Operation> Kernel for Rows<O> {
    type Arguments = RowArguments<'static>;

    #[inline(always)]
    unsafe fn run<V: Vector>(a: &RowArguments<'static>) {
        let columns = &a.clipped[1];
        // A dense tile holds eight sums, a row of weights and more: too much for few registers.
        let dense = V::ACCUMULATORS >= 24 && columns.dilation == 1;
        // SAFETY: the caller promises windows that are clipped to the image, and that the rest is whole.
        unsafe {
            match [columns.kernel, columns.stride] {
                [3, 1] if dense => a.compute::<V, O, 3, 1>(),
                [3, 2] if dense => a.compute::<V, O, 3, 2>(),
                [5, 1] if dense => a.compute::<V, O, 5, 1>(),
                [5, 2] if dense => a.compute::<V, O, 5, 2>(),
                _ => a.compute::<V, O, 0, 1>(),
            }
        }
    }
}

impl RowArguments<'_> {
    /// Computes the rows; `KERNEL` and `STRIDE` as for [`Run::compute`].
    ///
    /// # Safety
    /// Windows are clipped to the image, and the rest is whole.
    #[inline(always)]
    unsafe fn compute<V: Vector, O: Operation, const KERNEL: usize, const STRIDE: usize>(&self) {
        let [rows, columns] = self.clipped;
        let middle = rows.inside.start.max(self.rows.start)..rows.inside.end.min(self.rows.end);
        // SAFETY: the caller promises windows that are clipped to the image, and that the rest is whole; every output is in one
        // run.
        unsafe {
            let epilogue = self.epilogue.load::<V>();
            for row in self.rows.clone() {
                if !columns.inside.is_empty() {
                    let run = self.at::<V>(row, columns.inside.start);
                    Run { count: columns.inside.len(), ..run }.compute::<V, O, KERNEL, STRIDE>(&epilogue);
                }
                if !middle.contains(&row) {
                    for column in self.edges() {
                        self.at::<V>(row, column).compute::<V, O, 0, 1>(&epilogue);
                    }
                }
            }
            if !middle.is_empty() {
                for column in self.edges() {
                    self.down::<V, O>(middle.clone(), column, &epilogue);
                }
            }
        }
    }

    /// The columns of output whose windows do not lie inside the image.
    #[inline(always)]
    fn edges(&self) -> impl Iterator<Item = usize> {
        let columns = &self.clipped[1];
        (0..columns.inside.start).chain(columns.inside.end..columns.windows.len())
    }

    /// Computes a column of output.
    ///
    /// # Safety
    /// As for `compute`, and the windows of the rows lie inside the image from top to bottom.
    #[inline(always)]
    unsafe fn down<V: Vector, O: Operation>(&self, rows: Range<usize>, column: usize, epilogue: &LoadedEpilogue<V>) {
        let run = Run {
            value_step: self.clipped[0].stride * self.image_width * V::LANES,
            output_step: self.clipped[1].windows.len() * V::LANES,
            count: rows.len(),
            ahead: 0,
            ..self.at::<V>(rows.start, column)
        };
        // SAFETY: the caller promises windows inside the image from top to bottom, so all that the run points to is there.
        unsafe { run.compute::<V, O, 0, 1>(epilogue) }
    }

    /// The run of one output, whose steps are those along its row.
    #[inline(always)]
    fn at<V: Vector>(&self, row: usize, column: usize) -> Run {
        let [rows, columns] = self.clipped;
        let (up, left) = (&rows.windows[row], &columns.windows[column]);
        let line = self.image_width * V::LANES;
        let weight_step = columns.kernel.wrapping_mul(V::LANES);
        let weight = up.skipped.wrapping_mul(weight_step).wrapping_add(left.skipped * V::LANES);
        let at = ((row - self.rows.start) * columns.windows.len() + column) * V::LANES;
        Run {
            values: self.image.wrapping_add(up.first * line + left.first * V::LANES),
            value_step: columns.stride * V::LANES,
            row_step: rows.dilation * line,
            column_step: columns.dilation * V::LANES,
            rows: up.count,
            columns: left.count,
            weights: self.weights.wrapping_add(weight),
            weight_step,
            output: self.output.wrapping_add(at),
            output_step: V::LANES,
            residual: if self.residual.is_null() { self.residual } else { self.residual.wrapping_add(at) },
            count: 1,
            scale: self.scales[0][row] * self.scales[1][column],
            ahead: self.ahead,
        }
    }
}
