//! All passes together: how many kernels are left of small networks, and that they compute the same.

use crate::graph::NodeId;
use crate::kernels::test_graph::{TestGraph, assert_same, check_pass};
use crate::kernels::{AxisWindow, Divisor, Expression, KernelGraph, PoolAxis, Pooling, evaluate, print};
use crate::passes::run;
use crate::plan::{Operation, Plan, Target, plan, simulate};

/// The plan of a graph after all passes, which computes what the graph did before; float64 shows that no rule lost anything.
fn optimised(mut graph: KernelGraph) -> Plan {
    let before = evaluate::outputs(&graph);
    check_pass(&mut graph, |graph| run(graph).unwrap());
    let plan = plan(&graph, &Target::reference()).unwrap();
    assert_same(&simulate::outputs(&plan), &before);
    plan
}

fn names(plan: &Plan) -> String {
    plan.run.iter().map(|step| step.operation.name()).collect::<Vec<_>>().join(" ")
}

fn mean_pool(test: &mut TestGraph, x: NodeId, size: usize) -> NodeId {
    let axis = PoolAxis::Sliding(AxisWindow { kernel: 2, stride: 2, dilation: 1, before: 0 });
    let mean = Pooling::Mean(Divisor::Elements);
    test.layer("AvgPool2d", |builder| builder.pool(x, [axis; 2], mean, [size, size]))
}

fn sigmoid(test: &mut TestGraph, x: NodeId) -> NodeId {
    test.layer("Sigmoid", |builder| builder.map(&[x], Expression::operand(0).sigmoid()))
}

#[test]
fn lenet_is_seven_kernels() {
    let (mut test, x) = TestGraph::new(&[2, 1, 12, 12]);
    let x = test.conv(x, 3, 5, true);
    let x = sigmoid(&mut test, x);
    let x = mean_pool(&mut test, x, 6);
    let x = test.conv(x, 4, 3, true);
    let x = sigmoid(&mut test, x);
    let x = mean_pool(&mut test, x, 3);
    let mut x = test.layer("Flatten", |builder| builder.reshape(x, &[2, 36]));
    for features in [8, 6] {
        x = test.linear(x, features);
        x = sigmoid(&mut test, x);
    }
    let x = test.linear(x, 4);
    let plan = optimised(test.finish(x));
    assert_eq!(names(&plan), "conv pool_mean conv pool_mean gemm gemm gemm");
    assert!(plan.prepare.is_empty());
}

/// Two convolutions with their norms, and a projection or the value itself.
fn residual(test: &mut TestGraph, x: NodeId, channels: usize, project: bool) -> NodeId {
    let a = test.conv(x, channels, 3, true);
    let a = test.batch_norm(a);
    let a = test.relu(a);
    let a = test.conv(a, channels, 3, true);
    let a = test.batch_norm(a);
    let b = if project { test.conv(x, channels, 1, true) } else { x };
    let sum = test.sum(a, b);
    test.relu(sum)
}

#[test]
fn residual_blocks_are_convolutions_alone() {
    let (mut test, x) = TestGraph::new(&[2, 3, 4, 4]);
    let x = residual(&mut test, x, 3, false);
    let x = residual(&mut test, x, 5, true);
    let x = test.layer("AdaptiveAvgPool2d", |builder| builder.mean(x, &[2, 3]));
    let x = test.layer("Flatten", |builder| builder.reshape(x, &[2, 5]));
    let x = test.layer("Dropout", |builder| builder.map(&[x], Expression::operand(0)));
    let x = test.linear(x, 4);
    let plan = optimised(test.finish(x));
    assert_eq!(names(&plan), "conv conv conv conv conv reduce_sum gemm");
    let epilogues: Vec<String> =
        plan.run.iter().filter_map(|step| step.epilogue.as_ref().map(ToString::to_string)).collect();
    let expected = ["max(x0 + x1, 0)", "max((x0 + x1) + x2, 0)", "max(x0 + x1, 0)", "max((x0 + x1) + x2, 0)"];
    assert_eq!(epilogues[..4], expected);
}

