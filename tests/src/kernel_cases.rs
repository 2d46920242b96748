//! Steps of every kernel written by hand, for back ends that lay images out as the graph does: sizes that no tile divides,
//! operands and results at a distance, epilogues with a number a channel and a tensor like the result.

use crate::emulation::{Case, single};
use cnnc_compiler::element::ElementType;
use cnnc_compiler::kernels::{
    AxisWindow, Conv, ConvData, ConvWeight, Convolution, Divisor, Expression, Gemm, Pad, Pool, PoolAxis, PoolGrad,
    Pooling, Reduce, Reduction, Resample, ResampleGrad, Resampling, Unary,
};
use cnnc_compiler::plan::{Operation, Plan, PlanPort, Storage, View};
use cnnc_runtime::{Parameters, Tensor, random};
use std::sync::Arc;

/// All of an input.
pub fn dense(index: usize, shape: &[usize]) -> View {
    View::dense(Storage::Input(index), ElementType::Float32, 0, shape)
}

fn x(index: usize) -> Expression {
    Expression::operand(index)
}

/// A case of one step, with drawn operands.
fn drawn(name: String, plan: Arc<Plan>) -> Case {
    let inputs = plan.inputs.iter().map(|port| random::input(&port.name, &port.view.shape, 3)).collect();
    Case { name, plan, parameters: Parameters::default(), inputs, cancels: false }
}

/// A step whose result has a gap after each index of axis 0, and whose epilogue has a number a channel and a tensor like the
/// result.
fn step(operation: Operation, operands: &[View], shape: &[usize]) -> Case {
    let name = format!("{operation:?} of {:?}", operands.iter().map(|view| view.shape.as_slice()).collect::<Vec<_>>());
    let mut output = View::dense(Storage::Arena, ElementType::Float32, 4 * 4, shape);
    output.strides[0] += 3;
    let own = operands.len();
    let mut by_channel = dense(own, shape);
    by_channel.strides = shape.iter().enumerate().map(|(axis, _)| usize::from(axis == 1)).collect();
    let all = [operands, &[by_channel, dense(own + 1, shape)]].concat();
    let epilogue = (x(0) + x(1)).maximum(-0.5) * x(2);
    drawn(name, single(operation, &all, own, Some(epilogue), output))
}

fn axis(kernel: usize, stride: usize, dilation: usize, before: usize) -> AxisWindow {
    AxisWindow { kernel, stride, dilation, before }
}

/// The places of a window along an axis, with as much padding after as before.
fn count(size: usize, axis: &AxisWindow) -> usize {
    (size + 2 * axis.before - axis.dilation * (axis.kernel - 1) - 1) / axis.stride + 1
}

/// Convolutions by (channels, out channels, groups), size and windows: the three kernels of each.
pub fn convolutions() -> Vec<Case> {
    let mut cases = Vec::new();
    for (images, channels, size, window) in [
        (2, [3, 6, 1], [9, 7], [axis(3, 1, 1, 1); 2]),
        (1, [1, 6, 1], [28, 28], [axis(5, 1, 1, 2); 2]),
        (3, [20, 24, 1], [8, 9], [axis(1, 1, 1, 0); 2]),
        (2, [5, 7, 1], [11, 13], [axis(3, 2, 1, 1), axis(2, 3, 1, 0)]),
        (1, [4, 70, 1], [12, 12], [axis(3, 1, 2, 2), axis(3, 2, 2, 1)]),
        (1, [130, 140, 1], [5, 6], [axis(3, 1, 1, 1); 2]),
        (2, [16, 32, 2], [6, 6], [axis(3, 2, 1, 1); 2]),
        (2, [6, 6, 6], [9, 8], [axis(3, 1, 1, 1); 2]),
        (1, [4, 8, 4], [9, 9], [axis(5, 2, 1, 2); 2]),
        (2, [6, 4, 2], [7, 7], [axis(3, 2, 2, 1); 2]),
        (40, [2, 3, 1], [14, 14], [axis(3, 1, 1, 1); 2]),
        (1, [20, 36, 1], [8, 10], [axis(1, 1, 1, 0); 2]),
    ] {
        let [ins, outs, groups] = channels;
        let places = [count(size[0], &window[0]), count(size[1], &window[1])];
        let image = |index, channels: usize, size: [usize; 2]| {
            let mut view = dense(index, &[images, channels, size[0], size[1]]);
            view.strides[0] += 5;
            view
        };
        let weight = [outs, ins / groups, window[0].kernel, window[1].kernel];
        let (large, small) = ([images, ins, size[0], size[1]], [images, outs, places[0], places[1]]);
        cases.push(step(
            Operation::Conv(Conv(Convolution { window, groups })),
            &[image(0, ins, size), dense(1, &weight)],
            &small,
        ));
        cases.push(step(
            Operation::ConvData(ConvData(Convolution { window, groups })),
            &[image(0, outs, places), dense(1, &weight)],
            &large,
        ));
        cases.push(step(
            Operation::ConvWeight(ConvWeight(Convolution { window, groups })),
            &[image(0, ins, size), image(1, outs, places)],
            &weight,
        ));
    }
    cases
}

