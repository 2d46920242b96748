//! Convolution of few output channels over plain images against float64, on every instruction set and on one and three threads.
use super::common::*;
use super::reference::relative_error;
use crate::cpu::blocked::{buffer::Buffer, pool::Pool, rows::Rows, shape::*, vector::*};
use cnnc_compiler::kernels::AxisWindow;

fn check(batch: usize, in_channels: usize, out_channels: usize, window: Window) {
    let case = Case::new(ConvolutionShape { batch, in_channels, out_channels, groups: 1, window });
    for set in InstructionSet::available() {
        let rows = Rows::new(set, case.shape);
        let lengths = [rows.packed_length(), rows.workspace_length()];
        let pack = |_: &Pool, weights: &[f32], into: &mut [f32]| rows.pack(weights, into);
        let input = Buffer::from(&case.input[..]);
        // SAFETY: the case lays everything out as its shape says; blocks of one lane are plain.
        let answer = case.run(1, &input, lengths, pack, |pool, call| unsafe { rows.run(pool, call) });
        let error = relative_error(&answer, &case.expected);
        assert!(error < 3e-6, "{set:?} {:?}: {error:e}", case.shape);
    }
}

#[test]
fn every_number_of_channels_and_of_vectors() {
    for outs in 1..=9 {
        for width in [7, 16, 28, 40, 48, 65] {
            check(2, 3, outs, Window::square(width, 3, 1, 1));
        }
    }
}

#[test]
fn windows_of_all_kinds() {
    check(8, 1, 6, Window::square(28, 5, 1, 2));
    check(1, 8, 4, Window::square(60, 1, 1, 0));
    let axis = |kernel, stride, dilation, before| AxisWindow { kernel, stride, dilation, before };
    for (input, output, axes) in [
        ([11, 23], [6, 18], [axis(3, 2, 2, 3), axis(5, 1, 3, 0)]),
        ([2, 1], [5, 20], [axis(3, 2, 1, 5), axis(3, 1, 1, 6)]),
        ([3, 3], [1, 1], [axis(7, 1, 1, 2), axis(5, 1, 2, 1)]),
        ([6, 6], [11, 40], [axis(3, 1, 2, 4), axis(1, 1, 1, 30)]),
        ([9, 50], [3, 17], [axis(3, 3, 1, 0), axis(2, 1, 4, 1)]),
    ] {
        check(2, 2, 5, Window { input, output, axes });
    }
}
