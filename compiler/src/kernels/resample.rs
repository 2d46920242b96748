//! Planes enlarged or made smaller by reading between elements.

use super::definition::{Definition, Layouts};
use super::reference::{Operand, Real, indices};
use super::resample_grad::ResampleGrad;
use super::terms::Terms;
use super::{Kernel, KernelBuilder};
use crate::gradient::{Backward, Handed};
use crate::graph::NodeId;
use std::ops::RangeInclusive;

/// Height and width of `x[N, C, H, W]` enlarged (or made smaller) by reading between elements.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resample(pub Resampling);

/// How an enlargement reads its input along height and width. For output index `o`, the source coordinate is
/// `(o + 0.5)·scale − 0.5` (bilinear), `o·scale` with `scale = (in − 1)/(out − 1)` (bilinear with aligned corners), `⌊o·scale⌋`
/// in single precision (nearest).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Resampling {
    /// The nearest element; `scale` is input over output, per axis.
    Nearest {
        /// Input elements an output element.
        scale: [f64; 2],
    },
    /// Two neighbours an axis, weighted by distance; coordinates are clamped to the input.
    Bilinear {
        /// Input elements an output element.
        scale: [f64; 2],
        /// Whether the corner elements lie on each other.
        align_corners: bool,
    },
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

impl Resampling {
    /// The sources of every element of the result along an axis (0 height, 1 width) from `size` to `count` elements.
    pub fn sources(&self, axis: usize, size: usize, count: usize) -> Vec<Source> {
        let source = |index: usize| {
            let coordinate = match *self {
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

    /// The elements that one is read from, and what each counts for.
    pub fn parts(&self, source: &Source) -> impl Iterator<Item = (usize, f64)> + use<> {
        let share = if matches!(self, Resampling::Nearest { .. }) { 0.0 } else { source.share };
        [(source.low, 1.0 - share), (source.high, share)].into_iter().filter(|&(_, share)| share > 0.0)
    }
}

impl Definition for Resample {
    fn name(&self) -> &'static str {
        "resample"
    }

    fn details(&self) -> String {
        details(&self.0)
    }

    fn arity(&self) -> RangeInclusive<usize> {
        1..=1
    }

    fn fits(&self, shape: &[usize], own: &[&[usize]]) -> bool {
        matches!(own, [x] if resamples(x, shape))
    }

    fn fits_in_blocks(&self, shape: &[usize], own: &[&[usize]]) -> bool {
        let (&[&[batch, blocks, height, width, lanes]], &[same, also, _, _, alike]) = (own, shape) else {
            return false;
        };
        [batch, blocks, lanes] == [same, also, alike] && height > 0 && width > 0
    }

    fn reference<T: Real>(&self, own: &[Operand<'_, T>], shape: &[usize]) -> Vec<T> {
        let (x, Resample(resampling)) = (&own[0], self);
        let sources = [0, 1].map(|axis| resampling.sources(axis, x.shape[2 + axis], shape[2 + axis]));
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

    fn terms(&self, index: &[usize], own: &[&[usize]], shape: &[usize]) -> Option<Terms> {
        let (&[n, channel, y, x], &[&[_, _, height, width]], &[_, _, rows, columns]) = (index, own, shape) else {
            return None;
        };
        let along = |axis: usize, [size, count]: [usize; 2], place: usize| -> Option<Vec<(usize, f64)>> {
            Some(self.0.parts(self.0.sources(axis, size, count).get(place)?).collect())
        };
        let (down, across) = (along(0, [height, rows], y)?, along(1, [width, columns], x)?);
        let part = |&(row, share): &(usize, f64)| {
            let columns: Vec<_> =
                across.iter().map(|&(column, other)| (vec![n, channel, row, column], share * other)).collect();
            columns
        };
        Some(Terms::Weighted(down.iter().flat_map(part).collect()))
    }

    fn gradient(&self, backward: &mut Backward<'_>, handed: &Handed) {
        let &[x] = handed.arguments.as_slice() else { return };
        let g = backward.whole(handed.gradient, &handed.shape);
        backward.hand_computed(x, Kernel::ResampleGrad(ResampleGrad(self.0)), &[g]);
    }

    fn takes_epilogue(&self) -> bool {
        true
    }

    fn in_blocks(&self, layouts: &Layouts<'_>) -> bool {
        layouts.first()
    }

    fn keeps_zeros(&self) -> bool {
        true
    }
}

impl KernelBuilder<'_> {
    /// Height and width enlarged to the given sizes.
    pub fn resample(&mut self, x: NodeId, resampling: Resampling, size: [usize; 2]) -> NodeId {
        let shape = self.planes(x, None, size);
        self.add(Kernel::Resample(Resample(resampling)), shape, &[x])
    }
}

/// How elements are read.
pub(super) fn details(resampling: &Resampling) -> String {
    match resampling {
        Resampling::Nearest { scale } => format!(" nearest {scale:?}"),
        Resampling::Bilinear { scale, align_corners: false } => format!(" bilinear {scale:?}"),
        Resampling::Bilinear { scale, align_corners: true } => format!(" bilinear {scale:?} aligned"),
    }
}

/// Whether images of `x`, which has pixels, can be made those of a shape.
pub(super) fn resamples(x: &[usize], shape: &[usize]) -> bool {
    let (&[batch, channels, height, width], &[same, also, _, _]) = (x, shape) else { return false };
    [batch, channels] == [same, also] && height > 0 && width > 0
}

#[cfg(test)]
mod tests {
    use super::{Definition, Operand, Resample, Resampling};

    #[test]
    fn nearest_repeats_and_bilinear_goes_between() {
        let x = Operand { data: &[0.0f64, 4.0], shape: &[1, 1, 1, 2], strides: &[2, 2, 2, 1] };
        let to = |resampling, width: usize| Resample(resampling).reference(&[x], &[1, 1, 1, width]);
        let nearest = Resampling::Nearest { scale: [1.0, 0.5] };
        assert_eq!(to(nearest, 4), [0.0, 0.0, 4.0, 4.0]);
        let fewer = Resampling::Nearest { scale: [1.0, 30.0 / 22.0] };
        assert_eq!(fewer.sources(1, 30, 22).get(11).map(|source| source.low), Some(15));
        let between = Resampling::Bilinear { scale: [1.0, 0.5], align_corners: false };
        assert_eq!(to(between, 4), [0.0, 1.0, 3.0, 4.0]);
        let corners = Resampling::Bilinear { scale: [0.0, 0.25], align_corners: true };
        assert_eq!(to(corners, 5), [0.0, 1.0, 2.0, 3.0, 4.0]);
    }
}
