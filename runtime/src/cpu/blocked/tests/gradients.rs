//! Gradients by weight, batch statistics, and transposed convolution by Winograd's method, against float64, on every instruction
//! set, on one and three threads. (Small windows of every kind: `tests/tests/gradients.rs`.)
use super::common::*;
use super::reference::{for_each_element, relative_error};
use crate::cpu::blocked::{
    call::*, conv_weight::*, direct::InputLayout, pool::Pool, reduce::Reduce, shape::*, vector::*, winograd::*,
};
use cnnc_compiler::kernels::{AxisWindow, Reduction};
use cnnc_compiler::plan::Scheme;

/// The filters' gradients by the sentence at the kernel `ConvWeight`.
fn by_weight(shape: &ConvolutionShape, input: &[f32], gradient: &[f32]) -> Vec<f64> {
    let (ins, outs) = (shape.in_channels / shape.groups, shape.out_channels / shape.groups);
    let (window, pixels) = (&shape.window, shape.window.output_pixels());
    let mut sums = vec![0.0; shape.out_channels * ins * window.area()];
    for (plane, values) in gradient.chunks_exact(pixels).enumerate() {
        let (image, out) = (plane / shape.out_channels, plane % shape.out_channels);
        for (at, value) in values.iter().enumerate() {
            for_each_element(window, [at / window.output[1], at % window.output[1]], |element, pixel| {
                for c in 0..ins {
                    let from = image * shape.in_channels + out / outs * ins + c;
                    let x = input[from * window.input_pixels() + pixel];
                    sums[(out * ins + c) * window.area() + element] += f64::from(*value) * f64::from(x);
                }
            });
        }
    }
    sums
}

fn check(shape: ConvolutionShape, layout: InputLayout) {
    let input = random(shape.batch * shape.input_length(1), 1);
    let gradient = random(shape.batch * shape.output_length(1), 2);
    let expected = by_weight(&shape, &input, &gradient);
    for set in InstructionSet::available() {
        let lanes = set.lanes();
        let x = block(lanes, [shape.batch, shape.in_channels, shape.window.input_pixels()], &input);
        let g = block(lanes, [shape.batch, shape.out_channels, shape.window.output_pixels()], &gradient);
        let kernel = ConvWeight::new(set, shape, layout);
        let answers = [1, 3].map(|threads| {
            let mut scratch = workspace(1, kernel.workspace_length(threads));
            let mut output = Written::new(shape.out_channels, expected.len() / shape.out_channels);
            let x = if layout == InputLayout::Plain { &input[..] } else { &x[..] };
            let (x, g, to) = (images(x, shape.batch), images(&g, shape.batch), output.images());
            // SAFETY: everything is laid out as the shape says.
            unsafe { kernel.run(&pool_of(threads), x, g, to, scratch.as_mut_ptr()) };
            output.finite()
        });
        assert_eq!(answers[0], answers[1], "{set:?} {shape:?}");
        let error = relative_error(&answers[0], &expected);
        assert!(error < 3e-6, "{set:?} {layout:?} {shape:?}: {error:e}");
    }
}

fn shape(batch: usize, ins: usize, outs: usize, window: Window) -> ConvolutionShape {
    ConvolutionShape { batch, in_channels: ins, out_channels: outs, groups: 1, window }
}

#[test]
fn by_weight_of_blocks() {
    for window in [
        Window::square(9, 3, 1, 1),
        Window::square(8, 1, 1, 0),
        Window::square(11, 3, 2, 1),
        Window::square(7, 5, 1, 2),
        Window::square(2, 3, 1, 1),
    ] {
        for (ins, outs) in [(16, 16), (6, 20), (35, 40)] {
            check(shape(3, ins, outs, window), InputLayout::Blocked);
        }
    }
    let mut spread = Window { output: [7, 9], ..Window::square(11, 3, 1, 1) };
    spread.axes = [2, 1].map(|dilation| AxisWindow { dilation, ..spread.axes[0] });
    spread.axes[1].stride = 2;
    spread.output = [9, 6];
    check(shape(2, 20, 8, spread), InputLayout::Blocked);
}

