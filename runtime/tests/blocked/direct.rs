//! Direct convolution against float64, on every instruction set and on one and three threads.
use crate::common::*;
use crate::reference::relative_error;
use cnnc_runtime::cpu::blocked::{buffer::Buffer, direct::*, epilogue::*, pool::Pool, shape::*, vector::*};

fn check(shape: ConvolutionShape, layout: InputLayout) {
    let case = Case::new(shape);
    for set in InstructionSet::available() {
        let lanes = set.lanes();
        let ins = shape.in_channels / shape.groups;
        if shape.groups > 1 && !(ins.is_multiple_of(lanes) && (shape.out_channels / shape.groups).is_multiple_of(lanes))
        {
            continue;
        }
        let input = match layout {
            InputLayout::Blocked => block(lanes, case.in_dims(), &case.input),
            InputLayout::Plain => Buffer::from(&case.input[..]),
        };
        let residual = block(lanes, case.out_dims(), &case.residual);
        let convolution = Direct::new(set, shape, layout, &case.weights, &case.bias);
        let mut answers = Vec::new();
        for threads in [1, 3] {
            let mut output = Buffer::zeros(shape.output_length(lanes));
            output.fill(f32::NAN);
            let mut workspace = Buffer::zeros(convolution.workspace_length(threads));
            workspace.fill(f32::NAN);
            let epilogue = Epilogue { residual: Some(&residual), ..Epilogue::RELU };
            convolution.run(&Pool::new(threads), &input, &mut output, &epilogue, &mut workspace);
            answers.push(unblock(lanes, case.out_dims(), &output));
        }
        assert_eq!(answers[0], answers[1], "{set:?} {shape:?}");
        let error = relative_error(&answers[0], &case.expected);
        assert!(error < 3e-6, "{set:?} {layout:?} {shape:?}: {error:e}");
    }
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

#[test]
fn uneven_windows() {
    let window = Window {
        input: [11, 23],
        kernel_size: [3, 5],
        stride: [2, 1],
        dilation: [2, 3],
        padding: [3, 0],
        padding_end: [1, 7],
    };
    check(shape(1, 32, 32, 1, window), InputLayout::Blocked);
    check(shape(1, 3, 32, 1, window), InputLayout::Plain);
    let window = Window {
        input: [40, 6],
        kernel_size: [7, 1],
        stride: [1, 3],
        dilation: [1, 1],
        padding: [3, 2],
        padding_end: [3, 0],
    };
    check(shape(1, 32, 32, 1, window), InputLayout::Blocked);
    check(shape(2, 1, 6, 1, window), InputLayout::Plain);
    // Padding wider than the image, so that whole rows and columns of windows are outside.
    let window = Window {
        input: [2, 1],
        kernel_size: [3, 3],
        stride: [2, 3],
        dilation: [1, 1],
        padding: [5, 6],
        padding_end: [4, 5],
    };
    check(shape(1, 16, 16, 1, window), InputLayout::Blocked);
    check(shape(1, 2, 16, 1, window), InputLayout::Plain);
}

#[test]
fn grouped() {
    check(shape(2, 64, 96, 2, Window::square(9, 3, 1, 1)), InputLayout::Blocked);
    check(shape(1, 64, 64, 4, Window::square(10, 3, 2, 1)), InputLayout::Blocked);
    check(shape(1, 64, 128, 4, Window::square(10, 1, 1, 0)), InputLayout::Blocked);
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

struct AddOne;
impl Finish for AddOne {
    fn finish(&self, _: usize, _: usize, row: &mut [f32]) {
        row.iter_mut().for_each(|v| *v += 1.0);
    }
}

#[test]
fn finish_sees_every_output_once() {
    for set in InstructionSet::available() {
        let shape = shape(2, 16, 40, 1, Window::square(9, 3, 1, 1));
        let zero = Direct::new(set, shape, InputLayout::Blocked, &vec![0.0; shape.weight_count()], &[0.5; 40]);
        let mut output = Buffer::zeros(shape.output_length(set.lanes()));
        let mut workspace = Buffer::zeros(zero.workspace_length(2));
        let epilogue = Epilogue { finish: Some(&AddOne), ..Epilogue::NONE };
        zero.run(&Pool::new(2), &vec![1.0; shape.input_length(set.lanes())], &mut output, &epilogue, &mut workspace);
        let plain = unblock(set.lanes(), [2, 40, 81], &output);
        assert!(plain.iter().all(|v| *v == 1.5));
    }
}
