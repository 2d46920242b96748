//! The kernel of windows: rows of output of one block of channels.
//!
//! A row of output is cut in three: the pixels whose window lies inside the image, in tiles of up to eight that hide the
//! latency of the sums, and those at the left and right edge, one by one over the part of the window that exists.

use super::span::{Span, Spans};
use crate::cpu::blocked::ending::Ending;
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
    pub(super) spans: &'a [Spans; 2],
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
    pub(super) ending: Ending,
    /// Rows of output to do.
    pub(super) rows: Range<usize>,
}

/// Outputs of one block of channels, row by row.
pub(super) struct Rows<O>(PhantomData<O>);

impl<O: Operation> Kernel for Rows<O> {
    type Arguments = RowArguments<'static>;

    #[inline(always)]
    unsafe fn run<V: Vector>(a: &RowArguments<'static>) {
        let columns = &a.spans[1];
        let dense = [columns.kernel, columns.stride, columns.dilation] == [3, 1, 1] && V::ACCUMULATORS > 8 + 3 + 1;
        for row in a.rows.clone() {
            // SAFETY: a span is the part of a window that lies in the image; the caller promises the rest.
            unsafe {
                let row = Row::new::<V>(a, row);
                for column in (0..columns.inside.start).chain(columns.inside.end..row.width) {
                    row.pixels::<V, O, 1, false>(a, column, &columns.spans[column]);
                }
                if dense {
                    row.inside::<V, O, true>(a);
                } else {
                    row.inside::<V, O, false>(a);
                }
            }
        }
    }
}

/// A row of output, and what of its windows lies inside the image.
struct Row {
    /// Column 0 of the first image row that the windows reach; rows of the window that do, and floats between them.
    values: *const f32,
    count: usize,
    step: usize,
    /// Weights of that first row.
    weights: *const f32,
    /// Pixels of the output row, its first pixel in output and residual, and its scale.
    width: usize,
    output: *mut f32,
    residual: *const f32,
    scale: f32,
}

impl Row {
    /// # Safety
    /// `row` is one of the rows of `a`.
    #[inline(always)]
    unsafe fn new<V: Vector>(a: &RowArguments<'_>, row: usize) -> Self {
        let span = &a.spans[0].spans[row];
        let width = a.scales[1].len();
        let at = (row - a.rows.start) * width * V::LANES;
        let line = a.image_width * V::LANES;
        Self {
            values: a.image.wrapping_add(span.first * line),
            count: span.count,
            step: a.spans[0].dilation * line,
            weights: a.weights.wrapping_add(span.skipped.wrapping_mul(a.spans[1].kernel).wrapping_mul(V::LANES)),
            width,
            output: a.output.wrapping_add(at),
            residual: if a.residual.is_null() { a.residual } else { a.residual.wrapping_add(at) },
            scale: a.scales[0][row],
        }
    }

    /// The pixels whose windows lie inside the image from left to right.
    ///
    /// # Safety
    /// `DENSE` only for windows of three columns, stride 1 and dilation 1.
    #[inline(always)]
    unsafe fn inside<V: Vector, O: Operation, const DENSE: bool>(&self, a: &RowArguments<'_>) {
        let (spans, end) = (&a.spans[1].spans, a.spans[1].inside.end);
        let mut column = a.spans[1].inside.start;
        // SAFETY: these columns are inside; the tiles end where they do.
        unsafe {
            while column + 8 <= end {
                self.pixels::<V, O, 8, DENSE>(a, column, &spans[column]);
                column += 8;
            }
            match end - column {
                1 => self.pixels::<V, O, 1, DENSE>(a, column, &spans[column]),
                2 => self.pixels::<V, O, 2, DENSE>(a, column, &spans[column]),
                3 => self.pixels::<V, O, 3, DENSE>(a, column, &spans[column]),
                4 => self.pixels::<V, O, 4, DENSE>(a, column, &spans[column]),
                5 => self.pixels::<V, O, 5, DENSE>(a, column, &spans[column]),
                6 => self.pixels::<V, O, 6, DENSE>(a, column, &spans[column]),
                7 => self.pixels::<V, O, 7, DENSE>(a, column, &spans[column]),
                _ => {}
            }
        }
    }

    /// `PIXELS` neighbouring outputs from `column` on, whose span this is; those of several are the same and at regular steps.
    ///
    /// # Safety
    /// As for `inside`, and the output has the pixels.
    #[inline(always)]
    unsafe fn pixels<V: Vector, O: Operation, const PIXELS: usize, const DENSE: bool>(
        &self,
        a: &RowArguments<'_>,
        column: usize,
        columns: &Span,
    ) {
        let kernel = a.spans[1].kernel;
        let pixel_step = a.spans[1].stride * V::LANES;
        let tap_step = a.spans[1].dilation * V::LANES;
        let mut sums = [O::start::<V>(); PIXELS];
        let mut line = self.values.wrapping_add(columns.first * V::LANES);
        let mut line_weights = self.weights.wrapping_add(columns.skipped * V::LANES);
        for _ in 0..self.count {
            let (mut values, mut weights) = (line, line_weights);
            if DENSE {
                // SAFETY: as below; the input pixels of the tile are read once and used by three outputs each.
                unsafe {
                    let mut factors = [V::zero(); 3];
                    for tap in 0..3 {
                        factors[tap] = if O::WEIGHTED { V::load(weights.add(tap * V::LANES)) } else { V::zero() };
                    }
                    for at in 0..PIXELS + 2 {
                        let value = V::load(values.add(at * V::LANES));
                        for tap in 0..3 {
                            if at >= tap && at - tap < PIXELS {
                                sums[at - tap] = O::step(sums[at - tap], value, factors[tap]);
                            }
                        }
                    }
                }
                line = line.wrapping_add(self.step);
                line_weights = line_weights.wrapping_add(3 * V::LANES);
                continue;
            }
            for _ in 0..columns.count {
                // SAFETY: the rows exist, and so do the columns, as the caller says; the weights cover the window.
                unsafe {
                    let weight = if O::WEIGHTED { V::load(weights) } else { V::zero() };
                    for pixel in 0..PIXELS {
                        sums[pixel] = O::step(sums[pixel], V::load(values.add(pixel * pixel_step)), weight);
                    }
                }
                (values, weights) = (values.wrapping_add(tap_step), weights.wrapping_add(V::LANES));
            }
            line = line.wrapping_add(self.step);
            line_weights = line_weights.wrapping_add(kernel.wrapping_mul(V::LANES));
        }
        // SAFETY: the caller promises a bias for the block unless it is null.
        let ending = unsafe { a.ending.load::<V>() };
        for pixel in 0..PIXELS {
            let at = (column + pixel) * V::LANES;
            // SAFETY: the caller promises that output, residual and scales cover the pixels.
            unsafe {
                let scale = V::splat(self.scale * a.scales[1].get_unchecked(column + pixel));
                let residual = if self.residual.is_null() { self.residual } else { self.residual.add(at) };
                ending.store(sums[pixel], scale, residual, self.output.add(at));
            }
        }
    }
}
