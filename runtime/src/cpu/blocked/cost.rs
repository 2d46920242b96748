//! What an algorithm costs, estimated: how work is cut into tasks, and which algorithm a planner should take.
//!
//! Costs are counted in multiply-add instructions of one thread, measured on a machine that does one 512-bit
//! multiply-add a cycle; where they are compared with memory, [`Machine`] turns them into seconds.

use crate::cpu::blocked::shape::ConvolutionShape;
use crate::cpu::blocked::winograd::{Blocking, Scheme, Winograd};

/// Bytes of the second-level cache that a task may fill.
pub const CACHE_BYTES: usize = 768 * 1024;
/// Bytes that stay in the last-level cache while they are used again and again.
pub const LAST_CACHE_BYTES: usize = 16 * 1024 * 1024;
/// Starting a task.
pub const TASK: f64 = 2000.0;
/// Copying a vector into a band.
pub const COPY: f64 = 5.0;
/// Reading a line of 64 bytes again from the last-level cache, beside the arithmetic that hides most of it.
pub const LINE: f64 = 0.3;
/// Reading a line from memory, with nothing to do meanwhile.
pub const MEMORY_LINE: f64 = 12.0;

/// The share of the work that threads wait for each other at the end, for equal tasks: mostly that of two threads.
/// The cut of the work must not depend on how many there are.
pub fn waiting(tasks: usize) -> f64 {
    let idle = |threads: usize| (tasks.div_ceil(threads) * threads) as f64 / tasks as f64 - 1.0;
    0.5 * idle(2) + 0.1 * idle(4) + 0.02 * idle(8)
}

/// What re-reading `bytes`, `times` over, costs.
pub fn reads(bytes: usize, times: usize) -> f64 {
    let line = match bytes {
        0..CACHE_BYTES => 0.0,
        CACHE_BYTES..LAST_CACHE_BYTES => LINE,
        _ => MEMORY_LINE,
    };
    (bytes / 64 * times) as f64 * line
}

/// What the estimates need to know of a machine.
#[derive(Clone, Copy, Debug)]
pub struct Machine {
    /// Vector multiply-adds of one thread in a second.
    pub multiply_adds_per_second: f64,
    /// Bytes that all threads together read from memory in a second.
    pub bytes_per_second: f64,
    /// Threads that the choice is made for; it must be the same for any number, so this is a property of the machine.
    pub threads: usize,
    /// Floats in a register.
    pub lanes: usize,
}

/// A way to convolve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// [`crate::cpu::blocked::direct::Direct`].
    Direct,
    /// [`Winograd`].
    Winograd(Scheme),
}

impl Algorithm {
    /// Seconds that `shape` takes: the larger of arithmetic and, where `cold`, of reading the packed weights from memory,
    /// and a fifth of the smaller, as they overlap but not wholly. Weights are cold in a net whose weights together do
    /// not fit the last-level cache.
    pub fn estimate(self, shape: &ConvolutionShape, machine: &Machine, cold: bool) -> f64 {
        let lanes = machine.lanes;
        let (work, bytes) = match self {
            Self::Direct => {
                let [height, width] = shape.window.output;
                let outs = (shape.out_channels / shape.groups).div_ceil(lanes) * shape.groups;
                let per_pixel = outs * shape.in_channels / shape.groups * shape.window.area();
                ((shape.batch * height * width * per_pixel) as f64 / 0.96, 4 * shape.weight_count())
            }
            Self::Winograd(scheme) => {
                let blocking = Blocking::choose(shape, scheme, lanes);
                (blocking.cost(shape, scheme, lanes), 4 * shape.weight_count() / 9 * scheme.frequencies())
            }
        };
        let arithmetic = work / machine.multiply_adds_per_second / machine.threads as f64;
        let memory = if cold { bytes as f64 / machine.bytes_per_second } else { 0.0 };
        arithmetic.max(memory) + 0.2 * arithmetic.min(memory)
    }

    /// The cheapest algorithm for `shape`. F(6×6) is left out: its error is above what a kernel may have.
    pub fn choose(shape: &ConvolutionShape, machine: &Machine, cold: bool) -> Self {
        let winograd = [Scheme::F4, Scheme::F2].map(Self::Winograd);
        let candidates = if Winograd::supports(shape) { &winograd[..] } else { &[] };
        let cheaper = |a: Self, b: &Self| {
            let faster = b.estimate(shape, machine, cold) < a.estimate(shape, machine, cold);
            if faster { *b } else { a }
        };
        candidates.iter().fold(Self::Direct, cheaper)
    }
}
