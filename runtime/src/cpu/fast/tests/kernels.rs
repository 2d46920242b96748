//! Every fast kernel against the reference in float64, on grids of sizes; and the same bits for any number of threads.

use crate::cpu::test_plan::{TestPlan, dense};
use crate::cpu::{CpuOptions, Engine, Kernels, evaluate_f64};
use crate::random;
use crate::{Parameters, Tensor};
use cnnc_compiler::kernels::{
    AxisWindow, Divisor, Expression, Gemm, Pad, Pool, PoolAxis, Pooling, Reduce, Reduction, Resample, Resampling, Unary,
};
use cnnc_compiler::plan::{Operation, Plan, Storage, View};
use std::sync::Arc;

/// The largest relative error that float32 may have against float64 here; the contract is 1e-5.
const TOLERANCE: f64 = 2e-6;

/// Random parameters for a plan.
fn parameters(plan: &Plan) -> Parameters {
    let draw = |path: &Arc<str>, shape: &[usize]| (path.clone(), random::input(path, shape, 1));
    plan.parameters.iter().map(|parameter| draw(&parameter.path, &parameter.shape)).collect()
}

/// Compares the fast kernels with the reference.
pub fn agrees(plan: &Arc<Plan>) {
    let parameters = parameters(plan);
    let inputs: Vec<Tensor> = plan.inputs.iter().map(|port| random::input(&port.name, &port.view.shape, 2)).collect();
    let exact = evaluate_f64(plan.clone(), &parameters, &inputs).unwrap();
    let run = |kernels, threads| {
        let mut engine =
            Engine::new(plan.clone(), &parameters, CpuOptions { threads, kernels, ..CpuOptions::default() }).unwrap();
        let first = engine.run(&inputs).unwrap().to_vec();
        assert_eq!(first, engine.run(&inputs).unwrap(), "a second run differs");
        first
    };
    let one = run(Kernels::Fast, 1);
    assert_eq!(one, run(Kernels::Fast, 2), "two threads differ from one");
    assert_eq!(one, run(Kernels::Fast, 3), "three threads differ from one");
    for answers in [one, run(Kernels::Reference, 1)] {
        for (answer, (shape, values)) in answers.iter().zip(&exact) {
            assert_eq!(answer.shape(), shape);
            let largest = values.iter().fold(0.0f64, |largest, value| largest.max(value.abs()));
            let close = |(a, b): (&f32, &f64)| (f64::from(*a) - b).abs() <= TOLERANCE * largest;
            let wrong = answer.data().iter().zip(values).find(|&pair| !close(pair));
            assert!(wrong.is_none(), "{wrong:?} differ, where {largest} is the largest, in {:?}", plan.run[0]);
        }
    }
}

fn x0() -> Expression {
    Expression::operand(0)
}

/// `max(x0 + x1, 0) * x2`, of a number a channel and a tensor like the result.
fn epilogue(shape: &[usize]) -> (Expression, [View; 2]) {
    let mut bias = dense(Storage::Parameter(1), 0, shape);
    bias.strides = shape.iter().enumerate().map(|(axis, _)| usize::from(axis == 1)).collect();
    let expression = (x0() + Expression::operand(1)).maximum(0.0) * Expression::operand(2);
    (expression, [bias, dense(Storage::Input(1), 0, shape)])
}

pub fn size(input: usize, axis: &AxisWindow) -> usize {
    (input + 2 * axis.before - axis.dilation * (axis.kernel - 1) - 1) / axis.stride + 1
}

pub fn axis(kernel: usize, stride: usize, dilation: usize, before: usize) -> AxisWindow {
    AxisWindow { kernel, stride, dilation, before }
}

