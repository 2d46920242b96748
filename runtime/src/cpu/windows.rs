//! Where the windows of a pooling lie, and what a mean multiplies with: asked by poolings and by their gradients.

use super::reference::divide_by;
use cnnc_compiler::kernels::{PoolAxis, Pooling};

/// The elements of a window along an axis: first, step, number.
pub type Span = (usize, usize, usize);

/// The windows of a plane.
pub struct Windows {
    /// Along rows and columns.
    pub spans: [Vec<Span>; 2],
    /// What each window's sum is multiplied with, row by row: one over its elements for a mean, else one.
    pub factors: Vec<f32>,
}

impl Windows {
    /// Over planes of `sizes`, as many as `counts` say.
    pub fn new(axes: &[PoolAxis; 2], sizes: [usize; 2], counts: [usize; 2], pooling: &Pooling) -> Windows {
        let span = |axis: usize| move |at: usize| axes[axis].elements(at, counts[axis], sizes[axis]);
        let spans = [0, 1].map(|axis| (0..counts[axis]).map(span(axis)).collect::<Vec<Span>>());
        let factor = |place: [usize; 2]| match pooling {
            Pooling::Mean(divisor) => {
                let at = [0, 1].map(|axis: usize| spans[axis][place[axis]]);
                (1.0 / divide_by(divisor, axes, place, sizes, at)) as f32
            }
            Pooling::Max | Pooling::Softmax => 1.0,
        };
        let places = (0..counts[0]).flat_map(|row| (0..counts[1]).map(move |column| [row, column]));
        let factors = places.map(factor).collect();
        Windows { spans, factors }
    }

    /// Elements of all windows together.
    pub fn elements(&self) -> usize {
        self.spans.iter().map(|spans| spans.iter().map(|span| span.2).sum::<usize>()).product()
    }
}