/// Products of matrices, either of them transposed, the rows of one at a distance.
pub fn products() -> Vec<Case> {
    let mut cases = Vec::new();
    for [rows, columns, depth] in
        [[1, 10, 84], [1, 100, 515], [3, 7, 1], [5, 130, 70], [130, 5, 64], [9, 150, 40], [70, 66, 300], [72, 68, 36]]
    {
        for (transpose_a, transpose_b) in [(false, false), (false, true), (true, false), (true, true)] {
            let a = if transpose_a { [depth, rows] } else { [rows, depth] };
            let b = if transpose_b { [columns, depth] } else { [depth, columns] };
            let mut left = dense(0, &a);
            left.strides[0] += 4;
            cases.push(step(
                Operation::Gemm(Gemm { transpose_a, transpose_b }),
                &[left, dense(1, &b)],
                &[rows, columns],
            ));
        }
    }
    cases
}

/// Every pooling and its gradient, of planes, images and batches.
pub fn poolings() -> Vec<Case> {
    let mut cases = Vec::new();
    let means = [Divisor::Elements, Divisor::Padded { after: [1, 0] }, Divisor::Fixed(7.0)].map(Pooling::Mean);
    for large in [&[2usize, 3, 13, 17][..], &[5, 9, 8], &[12, 10]] {
        let rank = large.len();
        let [height, width] = [large[rank - 2], large[rank - 1]];
        for (windows, counts) in [
            (PoolAxis::Sliding(axis(3, 2, 1, 1)), [height.div_ceil(2), width.div_ceil(2)]),
            (PoolAxis::Sliding(axis(2, 2, 1, 0)), [height.div_ceil(2), width.div_ceil(2)]),
            (PoolAxis::Sliding(axis(2, 1, 3, 1)), [height - 1, width - 1]),
            (PoolAxis::Adaptive, [1, 1]),
            (PoolAxis::Adaptive, [3, 20]),
        ] {
            let mut small = large.to_vec();
            small[rank - 2..].copy_from_slice(&counts);
            for pooling in [Pooling::Max, Pooling::Softmax].into_iter().chain(means) {
                let axes = [windows; 2];
                let apart = |index, shape: &[usize]| {
                    let mut view = dense(index, shape);
                    view.strides[0] += 2;
                    view
                };
                cases.push(step(Operation::Pool(Pool { axes, pooling }), &[apart(0, large)], &small));
                let both = [apart(0, large), apart(1, &small)];
                let own = if matches!(pooling, Pooling::Mean(_)) { &[apart(0, &small)][..] } else { &both };
                cases.push(step(Operation::PoolGrad(PoolGrad { axes, pooling }), own, large));
            }
        }
    }
    cases
}

/// Sums and maxima over every choice of axes.
pub fn reductions() -> Vec<Case> {
    let mut cases = Vec::new();
    for shape in [&[3usize, 5, 7, 6][..], &[2, 300, 4], &[4, 1, 700], &[5000], &[40, 3, 21, 21], &[2000, 33]] {
        for marks in 0..1 << shape.len() {
            let axes: Vec<bool> = (0..shape.len()).map(|axis| marks >> axis & 1 == 1).collect();
            let result: Vec<usize> =
                shape.iter().zip(&axes).map(|(&size, &gone)| if gone { 1 } else { size }).collect();
            let mut operand = dense(0, shape);
            // Rows lie by fours where their length does.
            let apart = if shape.last().is_some_and(|size| size.is_multiple_of(4)) { 4 } else { 1 };
            operand.strides[0] += if shape.len() > 1 { apart } else { 0 };
            for reduction in [Reduction::Sum, Reduction::Max] {
                cases.push(step(
                    Operation::Reduce(Reduce { reduction, axes: axes.clone() }),
                    std::slice::from_ref(&operand),
                    &result,
                ));
            }
        }
    }
    cases
}

/// Padding and resampling.
pub fn moves() -> Vec<Case> {
    let mut cases = Vec::new();
    let shape = [2, 3, 5, 4];
    for padding in [
        [(0, 0), (0, 0), (1, 2), (3, 0)],
        [(1, 0), (-1, 2), (-2, -1), (0, -3)],
        [(0, 0), (0, 0), (-4, 6), (-3, 5)],
        [(0, 1), (0, 0), (0, 0), (7, -2)],
    ] {
        let padded =
            shape.iter().zip(&padding).map(|(&size, &(before, after))| (size as isize + before + after) as usize);
        let result: Vec<usize> = padded.collect();
        cases.push(step(Operation::Pad(Pad { padding: padding.to_vec() }), &[dense(0, &shape)], &result));
    }
    for (size, scale) in [([10, 8], [0.5, 0.5]), ([7, 3], [5.0 / 7.0, 4.0 / 3.0]), ([1, 9], [0.0, 3.0 / 8.0])] {
        for resampling in [
            Resampling::Nearest { scale },
            Resampling::Bilinear { scale, align_corners: false },
            Resampling::Bilinear { scale, align_corners: true },
        ] {
            let large = [2, 3, size[0], size[1]];
            cases.push(step(Operation::Resample(Resample(resampling)), &[dense(0, &shape)], &large));
            cases.push(step(Operation::ResampleGrad(ResampleGrad(resampling)), &[dense(0, &large)], &shape));
        }
    }
    cases
}

