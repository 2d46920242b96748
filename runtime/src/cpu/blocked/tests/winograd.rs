//! Winograd convolution against float64, on every instruction set, blocking and on one and three threads.
use super::common::*;
use super::reference::relative_error;
use crate::cpu::blocked::{buffer::Buffer, call::*, pool::Pool, shape::*, vector::*, winograd::*};
use cnnc_compiler::plan::Scheme;

fn check(shape: ConvolutionShape, blockings: &[(usize, usize, usize)]) {
    let case = Case::new(shape);
    for set in InstructionSet::available() {
        let lanes = set.lanes();
        let input = block(lanes, case.in_dims(), &case.input);
        for (scheme, tolerance) in [(Scheme::F2, 2e-6), (Scheme::F4, 5e-6)] {
            let mut answers: Vec<Vec<f32>> = Vec::new();
            for (tiles, group, groups) in blockings {
                let blocking = Blocking::new(&shape, scheme, lanes, *tiles, *group, *groups);
                let convolution = Winograd::with_blocking(set, shape, scheme, blocking);
                let lengths = [convolution.packed_length(), convolution.workspace_length()];
                let pack = |pool: &Pool, weights: &[f32], into: &mut [f32]| convolution.pack(pool, weights, into);
                // SAFETY: the case lays everything out as its shape says.
                answers
                    .push(case.run(lanes, &input, lengths, pack, |pool, call| unsafe { convolution.run(pool, call) }));
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
    let mut uneven = Window { input: [9, 21], output: [10, 22], ..Window::square(9, 3, 1, 0) };
    uneven.axes[1].before = 2;
    check(shape(3, 16, 16, uneven), BLOCKINGS);
}

#[test]
fn many_channels() {
    check(shape(1, 256, 64, Window::square(14, 3, 1, 1)), &[(16, 2, 2)]);
}

#[test]
fn finish_sees_every_output_once() {
    for set in InstructionSet::available() {
        let (lanes, shape) = (set.lanes(), shape(2, 16, 40, Window::square(9, 3, 1, 1)));
        let convolution = Winograd::new(set, shape, Scheme::F4);
        let (weights, bias) = (Buffer::zeros(convolution.packed_length()), padded(lanes, &[0.5; 40]));
        let input = Buffer::zeros(2 * shape.input_length(lanes));
        let mut output = Written::new(2, shape.output_length(lanes));
        let mut workspace = workspace(2, convolution.workspace_length());
        let target = output.images();
        let finish = AddOne { output: (target.first, target.step, 81), lanes };
        let call = KernelCall {
            weights: weights.as_ptr(),
            bias: bias.as_ptr(),
            finish: Some(&finish),
            workspace: workspace.as_mut_ptr(),
            ..KernelCall::new(images(&input, 2), target)
        };
        // SAFETY: everything is laid out as the shape says.
        unsafe { convolution.run(&pool_of(2), &call) };
        assert!(unblock(lanes, [2, 40, 81], &output.finite()).iter().all(|value| *value == 1.5));
    }
}
