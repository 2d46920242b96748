//! Direct convolution against float64, on every instruction set and on one and three threads.
use super::common::*;
use super::reference::relative_error;
use crate::cpu::blocked::{buffer::Buffer, call::*, direct::*, pool::Pool, shape::*, vector::*};
use cnnc_compiler::kernels::AxisWindow;

fn check(shape: ConvolutionShape, layout: InputLayout) {
    let case = Case::new(shape);
    for set in InstructionSet::available() {
        let input = match layout {
            InputLayout::Blocked => block(set.lanes(), case.in_dims(), &case.input),
            InputLayout::Plain => Buffer::from(&case.input[..]),
        };
        compare(&case, set, &input, &Direct::new(set, shape, layout));
    }
}

fn check_transposed(shape: ConvolutionShape) {
    let case = Case::transposed(shape);
    for set in InstructionSet::available() {
        let input = block(set.lanes(), case.in_dims(), &case.input);
        compare(&case, set, &input, &Direct::transposed(set, shape));
    }
}

fn compare(case: &Case, set: InstructionSet, input: &Buffer, convolution: &Direct) {
    let lengths = [convolution.packed_length(), convolution.workspace_length()];
    let pack = |pool: &Pool, weights: &[f32], into: &mut [f32]| convolution.pack(pool, weights, into);
    // SAFETY: the case lays everything out as its shape says.
    let answer = case.run(set.lanes(), input, lengths, pack, |pool, call| unsafe { convolution.run(pool, call) });
    let error = relative_error(&answer, &case.expected);
    assert!(error < 3e-6, "{set:?} {:?}: {error:e}", case.shape);
}

fn shape(batch: usize, ins: usize, outs: usize, groups: usize, window: Window) -> ConvolutionShape {
    ConvolutionShape { batch, in_channels: ins, out_channels: outs, groups, window }
}

#[test]
fn blocked() {
    for (size, kernel, stride, padding) in [
        (1, 1, 1, 0),
        (7, 3, 1, 1),
        (5, 3, 1, 1),
        (3, 3, 1, 1),
        (2, 3, 1, 1),
        (13, 3, 2, 1),
        (14, 1, 2, 0),
        (29, 1, 1, 0),
        (20, 5, 1, 2),
        (17, 5, 3, 4),
        (16, 2, 2, 0),
        (9, 4, 1, 0),
    ] {
        for (ins, outs) in [(16, 32), (20, 9), (48, 50), (3, 17)] {
            check(shape(2, ins, outs, 1, Window::square(size, kernel, stride, padding)), InputLayout::Blocked);
        }
    }
}

/// A window of the given axes: kernel, stride, dilation, before.
fn window(input: [usize; 2], output: [usize; 2], axes: [[usize; 4]; 2]) -> Window {
    let axes = axes.map(|[kernel, stride, dilation, before]| AxisWindow { kernel, stride, dilation, before });
    Window { input, output, axes }
}

/// Windows that are dilated, padded on one side, larger than the image, beside it, and fewer or more than the image gives.
fn odd_windows() -> Vec<Window> {
    vec![
        window([11, 23], [6, 18], [[3, 2, 2, 3], [5, 1, 3, 0]]),
        window([40, 6], [40, 3], [[7, 1, 1, 3], [1, 3, 1, 2]]),
        window([2, 1], [5, 4], [[3, 2, 1, 5], [3, 3, 1, 6]]),
        window([3, 3], [1, 1], [[7, 1, 1, 2], [5, 1, 2, 1]]),
        window([5, 9], [1, 1], [[5, 1, 1, 0], [9, 1, 1, 0]]),
        window([8, 8], [2, 3], [[2, 5, 1, 1], [2, 4, 1, 0]]),
        window([9, 9], [3, 3], [[3, 1, 1, 0], [3, 1, 1, 0]]),
        window([6, 6], [11, 12], [[3, 1, 2, 4], [1, 1, 1, 3]]),
    ]
}

#[test]
fn odd_windows_over_blocks_and_planes() {
    for window in odd_windows() {
        check(shape(1, 32, 32, 1, window), InputLayout::Blocked);
        check(shape(2, 19, 6, 1, window), InputLayout::Blocked);
        check(shape(1, 3, 32, 1, window), InputLayout::Plain);
        check(shape(2, 1, 6, 1, window), InputLayout::Plain);
    }
}

#[test]
fn grouped() {
    let three = Window::square(9, 3, 1, 1);
    for (ins, outs, groups) in [
        (64, 96, 2),
        (64, 64, 4),
        (128, 128, 32),
        (32, 64, 8),
        (24, 24, 3),
        (10, 15, 5),
        (12, 20, 4),
        (16, 32, 16),
        (33, 66, 33),
        (40, 20, 20),
        (96, 48, 3),
    ] {
        check(shape(2, ins, outs, groups, three), InputLayout::Blocked);
        check(shape(1, ins, outs, groups, Window::square(10, 1, 1, 0)), InputLayout::Blocked);
        check(shape(1, ins, outs, groups, Window::square(10, 3, 2, 1)), InputLayout::Blocked);
        check_transposed(shape(1, ins, outs, groups, window([5, 6], [10, 12], [[3, 2, 1, 1]; 2])));
    }
    check(shape(1, 3, 12, 3, three), InputLayout::Plain);
}

