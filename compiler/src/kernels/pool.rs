//! Pooling over the last two axes.

use super::definition::{Definition, Layouts};
use super::pool_grad::PoolGrad;
use super::print::pair;
use super::reference::{Operand, Real, indices};
use super::terms::Terms;
use super::window::{self, AxisWindow};
use super::{Kernel, KernelBuilder};
use crate::gradient::{Backward, Handed};
use crate::graph::NodeId;
use std::ops::RangeInclusive;

/// Pooling over the last two axes of `x[.., H, W]`: every output element is what `pooling` makes of its window's elements that
/// lie in the input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pool {
    /// Height, then width.
    pub axes: [PoolAxis; 2],
    /// What is made of a window.
    pub pooling: Pooling,
}

/// How the windows of a pooling lie along one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PoolAxis {
    /// At regular steps.
    Sliding(AxisWindow),
    /// PyTorch's adaptive windows: of `n` windows over `size` elements, window `i` is `⌊i·size/n⌋ .. ⌈(i+1)·size/n⌉`.
    Adaptive,
}

impl PoolAxis {
    /// The elements of window `index` of `count` over an input axis of `size`, as (first, step, number), padding left out.
    pub fn elements(&self, index: usize, count: usize, size: usize) -> (usize, usize, usize) {
        match *self {
            PoolAxis::Sliding(window) => {
                let start = (index * window.stride) as isize - window.before as isize;
                let step = window.dilation as isize;
                let skipped = if start < 0 { (-start + step - 1) / step } else { 0 };
                let first = start + skipped * step;
                let room = size as isize - first;
                let fits = if room <= 0 { 0 } else { (room + step - 1) / step };
                let number = fits.min(window.kernel as isize - skipped).max(0);
                (first.max(0) as usize, window.dilation, number as usize)
            }
            PoolAxis::Adaptive => {
                let first = index * size / count;
                let end = ((index + 1) * size).div_ceil(count);
                (first, 1, end - first)
            }
        }
    }
}

/// What a pooling makes of a window's elements. Padding never counts as an element.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pooling {
    /// The largest; not-a-number wins.
    Max,
    /// The sum over the divisor.
    Mean(Divisor),
    /// `Σ x·eˣ / Σ eˣ`, computed against the window's largest element.
    Softmax,
}

/// What a mean divides by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Divisor {
    /// The number of elements that lie in the input.
    Elements,
    /// The elements that lie in the input or its padding; `after` is the padding after it, height and width. Windows that
    /// `ceil_mode` lets reach further count only up to there (PyTorch's `count_include_pad`).
    Padded {
        /// Padding after the last row and column.
        after: [usize; 2],
    },
    /// This number, whatever the window (`divisor_override`).
    Fixed(f64),
}

impl Divisor {
    /// What the sum of a window's elements is divided by: of the window at `place` of an input of `sizes`, whose elements are
    /// `spans` as (first, step, number).
    pub fn of(
        &self,
        axes: &[PoolAxis; 2],
        place: [usize; 2],
        sizes: [usize; 2],
        spans: [(usize, usize, usize); 2],
    ) -> f64 {
        match self {
            Divisor::Fixed(number) => *number,
            Divisor::Elements | Divisor::Padded { .. } => {
                let along = |axis: usize| self.along(axes, axis, place[axis], sizes[axis], spans[axis].2);
                (along(0) * along(1)) as f64
            }
        }
    }

    /// The elements that count along an axis where the window there has so many.
    pub fn along(&self, axes: &[PoolAxis; 2], axis: usize, place: usize, size: usize, elements: usize) -> usize {
        match (self, &axes[axis]) {
            (Divisor::Padded { after }, PoolAxis::Sliding(window)) => {
                let left = (window.before + size + after[axis]).saturating_sub(place * window.stride);
                window.kernel.min(left.div_ceil(window.dilation))
            }
            _ => elements,
        }
    }
}

