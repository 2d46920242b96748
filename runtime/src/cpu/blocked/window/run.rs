//! A run of outputs at equal steps whose windows have the same elements in the image: along a row, or down a column.

use super::rows::Operation;
use crate::cpu::blocked::epilogue::LoadedEpilogue;
use crate::cpu::blocked::vector::Vector;

/// Outputs of a tile: enough sums side by side to hide the latency of an instruction.
const PIXELS: usize = 8;
/// Input columns that a dense tile reads at most: 8 outputs, steps of 2, a window of 5.
const COLUMNS: usize = (PIXELS - 1) * 2 + 5;

/// Where a run reads and writes. Steps count floats.
#[derive(Clone, Copy)]
pub(super) struct Run {
    /// The first element in the image of the first output's window.
    pub(super) values: *const f32,
    /// From an output's window to the next, and from a row, and a column, of a window to the next.
    pub(super) value_step: usize,
    pub(super) row_step: usize,
    pub(super) column_step: usize,
    /// Rows and columns of a window that are in the image.
    pub(super) rows: usize,
    pub(super) columns: usize,
    /// The weight of that first element, and from a row of the window to the next; not read unless the operation is weighted.
    pub(super) weights: *const f32,
    pub(super) weight_step: usize,
    /// The first output, and from one to the next; the residual likewise, or null.
    pub(super) output: *mut f32,
    pub(super) output_step: usize,
    pub(super) residual: *const f32,
    /// Outputs.
    pub(super) count: usize,
    /// Factor of the result.
    pub(super) scale: f32,
    /// Rows after those of the windows that the next run will read, to be brought near meanwhile.
    pub(super) ahead: usize,
}

impl Run {
    /// Computes the run. `KERNEL` columns of a window lie next to each other and windows `STRIDE` columns apart; or `KERNEL` is
    /// 0.
    ///
    /// # Safety
    /// All that the fields point to can be read and written.
    #[inline(always)]
    pub(super) unsafe fn compute<V: Vector, O: Operation, const KERNEL: usize, const STRIDE: usize>(
        mut self,
        epilogue: &LoadedEpilogue<V>,
    ) {
        // SAFETY: the caller promises that the run's fields point to memory; the tiles cover the run and no more.
        unsafe {
            while self.count >= PIXELS {
                self.bring_near::<V>(PIXELS * STRIDE);
                self.tile::<V, O, PIXELS, KERNEL, STRIDE>(epilogue);
                self.skip(PIXELS);
            }
            match self.count {
                1 => self.tile::<V, O, 1, KERNEL, STRIDE>(epilogue),
                2 => self.tile::<V, O, 2, KERNEL, STRIDE>(epilogue),
                3 => self.tile::<V, O, 3, KERNEL, STRIDE>(epilogue),
                4 => self.tile::<V, O, 4, KERNEL, STRIDE>(epilogue),
                5 => self.tile::<V, O, 5, KERNEL, STRIDE>(epilogue),
                6 => self.tile::<V, O, 6, KERNEL, STRIDE>(epilogue),
                7 => self.tile::<V, O, 7, KERNEL, STRIDE>(epilogue),
                _ => {}
            }
        }
    }

    /// Asks for some columns of the rows that the next run will read.
    #[inline(always)]
    fn bring_near<V: Vector>(&self, columns: usize) {
        let mut next = self.values.wrapping_add(self.rows * self.row_step);
        for _ in 0..self.ahead {
            for at in 0..columns {
                V::prefetch(next.wrapping_add(at * V::LANES));
            }
            next = next.wrapping_add(self.row_step);
        }
    }

    fn skip(&mut self, outputs: usize) {
        self.values = self.values.wrapping_add(outputs * self.value_step);
        self.output = self.output.wrapping_add(outputs * self.output_step);
        if !self.residual.is_null() {
            self.residual = self.residual.wrapping_add(outputs * self.output_step);
        }
        self.count -= outputs;
    }