#[test]
fn transposed() {
    for window in [
        window([5, 6], [10, 12], [[2, 2, 1, 0]; 2]),
        window([5, 6], [10, 11], [[3, 2, 1, 1], [4, 2, 1, 1]]),
        window([7, 9], [7, 9], [[3, 1, 1, 1]; 2]),
        window([4, 4], [14, 15], [[3, 4, 1, 1]; 2]),
        window([4, 3], [9, 12], [[2, 3, 1, 1], [1, 5, 1, 0]]),
        window([5, 5], [12, 13], [[3, 2, 2, 1], [3, 3, 2, 2]]),
        window([3, 3], [3, 5], [[7, 2, 1, 4], [5, 2, 1, 6]]),
        window([3, 20], [1, 41], [[3, 2, 1, 2], [3, 2, 1, 0]]),
        window([1, 1], [4, 4], [[4, 1, 1, 0]; 2]),
        window([6, 6], [2, 3], [[3, 2, 1, 5]; 2]),
        window([56, 30], [112, 60], [[4, 2, 1, 1]; 2]),
    ] {
        for (ins, outs) in [(16, 32), (20, 9), (33, 3)] {
            check_transposed(shape(2, ins, outs, 1, window));
        }
    }
}

#[test]
fn no_image_and_no_bias() {
    for set in InstructionSet::available() {
        let (lanes, window) = (set.lanes(), Window::square(5, 3, 1, 1));
        for batch in [0, 2] {
            let shape = shape(batch, 8, 8, 1, window);
            let convolution = Direct::new(set, shape, InputLayout::Blocked);
            let weights = Buffer::zeros(convolution.packed_length());
            let input = Buffer::zeros(batch * shape.input_length(lanes));
            let mut output = Written::new(batch, shape.output_length(lanes));
            let mut workspace = workspace(1, convolution.workspace_length());
            let call = KernelCall {
                weights: weights.as_ptr(),
                workspace: workspace.as_mut_ptr(),
                ..KernelCall::new(images(&input, batch), output.images())
            };
            // SAFETY: everything is laid out as the shape says.
            unsafe { convolution.run(&pool_of(1), &call) };
            assert!(output.dense().iter().all(|value| *value == 0.0));
        }
    }
}

#[test]
fn plain() {
    for (size, kernel, stride, padding, outs) in [
        (28, 5, 1, 2, 6),
        (33, 7, 2, 3, 64),
        (32, 3, 2, 1, 32),
        (31, 3, 1, 1, 40),
        (35, 11, 4, 2, 33),
        (20, 5, 1, 0, 20),
    ] {
        for ins in [1, 3] {
            check(shape(2, ins, outs, 1, Window::square(size, kernel, stride, padding)), InputLayout::Plain);
        }
    }
}

#[test]
fn large_enough_for_many_tasks() {
    check(shape(1, 64, 64, 1, Window::square(56, 3, 1, 1)), InputLayout::Blocked);
    check(shape(1, 256, 80, 1, Window::square(28, 1, 1, 0)), InputLayout::Blocked);
}

#[test]
fn finish_sees_every_output_once() {
    let plain = shape(2, 16, 40, 1, Window::square(9, 3, 1, 1));
    let flat = shape(2, 16, 40, 1, Window::square(20, 1, 1, 0));
    let stretched = shape(2, 16, 40, 1, window([9, 9], [17, 18], [[3, 2, 1, 1]; 2]));
    for set in InstructionSet::available() {
        for (shape, convolution) in [
            (plain, Direct::new(set, plain, InputLayout::Blocked)),
            (flat, Direct::new(set, flat, InputLayout::Blocked)),
            (stretched, Direct::transposed(set, stretched)),
        ] {
            let lanes = set.lanes();
            let (weights, bias) = (Buffer::zeros(convolution.packed_length()), padded(lanes, &[0.5; 40]));
            let input = Buffer::zeros(2 * shape.input_length(lanes));
            let mut output = Written::new(2, shape.output_length(lanes));
            let mut workspace = workspace(2, convolution.workspace_length());
            let target = output.images();
            let finish = AddOne { output: (target.first, target.step, shape.window.output_pixels()), lanes };
            let call = KernelCall {
                weights: weights.as_ptr(),
                bias: bias.as_ptr(),
                finish: Some(&finish),
                workspace: workspace.as_mut_ptr(),
                ..KernelCall::new(images(&input, 2), target)
            };
            // SAFETY: everything is laid out as the shape says.
            unsafe { convolution.run(&pool_of(2), &call) };
            let plain = unblock(lanes, [2, 40, shape.window.output_pixels()], &output.finite());
            assert!(plain.iter().all(|value| *value == 1.5), "{set:?} {shape:?}");
        }
    }
}
