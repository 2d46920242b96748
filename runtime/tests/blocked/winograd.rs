//! Winograd convolution against float64, on every instruction set, blocking and on one and three threads.
use crate::common::*;
use crate::reference::relative_error;
use cnnc_runtime::cpu::blocked::{buffer::Buffer, epilogue::*, pool::Pool, shape::*, vector::*, winograd::*};

fn check(shape: ConvolutionShape, blockings: &[(usize, usize, usize)]) {
    let case = Case::new(shape);
    for set in InstructionSet::available() {
        let lanes = set.lanes();
        let input = block(lanes, case.in_dims(), &case.input);
        let residual = block(lanes, case.out_dims(), &case.residual);
        for (scheme, tolerance) in [(Scheme::F2, 2e-6), (Scheme::F4, 5e-6), (Scheme::F6, 2e-5)] {
            let mut answers: Vec<Vec<f32>> = Vec::new();
            for (tiles, group, groups) in blockings {
                let blocking = Blocking::new(&shape, scheme, lanes, *tiles, *group, *groups);
                let convolution = Winograd::with_blocking(set, shape, scheme, blocking, &case.weights, &case.bias);
                for threads in [1, 3] {
                    let mut output = Buffer::zeros(shape.output_length(lanes));
                    output.fill(f32::NAN);
                    let mut workspace = Buffer::zeros(convolution.workspace_length(threads));
                    workspace.fill(f32::NAN);
                    let epilogue = Epilogue { residual: Some(&residual), ..Epilogue::RELU };
                    convolution.run(&Pool::new(threads), &input, &mut output, &epilogue, &mut workspace);
                    answers.push(unblock(lanes, case.out_dims(), &output));
                }
            }
            assert!(answers.iter().all(|answer| *answer == answers[0]), "{set:?} {scheme:?} {shape:?}");
            let error = relative_error(&answers[0], &case.expected);
            assert!(error < tolerance, "{set:?} {scheme:?} {shape:?}: {error:e}");
        }
    }
}

fn shape(batch: usize, ins: usize, outs: usize, window: Window) -> ConvolutionShape {
    ConvolutionShape { batch, in_channels: ins, out_channels: outs, groups: 1, window }
}

const BLOCKINGS: &[(usize, usize, usize)] = &[(28, 2, 1), (5, 3, 2), (100, 4, 100), (9, 1, 3)];

#[test]
fn odd_sizes() {
    for (size, padding) in [(3, 0), (1, 1), (2, 1), (7, 1), (8, 0), (13, 1), (14, 2), (20, 1)] {
        for (ins, outs) in [(16, 32), (20, 9), (48, 70)] {
            check(shape(2, ins, outs, Window::square(size, 3, 1, padding)), BLOCKINGS);
        }
    }
    let uneven = Window { input: [9, 21], padding: [0, 2], padding_end: [3, 1], ..Window::square(9, 3, 1, 0) };
    check(shape(3, 16, 16, uneven), BLOCKINGS);
}

#[test]
fn many_channels() {
    check(shape(1, 256, 64, Window::square(14, 3, 1, 1)), &[(16, 2, 2)]);
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
        let shape = shape(2, 16, 40, Window::square(9, 3, 1, 1));
        let zero = Winograd::new(set, shape, Scheme::F4, &vec![0.0; shape.weight_count()], &[0.5; 40]);
        let mut output = Buffer::zeros(shape.output_length(set.lanes()));
        let mut workspace = Buffer::zeros(zero.workspace_length(2));
        let epilogue = Epilogue { finish: Some(&AddOne), ..Epilogue::NONE };
        zero.run(&Pool::new(2), &vec![1.0; shape.input_length(set.lanes())], &mut output, &epilogue, &mut workspace);
        assert!(unblock(set.lanes(), [2, 40, 81], &output).iter().all(|v| *v == 1.5));
    }
}
