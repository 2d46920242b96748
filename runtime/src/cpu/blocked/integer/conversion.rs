//! From floats to bytes and back: of values as they lie, and of plain images that are brought into blocks meanwhile.

use super::vector::{IntegerKernel, Integers, entry};
use crate::cpu::blocked::call::{Images, ImagesMut};
use crate::cpu::blocked::pool::Pool;
use crate::cpu::blocked::vector::{Compiled, InstructionSet, Vector};
use cnnc_compiler::element::Quantisation;

/// Elements of a task, a multiple of any vector's lanes.
const TASK: usize = 1 << 14;

/// A conversion of rows without gaps, as many as axis 0 has.
pub struct Conversion {
    rows: usize,
    /// Elements of a row.
    length: usize,
    of: Quantisation,
    into_bytes: bool,
    entry: Compiled<Part>,
}

impl Conversion {
    /// Of so many rows of `length` elements, floats to bytes or back.
    pub fn new(set: InstructionSet, [rows, length]: [usize; 2], of: Quantisation, into_bytes: bool) -> Self {
        let entry = if into_bytes { entry::<IntoBytes>(set) } else { entry::<IntoFloats>(set) };
        Self { rows, length, of, into_bytes, entry }
    }

    /// Converts.
    ///
    /// # Safety
    /// Input and output have the rows, and do not overlap.
    pub unsafe fn run(&self, pool: &Pool, input: Images, output: ImagesMut) {
        let per_row = self.length.div_ceil(TASK);
        let body = |task: usize, _: usize| {
            let (row, start) = (task / per_row, task % per_row * TASK);
            let (from, to) = if self.into_bytes { (start, start / 4) } else { (start / 4, start) };
            let part = Part {
                from: input.at(row, from),
                to: output.at(row, to),
                of: self.of,
                count: (self.length - start).min(TASK),
            };
            // SAFETY: the caller promises the rows; tasks have parts of their own.
            unsafe { (self.entry)(&part) }
        };
        let tasks = self.rows * per_row;
        if self.rows * self.length < 2 * TASK {
            (0..tasks).for_each(|task| body(task, 0))
        } else {
            pool.run(tasks, &body)
        }
    }
}

/// A part of a row.
struct Part {
    from: *const f32,
    to: *mut f32,
    of: Quantisation,
    count: usize,
}

struct IntoBytes;

impl IntegerKernel for IntoBytes {
    type Arguments = Part;

    #[inline(always)]
    unsafe fn run<I: Integers>(a: &Part) {
        let made = Made::<I>::of(a.of);
        let whole = a.count / I::LANES * I::LANES;
        // SAFETY: the caller promises the part's elements.
        unsafe {
            for at in (0..whole).step_by(I::LANES) {
                made.bytes(I::Floats::load(a.from.add(at))).narrow(a.to.cast::<u8>().add(at));
            }
            for at in whole..a.count {
                *a.to.cast::<u8>().add(at) = a.of.byte(*a.from.add(at));
            }
        }
    }
}

struct IntoFloats;

impl IntegerKernel for IntoFloats {
    type Arguments = Part;

    #[inline(always)]
    unsafe fn run<I: Integers>(a: &Part) {
        let (scale, zero) = (I::Floats::splat(a.of.scale()), I::Floats::splat(f32::from(a.of.zero())));
        let whole = a.count / I::LANES * I::LANES;
        // SAFETY: the caller promises the part's elements.
        unsafe {
            for at in (0..whole).step_by(I::LANES) {
                I::widen(a.from.cast::<u8>().add(at)).floats().sub(zero).mul(scale).store(a.to.add(at));
            }
            for at in whole..a.count {
                *a.to.add(at) = a.of.number(*a.from.cast::<u8>().add(at));
            }
        }
    }
}

/// How bytes are made of floats, in registers: as [`Quantisation::byte`] has it.
struct Made<I: Integers> {
    scale: I::Floats,
    zero: I,
}

impl<I: Integers> Made<I> {
    /// Numbers of steps past these are past all bytes.
    const FAR: f32 = 1e6;

    #[inline(always)]
    fn of(of: Quantisation) -> Self {
        Self { scale: I::Floats::splat(of.scale()), zero: I::splat(i32::from(of.zero())) }
    }

    /// Numbers from 0 to 255.
    #[inline(always)]
    fn bytes(&self, values: I::Floats) -> I {
        // The larger of a bound and what is no number is the bound.
        let steps = I::Floats::splat(-Self::FAR).max(values.div(self.scale)).min(I::Floats::splat(Self::FAR));
        I::nearest(steps).add(self.zero).max(I::splat(0)).min(I::splat(255))
    }
}

/// Some pixels of up to four planes of floats as words of bytes.
struct Planes {
    from: *const f32,
    /// Floats from a plane to the next, and how many planes there are.
    plane: usize,
    planes: usize,
    to: *mut f32,
    of: Quantisation,
    count: usize,
}

struct IntoWords;

impl IntegerKernel for IntoWords {
    type Arguments = Planes;

    #[inline(always)]
    unsafe fn run<I: Integers>(a: &Planes) {
        let made = Made::<I>::of(a.of);
        let whole = a.count / I::LANES * I::LANES;
        // SAFETY: the caller promises the planes' pixels, and room for a word each.
        unsafe {
            for at in (0..whole).step_by(I::LANES) {
                let mut bytes = [made.zero; 4];
                for plane in 0..a.planes {
                    bytes[plane] = made.bytes(I::Floats::load(a.from.add(plane * a.plane + at)));
                }
                I::words(bytes).store(a.to.add(at));
            }
            for at in whole..a.count {
                let mut bytes = [a.of.zero(); 4];
                for plane in 0..a.planes {
                    bytes[plane] = a.of.byte(*a.from.add(plane * a.plane + at));
                }
                *a.to.add(at) = f32::from_bits(u32::from_ne_bytes(bytes));
            }
        }
    }
}

/// Brings plain images of floats into blocks of bytes: images, channels and pixels.
///
/// # Safety
/// Input and output are such images, and do not overlap.
pub unsafe fn into_blocks(
    set: InstructionSet,
    pool: &Pool,
    lanes: usize,
    [images, channels, pixels]: [usize; 3],
    of: Quantisation,
    input: Images,
    output: ImagesMut,
) {
    /// Pixels of a task.
    const PIXELS: usize = 1 << 12;
    let words = entry::<IntoWords>(set);
    let (blocks, parts) = (channels.div_ceil(lanes), pixels.div_ceil(PIXELS));
    let body = |task: usize, _: usize| {
        let (image, block) = (task / parts / blocks, task / parts % blocks);
        let first = task % parts * PIXELS;
        let count = PIXELS.min(pixels - first);
        let here = channels - block * lanes;
        // SAFETY: the caller promises images of these sizes; tasks have pixels of their own.
        unsafe {
            let to = output.at(image, (block * pixels + first) * lanes / 4);
            let from = input.at(image, block * lanes * pixels + first);
            if lanes == 4 {
                return words(&Planes { from, plane: pixels, planes: here.min(4), to, of, count });
            }
            let to = to.cast::<u8>();
            for lane in 0..lanes {
                for pixel in 0..count {
                    let byte = if lane < here { of.byte(*from.add(lane * pixels + pixel)) } else { of.zero() };
                    *to.add(pixel * lanes + lane) = byte;
                }
            }
        }
    };
    let tasks = images * blocks * parts;
    if tasks < 2 { (0..tasks).for_each(|task| body(task, 0)) } else { pool.run(tasks, &body) }
}
