//! Gradients of small graphs: against differences in float64, after the passes too, and how they are written.

use super::gradient;
use crate::graph::NodeId;
use crate::kernels::evaluate::{Tensor, outputs_of};
use crate::kernels::test_graph::TestGraph;
use crate::kernels::{
    AxisWindow, Divisor, Expression, Kernel, KernelGraph, PoolAxis, Pooling, Port, Reduce, Reduction, Resampling,
    print, verify,
};
use crate::passes;

/// The graph with the inner product of its first output and a given tensor as its only output, and that node.
fn with_loss(mut graph: KernelGraph) -> (KernelGraph, NodeId) {
    let output = graph.outputs[0].node;
    let shape = graph.dag.get(output).unwrap().shape.clone();
    let axes = vec![true; shape.len()];
    let mut test = TestGraph::default();
    test.graph = std::mem::take(&mut graph);
    let target = test.input("cotangent", &shape);
    let product = Kernel::Map(Expression::operand(0) * Expression::operand(1));
    let mut graph = test.graph;
    let product = graph.add(product, shape, &[output, target], vec!["loss".into()]);
    let sum = Kernel::Reduce(Reduce { reduction: Reduction::Sum, axes });
    let loss = graph.add(sum, vec![1; graph.dag.get(product).unwrap().shape.len()], &[product], vec!["loss".into()]);
    graph.outputs = [Port { name: "loss".into(), node: loss }].into_iter().collect();
    (graph, loss)
}

/// Inputs and parameters but for the given tensor.
fn leaves(graph: &KernelGraph) -> Vec<NodeId> {
    let leaf = |kernel: &Kernel| matches!(kernel, Kernel::Input(_) | Kernel::Parameter(_));
    let all = graph.dag.iter().filter(|(_, node)| leaf(&node.kernel)).map(|(id, _)| id);
    all.filter(|&id| graph.label(id) != "cotangent").collect()
}

/// Adds gradients by all leaves as outputs named after them, and holds each against differences along a direction.
fn check(graph: KernelGraph) -> KernelGraph {
    let (mut graph, loss) = with_loss(graph);
    let plain = graph.clone();
    let wanted = leaves(&graph);
    let found = gradient(&mut graph, loss, &wanted).unwrap();
    for (&leaf, node) in wanted.iter().zip(&found) {
        let name = graph.label(leaf).into();
        graph.outputs.extend(node.map(|node| Port { name, node }));
    }
    verify(&graph).unwrap();
    let mut fused = graph.clone();
    passes::run(&mut fused).unwrap();
    for graph in [&graph, &fused] {
        let values = outputs_of(graph, &Tensor::named);
        for (port, value) in graph.outputs.iter().zip(&values).skip(1) {
            let direction = Tensor::named(&format!("{} along", port.name), &value.shape);
            let slope: f64 = value.data.iter().zip(&direction.data).map(|(a, b)| a * b).sum();
            let difference = difference(&plain, &port.name, &direction);
            let off = (slope - difference).abs();
            assert!(
                off < 1e-5 * (1.0 + slope.abs()),
                "{}: {slope}, and by differences {difference}\n{}",
                port.name,
                print(graph)
            );
        }
    }
    graph
}

/// How the loss changes when one leaf moves along a direction.
fn difference(graph: &KernelGraph, leaf: &str, direction: &Tensor) -> f64 {
    let step = 1e-6;
    let moved = |by: f64| {
        let given = |name: &str, shape: &[usize]| {
            let mut tensor = Tensor::named(name, shape);
            if name == leaf {
                tensor.data.iter_mut().zip(&direction.data).for_each(|(value, along)| *value += by * along);
            }
            tensor
        };
        outputs_of(graph, &given)[0].data[0]
    };
    (moved(step) - moved(-step)) / (2.0 * step)
}

#[test]
fn random_networks_have_the_gradients_that_differences_show() {
    for seed in 0..150 {
        let graph = passes::tests::random_networks::network(seed);
        let text = print(&graph);
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(graph)));
        assert!(result.is_ok(), "network {seed}:\n{text}");
    }
}

#[test]
fn convolutions_of_every_kind() {
    for (stride, dilation, before, groups) in [(1, 1, 1, 1), (2, 1, 0, 2), (2, 2, 3, 1), (3, 1, 5, 2)] {
        let window =
            [AxisWindow { kernel: 3, stride, dilation, before }, AxisWindow { kernel: 2, stride, dilation, before: 0 }];
        let (mut test, x) = TestGraph::new(&[2, 4, 7, 6]);
        let weight = test.parameter("weight", &[6, 4 / groups, 3, 2]);
        let y = test.layer("Conv2d", |builder| builder.conv(x, weight, window, groups, [4, 3]));
        check(test.finish(y));
        let (mut test, x) = TestGraph::new(&[2, 4, 3, 2]);
        let weight = test.parameter("weight", &[4, 3, 3, 2]);
        let y = test.layer("ConvTranspose2d", |builder| builder.conv_data(x, weight, window, groups, [6, 5]));
        check(test.finish(y));
    }
}

#[test]
fn products_of_every_transposition() {
    for (transpose_a, transpose_b) in [(false, false), (false, true), (true, false), (true, true)] {
        let (a, b) = ([[2, 3], [3, 2]][usize::from(transpose_a)], [[3, 4], [4, 3]][usize::from(transpose_b)]);
        let (mut test, x) = TestGraph::new(&a);
        let weight = test.parameter("weight", &b);
        let y = test.layer("Linear", |builder| builder.gemm(x, transpose_a, weight, transpose_b));
        check(test.finish(y));
    }
}

