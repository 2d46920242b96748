//! Depthwise convolution, pooling, global mean and fully connected layers against float64.
use crate::common::*;
use crate::reference::{for_each_element, relative_error};
use cnnc_runtime::cpu::blocked::{
    buffer::Buffer, epilogue::*, global, linear::*, pool::Pool, shape::*, vector::*, window::*,
};

const WINDOWS: [[usize; 4]; 10] = [
    [14, 3, 1, 1],
    [15, 3, 2, 1],
    [7, 3, 1, 1],
    [7, 5, 1, 2],
    [28, 5, 2, 2],
    [2, 5, 1, 2],
    [1, 3, 1, 1],
    [12, 2, 2, 0],
    [13, 3, 2, 0],
    [40, 7, 1, 3],
];

#[test]
fn depthwise() {
    for [size, kernel, stride, padding] in WINDOWS {
        let window = Window::square(size, kernel, stride, padding);
        let shape = ConvolutionShape { batch: 2, in_channels: 37, out_channels: 37, groups: 37, window };
        let case = Case::new(shape);
        for set in InstructionSet::available() {
            let lanes = set.lanes();
            let input = block(lanes, case.in_dims(), &case.input);
            let residual = block(lanes, case.out_dims(), &case.residual);
            let kernel = Windowed::depthwise(set, [2, 37], window, &case.weights, &case.bias);
            let mut output = Buffer::zeros(shape.output_length(lanes));
            output.fill(f32::NAN);
            kernel.run(&Pool::new(2), &input, &mut output, &Epilogue { residual: Some(&residual), ..Epilogue::RELU });
            let error = relative_error(&unblock(lanes, case.out_dims(), &output), &case.expected);
            assert!(error < 1e-6, "{set:?} {window:?}: {error:e}");
        }
    }
}

#[test]
fn pooling() {
    for [size, kernel, stride, padding] in WINDOWS {
        let dilated = Window {
            dilation: [1, 2],
            padding_end: [padding, padding + kernel],
            ..Window::square(size, kernel, stride, padding)
        };
        for window in [Window::square(size, kernel, stride, padding), dilated] {
            for pooling in [Pooling::Max, Pooling::Mean, Pooling::MeanWithPadding] {
                check_pooling(window, pooling);
            }
        }
    }
}

fn check_pooling(window: Window, pooling: Pooling) {
    let (batch, channels) = (2, 21);
    let area = window.input[0] * window.input[1];
    let [height, width] = window.output();
    let input = random(batch * channels * area, 9);
    let mut expected = Vec::new();
    for plane in input.chunks(area) {
        for at in 0..height * width {
            let mut values = Vec::new();
            for_each_element(&window, [at / width, at % width], |_, pixel| values.push(f64::from(plane[pixel])));
            expected.push(match pooling {
                Pooling::Max => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
                Pooling::Mean if values.is_empty() => 0.0,
                Pooling::Mean => values.iter().sum::<f64>() / values.len() as f64,
                Pooling::MeanWithPadding => {
                    let count = |axis: usize, at: usize| {
                        (0..window.kernel_size[axis])
                            .filter(|k| {
                                at * window.stride[axis] + k * window.dilation[axis]
                                    < window.input[axis] + 2 * window.padding[axis]
                            })
                            .count()
                    };
                    values.iter().sum::<f64>() / (count(0, at / width) * count(1, at % width)).max(1) as f64
                }
            });
        }
    }
    for set in InstructionSet::available() {
        let blocked = block(set.lanes(), [batch, channels, area], &input);
        let mut output = Buffer::zeros(batch * channels.next_multiple_of(set.lanes()) * height * width);
        Windowed::pooling(set, [batch, channels], window, pooling).run(
            &Pool::new(2),
            &blocked,
            &mut output,
            &Epilogue::NONE,
        );
        let plain = unblock(set.lanes(), [batch, channels, height * width], &output);
        for (value, expected) in plain.iter().zip(&expected) {
            let same = *expected == f64::NEG_INFINITY && *value == f32::NEG_INFINITY;
            assert!(
                same || (f64::from(*value) - expected).abs() < 1e-6,
                "{set:?} {pooling:?} {window:?} {value} {expected}"
            );
        }
    }
}

#[test]
fn max_pooling_keeps_nan() {
    for set in InstructionSet::available() {
        for at in 0..4 {
            let mut input = vec![1.0; 4];
            input[at] = f32::NAN;
            let blocked = block(set.lanes(), [1, 1, 4], &input);
            let mut output = Buffer::zeros(set.lanes());
            let kernel = Windowed::pooling(set, [1, 1], Window::square(2, 2, 2, 0), Pooling::Max);
            kernel.run(&Pool::new(1), &blocked, &mut output, &Epilogue::NONE);
            assert!(output[0].is_nan(), "{set:?} {at}");
        }
    }
}

#[test]
fn global_mean() {
    for set in InstructionSet::available() {
        for pixels in [1, 7, 49, 196] {
            let input = random(2 * 40 * pixels, 5);
            let blocked = block(set.lanes(), [2, 40, pixels], &input);
            let mut output = Buffer::zeros(2 * 40usize.next_multiple_of(set.lanes()));
            global::mean(set, &Pool::new(2), pixels, &blocked, &mut output);
            let plain = unblock(set.lanes(), [2, 40, 1], &output);
            let expected: Vec<f64> =
                input.chunks(pixels).map(|p| p.iter().map(|v| f64::from(*v)).sum::<f64>() / pixels as f64).collect();
            assert!(relative_error(&plain, &expected) < 1e-6);
        }
    }
}

#[test]
fn linear() {
    for set in InstructionSet::available() {
        for batch in [1, 2, 5, 33] {
            for (channels, pixels, outs) in [(5, 5, 10), (16, 25, 120), (100, 1, 1), (64, 49, 300)] {
                let input = random(batch * channels * pixels, 6);
                let weights = random(outs * channels * pixels, 7);
                let bias = random(outs, 8);
                let mut expected = Vec::new();
                for row in input.chunks(channels * pixels) {
                    for (filter, bias) in weights.chunks(channels * pixels).zip(&bias) {
                        let sum: f64 = filter.iter().zip(row).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
                        expected.push((sum + f64::from(*bias)).max(0.0));
                    }
                }
                let blocked = block(set.lanes(), [batch, channels, pixels], &input);
                for (order, input) in
                    [(FeatureOrder::Plain, &input[..]), (FeatureOrder::Blocked { channels, pixels }, &blocked[..])]
                {
                    let layer = Linear::new(set, batch, outs, order, &weights, &bias);
                    let mut output = vec![f32::NAN; batch * outs];
                    let mut workspace = Buffer::zeros(layer.workspace_length());
                    layer.run(&Pool::new(2), input, &mut output, &Epilogue::RELU, &mut workspace);
                    let error = relative_error(&output, &expected);
                    assert!(error < 3e-6, "{set:?} {batch} {outs} {order:?}: {error:e}");
                }
            }
        }
    }
}
