//! The sum or the largest of every channel over the whole image: blocked `[N, C / LANES, H, W, LANES]` to `[N, C / LANES, 1, 1, LANES]`.

use crate::cpu::blocked::call::Call;
use crate::cpu::blocked::ending::Ending;
use crate::cpu::blocked::planes::Planes;
use crate::cpu::blocked::pool::Pool;
use crate::cpu::blocked::vector::{Entry, InstructionSet, Kernel, Vector};
use cnnc_compiler::kernels::Reduction;
use std::marker::PhantomData;

/// Values that are combined side by side, to hide the latency of an instruction.
const CHAINS: usize = 8;

/// A reduction over height and width.
pub struct Reduce {
    lanes: usize,
    pixels: usize,
    factor: f32,
    planes: Planes,
    entry: Entry<Arguments>,
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
        let lanes = set.lanes();
        Self { lanes, pixels, factor, planes: Planes::new([batch, channels.div_ceil(lanes)], 1, pixels), entry }
    }

    /// Runs over blocked images; without weights and workspace.
    ///
    /// # Safety
    /// The call's input and output are images of the sizes that `new` was told, bias and residual as [`Call`] says; the output
    /// overlaps nothing but, in its own place, the residual.
    pub unsafe fn run(&self, pool: &Pool, call: &Call<'_>) {
        self.planes.run(pool, |part| {
            let at = part.block * self.lanes;
            let arguments = Arguments {
                image: call.input.at(part.image, at * self.pixels),
                pixels: self.pixels,
                factor: self.factor,
                residual: call.residual_at(part.image, at),
                output: call.output.at(part.image, at),
                ending: Ending::of(call, part.block, self.lanes),
            };
            // SAFETY: the plane is whole by the caller's promise, and each part writes the vector of its own plane.
            unsafe {
                (self.entry)(&arguments);
                call.finish(part.worker, [part.image, part.block, 0], at, 1);
            }
        });
    }
}

/// One plane.
struct Arguments {
    image: *const f32,
    pixels: usize,
    factor: f32,
    residual: *const f32,
    output: *mut f32,
    ending: Ending,
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
        // SAFETY: the caller promises `pixels` vectors of input and one of output.
        unsafe {
            for pixel in (0..whole).step_by(CHAINS) {
                for chain in 0..CHAINS {
                    sums[chain] = C::combine(sums[chain], V::load(a.image.add((pixel + chain) * V::LANES)));
                }
            }
            for pixel in whole..a.pixels {
                sums[0] = C::combine(sums[0], V::load(a.image.add(pixel * V::LANES)));
            }
            let mut total = sums[0];
            for chain in 1..CHAINS {
                total = C::combine(total, sums[chain]);
            }
            a.ending.load::<V>().store(total, V::splat(a.factor), a.residual, a.output);
        }
    }
}
