//! Reductions, resampling, padding and reorders of images in blocks against plain loops.
use super::common::*;
use crate::cpu::blocked::{call::*, layout, pad::Pad, pool::Pool, reduce::Reduce, resample::*, vector::InstructionSet};
use cnnc_compiler::kernels::{Reduction, Resampling};

const BATCH: usize = 2;
const CHANNELS: usize = 21;

/// Runs a kernel over random blocked images with bias, residual, ReLU and one more, on one and three threads; the plain answer,
/// and what `expected` makes of each plain plane, in float64 and with the same epilogue.
fn check(
    set: InstructionSet,
    [pixels_in, pixels_out]: [usize; 2],
    expected: impl Fn(&[f64]) -> Vec<f64>,
    run: impl Fn(&Pool, &KernelCall<'_>),
) {
    let lanes = set.lanes();
    let input = random(BATCH * CHANNELS * pixels_in, 5);
    let residual = random(BATCH * CHANNELS * pixels_out, 6);
    let bias = random(CHANNELS, 7);
    let blocked = block(lanes, [BATCH, CHANNELS, pixels_in], &input);
    let added = block(lanes, [BATCH, CHANNELS, pixels_out], &residual);
    let padded_bias = padded(lanes, &bias);
    let mut answers = Vec::new();
    for threads in [1, 3] {
        let mut output = Written::new(BATCH, CHANNELS.next_multiple_of(lanes) * pixels_out);
        let target = output.images();
        let finish = AddOne { output: (target.first, target.step, pixels_out), lanes };
        let call = KernelCall {
            bias: padded_bias.as_ptr(),
            residual: Some(images(&added, BATCH)),
            limits: KernelCall::RELU,
            finish: Some(&finish),
            ..KernelCall::new(images(&blocked, BATCH), target)
        };
        run(&pool_of(threads), &call);
        answers.push(unblock(lanes, [BATCH, CHANNELS, pixels_out], &output.finite()));
    }
    assert_eq!(answers[0], answers[1]);
    let planes = input.chunks(pixels_in).zip(residual.chunks(pixels_out)).zip(answers[0].chunks(pixels_out));
    for (plane, ((values, residual), answer)) in planes.enumerate() {
        let values: Vec<f64> = values.iter().map(|value| f64::from(*value)).collect();
        for ((expected, residual), answer) in expected(&values).iter().zip(residual).zip(answer) {
            let expected = (expected + f64::from(bias[plane % CHANNELS]) + f64::from(*residual)).max(0.0) + 1.0;
            assert!((f64::from(*answer) - expected).abs() < 1e-5, "{set:?}: {answer} {expected}");
        }
    }
}

#[test]
fn reduce() {
    for set in InstructionSet::available() {
        for pixels in [1, 7, 49, 196, 3000] {
            let sizes = [BATCH, CHANNELS];
            let mean = Reduce::new(set, sizes, pixels, Reduction::Sum, 1.0 / pixels as f32);
            let average = |plane: &[f64]| vec![plane.iter().sum::<f64>() / pixels as f64];
            // SAFETY: everything is laid out as the sizes say, here and below.
            check(set, [pixels, 1], average, |pool, call| unsafe { mean.run(pool, call) });
            let largest = Reduce::new(set, sizes, pixels, Reduction::Max, 1.0);
            let most = |plane: &[f64]| vec![plane.iter().copied().fold(f64::NEG_INFINITY, f64::max)];
            check(set, [pixels, 1], most, |pool, call| unsafe { largest.run(pool, call) });
        }
    }
}

/// One element of a row or column of output: the elements before and after, and the share of the latter.
fn between(resampling: &Resampling, axis: usize, at: usize, size: usize) -> (usize, usize, f64) {
    let place = match *resampling {
        Resampling::Nearest { scale } => f64::from((at as f32 * scale[axis] as f32).floor()),
        Resampling::Bilinear { scale, align_corners: true } => at as f64 * scale[axis],
        Resampling::Bilinear { scale, align_corners: false } => (at as f64 + 0.5) * scale[axis] - 0.5,
    };
    let place = place.clamp(0.0, (size - 1) as f64);
    let low = place as usize;
    (low, (low + 1).min(size - 1), place - low as f64)
}

#[test]
fn resample() {
    for (input, output) in [([5, 7], [10, 14]), ([9, 6], [4, 11]), ([1, 1], [3, 2]), ([40, 40], [80, 80])] {
        let scale = [0, 1].map(|axis| input[axis] as f64 / output[axis] as f64);
        let corners = [0, 1].map(|axis| (input[axis] - 1) as f64 / (output[axis] - 1) as f64);
        for resampling in [
            Resampling::Nearest { scale },
            Resampling::Bilinear { scale, align_corners: false },
            Resampling::Bilinear { scale: corners, align_corners: true },
        ] {
            let expected = |plane: &[f64]| {
                let pixel = |at: usize| {
                    let (top, bottom, down) = between(&resampling, 0, at / output[1], input[0]);
                    let (left, right, along) = between(&resampling, 1, at % output[1], input[1]);
                    let across = |row: usize| {
                        plane[row * input[1] + left] * (1.0 - along) + plane[row * input[1] + right] * along
                    };
                    across(top) * (1.0 - down) + across(bottom) * down
                };
                (0..output[0] * output[1]).map(pixel).collect()
            };
            for set in InstructionSet::available() {
                let shape = ResampleShape { batch: BATCH, channels: CHANNELS, input, output };
                let kernel = Resample::new(set, shape, &resampling);
                let pixels = [input[0] * input[1], output[0] * output[1]];
                // SAFETY: everything is laid out as the shape says.
                check(set, pixels, expected, |pool, call| unsafe { kernel.run(pool, call) });
            }
        }
    }
}

#[test]
fn pad() {
    for (input, output, before) in [
        ([3, 4], [6, 9], [1, 2]),
        ([6, 5], [3, 2], [-2, -1]),
        ([6, 5], [8, 2], [1, -3]),
        ([2, 2], [2, 3], [4, 0]),
        ([2, 2], [3, 2], [-5, 0]),
        ([60, 60], [62, 63], [1, 1]),
    ] {
        let plain = random(BATCH * CHANNELS * input[0] * input[1], 8);
        let (width, pixels) = (output[1], output[0] * output[1]);
        let element = |at: usize| {
            let (plane, pixel) = (at / pixels, at % pixels);
            let place = [pixel / width, pixel % width];
            let seen = [0, 1].map(|axis| place[axis].checked_add_signed(-before[axis]).filter(|at| *at < input[axis]));
            match seen {
                [Some(row), Some(column)] => plain[(plane * input[0] + row) * input[1] + column],
                _ => 0.0,
            }
        };
        let expected: Vec<f32> = (0..BATCH * CHANNELS * pixels).map(element).collect();
        for set in InstructionSet::available() {
            let lanes = set.lanes();
            let blocked = block(lanes, [BATCH, CHANNELS, input[0] * input[1]], &plain);
            let mut written = Written::new(BATCH, CHANNELS.next_multiple_of(lanes) * pixels);
            let kernel = Pad::new(lanes, [BATCH, CHANNELS], input, output, before);
            // SAFETY: everything is laid out as the sizes say.
            unsafe { kernel.run(&pool_of(2), images(&blocked, BATCH), written.images()) };
            assert_eq!(unblock(lanes, [BATCH, CHANNELS, pixels], &written.finite()), expected, "{input:?} {output:?}");
        }
    }
}

#[test]
fn reorder_between_images_with_gaps() {
    for lanes in [8, 16] {
        for (channels, pixels) in [(1, 1), (21, 5), (16, 300), (40, 1000)] {
            let dims = [BATCH, channels, pixels];
            let plain = random(BATCH * channels * pixels, 3);
            let mut gaps = Written::holding(BATCH, &plain);
            let from = gaps.images();
            let mut blocked = Written::new(BATCH, channels.next_multiple_of(lanes) * pixels);
            let target = blocked.images();
            // SAFETY: everything is laid out as the sizes say.
            unsafe { layout::block(&pool_of(3), lanes, dims, Images { first: from.first, step: from.step }, target) };
            for (at, value) in blocked.finite().iter().enumerate() {
                let image_length = channels.next_multiple_of(lanes) * pixels;
                let (image, at) = (at / image_length, at % image_length);
                let (channel, pixel) = (at / lanes / pixels * lanes + at % lanes, at / lanes % pixels);
                let expected =
                    if channel < channels { plain[(image * channels + channel) * pixels + pixel] } else { 0.0 };
                assert_eq!(*value, expected);
            }
            let mut back = Written::new(BATCH, channels * pixels);
            let source = Images { first: target.first, step: target.step };
            // SAFETY: `blocked` holds the blocks of these images and `back` has room for them plain.
            unsafe { layout::unblock(&pool_of(3), lanes, dims, source, back.images()) };
            assert_eq!(back.finite(), plain);
        }
    }
}
