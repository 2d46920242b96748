//! Transposed convolution: `x[N, C, H, W]`, `w[C, C'/groups, kh, kw]` to `[N, C', H', W']`.

use super::{Operand, Real};
use cnnc_compiler::kernels::AxisWindow;

/// Every input element adds its multiple of the kernel at `i·stride − before + k·dilation`; what falls outside is dropped.
pub fn conv_data<T: Real>(
    x: &Operand<T>,
    weight: &Operand<T>,
    window: &[AxisWindow; 2],
    groups: usize,
    shape: &[usize],
) -> Vec<T> {
    let mut output = vec![T::from_f64(0.0); shape.iter().product()];
    let [_, channels, height, width] = [shape[0], shape[1], shape[2], shape[3]];
    for index in super::operand::indices(x.shape) {
        let [n, channel, row, column] = [index[0], index[1], index[2], index[3]];
        let value = x.at(&index);
        let first = channel / (x.shape[1] / groups) * weight.shape[1];
        for inner in 0..weight.shape[1] {
            let plane = ((n * channels + first + inner) * height) * width;
            for (ky, y) in targets(&window[0], row, height) {
                for (kx, x) in targets(&window[1], column, width) {
                    output[plane + y * width + x] += value * weight.at(&[channel, inner, ky, kx]);
                }
            }
        }
    }
    output
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
    use super::super::operand::dense;
    use super::{AxisWindow, Operand, conv_data};

    #[test]
    fn stride_two_doubles_a_plane() {
        let window = AxisWindow { kernel: 2, stride: 2, dilation: 1, before: 0 };
        let x = Operand { data: &[1.0f64, 2.0], shape: &[1, 1, 1, 2], strides: &dense(&[1, 1, 1, 2]) };
        let w = Operand { data: &[1.0, 2.0, 3.0, 4.0], shape: &[1, 1, 2, 2], strides: &dense(&[1, 1, 2, 2]) };
        let y = conv_data(&x, &w, &[window; 2], 1, &[1, 1, 2, 4]);
        assert_eq!(y, [1.0, 2.0, 2.0, 4.0, 3.0, 4.0, 6.0, 8.0]);
    }

    #[test]
    fn what_falls_outside_is_dropped() {
        let window = AxisWindow { kernel: 3, stride: 1, dilation: 1, before: 1 };
        let x = Operand { data: &[1.0f64], shape: &[1, 1, 1, 1], strides: &[1; 4] };
        let w: Vec<f64> = (1..=9).map(f64::from).collect();
        let w = Operand { data: &w, shape: &[1, 1, 3, 3], strides: &dense(&[1, 1, 3, 3]) };
        assert_eq!(conv_data(&x, &w, &[window; 2], 1, &[1, 1, 1, 1]), [5.0]);
    }
}
