//! Pooling over the last two axes.

use super::operand::indices;
use super::{Operand, Real};
use cnnc_compiler::kernels::{Divisor, PoolAxis, Pooling};

/// Every output element is what `pooling` makes of its window's elements that lie in the input.
pub fn window<T: Real>(x: &Operand<T>, axes: &[PoolAxis; 2], pooling: &Pooling, shape: &[usize]) -> Vec<T> {
    let rank = shape.len();
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
                sum / T::from_f64(divide_by(divisor, axes, place, sizes, spans))
            }
            Pooling::Softmax => softmax(&values.collect::<Vec<T>>()),
        }
    };
    indices(shape).map(element).collect()
}

/// The places of a window, from its (first, step, number) an axis.
pub(super) fn elements(spans: [(usize, usize, usize); 2]) -> impl Iterator<Item = [usize; 2]> {
    let [(first, step, number), (column, column_step, columns)] = spans;
    (0..number).flat_map(move |i| (0..columns).map(move |j| [first + i * step, column + j * column_step]))
}

/// What the sum of a window's elements is divided by.
pub fn divide_by(
    divisor: &Divisor,
    axes: &[PoolAxis; 2],
    place: [usize; 2],
    sizes: [usize; 2],
    spans: [(usize, usize, usize); 2],
) -> f64 {
    match divisor {
        Divisor::Fixed(number) => *number,
        Divisor::Elements | Divisor::Padded { .. } => {
            let along = |axis: usize| counted_along(divisor, axes, axis, place[axis], sizes[axis], spans[axis].2);
            (along(0) * along(1)) as f64
        }
    }
}

/// The elements that count along an axis where the window there has so many.
pub fn counted_along(
    divisor: &Divisor,
    axes: &[PoolAxis; 2],
    axis: usize,
    place: usize,
    size: usize,
    elements: usize,
) -> usize {
    match (divisor, &axes[axis]) {
        (Divisor::Padded { after }, PoolAxis::Sliding(window)) => {
            let left = (window.before + size + after[axis]).saturating_sub(place * window.stride);
            window.kernel.min(left.div_ceil(window.dilation))
        }
        _ => elements,
    }
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
    use super::super::operand::dense;
    use super::{Divisor, Operand, PoolAxis, Pooling, window};
    use cnnc_compiler::kernels::AxisWindow;

    fn pool(size: usize, axis: PoolAxis, pooling: Pooling, count: usize) -> Vec<f64> {
        let x: Vec<f64> = (0..size * size).map(|i| i as f64).collect();
        let shape = [1, size, size];
        let x = Operand { data: &x, shape: &shape, strides: &dense(&shape) };
        window(&x, &[axis; 2], &pooling, &[1, count, count])
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
        assert_eq!(window(&huge, &[sliding(2, 2, 0); 2], &Pooling::Softmax, &[1, 1]), [1e4]);
    }
}
