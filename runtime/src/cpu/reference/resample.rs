//! Planes enlarged or made smaller by reading between elements.

use super::operand::indices;
use super::{Operand, Real};
use cnnc_compiler::kernels::Resampling;

/// Height and width of `x[N, C, H, W]` resampled to those of `shape`.
pub fn resample<T: Real>(x: &Operand<T>, resampling: &Resampling, shape: &[usize]) -> Vec<T> {
    let sources = [0, 1].map(|axis| sources(resampling, axis, x.shape[2 + axis], shape[2 + axis]));
    let element = |index: Vec<usize>| {
        let (row, column) = (&sources[0][index[2]], &sources[1][index[3]]);
        let at = |y: usize, x_index: usize| x.at(&[index[0], index[1], y, x_index]);
        if let Resampling::Nearest { .. } = resampling {
            return at(row.low, column.low);
        }
        let (left, right) = (T::from_f64(1.0 - column.share), T::from_f64(column.share));
        let across = |y: usize| left * at(y, column.low) + right * at(y, column.high);
        T::from_f64(1.0 - row.share) * across(row.low) + T::from_f64(row.share) * across(row.high)
    };
    indices(shape).map(element).collect()
}

/// The gradient by `x`, whose sizes are `shape`: every element of `g` goes back to those that it was read from.
pub fn resample_grad<T: Real>(g: &Operand<T>, resampling: &Resampling, shape: &[usize]) -> Vec<T> {
    let sources = [0, 1].map(|axis| sources(resampling, axis, shape[2 + axis], g.shape[2 + axis]));
    let mut output = vec![T::from_f64(0.0); shape.iter().product()];
    for index in indices(g.shape) {
        let plane = (index[0] * shape[1] + index[1]) * shape[2];
        let gradient = g.at(&index);
        for (row, share) in parts(&sources[0][index[2]], resampling) {
            for (column, across) in parts(&sources[1][index[3]], resampling) {
                output[(plane + row) * shape[3] + column] += gradient * T::from_f64(share * across);
            }
        }
    }
    output
}

/// The elements that one is read from, and what each counts for.
pub fn parts(source: &Source, resampling: &Resampling) -> impl Iterator<Item = (usize, f64)> {
    let share = if matches!(resampling, Resampling::Nearest { .. }) { 0.0 } else { source.share };
    [(source.low, 1.0 - share), (source.high, share)].into_iter().filter(|&(_, share)| share > 0.0)
}

/// Between which elements of an axis one element of the result is read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Source {
    /// The element before.
    pub low: usize,
    /// The element after; the last stands in for what comes after it.
    pub high: usize,
    /// The share of the element after, in `[0, 1)`.
    pub share: f64,
}

/// The sources of every element of the result along an axis (0 height, 1 width) from `size` to `count` elements.
pub fn sources(resampling: &Resampling, axis: usize, size: usize, count: usize) -> Vec<Source> {
    let source = |index: usize| {
        let coordinate = match *resampling {
            // Single precision for every type: an index that is a whole number but for rounding must not fall below it.
            Resampling::Nearest { scale } => f64::from((index as f32 * scale[axis] as f32).floor()),
            Resampling::Bilinear { scale, align_corners: true } => index as f64 * scale[axis],
            Resampling::Bilinear { scale, align_corners: false } => (index as f64 + 0.5) * scale[axis] - 0.5,
        };
        let coordinate = coordinate.clamp(0.0, (size - 1) as f64);
        let low = coordinate.floor();
        Source { low: low as usize, high: (low as usize + 1).min(size - 1), share: coordinate - low }
    };
    (0..count).map(source).collect()
}

#[cfg(test)]
mod tests {
    use super::{Operand, Resampling, resample, sources};

    #[test]
    fn nearest_repeats_and_bilinear_goes_between() {
        let x = Operand { data: &[0.0f64, 4.0], shape: &[1, 1, 1, 2], strides: &[2, 2, 2, 1] };
        let nearest = Resampling::Nearest { scale: [1.0, 0.5] };
        assert_eq!(resample(&x, &nearest, &[1, 1, 1, 4]), [0.0, 0.0, 4.0, 4.0]);
        let fewer = Resampling::Nearest { scale: [1.0, 30.0 / 22.0] };
        assert_eq!(sources(&fewer, 1, 30, 22).get(11).map(|source| source.low), Some(15));
        let between = Resampling::Bilinear { scale: [1.0, 0.5], align_corners: false };
        assert_eq!(resample(&x, &between, &[1, 1, 1, 4]), [0.0, 1.0, 3.0, 4.0]);
        let corners = Resampling::Bilinear { scale: [0.0, 0.25], align_corners: true };
        assert_eq!(resample(&x, &corners, &[1, 1, 1, 5]), [0.0, 1.0, 2.0, 3.0, 4.0]);
    }
}