/// A map over operands of any strides, into any.
fn map(expression: Expression, operands: &[View], output: View) -> Case {
    drawn(format!("map {expression}"), single(Operation::Map(expression), operands, operands.len(), None, output))
}

/// Expressions over operands of any strides, into dense results and ones with gaps.
pub fn maps() -> Vec<Case> {
    let view = |index, offset: usize, shape: &[usize], strides: [usize; 4]| View {
        storage: Storage::Input(index),
        element: ElementType::Float32,
        offset_bytes: 4 * offset,
        shape: shape.to_vec(),
        strides: strides.to_vec(),
    };
    let mut cases = Vec::new();
    // The second size goes by fours.
    for shape in [[3, 4, 5, 6], [2, 4, 3, 8]] {
        let [_, c, h, w] = shape;
        let operands = [
            view(0, 0, &shape, [c * h * w, h * w, w, 1]),
            view(1, 1, &shape, [0, 0, 0, 1]),
            view(2, 0, &shape, [0, 1, 0, 0]),
            view(3, 2, &shape, [1, 7, 40, 200]),
        ];
        let outputs = [
            View::dense(Storage::Arena, ElementType::Float32, 4 * 8, &shape),
            View {
                offset_bytes: 4,
                strides: vec![2 * c * h * w, 2 * h * w, 2 * w, 2],
                ..View::dense(Storage::Arena, ElementType::Float32, 0, &shape)
            },
        ];
        let sigmoid = (x(0) * x(1)).sigmoid();
        let place = Expression::Index(1) * 100.0 + Expression::Index(3) - Expression::Index(2) + Expression::Index(0);
        let uniform = Expression::uniform(0x1234_5678_9abc_def0, Expression::Constant(7.0), Expression::Constant(9.0));
        for expression in [
            x(0),
            x(3) + x(2),
            Expression::Constant(3.0),
            x(0) * sigmoid.clone() + sigmoid - x(2),
            x(0).greater(x(1)).select(x(0), x(2) * 0.25),
            x(0).maximum(x(1)).minimum(x(2)) - x(3),
            ((x(0) * x(0) + 1.0).power(0.75) / (x(1) * x(1) + 0.5)).unary(Unary::Sqrt),
            (x(0) * 3.0).unary(Unary::Tanh) + (x(1) * 2.0).unary(Unary::Erf) + x(0).unary(Unary::ExpM1),
            (x(0) * x(0)).unary(Unary::Log1P) - x(1).unary(Unary::Exp).unary(Unary::Log1P),
            (x(0) * x(0) + 0.1).unary(Unary::Log) - (x(1) * 5.0).unary(Unary::Exp),
            x(0) * place + x(1) * uniform,
        ] {
            for output in &outputs {
                cases.push(map(expression.clone(), &operands, output.clone()));
            }
        }
    }
    cases
}

/// Maps that count, read counters, or draw by them; past what floats count.
pub fn counters() -> Vec<Case> {
    let (shape, numbers) = ([3, 4], [(1 << 24) + 1, (1 << 53) + 1, u64::MAX - 9, 7]);
    let whole = |index, strides: [usize; 2]| View {
        strides: strides.to_vec(),
        ..View::dense(Storage::Input(index), ElementType::Uint64, 0, &shape)
    };
    let case = |name: &str, expression: Expression, operands: &[View], element: ElementType| {
        let output = View::dense(Storage::Arena, element, 64, &shape);
        let plan = single(Operation::Map(expression), operands, operands.len(), None, output);
        let input = |port: &PlanPort| match port.view.element {
            ElementType::Float32 | ElementType::Uint8(_) => random::input(&port.name, &port.view.shape, 3),
            ElementType::Uint64 => {
                let counts = numbers.iter().cycle().take(port.view.elements()).copied().collect();
                Tensor::of_counts(&port.view.shape, counts).expect("a number each")
            }
        };
        let inputs = plan.inputs.iter().map(input).collect();
        Case { name: name.into(), plan, parameters: Parameters::default(), inputs, cancels: false }
    };
    let (each, one) = ([4, 1], [0, 0]);
    let uniform = Expression::uniform(0x1234_5678_9abc_def0, x(1), x(2));
    vec![
        case("counts", x(0) + 1.0, &[whole(0, each)], ElementType::Uint64),
        case("sums of counts", x(0) + x(1) + 3.0, &[whole(0, each), whole(1, [1, 3])], ElementType::Uint64),
        case("counts as floats", x(0) * x(1), &[dense(0, &shape), whole(1, each)], ElementType::Float32),
        case(
            "drawn by counters",
            x(0) * uniform,
            &[dense(0, &shape), whole(1, one), whole(2, [0, 1])],
            ElementType::Float32,
        ),
    ]
}
