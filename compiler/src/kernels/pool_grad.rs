//! The gradient of pooling by its input.

use super::definition::{Definition, Layouts};
use super::pool::{PoolAxis, Pooling, details, elements, pools, pools_in_blocks, sliding};
use super::reference::{Operand, Real, indices};
use super::window::AxisWindow;
use super::{Expression, Kernel, KernelBuilder};
use crate::graph::NodeId;
use std::ops::RangeInclusive;

/// The gradient of [`Pool`](super::Pool) by its input: every window hands its element of `g` on to its elements, which add up
/// what they are handed; the result has the input's shape. A maximum hands all to the first of the largest, or of what is not a
/// number, rows first; a mean hands each the divisor's part; softmax pooling hands element `x` the part `w·(1 + x − y)`, `w` its
/// weight and `y` the window's result. Arguments are `x`, which a mean does without, then `g`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PoolGrad {
    /// Height, then width.
    pub axes: [PoolAxis; 2],
    /// What was made of a window.
    pub pooling: Pooling,
}

impl Definition for PoolGrad {
    fn name(&self) -> &'static str {
        match self.pooling {
            Pooling::Max => "pool_max_grad",
            Pooling::Mean(_) => "pool_mean_grad",
            Pooling::Softmax => "pool_softmax_grad",
        }
    }

    fn details(&self) -> String {
        details(&self.axes, &self.pooling)
    }

    fn arity(&self) -> RangeInclusive<usize> {
        match self.pooling {
            Pooling::Mean(_) => 1..=1,
            Pooling::Max | Pooling::Softmax => 2..=2,
        }
    }

    fn fits(&self, shape: &[usize], own: &[&[usize]]) -> bool {
        match own {
            [g] => shape.len() < 5 && pools(&self.axes, shape, g),
            [x, g] => shape.len() < 5 && *x == shape && pools(&self.axes, x, g),
            _ => false,
        }
    }

    fn fits_in_blocks(&self, shape: &[usize], own: &[&[usize]]) -> bool {
        match own {
            [g] => pools_in_blocks(&self.axes, shape, g),
            [x, g] => *x == shape && pools_in_blocks(&self.axes, x, g),
            _ => false,
        }
    }

    fn windows(&self) -> Vec<AxisWindow> {
        sliding(&self.axes).collect()
    }

    fn reference<T: Real>(&self, own: &[Operand<'_, T>], shape: &[usize]) -> Vec<T> {
        let (g, rank, PoolGrad { axes, pooling }) = (&own[own.len() - 1], shape.len(), self);
        let (sizes, counts) = ([shape[rank - 2], shape[rank - 1]], [g.shape[rank - 2], g.shape[rank - 1]]);
        let mut output = vec![T::from_f64(0.0); shape.iter().product()];
        for index in indices(g.shape) {
            let place = [index[rank - 2], index[rank - 1]];
            let spans = [0, 1].map(|axis| axes[axis].elements(place[axis], counts[axis], sizes[axis]));
            let plane: usize =
                index.iter().zip(shape).take(rank - 2).fold(0, |plane, (index, size)| plane * size + index);
            let into = |[row, column]: [usize; 2]| (plane * sizes[0] + row) * sizes[1] + column;
            let value = |[row, column]: [usize; 2]| {
                let from: usize = index.iter().zip(own[0].strides).take(rank - 2).map(|(i, stride)| i * stride).sum();
                own[0].data[from + row * own[0].strides[rank - 2] + column * own[0].strides[rank - 1]]
            };
            let gradient = g.at(&index);
            match pooling {
                Pooling::Max => {
                    let first = elements(spans)
                        .reduce(|best, other| if is_larger(value(other), value(best)) { other } else { best });
                    if let Some(first) = first {
                        output[into(first)] += gradient;
                    }
                }
                Pooling::Mean(divisor) => {
                    let part = gradient / T::from_f64(divisor.of(axes, place, sizes, spans));
                    elements(spans).for_each(|element| output[into(element)] += part);
                }
                Pooling::Softmax => {
                    let values: Vec<T> = elements(spans).map(value).collect();
                    for (element, slope) in elements(spans).zip(softmax_slopes(&values)) {
                        output[into(element)] += gradient * slope;
                    }
                }
            }
        }
        output
    }

    fn takes_epilogue(&self) -> bool {
        true
    }

    fn in_blocks(&self, layouts: &Layouts<'_>) -> bool {
        layouts.arguments.iter().any(|&(_, blocked)| blocked)
    }
}