impl Definition for Pool {
    fn name(&self) -> &'static str {
        match self.pooling {
            Pooling::Max => "pool_max",
            Pooling::Mean(_) => "pool_mean",
            Pooling::Softmax => "pool_softmax",
        }
    }

    fn details(&self) -> String {
        details(&self.axes, &self.pooling)
    }

    fn arity(&self) -> RangeInclusive<usize> {
        1..=1
    }

    fn fits(&self, shape: &[usize], own: &[&[usize]]) -> bool {
        matches!(own, [x] if shape.len() < 5 && pools(&self.axes, x, shape))
    }

    fn fits_in_blocks(&self, shape: &[usize], own: &[&[usize]]) -> bool {
        matches!(own, [x] if pools_in_blocks(&self.axes, x, shape))
    }

    fn windows(&self) -> Vec<AxisWindow> {
        sliding(&self.axes).collect()
    }

    fn takes_bytes(&self) -> bool {
        self.pooling != Pooling::Softmax
    }

    fn selects(&self) -> bool {
        self.pooling == Pooling::Max
    }

    fn reference<T: Real>(&self, own: &[Operand<'_, T>], shape: &[usize]) -> Vec<T> {
        let (x, rank, Pool { axes, pooling }) = (&own[0], shape.len(), self);
        let (sizes, counts) = ([x.shape[rank - 2], x.shape[rank - 1]], [shape[rank - 2], shape[rank - 1]]);
        let element = |index: Vec<usize>| {
            let place = [index[rank - 2], index[rank - 1]];
            let spans = [0, 1].map(|axis| axes[axis].elements(place[axis], counts[axis], sizes[axis]));
            let plane: usize = index.iter().zip(x.strides).take(rank - 2).map(|(index, stride)| index * stride).sum();
            let values = elements(spans)
                .map(|[row, column]| x.data[plane + row * x.strides[rank - 2] + column * x.strides[rank - 1]]);
            match pooling {
                Pooling::Max => values.reduce(Real::larger).unwrap_or(T::from_f64(f64::NEG_INFINITY)),
                Pooling::Mean(divisor) => {
                    let sum = values.fold(T::from_f64(0.0), |sum, value| sum + value);
                    sum / T::from_f64(divisor.of(axes, place, sizes, spans))
                }
                Pooling::Softmax => softmax(&values.collect::<Vec<T>>()),
            }
        };
        indices(shape).map(element).collect()
    }

    fn terms(&self, index: &[usize], own: &[&[usize]], shape: &[usize]) -> Option<Terms> {
        let (x, planes) = (own.first()?, index.len().checked_sub(2)?);
        let (outer, place) = index.split_at(planes);
        let (&[y, column], Some(&[height, width]), Some(&[rows, columns])) =
            (place, x.get(planes..), shape.get(planes..))
        else {
            return None;
        };
        let (place, sizes, counts) = ([y, column], [height, width], [rows, columns]);
        let spans = [0, 1].map(|axis| self.axes[axis].elements(place[axis], counts[axis], sizes[axis]));
        let divisor = match &self.pooling {
            Pooling::Mean(divisor) => divisor.of(&self.axes, place, sizes, spans),
            Pooling::Max | Pooling::Softmax => 1.0,
        };
        let seen = elements(spans).map(|at| [outer, &at].concat()).collect();
        Some(Terms::Pooled(seen, self.pooling, divisor))
    }

    fn gradient(&self, backward: &mut Backward<'_>, handed: &Handed) {
        let (&[x], &Pool { axes, pooling }) = (handed.arguments.as_slice(), self) else { return };
        let g = backward.whole(handed.gradient, &handed.shape);
        let operands = if matches!(pooling, Pooling::Mean(_)) { vec![g] } else { vec![x, g] };
        backward.hand_computed(x, Kernel::PoolGrad(PoolGrad { axes, pooling }), &operands);
    }

    fn takes_epilogue(&self) -> bool {
        true
    }

    fn in_blocks(&self, layouts: &Layouts<'_>) -> bool {
        layouts.first()
    }
}

impl KernelBuilder<'_> {
    /// Pooling over the last two axes, to the given height and width.
    pub fn pool(&mut self, x: NodeId, axes: [PoolAxis; 2], pooling: Pooling, size: [usize; 2]) -> NodeId {
        let shape = self.planes(x, None, size);
        self.add(Kernel::Pool(Pool { axes, pooling }), shape, &[x])
    }
}

/// How windows lie, and what a mean divides by.
pub(super) fn details(axes: &[PoolAxis; 2], pooling: &Pooling) -> String {
    let divisor = match pooling {
        Pooling::Mean(Divisor::Padded { after }) => format!(" padding counted, after {}", pair(*after)),
        Pooling::Mean(Divisor::Fixed(divisor)) => format!(" divisor {divisor}"),
        Pooling::Mean(Divisor::Elements) | Pooling::Max | Pooling::Softmax => String::new(),
    };
    match axes {
        [PoolAxis::Sliding(height), PoolAxis::Sliding(width)] => {
            format!("{}{divisor}", window::details(&[*height, *width]))
        }
        _ => format!(" adaptive{divisor}"),
    }
}

/// Whether a pooling takes `x` to that shape.
pub(super) fn pools(axes: &[PoolAxis; 2], x: &[usize], shape: &[usize]) -> bool {
    let planes = x.len().checked_sub(2);
    shape.len() == x.len()
        && planes.is_some_and(|planes| shape.get(..planes) == x.get(..planes))
        && sliding(axes).all(|window| window.moves())
}

