//! Where the windows of a pooling lie, and what a mean multiplies with: asked by poolings and by their gradients.
//!
//! Tables are as long as a plane's rows and columns, not as its area: rows of windows that count as many elements share their
//! factors.

use cnnc_compiler::kernels::{PoolAxis, Pooling};
use std::collections::HashMap;

/// The elements of a window along an axis: first, step, number.
pub type WindowElements = (usize, usize, usize);

/// The windows of a plane.
pub struct Windows {
    /// Along rows and columns.
    pub spans: [Vec<WindowElements>; 2],
    /// What the windows of each kind of row are multiplied with, kind by kind.
    factors: Vec<f32>,
    /// The kind of each row.
    kinds: Vec<usize>,
}

impl Windows {
    /// Over planes of `sizes`, as many as `counts` say.
    pub fn new(axes: &[PoolAxis; 2], sizes: [usize; 2], counts: [usize; 2], pooling: &Pooling) -> Windows {
        let span = |axis: usize| move |at: usize| axes[axis].elements(at, counts[axis], sizes[axis]);
        let spans = [0, 1].map(|axis| (0..counts[axis]).map(span(axis)).collect::<Vec<WindowElements>>());
        let counted = |row: usize| match pooling {
            Pooling::Mean(divisor) => divisor.along(axes, 0, row, sizes[0], spans[0][row].2),
            Pooling::Max | Pooling::Softmax => 1,
        };
        let factor = |place: [usize; 2]| match pooling {
            Pooling::Mean(divisor) => {
                let at = [0, 1].map(|axis: usize| spans[axis][place[axis]]);
                (1.0 / divisor.of(axes, place, sizes, at)) as f32
            }
            Pooling::Max | Pooling::Softmax => 1.0,
        };
        let (mut factors, mut kinds, mut known) = (Vec::new(), Vec::new(), HashMap::new());
        for row in 0..counts[0] {
            let next = known.len();
            let kind = *known.entry(counted(row)).or_insert(next);
            if kind == next {
                factors.extend((0..counts[1]).map(|column| factor([row, column])));
            }
            kinds.push(kind);
        }
        Windows { spans, factors, kinds }
    }

    /// What the sum of each window of a row is multiplied with: one over the elements that count for a mean, else one.
    pub fn factors(&self, row: usize) -> &[f32] {
        let columns = self.spans[1].len();
        &self.factors[self.kinds[row] * columns..][..columns]
    }

    /// Elements of all windows together.
    pub fn elements(&self) -> usize {
        self.spans.iter().map(|spans| spans.iter().map(|span| span.2).sum::<usize>()).product()
    }
}
