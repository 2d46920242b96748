//! Fully connected layers against float64: any batch, any distance of rows, plain and blocked features.
use super::common::*;
use super::reference::relative_error;
use crate::cpu::blocked::{buffer::Buffer, call::*, linear::*, vector::*};

/// An input `[rows, channels, pixels]`, weights, bias, a residual, and the answer after ReLU and one more.
struct Case {
    shape: LinearShape,
    channels: usize,
    pixels: usize,
    input: Vec<f32>,
    weights: Vec<f32>,
    bias: Vec<f32>,
    residual: Vec<f32>,
    expected: Vec<f64>,
}

impl Case {
    fn new(rows: usize, channels: usize, pixels: usize, out_features: usize) -> Self {
        let in_features = channels * pixels;
        let input = random(rows * in_features, 6);
        let weights = random(out_features * in_features, 7);
        let bias = random(out_features, 8);
        let residual = random(rows * out_features, 9);
        let mut expected = Vec::new();
        for row in input.chunks(in_features) {
            for (filter, bias) in weights.chunks(in_features).zip(&bias) {
                let sum: f64 = filter.iter().zip(row).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
                expected.push(sum + f64::from(*bias));
            }
        }
        expected.iter_mut().zip(&residual).for_each(|(e, r)| *e = (*e + f64::from(*r)).max(0.0) + 1.0);
        let shape = LinearShape { rows, in_features, out_features, order: FeatureOrder::Plain, of_bytes: false };
        Self { shape, channels, pixels, input, weights, bias, residual, expected }
    }

    /// Runs on `threads` threads; the residual lies in the output where `in_place`.
    fn run(&self, set: InstructionSet, order: FeatureOrder, threads: usize, in_place: bool) -> Vec<f32> {
        let (lanes, pool) = (set.lanes(), pool_of(threads));
        let shape = LinearShape { order, ..self.shape };
        let input = match order {
            FeatureOrder::Plain => Buffer::from(&self.input[..]),
            FeatureOrder::Blocked { .. } => block(lanes, [shape.rows, self.channels, self.pixels], &self.input),
        };
        let layer = Linear::new(set, shape);
        let mut weights = Buffer::zeros(layer.packed_length());
        weights.fill(f32::NAN);
        layer.pack(&pool, &self.weights, &mut weights);
        let bias = padded(lanes, &self.bias);
        let mut workspace = workspace(threads, layer.workspace_length());
        let mut output = Written::new(shape.rows, shape.out_features);
        if in_place {
            output = Written::holding(shape.rows, &self.residual);
        }
        let target = output.images();
        let apart = images(&self.residual, shape.rows);
        let finish = AddOne { output: (target.first, target.step, 0), lanes };
        let call = KernelCall {
            weights: weights.as_ptr(),
            bias: bias.as_ptr(),
            residual: Some(if in_place { Images { first: target.first, step: target.step } } else { apart }),
            limits: KernelCall::RELU,
            finish: Some(&finish),
            workspace: workspace.as_mut_ptr(),
            ..KernelCall::new(images(&input, shape.rows), target)
        };
        // SAFETY: everything is laid out as the shape says.
        unsafe { layer.run(&pool, &call) };
        output.finite()
    }
}

#[test]
fn linear() {
    for set in InstructionSet::available() {
        for rows in [1, 2, 5, 33] {
            for (channels, pixels, outs) in [(5, 5, 10), (16, 25, 120), (100, 1, 1), (64, 49, 300), (3, 2, 48)] {
                let case = Case::new(rows, channels, pixels, outs);
                for order in [FeatureOrder::Plain, FeatureOrder::Blocked { pixels }] {
                    let answer = case.run(set, order, 1, false);
                    let error = relative_error(&answer, &case.expected);
                    assert!(error < 3e-6, "{set:?} {order:?} {:?}: {error:e}", case.shape);
                    assert_eq!(answer, case.run(set, order, 3, false), "{set:?} {order:?} {:?}", case.shape);
                    assert_eq!(answer, case.run(set, order, 3, true), "{set:?} {order:?} {:?}", case.shape);
                }
            }
        }
    }
}

#[test]
fn no_rows() {
    let case = Case::new(0, 4, 4, 20);
    for set in InstructionSet::available() {
        assert!(case.run(set, FeatureOrder::Plain, 1, false).is_empty());
    }
}

/// Sums of many terms of one sign, whose rounding errors would all go one way.
#[test]
fn long_sums() {
    for set in InstructionSet::available() {
        for (rows, features) in [(1, 25_088), (3, 25_088), (1, 786_433)] {
            let shape = LinearShape {
                rows,
                in_features: features,
                out_features: 3,
                order: FeatureOrder::Plain,
                of_bytes: false,
            };
            let layer = Linear::new(set, shape);
            let input: Vec<f32> = random(rows * features, 1).into_iter().map(|value| value.abs() + 0.1).collect();
            let input = Buffer::from(&input[..]);
            let weights: Vec<f32> = random(3 * features, 2).into_iter().map(|value| value.abs() + 0.1).collect();
            let mut packed = Buffer::zeros(layer.packed_length());
            let pool = pool_of(1);
            layer.pack(&pool, &weights, &mut packed);
            let mut workspace = workspace(1, layer.workspace_length());
            let mut output = Written::new(rows, 3);
            let call = KernelCall {
                weights: packed.as_ptr(),
                workspace: workspace.as_mut_ptr(),
                ..KernelCall::new(images(&input, rows), output.images())
            };
            // SAFETY: everything is laid out as the shape says.
            unsafe { layer.run(&pool, &call) };
            let mut expected = Vec::new();
            for row in input.chunks(features) {
                for filter in weights.chunks(features) {
                    expected.push(filter.iter().zip(row).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>());
                }
            }
            let error = relative_error(&output.finite(), &expected);
            assert!(error < 2e-5, "{set:?} {shape:?}: {error:e}");
        }
    }
}