#[test]
fn products() {
    for [rows, columns, depth] in
        [[1, 10, 84], [1, 1000, 515], [3, 7, 1], [5, 300, 70], [300, 5, 64], [2, 1, 130], [9, 520, 400]]
    {
        for (transpose_a, transpose_b) in [(false, false), (false, true), (true, false), (true, true)] {
            let a = if transpose_a { [depth, rows] } else { [rows, depth] };
            let b = if transpose_b { [columns, depth] } else { [depth, columns] };
            let shape = [rows, columns];
            let (expression, others) = epilogue(&shape);
            let operands = [dense(Storage::Input(0), 0, &a), dense(Storage::Parameter(0), 0, &b)];
            let plan = TestPlan::new(&[&a, &shape]).parameter("weight", &b).parameter("bias", &[columns]).step(
                Operation::Gemm(Gemm { transpose_a, transpose_b }),
                &operands,
                &shape,
            );
            agrees(&plan.epilogue(expression, &others).finish());
        }
    }
}

#[test]
fn products_of_rows_at_a_distance() {
    let rows = |storage, shape: [usize; 2]| View { strides: vec![50, 1], ..dense(storage, 2, &shape) };
    for count in [2, 7] {
        let operands = [rows(Storage::Input(0), [count, 40]), rows(Storage::Parameter(0), [9, 40])];
        let output = View { strides: vec![20, 1], ..dense(Storage::Arena, 3, &[count, 9]) };
        let kernel = Operation::Gemm(Gemm { transpose_a: false, transpose_b: true });
        let plan = TestPlan::new(&[&[count * 50]]).parameter("weight", &[9, 50]);
        agrees(&plan.step_into(kernel, &operands, output).finish());
    }
}

#[test]
fn poolings() {
    let means = [Divisor::Elements, Divisor::Padded { after: [1, 0] }, Divisor::Fixed(7.0)].map(Pooling::Mean);
    for x in [&[2usize, 3, 13, 17][..], &[5, 9, 8], &[12, 10]] {
        let rank = x.len();
        let [height, width] = [x[rank - 2], x[rank - 1]];
        for (axis, counts) in [
            (PoolAxis::Sliding(axis(3, 2, 1, 1)), [height.div_ceil(2), width.div_ceil(2)]),
            (PoolAxis::Sliding(axis(2, 2, 1, 0)), [height.div_ceil(2), width.div_ceil(2)]),
            (PoolAxis::Sliding(axis(2, 1, 3, 1)), [height - 1, width - 1]),
            (PoolAxis::Adaptive, [1, 1]),
            (PoolAxis::Adaptive, [3, 20]),
        ] {
            let mut shape = x.to_vec();
            shape[rank - 2..].copy_from_slice(&counts);
            for pooling in [Pooling::Max, Pooling::Softmax].into_iter().chain(means) {
                let kernel = Operation::Pool(Pool { axes: [axis; 2], pooling });
                let plan = TestPlan::new(&[x]).step(kernel, &[dense(Storage::Input(0), 0, x)], &shape);
                agrees(&plan.epilogue(x0() * 2.0 + 1.0, &[]).finish());
            }
        }
    }
}

#[test]
fn reductions() {
    for x in [&[3usize, 5, 7, 6][..], &[2, 300, 4], &[4, 1, 700], &[1000]] {
        for marks in 0..1 << x.len() {
            let axes: Vec<bool> = (0..x.len()).map(|axis| marks >> axis & 1 == 1).collect();
            let shape: Vec<usize> = x.iter().zip(&axes).map(|(&size, &gone)| if gone { 1 } else { size }).collect();
            for reduction in [Reduction::Sum, Reduction::Max] {
                let kernel = Operation::Reduce(Reduce { reduction, axes: axes.clone() });
                let plan = TestPlan::new(&[x]).step(kernel, &[dense(Storage::Input(0), 0, x)], &shape);
                agrees(&plan.epilogue(-x0(), &[]).finish());
            }
        }
    }
}

