//! The gradient of a convolution by its weight.

use super::conv::product;
use super::convolution::{Convolution, inside, seen};
use super::definition::Definition;
use super::reference::{Operand, Real};
use std::ops::RangeInclusive;

/// `x[N, C, H, W]`, `g[N, C', H', W']` to `[C', C/groups, kh, kw]`: element `(o, c, k)` is the sum over images and places `p` of
/// `g[n, o, p]` times the element of `x`, in channel `c` of the group of `o`, that window element `k` at place `p` sees; padding
/// is zero. The gradient of [`Conv`](super::Conv) by weight, and of [`ConvData`](super::ConvData), whose result's gradient is
/// then `x` and whose data is `g`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConvWeight(pub Convolution);

impl Definition for ConvWeight {
    fn name(&self) -> &'static str {
        "conv_weight"
    }

    fn convolution(&self) -> Option<Convolution> {
        Some(self.0)
    }

    fn arity(&self) -> RangeInclusive<usize> {
        2..=2
    }

    fn fits(&self, shape: &[usize], own: &[&[usize]]) -> bool {
        matches!(own, [x, g] if self.0.fits(x, shape, g))
    }

    /// Plain images beside blocks are those of a stem, which has one group.
    fn fits_in_blocks(&self, shape: &[usize], own: &[&[usize]]) -> bool {
        let (&[x, g], &[outs, inner, rows, columns], groups) = (own, shape, self.0.groups) else { return false };
        let Some(ins) = inner.checked_mul(groups) else { return false };
        groups > 0
            && outs % groups == 0
            && (x.len() == g.len() || (g.len() == 5 && groups == 1))
            && holds(x, ins)
            && holds(g, outs)
            && x.first() == g.first()
            && self.0.has_window([rows, columns])
    }

    fn reference<T: Real>(&self, own: &[Operand<'_, T>], shape: &[usize]) -> Vec<T> {
        let (x, g) = (&own[0], &own[1]);
        let (rows, columns) = (g.shape[2], g.shape[3]);
        let per_group = g.shape[1] / self.0.groups;
        let [vertical, horizontal] = &self.0.window;
        let mut output = Vec::with_capacity(product(shape));
        for channel in 0..shape[0] {
            for inner in 0..shape[1] {
                let from = channel / per_group * shape[1] + inner;
                for ky in 0..shape[2] {
                    for kx in 0..shape[3] {
                        let mut sum = T::from_f64(0.0);
                        for n in 0..g.shape[0] {
                            let plane = &x.data[n * x.strides[0] + from * x.strides[1]..];
                            let gradient = &g.data[n * g.strides[0] + channel * g.strides[1]..];
                            for y in inside(vertical, ky, rows, x.shape[2]) {
                                let row = &plane[seen(vertical, ky, y) * x.strides[2]..];
                                for place in inside(horizontal, kx, columns, x.shape[3]) {
                                    let element = row[seen(horizontal, kx, place) * x.strides[3]];
                                    sum += element * gradient[y * g.strides[2] + place * g.strides[3]];
                                }
                            }
                        }
                        output.push(sum);
                    }
                }
            }
        }
        output
    }

    fn multiply_adds(&self, shape: &[usize], own: &[&[usize]]) -> usize {
        let Some(&[batch, _, rows, columns, ..]) = own.get(1) else { return 0 };
        batch * rows * columns * product(shape)
    }

    fn takes_epilogue(&self) -> bool {
        true
    }
}

/// Whether an image, plain or in blocks, has so many channels.
fn holds(image: &[usize], channels: usize) -> bool {
    match *image {
        [_, count, _, _] => count == channels,
        [_, blocks, _, _, lanes] => lanes > 0 && blocks == channels.div_ceil(lanes),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::AxisWindow;
    use super::super::reference::dense;
    use super::{ConvWeight, Convolution, Definition, Operand};

    #[test]
    fn a_weight_is_met_once_a_place() {
        let (x, g): (Vec<f64>, Vec<f64>) = ((0..9).map(f64::from).collect(), vec![1.0, 2.0, 3.0, 4.0]);
        let (x_shape, g_shape) = ([1, 1, 3, 3], [1, 1, 2, 2]);
        let x = Operand { data: &x, shape: &x_shape, strides: &dense(&x_shape) };
        let g = Operand { data: &g, shape: &g_shape, strides: &dense(&g_shape) };
        let weights = |axis, shape: [usize; 4]| {
            ConvWeight(Convolution { window: [axis; 2], groups: 1 }).reference(&[x, g], &shape)
        };
        let plain = AxisWindow { kernel: 2, stride: 1, dilation: 1, before: 0 };
        assert_eq!(weights(plain, [1, 1, 2, 2]), [27.0, 37.0, 57.0, 67.0]);
        let padded = AxisWindow { kernel: 1, stride: 2, dilation: 1, before: 1 };
        // Places see (−1, −1), (−1, 1), (1, −1) and (1, 1).
        assert_eq!(weights(padded, [1, 1, 1, 1]), [16.0]);
    }
}
