//! Cross-correlation.

use super::conv_data::ConvData;
use super::conv_weight::ConvWeight;
use super::convolution::{Convolution, inside, seen};
use super::definition::{Definition, Layouts};
use super::reference::{Operand, Real};
use super::terms::Terms;
use super::window::AxisWindow;
use super::{Kernel, KernelBuilder};
use crate::gradient::{Backward, Handed};
use crate::graph::NodeId;
use std::ops::RangeInclusive;

/// `x[N, C, H, W]`, `w[C', C/groups, kh, kw]` to `[N, C', H', W']`: every output element is the sum, over its group's channels
/// and the window, of input times weight; what lies in the padding adds nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Conv(pub Convolution);

impl Definition for Conv {
    fn name(&self) -> &'static str {
        "conv"
    }

    fn convolution(&self) -> Option<Convolution> {
        Some(self.0)
    }

    fn arity(&self) -> RangeInclusive<usize> {
        2..=2
    }

    fn takes_bytes(&self) -> bool {
        true
    }

    fn fits(&self, shape: &[usize], own: &[&[usize]]) -> bool {
        matches!(own, [x, weight] if self.0.fits(x, weight, shape))
    }

    fn reference<T: Real>(&self, own: &[Operand<'_, T>], shape: &[usize]) -> Vec<T> {
        let (x, weight) = (&own[0], &own[1]);
        let [batch, channels, height, width] = [shape[0], shape[1], shape[2], shape[3]];
        let mut output = vec![T::from_f64(0.0); batch * channels * height * width];
        for (plane, sums) in output.chunks_exact_mut((height * width).max(1)).enumerate() {
            let (n, channel) = (plane / channels, plane % channels);
            let first = channel / (channels / self.0.groups) * weight.shape[1];
            for inner in 0..weight.shape[1] {
                let plane = &x.data[n * x.strides[0] + (first + inner) * x.strides[1]..];
                let plane = Operand { data: plane, shape: &x.shape[2..], strides: &x.strides[2..] };
                for ky in 0..self.0.window[0].kernel {
                    for kx in 0..self.0.window[1].kernel {
                        let weight = weight.at(&[channel, inner, ky, kx]);
                        add(&plane, weight, &self.0.window, [ky, kx], [height, width], sums);
                    }
                }
            }
        }
        output
    }

    fn terms(&self, index: &[usize], own: &[&[usize]], shape: &[usize]) -> Option<Terms> {
        let (&[n, channel, y, x], &[image, weight]) = (index, own) else { return None };
        let (&[_, _, height, width], &[_, inner, _, _]) = (image, weight) else { return None };
        let first = channel / (shape.get(1)? / self.0.groups) * inner;
        let [rows, columns] =
            [(0, y, height), (1, x, width)].map(|(axis, place, size)| self.0.window[axis].seen(place, size));
        let mut products = Vec::new();
        for inner in 0..inner {
            for &(ky, row) in &rows {
                for &(kx, column) in &columns {
                    products.push([vec![n, first + inner, row, column], vec![channel, inner, ky, kx]]);
                }
            }
        }
        Some(Terms::Products(products))
    }

    fn gradient(&self, backward: &mut Backward<'_>, handed: &Handed) {
        let (&[x, weight], &Conv(convolution)) = (handed.arguments.as_slice(), self) else { return };
        let g = backward.whole(handed.gradient, &handed.shape);
        backward.hand_computed(x, Kernel::ConvData(ConvData(convolution)), &[g, weight]);
        backward.hand_computed(weight, Kernel::ConvWeight(ConvWeight(convolution)), &[x, g]);
    }

    fn multiply_adds(&self, shape: &[usize], own: &[&[usize]]) -> usize {
        own.get(1).map_or(0, |weight| product(shape) * product(weight.get(1..).unwrap_or_default()))
    }

    fn takes_epilogue(&self) -> bool {
        true
    }

    fn output_channels(&self, weight: &[usize]) -> Option<(Vec<usize>, Vec<usize>)> {
        Some((weight.to_vec(), vec![0]))
    }

    fn reads_whole(&self, argument: usize) -> bool {
        argument == 1
    }

    fn in_blocks(&self, _: &Layouts<'_>) -> bool {
        true
    }
}

