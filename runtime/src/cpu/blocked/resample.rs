//! Images enlarged or made smaller by reading between pixels, a vector of channels at a time.

use crate::cpu::blocked::call::KernelCall;
use crate::cpu::blocked::epilogue::BlockEpilogue;
use crate::cpu::blocked::planes::Planes;
use crate::cpu::blocked::pool::Pool;
use crate::cpu::blocked::vector::{Compiled, InstructionSet, Kernel, Vector};
use cnnc_compiler::kernels::{Resampling, Source};
use std::ops::Range;

/// Sizes of a resampling.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ResampleShape {
    /// Images.
    pub batch: usize,
    /// Channels.
    pub channels: usize,
    /// Height and width of the input.
    pub input: [usize; 2],
    /// Height and width of the output.
    pub output: [usize; 2],
}

/// A resampling: where each output row and column is read.
pub struct Resample {
    shape: ResampleShape,
    lanes: usize,
    rows: Vec<Source>,
    /// Columns as the kernel reads them: floats from the start of a row to the pixel before, to that after, and the share of
    /// that.
    columns: Vec<(usize, usize, f32)>,
    planes: Planes,
    entry: Compiled<Arguments>,
}

impl Resample {
    /// Resampling between the sizes of `shape`.
    pub fn new(set: InstructionSet, shape: ResampleShape, resampling: &Resampling) -> Self {
        let lanes = set.lanes();
        let [rows, columns] = [0, 1].map(|axis| resampling.sources(axis, shape.input[axis], shape.output[axis]));
        let columns = columns.iter().map(|at| (at.low * lanes, at.high * lanes, at.share as f32)).collect();
        let (entry, work): (Compiled<Arguments>, usize) = match resampling {
            Resampling::Nearest { .. } => (set.entry::<Nearest>(), 1),
            Resampling::Bilinear { .. } => (set.entry::<Bilinear>(), 4),
        };
        let [height, width] = shape.output;
        let planes = Planes::new([shape.batch, shape.channels.div_ceil(lanes)], height, work * height * width);
        Self { shape, lanes, rows, columns, planes, entry }
    }

    /// Runs over blocked images; without weights and workspace.
    ///
    /// # Safety
    /// The call's input and output are images of the sizes that `new` was told, bias and residual as [`KernelCall`] says; the
    /// output overlaps nothing but, in its own place, the residual.
    pub unsafe fn run(&self, pool: &Pool, call: &KernelCall<'_>) {
        let ([height, width], input_row) = (self.shape.output, self.shape.input[1] * self.lanes);
        self.planes.run(pool, |part| {
            let image = call.input.at(part.image, part.block * self.shape.input[0] * input_row);
            let at = (part.block * height + part.rows.start) * width * self.lanes;
            for row in part.rows.clone() {
                let source = &self.rows[row];
                let at = at + (row - part.rows.start) * width * self.lanes;
                let arguments = Arguments {
                    rows: [source.low, source.high].map(|row| image.wrapping_add(row * input_row)),
                    share: source.share as f32,
                    columns: self.columns.as_ptr_range(),
                    residual: call.residual_at(part.image, at),
                    output: call.output.at(part.image, at),
                    epilogue: BlockEpilogue::of(call, part.block, self.lanes),
                };
                // SAFETY: the sources lie in the image, and no other part writes this row.
                unsafe { (self.entry)(&arguments) }
            }
            // SAFETY: these rows were written above.
            unsafe {
                call.finish(part.worker, [part.image, part.block, part.rows.start * width], at, part.rows.len() * width)
            }
        });
    }
}

/// A row of output.
struct Arguments {
    /// The input rows before and after.
    rows: [*const f32; 2],
    /// The share of the row after.
    share: f32,
    /// First and end of the columns.
    columns: Range<*const (usize, usize, f32)>,
    residual: *const f32,
    output: *mut f32,
    epilogue: BlockEpilogue,
}

impl Arguments {
    /// Stores what `value` makes of every column.
    ///
    /// # Safety
    /// Columns, rows, residual and output are whole.
    #[inline(always)]
    unsafe fn for_each_column<V: Vector>(&self, value: impl Fn(&(usize, usize, f32)) -> V) {
        // SAFETY: the caller promises whole columns, rows, residual and output.
        unsafe {
            let epilogue = self.epilogue.load::<V>();
            let count = self.columns.end.offset_from_unsigned(self.columns.start);
            for index in 0..count {
                let at = index * V::LANES;
                let residual = if self.residual.is_null() { self.residual } else { self.residual.add(at) };
                epilogue.store(value(&*self.columns.start.add(index)), V::splat(1.0), residual, self.output.add(at));
            }
        }
    }
}

struct Nearest;

impl Kernel for Nearest {
    type Arguments = Arguments;

    #[inline(always)]
    unsafe fn run<V: Vector>(a: &Arguments) {
        // SAFETY: the caller promises rows that hold the columns' pixels.
        unsafe { a.for_each_column(|column| V::load(a.rows[0].add(column.0))) }
    }
}

struct Bilinear;

impl Kernel for Bilinear {
    type Arguments = Arguments;

    #[inline(always)]
    unsafe fn run<V: Vector>(a: &Arguments) {
        let between = |low: V, high: V, share: V| high.mul_add(share, V::splat(1.0).sub(share).mul(low));
        // SAFETY: the caller promises rows that hold the columns' pixels.
        unsafe {
            a.for_each_column(|&(low, high, share)| {
                let share = V::splat(share);
                let across = |row: *const f32| between(V::load(row.add(low)), V::load(row.add(high)), share);
                between(across(a.rows[0]), across(a.rows[1]), V::splat(a.share))
            });
        }
    }
}
