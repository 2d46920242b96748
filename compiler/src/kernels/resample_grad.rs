//! The gradient of an enlargement by its input.

use super::definition::Definition;
use super::reference::{Operand, Real, indices};
use super::resample::{Resampling, details, resamples};
use std::ops::RangeInclusive;

/// The gradient of [`Resample`](super::Resample) by its input, `g[N, C, H', W']` to `[N, C, H, W]`: every element of `g` is added
/// to those that it was read from, times what they counted for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ResampleGrad(pub Resampling);

impl Definition for ResampleGrad {
    fn name(&self) -> &'static str {
        "resample_grad"
    }

    fn details(&self) -> String {
        details(&self.0)
    }

    fn arity(&self) -> RangeInclusive<usize> {
        1..=1
    }

    fn fits(&self, shape: &[usize], own: &[&[usize]]) -> bool {
        matches!(own, [g] if resamples(shape, g))
    }

    fn reference<T: Real>(&self, own: &[Operand<'_, T>], shape: &[usize]) -> Vec<T> {
        let (g, ResampleGrad(resampling)) = (&own[0], self);
        let sources = [0, 1].map(|axis| resampling.sources(axis, shape[2 + axis], g.shape[2 + axis]));
        let mut output = vec![T::from_f64(0.0); shape.iter().product()];
        for index in indices(g.shape) {
            let plane = (index[0] * shape[1] + index[1]) * shape[2];
            let gradient = g.at(&index);
            for (row, share) in resampling.parts(&sources[0][index[2]]) {
                for (column, across) in resampling.parts(&sources[1][index[3]]) {
                    output[(plane + row) * shape[3] + column] += gradient * T::from_f64(share * across);
                }
            }
        }
        output
    }

    fn takes_epilogue(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::{Definition, Operand, ResampleGrad, Resampling};

    #[test]
    fn elements_go_back_to_where_they_were_read() {
        let g = Operand { data: &[1.0f64, 2.0, 4.0, 8.0], shape: &[1, 1, 1, 4], strides: &[4, 4, 4, 1] };
        let back = |resampling| ResampleGrad(resampling).reference(&[g], &[1, 1, 1, 2]);
        assert_eq!(back(Resampling::Nearest { scale: [1.0, 0.5] }), [3.0, 12.0]);
        let between = Resampling::Bilinear { scale: [1.0, 0.5], align_corners: false };
        assert_eq!(back(between), [1.0 + 0.75 * 2.0 + 0.25 * 4.0, 0.25 * 2.0 + 0.75 * 4.0 + 8.0]);
    }
}