/// More images than parts, and images larger than a piece.
#[test]
fn by_weight_of_many_and_of_large_images() {
    check(shape(37, 16, 16, Window::square(6, 3, 1, 1)), InputLayout::Blocked);
    check(shape(1, 32, 16, Window::square(90, 3, 1, 1)), InputLayout::Blocked);
    check(shape(2, 1, 20, Window::square(96, 7, 2, 3)), InputLayout::Plain);
}

#[test]
fn by_weight_of_plain_images() {
    for window in [Window::square(28, 5, 1, 2), Window::square(9, 1, 1, 0), Window::square(24, 19, 1, 0)] {
        check(shape(3, 3, 20, window), InputLayout::Plain);
    }
    let mut spread = Window { output: [9, 7], ..Window::square(9, 3, 1, 1) };
    spread.axes[1] = AxisWindow { dilation: 2, ..spread.axes[1] };
    check(shape(2, 2, 8, spread), InputLayout::Plain);
}

#[test]
fn by_weight_of_groups() {
    for (ins, outs, groups) in [(32, 32, 32), (20, 20, 20), (48, 24, 6), (64, 96, 2), (16, 32, 16)] {
        for window in [Window::square(9, 3, 1, 1), Window::square(9, 3, 2, 1)] {
            check(ConvolutionShape { groups, ..shape(2, ins, outs, window) }, InputLayout::Blocked);
        }
    }
}

#[test]
fn transposed_by_winograd() {
    for (size, before) in [(8, 1), (7, 0), (9, 2)] {
        // The window of the convolution that is transposed, whose input is this one's output.
        let output = size + 2 - 2 * before;
        let axis = AxisWindow { kernel: 3, stride: 1, dilation: 1, before };
        let window = Window { input: [size; 2], output: [output; 2], axes: [axis; 2] };
        for (ins, outs) in [(16, 32), (20, 9)] {
            let case = Case::transposed(shape(2, ins, outs, window));
            for set in InstructionSet::available() {
                let input = block(set.lanes(), case.in_dims(), &case.input);
                for scheme in [Scheme::F2, Scheme::F4] {
                    let kernel = Winograd::transposed(set, case.shape, scheme);
                    let lengths = [kernel.packed_length(), kernel.workspace_length()];
                    let pack = |pool: &Pool, weights: &[f32], into: &mut [f32]| kernel.pack(pool, weights, into);
                    // SAFETY: the case lays everything out as its shape says.
                    let run = |pool: &Pool, call: &KernelCall<'_>| unsafe { kernel.run(pool, call) };
                    let answer = case.run(set.lanes(), &input, lengths, pack, run);
                    let error = relative_error(&answer, &case.expected);
                    assert!(error < 5e-6, "{set:?} {scheme:?} {:?}: {error:e}", case.shape);
                }
            }
        }
    }
}

#[test]
fn sums_over_a_batch() {
    for (batch, channels, pixels) in [(1, 5, 1), (3, 20, 49), (40, 33, 100)] {
        let input = random(batch * channels * pixels, 3);
        for set in InstructionSet::available() {
            let (lanes, blocked) = (set.lanes(), block(set.lanes(), [batch, channels, pixels], &input));
            for reduction in [Reduction::Sum, Reduction::Max] {
                let kernel = Reduce::new(set, [batch, channels], pixels, reduction, 1.0).over_batch();
                let answers = [1, 3].map(|threads| {
                    let mut scratch = workspace(1, kernel.workspace_length());
                    let mut output = Written::new(1, channels.next_multiple_of(lanes));
                    let workspace = scratch.as_mut_ptr();
                    let call = KernelCall { workspace, ..KernelCall::new(images(&blocked, batch), output.images()) };
                    // SAFETY: everything is laid out as the sizes say.
                    unsafe { kernel.run(&pool_of(threads), &call) };
                    output.finite()
                });
                assert_eq!(answers[0], answers[1]);
                for (channel, answer) in answers[0].iter().take(channels).enumerate() {
                    let planes = input.chunks_exact(pixels).skip(channel).step_by(channels);
                    let values = planes.flatten().map(|value| f64::from(*value));
                    let expected = match reduction {
                        Reduction::Sum => values.sum::<f64>(),
                        Reduction::Max => values.fold(f64::NEG_INFINITY, f64::max),
                    };
                    assert!((f64::from(*answer) - expected).abs() < 1e-4, "{set:?}: {answer} {expected}");
                }
            }
        }
    }
}
