//! Plain loops in double precision: what every fast kernel is tested against.

use crate::cpu::blocked::shape::{ConvolutionShape, Window};

/// Convolution of plain `[N, C, H, W]`, without epilogue.
pub fn convolution(shape: &ConvolutionShape, input: &[f32], weights: &[f32], bias: &[f32]) -> Vec<f64> {
    let (ins, outs) = (shape.in_channels / shape.groups, shape.out_channels / shape.groups);
    let window = &shape.window;
    let [height, width] = window.output;
    let mut output = Vec::with_capacity(shape.batch * shape.out_channels * height * width);
    for image in 0..shape.batch {
        for channel in 0..shape.out_channels {
            let group = channel / outs;
            for row in 0..height {
                for column in 0..width {
                    let mut sum = f64::from(bias[channel]);
                    for_each_element(window, [row, column], |element, pixel| {
                        for c in 0..ins {
                            let plane =
                                (image * shape.in_channels + group * ins + c) * window.input[0] * window.input[1];
                            let weight = weights[(channel * ins + c) * window.area() + element];
                            sum += f64::from(weight) * f64::from(input[plane + pixel]);
                        }
                    });
                    output.push(sum);
                }
            }
        }
    }
    output
}

/// Transposed convolution of plain `[N, C, H, W]`, without epilogue: every input pixel adds its multiple of the kernel.
pub fn transposed(shape: &ConvolutionShape, input: &[f32], weights: &[f32], bias: &[f32]) -> Vec<f64> {
    let (ins, outs) = (shape.in_channels / shape.groups, shape.out_channels / shape.groups);
    let (window, pixels) = (&shape.window, shape.window.output_pixels());
    let mut output: Vec<f64> = (0..shape.batch * shape.out_channels * pixels)
        .map(|at| f64::from(bias[at / pixels % shape.out_channels]))
        .collect();
    // The convolution that is transposed reads the output where it writes the input.
    let turned = Window { input: window.output, output: window.input, axes: window.axes };
    for (plane, values) in input.chunks_exact(window.input_pixels()).enumerate() {
        let (image, channel) = (plane / shape.in_channels, plane % shape.in_channels);
        for (at, value) in values.iter().enumerate() {
            for_each_element(&turned, [at / window.input[1], at % window.input[1]], |element, pixel| {
                for out in 0..outs {
                    let weight = weights[(channel * outs + out) * window.area() + element];
                    let target = image * shape.out_channels + channel / ins * outs + out;
                    output[target * pixels + pixel] += f64::from(weight) * f64::from(*value);
                }
            });
        }
    }
    output
}

/// Calls `visit(element of the window, pixel of the image)` for what of a window lies inside the image.
pub fn for_each_element(window: &Window, at: [usize; 2], mut visit: impl FnMut(usize, usize)) {
    for y in 0..window.axes[0].kernel {
        for x in 0..window.axes[1].kernel {
            let place = [y, x].map(|v| v as isize);
            let inside: Vec<usize> = (0..2)
                .filter_map(|axis| {
                    let along = window.axes[axis];
                    let v = at[axis] * along.stride + place[axis] as usize * along.dilation;
                    v.checked_sub(along.before).filter(|v| *v < window.input[axis])
                })
                .collect();
            if let [row, column] = inside[..] {
                visit(y * window.axes[1].kernel + x, row * window.input[1] + column);
            }
        }
    }
}

/// `max |a - b| / max |b|`.
pub fn relative_error(a: &[f32], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let largest = b.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    let worst = a.iter().zip(b).fold(0.0f64, |m, (a, b)| {
        let d = (f64::from(*a) - b).abs();
        if d.is_nan() { f64::INFINITY } else { m.max(d) }
    });
    worst / largest.max(f64::MIN_POSITIVE)
}
