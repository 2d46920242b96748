//! The transposed convolution, which is the gradient of a convolution by its data.

use super::conv::{Conv, product};
use super::conv_weight::ConvWeight;
use super::convolution::Convolution;
use super::definition::{Definition, Layouts};
use super::reference::{Operand, Real, indices};
use super::terms::Terms;
use super::window::AxisWindow;
use super::{Kernel, KernelBuilder};
use crate::gradient::{Backward, Handed};
use crate::graph::NodeId;
use std::ops::RangeInclusive;

/// `x[N, C, H, W]`, `w[C, C'/groups, kh, kw]` to `[N, C', H', W']`: every input element adds its multiple of the kernel at
/// `i·stride − before + k·dilation`; what falls outside the output is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConvData(pub Convolution);

impl Definition for ConvData {
    fn name(&self) -> &'static str {
        "conv_data"
    }

    fn convolution(&self) -> Option<Convolution> {
        Some(self.0)
    }

    fn arity(&self) -> RangeInclusive<usize> {
        2..=2
    }

    fn fits(&self, shape: &[usize], own: &[&[usize]]) -> bool {
        let (&[x, weight], groups) = (own, self.0.groups) else { return false };
        let (&[batch, channels, _, _], &[ins, inner, rows, columns]) = (x, weight) else { return false };
        let &[same, out, _, _] = shape else { return false };
        groups > 0
            && batch == same
            && ins == channels
            && channels % groups == 0
            && inner.checked_mul(groups) == Some(out)
            && self.0.has_window([rows, columns])
    }

    fn reference<T: Real>(&self, own: &[Operand<'_, T>], shape: &[usize]) -> Vec<T> {
        let (x, weight) = (&own[0], &own[1]);
        let [channels, height, width] = [shape[1], shape[2], shape[3]];
        let mut output = vec![T::from_f64(0.0); product(shape)];
        for index in indices(x.shape) {
            let [n, channel, row, column] = [index[0], index[1], index[2], index[3]];
            let value = x.at(&index);
            let first = channel / (x.shape[1] / self.0.groups) * weight.shape[1];
            for inner in 0..weight.shape[1] {
                let plane = ((n * channels + first + inner) * height) * width;
                for (ky, y) in targets(&self.0.window[0], row, height) {
                    for (kx, x) in targets(&self.0.window[1], column, width) {
                        output[plane + y * width + x] += value * weight.at(&[channel, inner, ky, kx]);
                    }
                }
            }
        }
        output
    }

    fn terms(&self, index: &[usize], own: &[&[usize]], _: &[usize]) -> Option<Terms> {
        let (&[n, out, y, x], &[image, weight]) = (index, own) else { return None };
        let (&[_, channels, height, width], &[_, inner, _, _]) = (image, weight) else { return None };
        let of_group = channels / self.0.groups;
        let group = out / inner;
        let [rows, columns] =
            [(0, y, height), (1, x, width)].map(|(axis, place, size)| self.0.window[axis].seen_by(place, size));
        let mut products = Vec::new();
        for channel in group * of_group..(group + 1) * of_group {
            for &(ky, row) in &rows {
                for &(kx, column) in &columns {
                    products.push([vec![n, channel, row, column], vec![channel, out % inner, ky, kx]]);
                }
            }
        }
        Some(Terms::Products(products))
    }

    fn gradient(&self, backward: &mut Backward<'_>, handed: &Handed) {
        let (&[x, weight], &ConvData(convolution)) = (handed.arguments.as_slice(), self) else { return };
        let g = backward.whole(handed.gradient, &handed.shape);
        backward.hand_computed(x, Kernel::Conv(Conv(convolution)), &[g, weight]);
        backward.hand_computed(weight, Kernel::ConvWeight(ConvWeight(convolution)), &[g, x]);
    }

    fn multiply_adds(&self, _: &[usize], own: &[&[usize]]) -> usize {
        let [x, weight] = own else { return 0 };
        product(x) * product(weight.get(1..).unwrap_or_default())
    }

    fn takes_epilogue(&self) -> bool {
        true
    }

    fn output_channels(&self, weight: &[usize]) -> Option<(Vec<usize>, Vec<usize>)> {
        Some(match weight {
            &[channels, out, height, width] if self.0.groups > 1 => {
                (vec![self.0.groups, channels / self.0.groups, out, height, width], vec![0, 2])
            }
            _ => (weight.to_vec(), vec![1]),
        })
    }

    fn reads_whole(&self, argument: usize) -> bool {
        argument == 1
    }

    fn in_blocks(&self, _: &Layouts<'_>) -> bool {
        true
    }
}

impl KernelBuilder<'_> {
    /// Transposed convolution of `x[N, C, H, W]` with `weight[C, C'/groups, kh, kw]`, to the given height and width.
    pub fn conv_data(
        &mut self,
        x: NodeId,
        weight: NodeId,
        window: [AxisWindow; 2],
        groups: usize,
        size: [usize; 2],
    ) -> NodeId {
        let channels = self.shape(weight).get(1).copied().unwrap_or(0) * groups;
        let shape = self.planes(x, Some(channels), size);
        self.add(Kernel::ConvData(ConvData(Convolution { window, groups })), shape, &[x, weight])
    }
}

/// Where the window's elements fall on the output, as (place in the window, place in the output).
fn targets(window: &AxisWindow, place: usize, size: usize) -> impl Iterator<Item = (usize, usize)> {
    let AxisWindow { kernel, stride, dilation, before } = *window;
    (0..kernel).filter_map(move |k| {
        let padded = place * stride + k * dilation;
        (before..before + size).contains(&padded).then(|| (k, padded - before))
    })
}

#[cfg(test)]
mod tests {
    use super::super::reference::dense;
    use super::{AxisWindow, ConvData, Convolution, Definition, Operand};

    #[test]
    fn stride_two_doubles_a_plane() {
        let window = AxisWindow { kernel: 2, stride: 2, dilation: 1, before: 0 };
        let x = Operand { data: &[1.0f64, 2.0], shape: &[1, 1, 1, 2], strides: &dense(&[1, 1, 1, 2]) };
        let w = Operand { data: &[1.0, 2.0, 3.0, 4.0], shape: &[1, 1, 2, 2], strides: &dense(&[1, 1, 2, 2]) };
        let y = ConvData(Convolution { window: [window; 2], groups: 1 }).reference(&[x, w], &[1, 1, 2, 4]);
        assert_eq!(y, [1.0, 2.0, 2.0, 4.0, 3.0, 4.0, 6.0, 8.0]);
    }

    #[test]
    fn what_falls_outside_is_dropped() {
        let window = AxisWindow { kernel: 3, stride: 1, dilation: 1, before: 1 };
        let x = Operand { data: &[1.0f64], shape: &[1, 1, 1, 1], strides: &[1; 4] };
        let w: Vec<f64> = (1..=9).map(f64::from).collect();
        let w = Operand { data: &w, shape: &[1, 1, 3, 3], strides: &dense(&[1, 1, 3, 3]) };
        assert_eq!(ConvData(Convolution { window: [window; 2], groups: 1 }).reference(&[x, w], &[1, 1, 1, 1]), [5.0]);
    }
}
