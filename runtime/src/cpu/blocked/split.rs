//! How a convolution or a product is cut into tasks: bands of output rows, times chunks of output channels.

use crate::cpu::blocked::cost;
use std::ops::Range;

/// What is to be cut.
pub(crate) struct WorkSizes {
    /// Parts that are apart anyway: images × groups.
    pub(crate) parts: usize,
    /// Rows of output of a part.
    pub(crate) rows: usize,
    /// Blocks of output channels of a part.
    pub(crate) blocks: usize,
    /// Multiply-add instructions of all parts.
    pub(crate) products: usize,
    /// Floats of the packed weights that a part reads.
    pub(crate) weights: usize,
    /// Floats of a vector.
    pub(crate) lanes: usize,
}

/// How the work of one part is cut: bands and chunks, each of which differ by one row, or block, at most.
pub(crate) struct Split {
    rows: usize,
    blocks: usize,
    bands: usize,
    chunks: usize,
}

impl Split {
    /// The cheapest cut, in multiply-add instructions or what takes as long: what threads wait for each other at the end, the
    /// copies of bands, weights that no longer fit the cache and are read again for every band, and the start of tasks. The cut
    /// never depends on the number of threads. `band` gives the floats that are copied for a band of so many rows.
    pub(crate) fn choose(work: &WorkSizes, band: impl Fn(usize) -> usize) -> Self {
        let bytes = 4 * work.weights;
        let cost = |split: &Self| {
            let tasks = work.parts.max(1) * split.tasks();
            let band = band(split.most_rows());
            let copies = (tasks * band / work.lanes) as f64 * cost::COPY;
            let kept = bytes / split.chunks + 4 * band < cost::CACHE_BYTES;
            let reads = if kept { 0.0 } else { cost::reads(bytes, work.parts * split.bands) };
            (work.products as f64 + copies + reads) * (1.0 + cost::waiting(tasks)) + tasks as f64 * cost::TASK
        };
        let halves = |most: usize| std::iter::successors(Some(most.max(1)), |n| (*n > 1).then(|| n.div_ceil(2)));
        let cut = |rows: usize, blocks: usize| {
            let (bands, chunks) = (work.rows.div_ceil(rows).max(1), work.blocks.div_ceil(blocks).max(1));
            Self { rows: work.rows, blocks: work.blocks, bands, chunks }
        };
        halves(work.rows)
            .flat_map(|rows| halves(work.blocks).map(move |blocks| (rows, blocks)))
            .map(|(rows, blocks)| cut(rows, blocks))
            .min_by(|a, b| cost(a).total_cmp(&cost(b)))
            .unwrap_or(cut(work.rows.max(1), work.blocks.max(1)))
    }

    /// Tasks of one part.
    pub(crate) fn tasks(&self) -> usize {
        self.bands * self.chunks
    }

    /// The rows and blocks of a task of one part.
    pub(crate) fn task(&self, task: usize) -> [Range<usize>; 2] {
        // Larger and smaller parts take turns, so that every thread's share of the parts is about as large.
        let start = |size: usize, parts: usize, part: usize| (size * part).div_ceil(parts);
        let range = |size, parts, part| start(size, parts, part)..start(size, parts, part + 1);
        [range(self.rows, self.bands, task / self.chunks), range(self.blocks, self.chunks, task % self.chunks)]
    }

    /// The most rows that a task has.
    pub(crate) fn most_rows(&self) -> usize {
        self.rows.div_ceil(self.bands)
    }
}