/// The same of images in blocks.
pub(super) fn pools_in_blocks(axes: &[PoolAxis; 2], x: &[usize], shape: &[usize]) -> bool {
    let around = |image: &[usize]| match *image {
        [batch, blocks, _, _, lanes] => Some([batch, blocks, lanes]),
        _ => None,
    };
    around(x).is_some() && around(x) == around(shape) && sliding(axes).all(|window| window.moves())
}

/// The windows of a regular step.
pub(super) fn sliding(axes: &[PoolAxis; 2]) -> impl Iterator<Item = AxisWindow> {
    axes.iter().filter_map(|axis| match axis {
        PoolAxis::Sliding(window) => Some(*window),
        PoolAxis::Adaptive => None,
    })
}

/// The places of a window, from its (first, step, number) an axis.
pub(super) fn elements(spans: [(usize, usize, usize); 2]) -> impl Iterator<Item = [usize; 2]> {
    let [(first, step, number), (column, column_step, columns)] = spans;
    (0..number).flat_map(move |i| (0..columns).map(move |j| [first + i * step, column + j * column_step]))
}

/// `Σ x·eˣ / Σ eˣ`, against the largest element so that nothing overflows.
fn softmax<T: Real>(values: &[T]) -> T {
    let largest = values.iter().copied().reduce(Real::larger).unwrap_or(T::from_f64(0.0)).to_f64();
    let zero = T::from_f64(0.0);
    let (top, bottom) = values.iter().fold((zero, zero), |(top, bottom), &value| {
        let weight = T::from_f64((value.to_f64() - largest).exp());
        (top + value * weight, bottom + weight)
    });
    top / bottom
}

#[cfg(test)]
mod tests {
    use super::super::reference::dense;
    use super::{AxisWindow, Definition, Divisor, Operand, Pool, PoolAxis, Pooling};

    fn pool(size: usize, axis: PoolAxis, pooling: Pooling, count: usize) -> Vec<f64> {
        let x: Vec<f64> = (0..size * size).map(|i| i as f64).collect();
        let shape = [1, size, size];
        let x = Operand { data: &x, shape: &shape, strides: &dense(&shape) };
        Pool { axes: [axis; 2], pooling }.reference(&[x], &[1, count, count])
    }

    fn sliding(kernel: usize, stride: usize, before: usize) -> PoolAxis {
        PoolAxis::Sliding(AxisWindow { kernel, stride, dilation: 1, before })
    }

    #[test]
    fn pools_as_the_book_does() {
        assert_eq!(pool(3, sliding(2, 1, 0), Pooling::Max, 2), [4.0, 5.0, 7.0, 8.0]);
        assert_eq!(pool(3, sliding(2, 1, 0), Pooling::Mean(Divisor::Elements), 2), [2.0, 3.0, 5.0, 6.0]);
        assert_eq!(pool(4, sliding(3, 2, 1), Pooling::Max, 2), [5.0, 7.0, 13.0, 15.0]);
    }

    #[test]
    fn a_mean_divides_as_it_was_told() {
        let padded = Pooling::Mean(Divisor::Padded { after: [1, 1] });
        assert_eq!(pool(2, sliding(2, 2, 1), padded, 2), [0.0, 0.25, 0.5, 0.75]);
        // The second window reaches past the padding, up to where nothing counts.
        let open = Pooling::Mean(Divisor::Padded { after: [0, 0] });
        assert_eq!(pool(3, sliding(2, 2, 0), open, 2), [2.0, 3.5, 6.5, 8.0]);
        assert_eq!(pool(2, sliding(2, 2, 0), Pooling::Mean(Divisor::Fixed(2.0)), 1), [3.0]);
    }

    #[test]
    fn adaptive_windows_overlap_where_they_must() {
        assert_eq!(pool(3, PoolAxis::Adaptive, Pooling::Max, 2), [4.0, 5.0, 7.0, 8.0]);
    }

    #[test]
    fn softmax_pooling_lies_between_mean_and_max() {
        let y = pool(3, sliding(2, 1, 0), Pooling::Softmax, 2);
        assert!(y[0] > 2.0 && y[0] < 4.0);
        let huge = Operand { data: &[1e4f32, 1e4, 1e4, 1e4], shape: &[2, 2], strides: &[2, 1] };
        let pool = Pool { axes: [sliding(2, 2, 0); 2], pooling: Pooling::Softmax };
        assert_eq!(pool.reference(&[huge], &[1, 1]), [1e4]);
    }

    #[test]
    fn windows_leave_padding_out() {
        let axis = PoolAxis::Sliding(AxisWindow { kernel: 3, stride: 2, dilation: 2, before: 3 });
        assert_eq!(axis.elements(0, 4, 5), (1, 2, 1));
        assert_eq!(axis.elements(1, 4, 5), (1, 2, 2));
        assert_eq!(axis.elements(3, 4, 5), (3, 2, 1));
    }
}