/// The batch of a part of a concatenation lies further apart; what is summed is the same, bit for bit.
#[test]
fn reductions_do_not_depend_on_where_the_batch_lies() {
    for x in [&[3usize, 1, 5, 7][..], &[6, 9, 2, 2], &[300, 1, 1, 1], &[70, 1], &[5, 4, 1, 130]] {
        let rest: usize = x[1..].iter().product();
        let gapped = View { shape: vec![x[0], rest + 3], ..dense(Storage::Input(0), 0, &[x[0], rest + 3]) };
        let values = random::input("input", &gapped.shape, 3);
        let packed: Vec<f32> = values.data().chunks(rest + 3).flat_map(|image| &image[..rest]).copied().collect();
        let packed = Tensor::new(x, packed).unwrap();
        for marks in 0..1 << x.len() {
            let axes: Vec<bool> = (0..x.len()).map(|axis| marks >> axis & 1 == 1).collect();
            let shape: Vec<usize> = x.iter().zip(&axes).map(|(&size, &gone)| if gone { 1 } else { size }).collect();
            let answer = |input: &Tensor, stride: usize| {
                let mut view = dense(Storage::Input(0), 0, x);
                view.strides[0] = stride;
                let kernel = Operation::Reduce(Reduce { reduction: Reduction::Sum, axes: axes.clone() });
                let plan = TestPlan::new(&[input.shape()]).step(kernel, &[view], &shape).finish();
                Engine::new(plan, &Parameters::default(), CpuOptions::default())
                    .unwrap()
                    .run(std::slice::from_ref(input))
                    .unwrap()
                    .to_vec()
            };
            assert_eq!(answer(&packed, rest), answer(&values, rest + 3), "{x:?} over {axes:?}");
        }
    }
}

#[test]
fn maps_over_any_strides() {
    let shape = [3, 4, 5, 6];
    let view =
        |storage, first, strides: [usize; 4]| View { strides: strides.to_vec(), ..dense(storage, first, &shape) };
    let operands = [
        view(Storage::Input(0), 0, [1, 3, 12, 60]),
        view(Storage::Parameter(0), 1, [0, 0, 0, 1]),
        view(Storage::Input(1), 0, [0, 30, 6, 1]),
    ];
    let (x1, x2) = (|| Expression::operand(1), || Expression::operand(2));
    let sigmoid = (x0() * x1()).sigmoid();
    for expression in [
        x0(),
        x1(),
        Expression::Constant(3.0),
        x0() * sigmoid.clone() + sigmoid - x2(),
        x0().greater(x1()).select(x0(), x2() * 0.25),
        x0().greater(0.0).select(1.0, x1()),
        x0().greater(0.0).select(x1(), 2.0),
        Expression::Constant(1.0).select(x1(), x0()),
        x0().maximum(x1()).minimum(x2()),
        ((x0() * x0() + 1.0).power(0.75) / (x1() * x1() + 0.5)).unary(Unary::Sqrt),
        (x0() * 3.0).unary(Unary::Tanh) + (x1() * 2.0).unary(Unary::Erf) + x0().unary(Unary::ExpM1),
        (x0() * x0()).unary(Unary::Log1P) - x1().unary(Unary::Exp).unary(Unary::Log1P),
        (x0() * x0() + 0.1).unary(Unary::Log) - (x1() * 5.0).unary(Unary::Exp),
    ] {
        let plan = TestPlan::new(&[&[360], &[4, 5, 6]]).parameter("row", &[7]);
        agrees(&plan.step(Operation::Map(expression), &operands, &shape).finish());
    }
}

#[test]
fn maps_in_place_and_long_ones() {
    let shape = [2, 3, 100, 101];
    let value = dense(Storage::Arena, 0, &shape);
    let relu = Operation::Map((x0() + 1.0).maximum(0.0));
    let plan = TestPlan::new(&[&shape])
        .step(Operation::Map(x0() * 2.0), &[dense(Storage::Input(0), 0, &shape)], &shape)
        .step_into(relu, std::slice::from_ref(&value), value.clone());
    agrees(&plan.finish());
}

