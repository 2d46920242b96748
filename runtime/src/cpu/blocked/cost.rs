//! What work costs, estimated: how it is cut into tasks. Which method computes a convolution is the planner's choice.
//!
//! Costs are counted in multiply-add instructions of one thread, measured on a machine that does one 512-bit multiply-add a
//! cycle.

use cnnc_compiler::plan::Blocks;

/// Bytes of the second-level cache that a task may fill.
pub const CACHE_BYTES: usize = 768 * 1024;
/// Bytes that stay in the last-level cache while they are used again and again: half of it.
pub const LAST_CACHE_BYTES: usize = Blocks::LAST_CACHE_BYTES / 2;
/// Starting a task.
pub const TASK: f64 = 2000.0;
/// Copying a vector into a band.
pub const COPY: f64 = 5.0;
/// Reading a line of 64 bytes again from the last-level cache, beside the arithmetic that hides most of it.
pub const LINE: f64 = 0.3;
/// Reading a line from memory, with nothing to do meanwhile.
pub const MEMORY_LINE: f64 = Blocks::LINE_FROM_MEMORY;

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
