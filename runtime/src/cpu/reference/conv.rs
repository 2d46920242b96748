//! Cross-correlation: `x[N, C, H, W]`, `w[C', C/groups, kh, kw]` to `[N, C', H', W']`.

use super::{Operand, Real};
use cnnc_compiler::kernels::AxisWindow;

/// Every output element is the sum over its group's channels and the window; what lies in the padding adds nothing.
pub fn conv<T: Real>(
    x: &Operand<T>,
    weight: &Operand<T>,
    window: &[AxisWindow; 2],
    groups: usize,
    shape: &[usize],
) -> Vec<T> {
    let [batch, channels, height, width] = [shape[0], shape[1], shape[2], shape[3]];
    let mut output = Vec::with_capacity(batch * channels * height * width);
    for n in 0..batch {
        for channel in 0..channels {
            let first = channel / (channels / groups) * weight.shape[1];
            for row in 0..height {
                for column in 0..width {
                    output.push(element(x, weight, window, [n, first], channel, [row, column]));
                }
            }
        }
    }
    output
}

fn element<T: Real>(
    x: &Operand<T>,
    weight: &Operand<T>,
    window: &[AxisWindow; 2],
    [n, first]: [usize; 2],
    channel: usize,
    place: [usize; 2],
) -> T {
    let [rows, columns] = [0, 1].map(|axis| taps(&window[axis], place[axis], x.shape[2 + axis]));
    let mut sum = T::from_f64(0.0);
    for inner in 0..weight.shape[1] {
        let plane = &x.data[n * x.strides[0] + (first + inner) * x.strides[1]..];
        let kernel = &weight.data[channel * weight.strides[0] + inner * weight.strides[1]..];
        for (ky, y) in rows.clone() {
            let (row, weights) = (&plane[y * x.strides[2]..], &kernel[ky * weight.strides[2]..]);
            for (kx, x_index) in columns.clone() {
                sum += row[x_index * x.strides[3]] * weights[kx * weight.strides[3]];
            }
        }
    }
    sum
}

/// The window's elements that lie in the input, as (place in the window, place in the input).
pub fn taps(window: &AxisWindow, place: usize, size: usize) -> impl Iterator<Item = (usize, usize)> + Clone {
    let AxisWindow { kernel, stride, dilation, before } = *window;
    (0..kernel).filter_map(move |k| {
        let padded = place * stride + k * dilation;
        (before..before + size).contains(&padded).then(|| (k, padded - before))
    })
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