#[test]
fn results_that_are_parts_of_a_concatenation() {
    let part = |storage, first: usize, channels: usize, image: usize| View {
        strides: vec![image, 20, 5, 1],
        ..dense(storage, first * 20, &[2, channels, 4, 5])
    };
    let (input, place) = (
        |channels| part(Storage::Input(0), 0, channels, 60),
        |first, channels| part(Storage::Arena, first, channels, 140),
    );
    let pool = |pooling| Operation::Pool(Pool { axes: [PoolAxis::Sliding(axis(3, 1, 1, 1)); 2], pooling });
    let plan = TestPlan::new(&[&[2, 3, 4, 5]])
        .step_into(pool(Pooling::Mean(Divisor::Elements)), &[input(3)], place(0, 3))
        .step_into(pool(Pooling::Max), &[place(0, 3)], place(3, 3))
        .step_into(Operation::Map(x0()), &[input(1)], place(6, 1));
    let mut plan = (*plan.finish()).clone();
    plan.outputs[0].view = dense(Storage::Arena, 0, &[2, 7, 4, 5]);
    agrees(&Arc::new(plan));
}

#[test]
fn enlargements() {
    let x = [2, 3, 5, 4];
    for (size, scale) in [([10, 8], [0.5, 0.5]), ([7, 3], [5.0 / 7.0, 4.0 / 3.0]), ([1, 9], [0.0, 3.0 / 8.0])] {
        for resampling in [
            Resampling::Nearest { scale },
            Resampling::Bilinear { scale, align_corners: false },
            Resampling::Bilinear { scale, align_corners: true },
        ] {
            let shape = [2, 3, size[0], size[1]];
            let plan = TestPlan::new(&[&x]);
            agrees(
                &plan
                    .step(Operation::Resample(Resample(resampling)), &[dense(Storage::Input(0), 0, &x)], &shape)
                    .finish(),
            );
        }
    }
}

#[test]
fn paddings() {
    let x = [2, 3, 5, 4];
    for padding in [
        [(0, 0), (0, 0), (1, 2), (3, 0)],
        [(1, 0), (-1, 2), (-2, -1), (0, -3)],
        [(0, 0), (0, 0), (-4, 6), (-3, 5)],
        [(0, 1), (0, 0), (0, 0), (7, -2)],
    ] {
        let sizes = x.iter().zip(&padding).map(|(&size, &(before, after))| (size as isize + before + after) as usize);
        let shape: Vec<usize> = sizes.collect();
        let kernel = Operation::Pad(Pad { padding: padding.to_vec() });
        let plan = TestPlan::new(&[&x]).step(kernel, &[dense(Storage::Input(0), 0, &x)], &shape);
        agrees(&plan.epilogue(x0() + 1.0, &[]).finish());
    }
}

#[test]
fn not_a_number_passes_through() {
    let shape = [1, 1, 4, 4];
    let relu = Operation::Map(x0().maximum(0.0));
    let pool = Operation::Pool(Pool { axes: [PoolAxis::Sliding(axis(2, 2, 1, 0)); 2], pooling: Pooling::Max });
    let plan = TestPlan::new(&[&shape])
        .step(relu, &[dense(Storage::Input(0), 0, &shape)], &shape)
        .step(pool, &[dense(Storage::Arena, 0, &shape)], &[1, 1, 2, 2])
        .finish();
    let mut values = vec![-1.0; 16];
    values[5] = f32::NAN;
    for kernels in [Kernels::Fast, Kernels::Reference] {
        let mut engine = Engine::new(
            plan.clone(),
            &Parameters::default(),
            CpuOptions { threads: 1, kernels, ..CpuOptions::default() },
        )
        .unwrap();
        let answer = engine.run(&[Tensor::new(&shape, values.clone()).unwrap()]).unwrap();
        assert!(answer[0].data()[0].is_nan());
        assert_eq!(answer[0].data()[1..], [0.0; 3]);
    }
}
