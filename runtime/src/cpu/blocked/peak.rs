//! What the machine can do at most: the rate of multiply-adds from registers, measured.

use crate::cpu::blocked::vector::{InstructionSet, Kernel, Vector};

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

/// GFLOP/s of one thread, the best of several short runs.
pub fn measure(set: InstructionSet) -> f64 {
    let mut sink = [0.5f32; 16];
    let rounds = 200_000;
    let entry = set.entry::<Peak>();
    let mut best = f64::INFINITY;
    for _ in 0..40 {
        let arguments = PeakArguments { rounds, sink: sink.as_mut_ptr() };
        let start = std::time::Instant::now();
        // SAFETY: the set came from `available`, and the sink holds 16 floats.
        unsafe { entry(&arguments) }
        best = best.min(start.elapsed().as_secs_f64());
    }
    std::hint::black_box(sink);
    (2 * CHAINS * rounds * set.lanes()) as f64 / best / 1e9
}
