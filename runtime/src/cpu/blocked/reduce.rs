//! The sum or the largest of every channel over the whole image: blocked `[N, C / LANES, H, W, LANES]` to
//! `[N, C / LANES, 1, 1, LANES]`; or over all images too, to `[1, C / LANES, 1, 1, LANES]`, as statistics of a batch are: in a
//! fixed number of parts, then over these.

use crate::cpu::blocked::call::KernelCall;
use crate::cpu::blocked::epilogue::BlockEpilogue;
use crate::cpu::blocked::planes::Planes;
use crate::cpu::blocked::pool::Pool;
use crate::cpu::blocked::vector::{Compiled, InstructionSet, Kernel, Vector};
use cnnc_compiler::kernels::Reduction;
use std::marker::PhantomData;

/// Values that are combined side by side, to hide the latency of an instruction.
const CHAINS: usize = 8;

/// Vectors below which the sum over a batch stays on the calling thread.
const ALONE: usize = 16_000;
/// Parts of a batch.
const PARTS: usize = 16;

/// A reduction over height and width.
pub struct Reduce {
    lanes: usize,
    batch: usize,
    blocks: usize,
    pixels: usize,
    factor: f32,
    /// Parts of the batch, where the reduction is over that too.
    parts: Option<usize>,
    planes: Planes,
    entry: Compiled<Arguments>,
}

impl Reduce {
    /// Of `[batch, channels]` images of `pixels` pixels, times `factor`: one over the pixels makes the mean of a sum.
    pub fn new(
        set: InstructionSet,
        [batch, channels]: [usize; 2],
        pixels: usize,
        reduction: Reduction,
        factor: f32,
    ) -> Self {
        let entry = match reduction {
            Reduction::Sum => set.entry::<Whole<Sum>>(),
            Reduction::Max => set.entry::<Whole<Maximum>>(),
        };
        let (lanes, blocks) = (set.lanes(), channels.div_ceil(set.lanes()));
        Self {
            lanes,
            batch,
            blocks,
            pixels,
            factor,
            parts: None,
            planes: Planes::new([batch, blocks], 1, pixels),
            entry,
        }
    }

    /// The same over all images too.
    pub fn over_batch(self) -> Self {
        Self { parts: Some(self.batch.clamp(1, PARTS)), ..self }
    }

    /// Floats of scratch that `run` needs, all threads together.
    pub fn workspace_length(&self) -> usize {
        self.parts.map_or(0, |parts| parts * self.blocks * self.lanes)
    }

    /// Runs over blocked images; without weights.
    ///
    /// # Safety
    /// The call's input and output are images of the sizes that `new` was told, bias and residual as [`KernelCall`] says; the
    /// output overlaps nothing but, in its own place, the residual.
    pub unsafe fn run(&self, pool: &Pool, call: &KernelCall<'_>) {
        if let Some(parts) = self.parts {
            // SAFETY: the caller promises images of the sizes that `new` was told, and an output that overlaps nothing.
            return unsafe { self.run_over_batch(pool, call, parts) };
        }
        self.planes.run(pool, |part| {
            let at = part.block * self.lanes;
            let arguments = Arguments {
                image: call.input.at(part.image, at * self.pixels),
                images: [1, 0],
                pixels: self.pixels,
                factor: self.factor,
                residual: call.residual_at(part.image, at),
                output: call.output.at(part.image, at),
                epilogue: BlockEpilogue::of(call, part.block, self.lanes),
            };
            // SAFETY: the plane is whole by the caller's promise, and each part writes the vector of its own plane.
            unsafe {
                (self.entry)(&arguments);
                call.finish(part.worker, [part.image, part.block, 0], at, 1);
            }
        });
    }

    /// # Safety
    /// As for `run`.
    unsafe fn run_over_batch(&self, pool: &Pool, call: &KernelCall<'_>, parts: usize) {
        let tasks = parts * self.blocks;
        let one_part = |task: usize, _: usize| {
            let (part, block) = (task / self.blocks, task % self.blocks);
            let images = self.batch * part / parts..self.batch * (part + 1) / parts;
            let arguments = Arguments {
                image: call.input.at(images.start, block * self.lanes * self.pixels),
                images: [images.len(), call.input.step],
                pixels: self.pixels,
                factor: 1.0,
                residual: std::ptr::null(),
                output: call.workspace.wrapping_add((block * parts + part) * self.lanes),
                epilogue: BlockEpilogue::NONE,
            };
            // SAFETY: the planes are whole by the caller's promise, and each task has a vector of the scratch.
            unsafe { (self.entry)(&arguments) }
        };
        let alone = self.batch * self.blocks * self.pixels < ALONE;
        if alone {
            (0..tasks).for_each(|task| one_part(task, 0))
        } else {
            pool.run(tasks, &one_part)
        }
        for block in 0..self.blocks {
            let at = block * self.lanes;
            let arguments = Arguments {
                image: call.workspace.wrapping_add(at * parts),
                images: [1, 0],
                pixels: parts,
                factor: self.factor,
                residual: call.residual_at(0, at),
                output: call.output.at(0, at),
                epilogue: BlockEpilogue::of(call, block, self.lanes),
            };
            // SAFETY: the parts of the block are all there.
            unsafe {
                (self.entry)(&arguments);
                call.finish(0, [0, block, 0], at, 1);
            }
        }
    }
}

/// A plane of some images.
struct Arguments {
    image: *const f32,
    /// Images, and floats from one to the next.
    images: [usize; 2],
    pixels: usize,
    factor: f32,
    residual: *const f32,
    output: *mut f32,
    epilogue: BlockEpilogue,
}

/// How two values are combined.
trait Combine {
    const START: f32;
    fn combine<V: Vector>(a: V, b: V) -> V;
}

struct Sum;
struct Maximum;

impl Combine for Sum {
    const START: f32 = 0.0;
    #[inline(always)]
    fn combine<V: Vector>(a: V, b: V) -> V {
        a.add(b)
    }
}

impl Combine for Maximum {
    const START: f32 = f32::NEG_INFINITY;
    #[inline(always)]
    fn combine<V: Vector>(a: V, b: V) -> V {
        a.max_or_nan(b)
    }
}

struct Whole<C>(PhantomData<C>);

impl<C: Combine> Kernel for Whole<C> {
    type Arguments = Arguments;

    #[inline(always)]
    unsafe fn run<V: Vector>(a: &Arguments) {
        let mut sums = [V::splat(C::START); CHAINS];
        let whole = a.pixels / CHAINS * CHAINS;
        // SAFETY: the caller promises `pixels` vectors of every image and one of output.
        unsafe {
            for image in 0..a.images[0] {
                let plane = a.image.add(image * a.images[1]);
                for pixel in (0..whole).step_by(CHAINS) {
                    for chain in 0..CHAINS {
                        sums[chain] = C::combine(sums[chain], V::load(plane.add((pixel + chain) * V::LANES)));
                    }
                }
                for pixel in whole..a.pixels {
                    sums[0] = C::combine(sums[0], V::load(plane.add(pixel * V::LANES)));
                }
            }
            let mut total = sums[0];
            for chain in 1..CHAINS {
                total = C::combine(total, sums[chain]);
            }
            a.epilogue.load::<V>().store(total, V::splat(a.factor), a.residual, a.output);
        }
    }
}