#[test]
fn an_inverted_residual_with_swish_is_convolutions_alone() {
    let (mut test, x) = TestGraph::new(&[1, 4, 4, 4]);
    let swish = |test: &mut TestGraph, x| {
        let x0 = Expression::operand(0);
        test.layer("SiLU", |builder| builder.map(&[x], x0.clone() * x0.sigmoid()))
    };
    let a = test.conv(x, 8, 1, false);
    let a = test.batch_norm(a);
    let a = swish(&mut test, a);
    let a = test.conv(a, 4, 1, false);
    let a = test.batch_norm(a);
    let y = test.sum(x, a);
    assert_eq!(names(&optimised(test.finish(y))), "conv conv");
}

#[test]
fn a_dense_block_keeps_one_map_a_layer_and_copies_nothing() {
    let (mut test, x) = TestGraph::new(&[2, 3, 4, 4]);
    let mut features = test.conv(x, 4, 1, false);
    for _ in 0..2 {
        let y = test.batch_norm(features);
        let y = test.relu(y);
        let y = test.conv(y, 6, 1, false);
        let y = test.batch_norm(y);
        let y = test.relu(y);
        let y = test.conv(y, 2, 3, false);
        features = test.concat(&[features, y]);
    }
    let y = test.batch_norm(features);
    let plan = optimised(test.finish(y));
    assert_eq!(names(&plan), "conv map conv conv map conv conv map");
    let maps = plan.run.iter().filter_map(|step| match &step.operation {
        Operation::Map(expression) => Some(expression.to_string()),
        _ => None,
    });
    assert_eq!(maps.collect::<Vec<_>>(), ["max((x0 * x1) + x2, 0)", "max((x0 * x1) + x2, 0)", "(x0 * x1) + x2"]);
}

#[test]
fn squeeze_and_excitation_keeps_the_product() {
    let (mut test, x) = TestGraph::new(&[1, 4, 4, 4]);
    let x = test.conv(x, 4, 3, false);
    let x = test.relu(x);
    let gate = test.layer("AdaptiveAvgPool2d", |builder| builder.mean(x, &[2, 3]));
    let gate = test.conv(gate, 2, 1, true);
    let gate = test.relu(gate);
    let gate = test.conv(gate, 4, 1, true);
    let gate = sigmoid(&mut test, gate);
    let y = test.layer("product", |builder| builder.map(&[gate, x], Expression::operand(0) * Expression::operand(1)));
    let y = test.conv(y, 2, 1, false);
    assert_eq!(names(&optimised(test.finish(y))), "conv reduce_sum conv conv map conv");
}

#[test]
fn passes_over_what_they_made_change_nothing() {
    let (mut test, x) = TestGraph::new(&[2, 3, 4, 4]);
    let x = residual(&mut test, x, 3, false);
    let x = residual(&mut test, x, 5, true);
    let mut graph = test.finish(x);
    run(&mut graph).unwrap();
    let once = print(&graph);
    run(&mut graph).unwrap();
    assert_eq!(print(&graph), once);
}

#[test]
fn ten_thousand_layers_are_optimised_at_once() {
    let (mut test, mut x) = TestGraph::new(&[1, 1, 4, 4]);
    for _ in 0..2_500 {
        x = test.conv(x, 1, 1, true);
        x = test.batch_norm(x);
        x = test.relu(x);
        x = test.layer("Dropout", |builder| builder.map(&[x], Expression::operand(0)));
    }
    let mut graph = test.finish(x);
    let start = std::time::Instant::now();
    run(&mut graph).unwrap();
    let plan = plan(&graph, &Target::reference()).unwrap();
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
    assert_eq!(plan.run.len(), 2_500);
}