#[test]
fn poolings_and_enlargements_of_every_kind() {
    let sliding = |kernel, stride, before| PoolAxis::Sliding(AxisWindow { kernel, stride, dilation: 1, before });
    let wide = PoolAxis::Sliding(AxisWindow { kernel: 2, stride: 1, dilation: 2, before: 0 });
    for pooling in [
        Pooling::Max,
        Pooling::Softmax,
        Pooling::Mean(Divisor::Elements),
        Pooling::Mean(Divisor::Padded { after: [1, 0] }),
        Pooling::Mean(Divisor::Fixed(3.0)),
    ] {
        for (axes, size) in [([sliding(3, 2, 1), sliding(2, 2, 0)], [3, 2]), ([sliding(2, 1, 0), wide], [4, 3])] {
            let (mut test, x) = TestGraph::new(&[2, 2, 5, 5]);
            let y = test.layer("Pool", |builder| builder.pool(x, axes, pooling, size));
            check(test.finish(y));
        }
    }
    for pooling in [Pooling::Max, Pooling::Mean(Divisor::Elements)] {
        let (mut test, x) = TestGraph::new(&[1, 2, 5, 4]);
        let y = test.layer("Adaptive", |builder| builder.pool(x, [PoolAxis::Adaptive; 2], pooling, [3, 3]));
        check(test.finish(y));
    }
    for resampling in [
        Resampling::Nearest { scale: [0.5, 0.4] },
        Resampling::Bilinear { scale: [0.5, 0.4], align_corners: false },
        Resampling::Bilinear { scale: [0.4, 0.25], align_corners: true },
    ] {
        let (mut test, x) = TestGraph::new(&[1, 2, 3, 2]);
        let y = test.layer("Upsample", |builder| builder.resample(x, resampling, [6, 5]));
        check(test.finish(y));
    }
}

#[test]
fn movements_are_moved_back() {
    let (mut test, x) = TestGraph::new(&[2, 3, 4, 5]);
    let y = test.layer("Moves", |builder| {
        let turned = builder.permute(x, &[2, 0, 3, 1]);
        let padded = builder.pad(turned, &[(1, -1), (0, 0), (-2, 3), (0, 1)]);
        let cut = builder.slice(padded, 0, 1, 2);
        let flat = builder.reshape(cut, &[2, 48]);
        let joined = builder.concat(&[flat, flat], 1);
        let squares = builder.map(&[joined], Expression::operand(0) * Expression::operand(0));
        let mean = builder.mean(squares, &[1]);
        let largest = builder.reduce(squares, Reduction::Max, &[1]);
        builder.map(&[squares, mean, largest], Expression::operand(0) * Expression::operand(1) - Expression::operand(2))
    });
    check(test.finish(y));
}

/// No layer adds up along some axes what was repeated along others; a sum hands its gradient on unrepeated.
#[test]
fn terms_that_are_the_same_along_an_axis_count_as_often() {
    for (own, axes) in [([1, 3, 1, 1], [2, 3]), ([2, 1, 1, 5], [1, 3])] {
        let (mut test, x) = TestGraph::new(&[2, 3, 4, 5]);
        let bias = test.parameter("bias", &own);
        let y = test.layer("Sum", |builder| {
            let y = builder.map(&[x, bias], Expression::operand(0) * 3.0 + Expression::operand(1) * 2.0);
            builder.reduce(y, Reduction::Sum, &axes)
        });
        check(test.finish(y));
    }
}

#[test]
fn what_asks_for_places_has_them_in_its_gradient() {
    let (mut test, x) = TestGraph::new(&[2, 3, 4]);
    let small = test.parameter("small", &[2, 1, 4]);
    let y = test.layer("Placed", |builder| {
        let [a, b] = [0, 1].map(Expression::operand);
        let drawn = Expression::uniform(3, Expression::Constant(1.0), Expression::Constant(2.0));
        builder.map(&[x, small], a * Expression::Index(1) + (b + 2.0) * (Expression::Index(1) + drawn))
    });
    check(test.finish(y));
}

#[test]
fn what_the_loss_does_not_depend_on_has_no_gradient() {
    let (mut test, x) = TestGraph::new(&[2, 3]);
    let unused = test.parameter("unused", &[3]);
    let y = test.linear(x, 4);
    let (mut graph, loss) = with_loss(test.finish(y));
    let found = gradient(&mut graph, loss, &[x, unused]).unwrap();
    assert!(found[0].is_some() && found[1].is_none());
}

#[test]
fn a_tied_parameter_adds_up_and_a_relu_is_known_by_its_result() {
    let (mut test, x) = TestGraph::new(&[2, 3]);
    let weight = test.parameter("weight", &[3, 3]);
    let y = test.layer("Linear", |builder| builder.gemm(x, false, weight, true));
    let y = test.relu(y);
    let y = test.layer("Linear", |builder| builder.gemm(y, false, weight, true));
    let (mut graph, loss) = with_loss(test.finish(y));
    let node = gradient(&mut graph, loss, &[weight]).unwrap()[0].unwrap();
    graph.outputs = [Port { name: "gradient".into(), node }].into_iter().collect();
    passes::run(&mut graph).unwrap();
    insta::assert_snapshot!(print(&graph), @r"
    input input [2, 3]
    input cotangent [2, 3]
    %0 = gemm(input, weight) second transposed then max(x0, 0)  [2, 3]  # 0 Linear + 1 ReLU
    %1 = gemm(cotangent, weight) then select(x1 > 0, x0, 0), x1 = %0  [2, 3]  # gradient of 2 Linear + gradient of 1 ReLU
    %2 = gemm(cotangent, %0) first transposed  [3, 3]  # gradient of 2 Linear
    %3 = gemm(%1, input) first transposed then x1 + x0, x1 = %2  [3, 3]  # gradient of 0 Linear
    output gradient = %3
    ");
}
