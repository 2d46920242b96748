//! What the machine can do at most: the rate of multiply-adds from registers, measured.

use crate::cpu::blocked::integer::vector::{IntegerKernel, Integers, entry};
use crate::cpu::blocked::vector::{Compiled, InstructionSet, Kernel, Vector};

struct Peak;

/// Rounds to run, and where the sums go so that they are not optimised away.
struct PeakArguments {
    rounds: usize,
    sink: *mut f32,
}

const CHAINS: usize = 12;

impl Kernel for Peak {
    type Arguments = PeakArguments;

    #[inline(always)]
    unsafe fn run<V: Vector>(a: &PeakArguments) {
        let mut sums = [V::zero(); CHAINS];
        // SAFETY: the sink holds 16 floats.
        let factor = unsafe { V::load(a.sink) };
        for _ in 0..a.rounds {
            for chain in 0..CHAINS {
                sums[chain] = sums[chain].mul_add(factor, factor);
            }
        }
        let mut total = V::zero();
        for sum in sums {
            total = total.add(sum);
        }
        // SAFETY: the sink holds 16 floats.
        unsafe { total.store(a.sink) }
    }
}

/// As [`Peak`], of words of bytes.
struct PeakOfBytes;

impl IntegerKernel for PeakOfBytes {
    type Arguments = PeakArguments;

    #[inline(always)]
    unsafe fn run<I: Integers>(a: &PeakArguments) {
        let mut sums = [I::splat(0); CHAINS];
        // SAFETY: the sink holds 16 words.
        let factor = unsafe { I::load(a.sink) };
        for _ in 0..a.rounds {
            for chain in 0..CHAINS {
                sums[chain] = sums[chain].add_products(factor, factor);
            }
        }
        let mut total = I::splat(0);
        for sum in sums {
            total = total.add(sum);
        }
        // SAFETY: the sink holds 16 words.
        unsafe { total.store(a.sink) }
    }
}

/// GFLOP/s of one thread, the best of several short runs.
pub fn measure(set: InstructionSet) -> f64 {
    (2 * CHAINS * set.lanes()) as f64 * rounds_per_second(set.entry::<Peak>()) / 1e9
}

/// Multiply-adds of bytes of one thread in a second.
pub fn measure_bytes(set: InstructionSet) -> f64 {
    (4 * CHAINS * set.lanes()) as f64 * rounds_per_second(entry::<PeakOfBytes>(set))
}

/// The best of several short runs.
fn rounds_per_second(entry: Compiled<PeakArguments>) -> f64 {
    let mut sink = [0.5f32; 16];
    let rounds = 200_000;
    let mut best = f64::INFINITY;
    for _ in 0..40 {
        let arguments = PeakArguments { rounds, sink: sink.as_mut_ptr() };
        let start = std::time::Instant::now();
        // SAFETY: the entry is of a set of instructions that this machine has, and the sink holds 16 floats.
        unsafe { entry(&arguments) }
        best = best.min(start.elapsed().as_secs_f64());
    }
    std::hint::black_box(sink);
    rounds as f64 / best
}
