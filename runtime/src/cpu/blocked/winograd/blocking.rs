//! How many tiles, and how many output channels, a task of Winograd's method takes.

use super::tile_count;
use crate::cpu::blocked::cost::{CACHE_BYTES, MEMORY_LINE, TASK, reads, waiting};
use crate::cpu::blocked::shape::ConvolutionShape;
use cnnc_compiler::plan::Scheme;

/// Sizes of the blocks. Any choice gives the same numbers, bit for bit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocking {
    /// Tiles of a task.
    pub tiles: usize,
    /// Blocks of output channels that are multiplied before their outputs are transformed.
    pub group: usize,
    /// Groups of a task.
    pub groups: usize,
    /// Offsets of the input blocks of channels within a frequency.
    pub(super) taps: Vec<usize>,
}

impl Blocking {
    /// A blocking of the given sizes.
    pub fn new(
        shape: &ConvolutionShape,
        scheme: Scheme,
        lanes: usize,
        tiles: usize,
        group: usize,
        groups: usize,
    ) -> Self {
        let in_blocks = shape.in_channels.div_ceil(lanes);
        let tiles = tiles.clamp(1, tile_count(shape, scheme).max(1));
        let taps = (0..in_blocks).map(|block| block * tiles * lanes).collect();
        Self { tiles, group, groups, taps }
    }

    /// The cheapest blocking for `shape`.
    pub fn choose(shape: &ConvolutionShape, scheme: Scheme, lanes: usize) -> Self {
        let tiles = tile_count(shape, scheme);
        let blocks = shape.out_channels.div_ceil(lanes);
        let mut best = (f64::INFINITY, Self::new(shape, scheme, lanes, tiles, 2, blocks));
        // From all tiles in one task down to a few; blocks of equal size, so that the last task is not a small one.
        let mut parts = 1;
        while parts <= tiles {
            for group in [2, 4] {
                for chunks in [1, 2, 4, 8, 16] {
                    let groups = blocks.div_ceil(group).div_ceil(chunks);
                    let blocking = Self::new(shape, scheme, lanes, tiles.div_ceil(parts), group, groups);
                    let cost = blocking.cost(shape, scheme, lanes);
                    if cost < best.0 {
                        best = (cost, blocking);
                    }
                }
            }
            parts += parts.div_ceil(4);
        }
        best.1
    }

    /// The cost of `shape` with this blocking, in multiply-add instructions of one thread, waiting included.
    pub fn cost(&self, shape: &ConvolutionShape, scheme: Scheme, lanes: usize) -> f64 {
        let tiles = tile_count(shape, scheme);
        let (in_blocks, out_blocks) = (shape.in_channels.div_ceil(lanes), shape.out_channels.div_ceil(lanes));
        let frequencies = scheme.frequencies();
        let parts = tiles.div_ceil(self.tiles);
        let groups = out_blocks.div_ceil(self.group);
        let chunks = groups.div_ceil(self.groups);
        // A register tile of fewer than four pixels waits for its own sums.
        let rows = self.tiles.div_ceil(14);
        let products = self.tiles.max(4 * rows) * parts * frequencies * shape.in_channels * out_blocks;
        let (input, output) = scheme.transform_cost();
        let transforms = (tiles * (chunks * in_blocks * input + out_blocks * output)) as f64;
        let weight_bytes = 4 * frequencies * shape.in_channels * out_blocks * lanes;
        // Large weights come from memory the first time; a line of them is on its way while the one before is used.
        let first = if weight_bytes > CACHE_BYTES { MEMORY_LINE - self.tiles as f64 } else { 0.0 };
        let weights = reads(weight_bytes, parts - 1) + first.max(0.0) * (weight_bytes / 64) as f64;
        let own = 4 * self.tiles * frequencies * lanes * (in_blocks + self.group);
        let own = if own > CACHE_BYTES { reads(own, parts * groups) } else { 0.0 };
        let tasks = parts * chunks;
        (products as f64 + transforms + weights + own) * (1.0 + waiting(tasks)) + tasks as f64 * TASK
    }
}
