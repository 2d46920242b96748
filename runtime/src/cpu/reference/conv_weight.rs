//! The gradient of a convolution by its weight: `x[N, C, H, W]`, `g[N, C', H', W']` to `[C', C/groups, kh, kw]`.

use super::conv::{inside, seen};
use super::{Operand, Real};
use cnnc_compiler::kernels::AxisWindow;

/// Every weight's element is the sum, over images and places, of the gradient there times what the weight met; padding adds
/// nothing.
pub fn conv_weight<T: Real>(
    x: &Operand<T>,
    g: &Operand<T>,
    window: &[AxisWindow; 2],
    groups: usize,
    shape: &[usize],
) -> Vec<T> {
    let (rows, columns) = (g.shape[2], g.shape[3]);
    let per_group = g.shape[1] / groups;
    let mut output = Vec::with_capacity(shape.iter().product());
    for channel in 0..shape[0] {
        for inner in 0..shape[1] {
            let from = channel / per_group * shape[1] + inner;
            for ky in 0..shape[2] {
                for kx in 0..shape[3] {
                    let mut sum = T::from_f64(0.0);
                    for n in 0..g.shape[0] {
                        let plane = &x.data[n * x.strides[0] + from * x.strides[1]..];
                        let gradient = &g.data[n * g.strides[0] + channel * g.strides[1]..];
                        for y in inside(&window[0], ky, rows, x.shape[2]) {
                            let row = &plane[seen(&window[0], ky, y) * x.strides[2]..];
                            for place in inside(&window[1], kx, columns, x.shape[3]) {
                                let element = row[seen(&window[1], kx, place) * x.strides[3]];
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

#[cfg(test)]
mod tests {
    use super::super::operand::dense;
    use super::{AxisWindow, Operand, conv_weight};

    #[test]
    fn a_weight_is_met_once_a_place() {
        let (x, g): (Vec<f64>, Vec<f64>) = ((0..9).map(f64::from).collect(), vec![1.0, 2.0, 3.0, 4.0]);
        let (x_shape, g_shape) = ([1, 1, 3, 3], [1, 1, 2, 2]);
        let x = Operand { data: &x, shape: &x_shape, strides: &dense(&x_shape) };
        let g = Operand { data: &g, shape: &g_shape, strides: &dense(&g_shape) };
        let plain = AxisWindow { kernel: 2, stride: 1, dilation: 1, before: 0 };
        assert_eq!(conv_weight(&x, &g, &[plain; 2], 1, &[1, 1, 2, 2]), [27.0, 37.0, 57.0, 67.0]);
        let padded = AxisWindow { kernel: 1, stride: 2, dilation: 1, before: 1 };
        // Places see (−1, −1), (−1, 1), (1, −1) and (1, 1).
        assert_eq!(conv_weight(&x, &g, &[padded; 2], 1, &[1, 1, 1, 1]), [16.0]);
    }
}