impl KernelBuilder<'_> {
    /// Cross-correlation of `x[N, C, H, W]` with `weight[C', C/groups, kh, kw]`, to the given height and width.
    pub fn conv(
        &mut self,
        x: NodeId,
        weight: NodeId,
        window: [AxisWindow; 2],
        groups: usize,
        size: [usize; 2],
    ) -> NodeId {
        let channels = self.shape(weight).first().copied().unwrap_or(0);
        let shape = self.planes(x, Some(channels), size);
        self.add(Kernel::Conv(Conv(Convolution { window, groups })), shape, &[x, weight])
    }
}

/// Elements of a shape that was checked.
pub(super) fn product(shape: &[usize]) -> usize {
    shape.iter().product()
}

/// Adds to every output pixel what it sees through one element of the window.
fn add<T: Real>(
    plane: &Operand<T>,
    weight: T,
    window: &[AxisWindow; 2],
    [ky, kx]: [usize; 2],
    [height, width]: [usize; 2],
    sums: &mut [T],
) {
    let columns = inside(&window[1], kx, width, plane.shape[1]);
    for y in inside(&window[0], ky, height, plane.shape[0]) {
        let row = &plane.data[seen(&window[0], ky, y) * plane.strides[0]..];
        for x in columns.clone() {
            sums[y * width + x] += row[seen(&window[1], kx, x) * plane.strides[1]] * weight;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::reference::dense;
    use super::{AxisWindow, Conv, Convolution, Definition, Operand};

    const PLAIN: AxisWindow = AxisWindow { kernel: 2, stride: 1, dilation: 1, before: 0 };

    fn run(
        x: (&[usize], &[f64]),
        w: (&[usize], &[f64]),
        window: AxisWindow,
        groups: usize,
        shape: &[usize],
    ) -> Vec<f64> {
        let x = Operand { data: x.1, shape: x.0, strides: &dense(x.0) };
        let w = Operand { data: w.1, shape: w.0, strides: &dense(w.0) };
        Conv(Convolution { window: [window; 2], groups }).reference(&[x, w], shape)
    }

    fn count(first: u32, last: u32) -> Vec<f64> {
        (first..=last).map(f64::from).collect()
    }

    #[test]
    fn correlates_as_the_book_does() {
        let x = count(0, 8);
        let y = run((&[1, 1, 3, 3], &x), (&[1, 1, 2, 2], &count(0, 3)), PLAIN, 1, &[1, 1, 2, 2]);
        assert_eq!(y, [19.0, 25.0, 37.0, 43.0]);
    }

    #[test]
    fn adds_over_input_channels() {
        let x = [count(0, 8), count(1, 9)].concat();
        let w = [0.0, 1.0, 2.0, 3.0, 1.0, 2.0, 3.0, 4.0];
        let y = run((&[1, 2, 3, 3], &x), (&[1, 2, 2, 2], &w), PLAIN, 1, &[1, 1, 2, 2]);
        assert_eq!(y, [56.0, 72.0, 104.0, 120.0]);
    }

    #[test]
    fn groups_see_their_own_channels() {
        let x = [vec![1.0; 4], vec![10.0; 4]].concat();
        let w = [1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0];
        let y = run((&[1, 2, 2, 2], &x), (&[2, 1, 2, 2], &w), PLAIN, 2, &[1, 2, 1, 1]);
        assert_eq!(y, [4.0, 80.0]);
    }

    #[test]
    fn padding_and_dilation_skip_what_is_not_there() {
        let window = AxisWindow { kernel: 3, stride: 2, dilation: 2, before: 2 };
        let y = run((&[1, 1, 3, 3], &[1.0; 9]), (&[1, 1, 3, 3], &[1.0; 9]), window, 1, &[1, 1, 2, 2]);
        assert_eq!(y, [4.0, 4.0, 4.0, 4.0]);
    }

    #[test]
    fn a_convolution_s_products() {
        let window = [AxisWindow { kernel: 3, stride: 1, dilation: 1, before: 1 }; 2];
        let conv = Conv(Convolution { window, groups: 2 });
        assert_eq!(conv.multiply_adds(&[1, 6, 8, 8], &[&[1, 4, 8, 8], &[6, 2, 3, 3]]), 64 * 6 * 2 * 9);
    }
}
