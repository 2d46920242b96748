//! What this machine can do at most, measured: the floors that a profile holds times against.

use super::CpuOptions;
use super::blocked::buffer::Buffer;
use super::blocked::peak;
use super::blocked::pool::Pool;
use super::blocked::vector::InstructionSet;
use crate::Result;
use std::hint::black_box;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

/// Floats that are read to measure the memory: far more than any cache holds.
const READ: usize = 64 << 20;
/// Floats that a task reads.
const PART: usize = 1 << 18;
/// Times that they are read.
const TIMES: usize = 3;

/// What a machine can do with some threads and instructions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Machine {
    /// Threads.
    pub threads: usize,
    /// Multiply-adds of all threads in a second.
    pub multiply_adds_per_second: f64,
    /// Those of bytes.
    pub byte_multiply_adds_per_second: f64,
    /// Bytes that all threads together read from memory in a second.
    pub bytes_per_second: f64,
}

/// Measures this machine: about a third of a second. One thread's rate of multiply-adds is taken times their number.
///
/// # Errors
/// As [`CpuOptions::check`], and E506 when the threads cannot be started.
pub fn measure(options: &CpuOptions) -> Result<Machine> {
    options.check()?;
    let (pool, threads) = (options.pool()?, options.thread_count());
    Ok(Machine {
        threads,
        multiply_adds_per_second: options.instructions.multiply_adds_per_second()? * threads as f64,
        byte_multiply_adds_per_second: peak::measure_bytes(options.instructions) * threads as f64,
        bytes_per_second: bytes_per_second(&pool),
    })
}

impl InstructionSet {
    /// The multiply-adds of one thread in a second by these instructions, measured now.
    ///
    /// # Errors
    /// E501 when this machine does not have them.
    pub fn multiply_adds_per_second(self) -> Result<f64> {
        self.check()?;
        Ok(peak::measure(self) * 1e9 / 2.0)
    }
}

fn bytes_per_second(pool: &Pool) -> f64 {
    let mut memory = Buffer::zeros(READ);
    // Pages that were never written to are all one and the same.
    memory.fill(1.0);
    let mut best = f64::INFINITY;
    for _ in 0..TIMES {
        let sum = AtomicU32::new(0);
        let start = Instant::now();
        pool.run(READ / PART, &|task, _| {
            let part = total(&memory[task * PART..][..PART]);
            sum.fetch_xor(part.to_bits(), Ordering::Relaxed);
        });
        best = best.min(start.elapsed().as_secs_f64());
        black_box(sum.into_inner());
    }
    4.0 * READ as f64 / best
}

/// A sum in so many parts that the reading and not the adding takes the time.
fn total(values: &[f32]) -> f32 {
    let mut sums = [0f32; 64];
    for row in values.chunks_exact(64) {
        for (sum, value) in sums.iter_mut().zip(row) {
            *sum += value;
        }
    }
    sums.iter().sum()
}
