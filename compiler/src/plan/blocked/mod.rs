//! The room that knows how a CPU holds images: in blocks of channels, `[N, C / lanes, H, W, lanes]`, the last block filled up.
//!
//! It is fed with [`Blocks`], plain data about a target, and says which values are held so (`layout.rs`, `spare.rs`), by which
//! method a convolution is computed and why (`method.rs`, `choose.rs`, `choices.rs`), in which order weights are packed for it
//! (`convolution.rs`, `packing.rs`), how its kernels end (`epilogue.rs`), and writes the steps (`lower.rs`). Engines read
//! steps; a target without blocks never comes here.

mod choices;
mod choose;
mod convolution;
mod epilogue;
mod layout;
mod lower;
mod method;
mod packing;
mod reorder;
mod spare;

pub use choices::{Choice, choices};
pub use convolution::{PackedConv, SizedConvolution, merged_groups};
pub use epilogue::DividedEpilogue;
pub(crate) use epilogue::added;
pub(super) use layout::{Layout, apart, blocked, narrow};
pub(super) use lower::weights_are_cold;
pub use method::{Method, Scheme};
pub use packing::{PackedLinear, PackedOrder, Packing};
pub use reorder::Reorder;

use crate::passes::Quantisations;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A target that holds channels in blocks of its vectors, and what the choice of a method goes by.
#[derive(Clone, Debug, PartialEq)]
pub struct Blocks {
    /// Elements of a vector, channels of a block.
    pub lanes: usize,
    /// Vector multiply-adds of one thread in a second.
    pub multiply_adds_per_second: f64,
    /// Bytes that all threads together read from memory in a second.
    pub bytes_per_second: f64,
    /// Bytes of the last-level cache.
    pub last_cache_bytes: usize,
    /// Threads that choices are made for. They do not depend on how many there are when the plan runs.
    pub threads: usize,
    /// Whether Winograd's method may be chosen: it errs a little more than the definition.
    pub winograd: bool,
    /// Whether the plan runs a single time, so that packing a weight counts as much as using it.
    pub once: bool,
    /// Choices that were measured, by a convolution's key.
    pub chosen: BTreeMap<String, Method>,
    /// Which values of a run are bytes, and which numbers these stand for, as calibration found it.
    pub quantisations: Arc<Quantisations>,
}

impl Blocks {
    /// Bytes of the last-level cache of a processor that nothing else is known of.
    pub const LAST_CACHE_BYTES: usize = 32 << 20;
    /// Vector multiply-adds that hide the way of one line of 64 bytes from memory.
    pub const LINE_FROM_MEMORY: f64 = 12.0;

    /// Vectors of 16 elements, and the figures of a processor of two cores with AVX-512.
    pub fn reference() -> Blocks {
        Blocks {
            lanes: 16,
            multiply_adds_per_second: 3.7e9,
            bytes_per_second: 40e9,
            last_cache_bytes: Blocks::LAST_CACHE_BYTES,
            threads: 2,
            winograd: true,
            once: false,
            chosen: BTreeMap::new(),
            quantisations: Arc::default(),
        }
    }
}

/// A product that may be past counting.
fn product(factors: &[usize]) -> Option<usize> {
    factors.iter().try_fold(1usize, |product, &factor| product.checked_mul(factor))
}
