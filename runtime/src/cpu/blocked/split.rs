//! How a convolution or a product is cut into tasks: bands of output rows, times chunks of output channels.

use crate::cpu::blocked::cost;

/// What is to be cut.
pub(crate) struct Work {
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

/// How the work of one part is cut.
pub(crate) struct Split {
    /// Rows of output in a band.
    pub(crate) rows: usize,
    /// Bands.
    pub(crate) bands: usize,
    /// Blocks of output channels in a task.
    pub(crate) blocks: usize,
    /// How many such tasks a band has.
    pub(crate) chunks: usize,
}

impl Split {
    /// The cheapest cut, in multiply-add instructions or what takes as long: what threads wait for each other at the end, the copies of
    /// bands, weights that no longer fit the cache and are read again for every band, and the start of tasks. The cut never
    /// depends on the number of threads. `band` gives the floats that are copied for a band of so many rows.
    pub(crate) fn choose(work: &Work, band: impl Fn(usize) -> usize) -> Self {
        let bytes = 4 * work.weights;
        let cost = |split: &Self| {
            let tasks = work.parts.max(1) * split.bands * split.chunks;
            let copies = (tasks * band(split.rows) / work.lanes) as f64 * cost::COPY;
            let kept = bytes / split.chunks + 4 * band(split.rows) < cost::CACHE_BYTES;
            let reads = if kept { 0.0 } else { cost::reads(bytes, work.parts * split.bands) };
            (work.products as f64 + copies + reads) * (1.0 + cost::waiting(tasks)) + tasks as f64 * cost::TASK
        };
        let halves = |most: usize| std::iter::successors(Some(most), |n| (*n > 1).then(|| n.div_ceil(2)));
        let (rows, blocks) = (work.rows.max(1), work.blocks.max(1));
        halves(rows)
            .flat_map(|rows| halves(blocks).map(move |blocks| (rows, blocks)))
            .map(|(rows, per_task)| Self::new(work, rows, per_task))
            .min_by(|a, b| cost(a).total_cmp(&cost(b)))
            .unwrap_or(Self::new(work, rows, blocks))
    }

    fn new(work: &Work, rows: usize, blocks: usize) -> Self {
        Self { rows, bands: work.rows.div_ceil(rows), blocks, chunks: work.blocks.div_ceil(blocks) }
    }

    /// Tasks of one part.
    pub(crate) fn tasks(&self) -> usize {
        self.bands * self.chunks
    }
}
