//! Depthwise convolution and pooling against float64.
use super::common::*;
use super::reference::relative_error;
use crate::cpu::blocked::{call::*, pool::Pool, shape::*, vector::*, window::*};
use cnnc_compiler::kernels::{AxisWindow, Divisor, PoolAxis, Pooling};

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
    let mut windows =
        WINDOWS.map(|[size, kernel, stride, padding]| Window::square(size, kernel, stride, padding)).to_vec();
    let axes = [[3, 2, 2, 3], [5, 1, 3, 0]].map(|[kernel, stride, dilation, before]| AxisWindow {
        kernel,
        stride,
        dilation,
        before,
    });
    windows.push(Window { input: [11, 23], output: [6, 18], axes });
    windows.push(Window { input: [1, 2], output: [3, 3], axes });
    for window in windows {
        let shape = ConvolutionShape { batch: 2, in_channels: 37, out_channels: 37, groups: 37, window };
        let case = Case::new(shape);
        for set in InstructionSet::available() {
            let input = block(set.lanes(), case.in_dims(), &case.input);
            let kernel = Windowed::depthwise(set, [2, 37], &window);
            let pack = |pool: &Pool, weights: &[f32], into: &mut [f32]| kernel.pack(pool, weights, into);
            // SAFETY: the case lays everything out as its shape says.
            let answer = case.run(set.lanes(), &input, [kernel.packed_length(), 0], pack, |pool, call| unsafe {
                kernel.run(pool, call)
            });
            let error = relative_error(&answer, &case.expected);
            assert!(error < 1e-6, "{set:?} {window:?}: {error:e}");
        }
    }
}

/// Poolings and shapes: the windows above, dilated and open ones, and adaptive ones of any size.
fn pool_shapes() -> Vec<PoolShape> {
    let sized = |input, output, axes| PoolShape { batch: 2, channels: 21, input, output, axes };
    let mut shapes = Vec::new();
    for [size, kernel, stride, padding] in WINDOWS {
        let window = Window::square(size, kernel, stride, padding);
        shapes.push(sized(window.input, window.output, window.axes.map(PoolAxis::Sliding)));
        let mut dilated = window.axes;
        dilated[1].dilation = 2;
        let width = (size + 2 * padding + kernel).checked_sub(2 * (kernel - 1) + 1).map_or(1, |room| room / stride + 1);
        // One more window than fits, as with a ceiling.
        shapes.push(sized(window.input, [window.output[0], width], dilated.map(PoolAxis::Sliding)));
    }
    for output in [[1, 1], [7, 5], [3, 10], [13, 20]] {
        shapes.push(sized([13, 10], output, [PoolAxis::Adaptive; 2]));
    }
    // One window that is the whole image.
    shapes.push(sized([7, 7], [1, 1], Window::square(7, 7, 1, 0).axes.map(PoolAxis::Sliding)));
    let pair = AxisWindow { kernel: 2, stride: 2, dilation: 1, before: 0 };
    shapes.push(sized([8, 9], [4, 2], [PoolAxis::Sliding(pair), PoolAxis::Adaptive]));
    shapes
}

#[test]
fn pooling() {
    for shape in pool_shapes() {
        let after = [0, 1].map(|axis| match shape.axes[axis] {
            PoolAxis::Sliding(window) => window.before,
            PoolAxis::Adaptive => 0,
        });
        for pooling in [
            Pooling::Max,
            Pooling::Mean(Divisor::Elements),
            Pooling::Mean(Divisor::Padded { after }),
            Pooling::Mean(Divisor::Fixed(3.0)),
            Pooling::Softmax,
        ] {
            check_pooling(&shape, pooling);
        }
    }
}

/// What a pooling makes of the values of a window.
fn pool(shape: &PoolShape, pooling: Pooling, at: [usize; 2], values: &[f64]) -> f64 {
    match pooling {
        Pooling::Max => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        Pooling::Softmax => {
            let largest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let weights: Vec<f64> = values.iter().map(|value| (value - largest).exp()).collect();
            let top: f64 = values.iter().zip(&weights).map(|(value, weight)| value * weight).sum();
            top / weights.iter().sum::<f64>()
        }
        Pooling::Mean(divisor) => {
            let padded = |axis: usize, after: [usize; 2]| match shape.axes[axis] {
                PoolAxis::Adaptive => shape.axes[axis].elements(at[axis], shape.output[axis], shape.input[axis]).2,
                PoolAxis::Sliding(window) => (0..window.kernel)
                    .filter(|k| {
                        let room = shape.input[axis] + window.before + after[axis];
                        at[axis] * window.stride + k * window.dilation < room
                    })
                    .count(),
            };
            let number = match divisor {
                Divisor::Elements => values.len() as f64,
                Divisor::Fixed(number) => number,
                Divisor::Padded { after } => (padded(0, after) * padded(1, after)) as f64,
            };
            values.iter().sum::<f64>() / number
        }
    }
}

fn check_pooling(shape: &PoolShape, pooling: Pooling) {
    let (area, [height, width]) = (shape.input[0] * shape.input[1], shape.output);
    let planes = shape.batch * shape.channels;
    let input = random(planes * area, 9);
    let mut expected = Vec::new();
    for plane in input.chunks(area) {
        for at in 0..height * width {
            let at = [at / width, at % width];
            let spans = [0, 1].map(|axis| shape.axes[axis].elements(at[axis], shape.output[axis], shape.input[axis]));
            let [(row, row_step, rows), (column, column_step, columns)] = spans;
            let places =
                (0..rows).flat_map(|y| (0..columns).map(move |x| [row + y * row_step, column + x * column_step]));
            let values: Vec<f64> = places.map(|[y, x]| f64::from(plane[y * shape.input[1] + x])).collect();
            expected.push(pool(shape, pooling, at, &values));
        }
    }
    for set in InstructionSet::available() {
        let lanes = set.lanes();
        let blocked = block(lanes, [shape.batch, shape.channels, area], &input);
        let kernel = Windowed::pooling(set, *shape, pooling);
        let mut output = Written::new(shape.batch, shape.channels.next_multiple_of(lanes) * height * width);
        let target = output.images();
        let finish = AddOne { output: (target.first, target.step, height * width), lanes };
        let call = KernelCall { finish: Some(&finish), ..KernelCall::new(images(&blocked, shape.batch), target) };
        // SAFETY: everything is laid out as the shape says.
        unsafe { kernel.run(&pool_of(2), &call) };
        let plain = unblock(lanes, [shape.batch, shape.channels, height * width], &output.dense());
        for (value, expected) in plain.iter().zip(&expected) {
            let expected = expected + 1.0;
            let same = expected.is_nan() && value.is_nan() || expected == f64::from(*value);
            let near = (f64::from(*value) - expected).abs() < 3e-6 * expected.abs().max(1.0);
            assert!(same || near, "{set:?} {pooling:?} {shape:?} {value} {expected}");
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
            let mut output = Written::new(1, set.lanes());
            let axes = Window::square(2, 2, 2, 0).axes.map(PoolAxis::Sliding);
            let shape = PoolShape { batch: 1, channels: 1, input: [2, 2], output: [1, 1], axes };
            // SAFETY: everything is laid out as the shape says.
            unsafe {
                let call = KernelCall::new(images(&blocked, 1), output.images());
                Windowed::pooling(set, shape, Pooling::Max).run(&pool_of(1), &call);
            }
            assert!(output.dense()[0].is_nan(), "{set:?} {at}");
        }
    }
}