    /// # Safety
    /// As for `compute`.
    #[inline(always)]
    unsafe fn tile<V: Vector, O: Operation, const PIXELS: usize, const KERNEL: usize, const STRIDE: usize>(
        &self,
        epilogue: &LoadedEpilogue<V>,
    ) {
        // SAFETY: the run has as many outputs as the tile, and the caller of `compute` promises all that they point to.
        unsafe {
            let sums = match (KERNEL, O::WEIGHTED) {
                (0, _) => self.any::<V, O, PIXELS>(),
                (_, true) => self.weighted::<V, O, PIXELS, KERNEL, STRIDE>(),
                (_, false) => self.unweighted::<V, O, PIXELS, KERNEL, STRIDE>(),
            };
            let scale = V::splat(self.scale);
            let (mut residual, mut output) = (self.residual, self.output);
            for pixel in 0..PIXELS {
                epilogue.store(sums[pixel], scale, residual, output);
                output = output.wrapping_add(self.output_step);
                residual = if residual.is_null() { residual } else { residual.wrapping_add(self.output_step) };
            }
        }
    }

    /// Windows of any size and steps.
    ///
    /// # Safety
    /// As for `compute`.
    #[inline(always)]
    unsafe fn any<V: Vector, O: Operation, const PIXELS: usize>(&self) -> [V; PIXELS] {
        let mut sums = [O::start::<V>(); PIXELS];
        let (mut line, mut line_weights) = (self.values, self.weights);
        for _ in 0..self.rows {
            let (mut values, mut weights) = (line, line_weights);
            for _ in 0..self.columns {
                // SAFETY: these rows and columns of all windows are in the image, and the weights cover the window.
                unsafe {
                    let weight = if O::WEIGHTED { V::load(weights) } else { V::zero() };
                    for pixel in 0..PIXELS {
                        sums[pixel] = O::step(sums[pixel], V::load(values.add(pixel * self.value_step)), weight);
                    }
                }
                (values, weights) = (values.wrapping_add(self.column_step), weights.wrapping_add(V::LANES));
            }
            (line, line_weights) = (line.wrapping_add(self.row_step), line_weights.wrapping_add(self.weight_step));
        }
        sums
    }

    /// Dense windows with weights: neighbouring outputs share the input that they read.
    ///
    /// # Safety
    /// As for `compute`.
    #[inline(always)]
    unsafe fn weighted<V: Vector, O: Operation, const PIXELS: usize, const KERNEL: usize, const STRIDE: usize>(
        &self,
    ) -> [V; PIXELS] {
        let mut sums = [O::start::<V>(); PIXELS];
        let (mut line, mut line_weights) = (self.values, self.weights);
        for _ in 0..self.rows {
            for tap in 0..KERNEL {
                // SAFETY: these rows and columns of all windows are in the image; loads of the same address become one.
                unsafe {
                    let weight = V::load(line_weights.add(tap * V::LANES));
                    for pixel in 0..PIXELS {
                        let value = V::load(line.add((pixel * STRIDE + tap) * V::LANES));
                        sums[pixel] = O::step(sums[pixel], value, weight);
                    }
                }
            }
            (line, line_weights) = (line.wrapping_add(self.row_step), line_weights.wrapping_add(self.weight_step));
        }
        sums
    }

    /// Dense windows without weights: rows are combined first, a column once for all outputs that share it.
    ///
    /// # Safety
    /// As for `compute`.
    #[inline(always)]
    unsafe fn unweighted<V: Vector, O: Operation, const PIXELS: usize, const KERNEL: usize, const STRIDE: usize>(
        &self,
    ) -> [V; PIXELS] {
        let mut columns = [O::start::<V>(); COLUMNS];
        let mut line = self.values;
        for _ in 0..self.rows {
            for at in 0..COLUMNS {
                if at < (PIXELS - 1) * STRIDE + KERNEL {
                    // SAFETY: these columns are those of all windows, in a row of the image.
                    columns[at] = O::step(columns[at], unsafe { V::load(line.add(at * V::LANES)) }, V::zero());
                }
            }
            line = line.wrapping_add(self.row_step);
        }
        let mut sums = [O::start::<V>(); PIXELS];
        for pixel in 0..PIXELS {
            sums[pixel] = columns[pixel * STRIDE];
            for tap in 1..KERNEL {
                sums[pixel] = O::step(sums[pixel], columns[pixel * STRIDE + tap], V::zero());
            }
        }
        sums
    }
}
