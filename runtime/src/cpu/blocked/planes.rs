//! Work over planes: a plane is one block of channels of one image, and tasks are bands of its output rows.

use crate::cpu::blocked::pool::Pool;
use std::ops::Range;

/// Vectors that a task handles at least.
const TASK_VECTORS: usize = 8_000;
/// Vectors of work that are done before another thread has begun, and has read what it needs from the core that wrote it.
const ALONE_VECTORS: usize = 2_000;

/// How the planes of a kernel are cut into tasks; never by the number of threads.
pub(crate) struct Planes {
    batch: usize,
    blocks: usize,
    height: usize,
    /// Rows of output in a task.
    rows: usize,
    /// Whole planes in a task, where a plane is small.
    planes: usize,
    /// Whether the work is too little for several threads.
    alone: bool,
}

/// A part of a plane.
pub(crate) struct Part {
    pub(crate) worker: usize,
    pub(crate) image: usize,
    pub(crate) block: usize,
    pub(crate) rows: Range<usize>,
}

impl Planes {
    /// `batch` images of `blocks` blocks, of `height` rows of output; a plane takes `vectors` vectors of work.
    pub(crate) fn new([batch, blocks]: [usize; 2], height: usize, vectors: usize) -> Self {
        let vectors = vectors.max(1);
        Self {
            batch,
            blocks,
            height,
            rows: (TASK_VECTORS * height).div_ceil(vectors).clamp(1, height.max(1)),
            planes: (TASK_VECTORS / 8 / vectors).max(1),
            alone: batch * blocks * vectors < ALONE_VECTORS,
        }
    }

    /// Calls `body` for every part.
    pub(crate) fn run(&self, pool: &Pool, body: impl Fn(Part) + Sync) {
        let (bands, planes) = (self.height.div_ceil(self.rows), self.batch * self.blocks);
        let task = |task: usize, worker: usize| {
            let first = task / bands * self.planes;
            let row = task % bands * self.rows;
            for plane in first..planes.min(first + self.planes) {
                let rows = row..self.height.min(row + self.rows);
                body(Part { worker, image: plane / self.blocks, block: plane % self.blocks, rows });
            }
        };
        let tasks = bands * planes.div_ceil(self.planes);
        if self.alone { (0..tasks).for_each(|index| task(index, 0)) } else { pool.run(tasks, &task) }
    }
}
