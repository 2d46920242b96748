//! The kernels that only training needs against the reference in float64, as in `kernels.rs`; and what is asked of places.

use super::kernels::{agrees, axis, size};
use crate::cpu::test_plan::{TestPlan, dense};
use crate::cpu::{CpuOptions, Engine};
use crate::random::Stream;
use crate::{Parameters, Tensor};
use cnnc_compiler::element::ElementType;
use cnnc_compiler::kernels::random::fnv1a;
use cnnc_compiler::kernels::{AxisWindow, Divisor, Expression, PoolAxis, PoolGrad, Pooling, ResampleGrad, Resampling};
use cnnc_compiler::plan::{Operation, Storage, View};

fn pooled(x: [usize; 4], axes: [PoolAxis; 2], pooling: Pooling, counts: [usize; 2]) {
    let g = [x[0], x[1], counts[0], counts[1]];
    let (input, gradient) = (dense(Storage::Input(0), 0, &x), dense(Storage::Input(1), 0, &g));
    let operands = if matches!(pooling, Pooling::Mean(_)) { vec![gradient] } else { vec![input, gradient] };
    let plan = TestPlan::new(&[&x, &g]).step(Operation::PoolGrad(PoolGrad { axes, pooling }), &operands, &x);
    let doubled = Expression::operand(0) * 2.0;
    agrees(&plan.epilogue(doubled, &[]).finish());
}

#[test]
fn gradients_of_pooling() {
    let x = [2, 3, 13, 10];
    for pooling in [
        Pooling::Max,
        Pooling::Softmax,
        Pooling::Mean(Divisor::Elements),
        Pooling::Mean(Divisor::Padded { after: [1, 0] }),
        Pooling::Mean(Divisor::Fixed(3.0)),
    ] {
        for windows in [[axis(2, 2, 1, 0); 2], [axis(3, 1, 1, 1), axis(3, 2, 2, 1)]] {
            let counts = [size(x[2], &windows[0]), size(x[3], &windows[1])];
            pooled(x, windows.map(PoolAxis::Sliding), pooling, counts);
        }
    }
    for pooling in [Pooling::Max, Pooling::Mean(Divisor::Elements)] {
        pooled(x, [PoolAxis::Adaptive; 2], pooling, [5, 4]);
        pooled(x, [PoolAxis::Adaptive; 2], pooling, [1, 1]);
    }
    pooled([9, 40, 30, 30], [PoolAxis::Sliding(axis(2, 2, 1, 0)); 2], Pooling::Max, [15, 15]);
}

#[test]
fn gradients_of_enlarging() {
    for resampling in [
        Resampling::Nearest { scale: [0.5, 0.4] },
        Resampling::Bilinear { scale: [0.5, 0.4], align_corners: false },
        Resampling::Bilinear { scale: [2.0 / 5.0, 1.0 / 4.0], align_corners: true },
    ] {
        let (x, g) = ([2, 3, 3, 2], [2, 3, 6, 5]);
        let plan = TestPlan::new(&[&g]).step(
            Operation::ResampleGrad(ResampleGrad(resampling)),
            &[dense(Storage::Input(0), 0, &g)],
            &x,
        );
        agrees(&plan.finish());
    }
}

#[test]
fn maps_know_their_places() {
    let shape = [2, 5, 300, 7];
    let mut repeated = dense(Storage::Input(1), 0, &shape);
    repeated.strides = vec![0, 1, 0, 0];
    let mut turned = dense(Storage::Input(0), 0, &shape);
    turned.strides = vec![5 * 300 * 7, 1, 5, 5 * 300];
    let [x, number] = [0, 1].map(Expression::operand);
    let place = Expression::Index(1) * 100.0 + Expression::Index(3) - Expression::Index(2);
    let drawn = Expression::uniform(fnv1a("3"), Expression::Constant(7.0), Expression::Constant(9.0));
    let expression = x * drawn + number * place;
    agrees(&TestPlan::new(&[&shape, &[5]]).step(Operation::Map(expression), &[turned, repeated], &shape).finish());
    let alone = TestPlan::new(&[]).step(Operation::Map(Expression::Index(0)), &[], &[3, 2]);
    agrees(&alone.finish());
}

#[test]
fn random_numbers_are_those_of_the_generator() {
    let shape = [3, 50, 11];
    let scalar =
        |input| View { element: ElementType::Uint64, strides: vec![0; 3], ..dense(Storage::Input(input), 0, &shape) };
    let drawn = Expression::uniform(fnv1a("features.2"), Expression::operand(0), Expression::operand(1));
    let plan = TestPlan::new(&[]).count().count();
    let plan = plan.step(Operation::Map(drawn), &[scalar(0), scalar(1)], &shape).finish();
    let mut engine = Engine::new(plan, &Parameters::default(), CpuOptions::default()).unwrap();
    let answer = engine.run(&[Tensor::count(123_456), Tensor::count(77)]).unwrap();
    let stream = Stream::new(123_456 + (77 << 32), "features.2");
    let expected: Vec<f32> = (0..413).flat_map(|block| stream.uniform01(block)).map(|value| value as f32).collect();
    assert_eq!(answer[0].data(), &expected[..1650]);
}

/// Windows that no input element lies in.
#[test]
fn windows_of_padding_alone_give_nothing() {
    let far = AxisWindow { kernel: 2, stride: 1, dilation: 1, before: 3 };
    pooled([1, 1, 4, 4], [PoolAxis::Sliding(far); 2], Pooling::Mean(Divisor::Fixed(1.0)), [4, 4]);
}
