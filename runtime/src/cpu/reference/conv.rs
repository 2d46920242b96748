//! Cross-correlation: `x[N, C, H, W]`, `w[C', C/groups, kh, kw]` to `[N, C', H', W']`.

use super::{Operand, Real};
use cnnc_compiler::kernels::AxisWindow;
use std::ops::Range;

/// Every output element is the sum over its group's channels and the window; what lies in the padding adds nothing.
pub fn conv<T: Real>(
    x: &Operand<T>,
    weight: &Operand<T>,
    window: &[AxisWindow; 2],
    groups: usize,
    shape: &[usize],
) -> Vec<T> {
    let [batch, channels, height, width] = [shape[0], shape[1], shape[2], shape[3]];
    let mut output = vec![T::from_f64(0.0); batch * channels * height * width];
    for (plane, sums) in output.chunks_exact_mut((height * width).max(1)).enumerate() {
        let (n, channel) = (plane / channels, plane % channels);
        let first = channel / (channels / groups) * weight.shape[1];
        for inner in 0..weight.shape[1] {
            let plane = &x.data[n * x.strides[0] + (first + inner) * x.strides[1]..];
            let plane = Operand { data: plane, shape: &x.shape[2..], strides: &x.strides[2..] };
            for ky in 0..window[0].kernel {
                for kx in 0..window[1].kernel {
                    add(&plane, weight.at(&[channel, inner, ky, kx]), window, [ky, kx], [height, width], sums);
                }
            }
        }
    }
    output
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

/// The input element that output element `place` sees through window element `k`, padding taken off.
pub(super) fn seen(window: &AxisWindow, k: usize, place: usize) -> usize {
    place * window.stride + k * window.dilation - window.before
}

/// The output elements of `count` that see an input element of `size` through window element `k`, and not padding.
pub(super) fn inside(window: &AxisWindow, k: usize, count: usize, size: usize) -> Range<usize> {
    let padded = |place: &usize| *place * window.stride + k * window.dilation;
    let first = (0..count).find(|place| padded(place) >= window.before).unwrap_or(count);
    let last = (first..count).find(|place| padded(place) >= window.before + size).unwrap_or(count);
    first..last
}

#[cfg(test)]
mod tests {
    use super::super::operand::dense;
    use super::{AxisWindow, Operand, conv};

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
        conv(&x, &w, &[window; 2], groups, shape)
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
}
