//! The gradient of pooling by its input: every window hands its gradient on to its elements.

use super::operand::indices;
use super::window::{divide_by, elements};
use super::{Operand, Real};
use cnnc_compiler::kernels::{PoolAxis, Pooling};

/// `own` is `x` and `g`, or `g` alone for a mean; `shape` is that of `x`.
pub fn window_grad<T: Real>(own: &[Operand<T>], axes: &[PoolAxis; 2], pooling: &Pooling, shape: &[usize]) -> Vec<T> {
    let (g, rank) = (&own[own.len() - 1], shape.len());
    let (sizes, counts) = ([shape[rank - 2], shape[rank - 1]], [g.shape[rank - 2], g.shape[rank - 1]]);
    let mut output = vec![T::from_f64(0.0); shape.iter().product()];
    for index in indices(g.shape) {
        let place = [index[rank - 2], index[rank - 1]];
        let spans = [0, 1].map(|axis| axes[axis].elements(place[axis], counts[axis], sizes[axis]));
        let plane: usize = index.iter().zip(shape).take(rank - 2).fold(0, |plane, (index, size)| plane * size + index);
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
                let part = gradient / T::from_f64(divide_by(divisor, axes, place, sizes, spans));
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

#[cfg(test)]
mod tests {
    use super::super::operand::dense;
    use super::{Operand, PoolAxis, Pooling, window_grad};
    use cnnc_compiler::kernels::{AxisWindow, Divisor};

    fn grad(x: &[f64], axis: PoolAxis, pooling: Pooling) -> Vec<f64> {
        let (shape, small) = ([1, 3, 3], [1, 2, 2]);
        let x = Operand { data: x, shape: &shape, strides: &dense(&shape) };
        let g = Operand { data: &[1.0, 2.0, 3.0, 4.0], shape: &small, strides: &dense(&small) };
        let own: &[Operand<f64>] = if matches!(pooling, Pooling::Mean(_)) { &[g] } else { &[x, g] };
        window_grad(own, &[axis; 2], &pooling, &shape)
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