/// Whether a later element is the largest and not the one before; what is not a number is the largest.
fn is_larger<T: Real>(later: T, before: T) -> bool {
    let (later, before) = (later.to_f64(), before.to_f64());
    later > before || later.is_nan() && !before.is_nan()
}

/// `w·(1 + x − y)` of every element of a window.
fn softmax_slopes<T: Real>(values: &[T]) -> impl Iterator<Item = T> + '_ {
    let largest = values.iter().map(|value| value.to_f64()).fold(f64::NEG_INFINITY, f64::max);
    let weight = move |value: T| (value.to_f64() - largest).exp();
    let total: f64 = values.iter().map(|&value| weight(value)).sum();
    let y: f64 = values.iter().map(|&value| value.to_f64() * weight(value)).sum::<f64>() / total;
    values.iter().map(move |&value| T::from_f64(weight(value) / total * (1.0 + value.to_f64() - y)))
}

impl KernelBuilder<'_> {
    /// 1 where a max pooling of `x`, whose windows do not overlap, finds the largest element of one of its `windows`, down and
    /// across; 0 elsewhere. No gradient flows through it.
    pub fn places_of_largest(&mut self, x: NodeId, axes: [PoolAxis; 2], windows: [usize; 2]) -> NodeId {
        let (shape, pooled) = (self.shape(x), self.planes(x, None, windows));
        let ones = self.map_to(&pooled, &[], Expression::from(1.0));
        self.add(Kernel::PoolGrad(PoolGrad { axes, pooling: Pooling::Max }), shape, &[x, ones])
    }
}

#[cfg(test)]
mod tests {
    use super::super::Divisor;
    use super::super::reference::dense;
    use super::{AxisWindow, Definition, Operand, PoolAxis, PoolGrad, Pooling};

    fn grad(x: &[f64], axis: PoolAxis, pooling: Pooling) -> Vec<f64> {
        let (shape, small) = ([1, 3, 3], [1, 2, 2]);
        let x = Operand { data: x, shape: &shape, strides: &dense(&shape) };
        let g = Operand { data: &[1.0, 2.0, 3.0, 4.0], shape: &small, strides: &dense(&small) };
        let own: &[Operand<f64>] = if matches!(pooling, Pooling::Mean(_)) { &[g] } else { &[x, g] };
        PoolGrad { axes: [axis; 2], pooling }.reference(own, &shape)
    }

    #[test]
    fn windows_hand_on_what_they_got() {
        let axis = PoolAxis::Sliding(AxisWindow { kernel: 2, stride: 1, dilation: 1, before: 0 });
        let mean = Pooling::Mean(Divisor::Fixed(1.0));
        assert_eq!(grad(&[0.0; 9], axis, mean), [1.0, 3.0, 2.0, 4.0, 10.0, 6.0, 3.0, 7.0, 4.0]);
        assert_eq!(grad(&[0.0; 9], PoolAxis::Adaptive, mean), [1.0, 3.0, 2.0, 4.0, 10.0, 6.0, 3.0, 7.0, 4.0]);
        let x = [0.0, 5.0, 0.0, 0.0, 0.0, 7.0, f64::NAN, 9.0, 0.0];
        assert_eq!(grad(&x, axis, Pooling::Max), [0.0, 1.0, 0.0, 0.0, 0.0, 2.0, 3.0, 4.0, 0.0]);
        assert_eq!(grad(&[1.0; 9], axis, Pooling::Max), [1.0, 2.0, 0.0, 3.0, 4.0, 0.0, 0.0, 0.0, 0.0]);
        let soft = grad(&[1.0; 9], axis, Pooling::Softmax);
        assert_eq!(soft, [0.25, 0.75, 0.5, 1.0, 2.5, 1.5, 0.75, 1.75, 1.0]);
    }
}
