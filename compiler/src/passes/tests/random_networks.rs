//! Random networks: after all passes and planning they compute what they did before.
//!
//! Every network is made by a counter, so that a failure names the network that shows it. Layers are chosen for what they do to
//! graphs: values used twice, sums and concatenations of whatever there is, views, gates, constants of several shapes.

use crate::graph::NodeId;
use crate::kernels::test_graph::{TestGraph, assert_same};
use crate::kernels::{AxisWindow, Expression, KernelBuilder, KernelGraph, Reduction, evaluate, print};
use crate::passes::run;
use crate::plan::{Blocks, Target, plan, simulate};

const BATCH: usize = 2;
const SIDE: usize = 4;

/// Numbers that depend on the seed alone.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }

    fn pick(&mut self, values: &[NodeId]) -> NodeId {
        values[self.below(values.len())]
    }
}

/// A network over planes `[BATCH, channels, SIDE, SIDE]`.
pub fn network(seed: u64) -> KernelGraph {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    random.below(2);
    let (mut test, input) = TestGraph::new(&[BATCH, 2, SIDE, SIDE]);
    let mut values = vec![input];
    for _ in 0..4 + random.below(10) {
        let value = layer(&mut test, &mut random, &values);
        values.push(value);
    }
    let last = values[values.len() - 1];
    let mut outputs = vec![("output", last)];
    if random.below(3) == 0 {
        outputs.push(("second", random.pick(&values)));
    }
    test.finish_all(&outputs)
}

fn layer(test: &mut TestGraph, random: &mut Random, values: &[NodeId]) -> NodeId {
    // Most often the newest value goes on, so that there are chains to fuse.
    let x = if random.below(3) == 0 { random.pick(values) } else { values[values.len() - 1] };
    let channels = test.shape(x)[1];
    match random.below(16) {
        0 | 1 => {
            let (channels, kernel) = (1 + random.below(4), [1, 3][random.below(2)]);
            let bias = random.below(2) == 0;
            test.conv(x, channels, kernel, bias)
        }
        2 | 3 => test.batch_norm(x),
        4 => test.relu(x),
        5 => pointwise(test, random, x),
        6 => {
            let other = random.pick(values);
            let other = if test.shape(other)[1] == channels { other } else { test.conv(other, channels, 1, true) };
            if random.below(4) == 0 { product(test, x, other) } else { test.sum(x, other) }
        }
        7 | 8 => test.concat(&[x, random.pick(values)]),
        9 if channels > 1 => {
            let start = random.below(channels);
            let length = 1 + random.below(channels - start);
            test.layer("Narrow", |builder| builder.slice(x, 1, start, length))
        }
        10 if channels.is_multiple_of(2) => test.layer("ChannelShuffle", |builder| {
            let parted = builder.reshape(x, &[BATCH, 2, channels / 2, SIDE * SIDE]);
            let dealt = builder.permute(parted, &[0, 2, 1, 3]);
            builder.reshape(dealt, &[BATCH, channels, SIDE, SIDE])
        }),
        11 => gate(test, x),
        12 => transposed(test, random, x),
        13 => constant(test, random, x),
        14 => joined_and_cut(test, random, x),
        _ => test.layer("Permute", |builder| builder.permute(x, &[0, 1, 3, 2])),
    }
}

fn pointwise(test: &mut TestGraph, random: &mut Random, x: NodeId) -> NodeId {
    let x0 = Expression::operand(0);
    let expression = match random.below(6) {
        0 => x0.clone() * x0.sigmoid(),
        1 => x0.clone().greater(0.0).select(x0.clone(), x0 * 0.1),
        2 => x0.clone() * ((x0 + 3.0).maximum(0.0).minimum(6.0) / 6.0),
        3 => (x0 * 0.5 - 1.0) / 2.0 + 1.0,
        4 => x0.unary(crate::kernels::Unary::Tanh),
        _ => x0,
    };
    test.layer("Pointwise", |builder| builder.map(&[x], expression))
}

fn product(test: &mut TestGraph, a: NodeId, b: NodeId) -> NodeId {
    let expression = Expression::operand(0) * Expression::operand(1).sigmoid();
    test.layer("product", |builder| builder.map(&[a, b], expression))
}

fn gate(test: &mut TestGraph, x: NodeId) -> NodeId {
    let mean = test.layer("Mean", |builder| builder.mean(x, &[2, 3]));
    let largest = test.layer("Max", |builder| builder.reduce(x, Reduction::Max, &[2, 3]));
    let gate = product(test, mean, largest);
    product(test, x, gate)
}

fn transposed(test: &mut TestGraph, random: &mut Random, x: NodeId) -> NodeId {
    let channels = test.shape(x)[1];
    let groups = if channels.is_multiple_of(2) { 1 + random.below(2) } else { 1 };
    let weight = test.parameter(&format!("transposed{}", random.below(1000)), &[channels, 2, 3, 3]);
    let window = [AxisWindow { kernel: 3, stride: 1, dilation: 1, before: 1 }; 2];
    test.layer("ConvTranspose2d", |builder| builder.conv_data(x, weight, window, groups, [SIDE, SIDE]))
}

/// Joined with itself along any axis, then cut to the old size.
fn joined_and_cut(test: &mut TestGraph, random: &mut Random, x: NodeId) -> NodeId {
    let (axis, length) = (random.below(4), test.shape(x));
    let start = random.below(length[axis] + 1);
    let other = if random.below(2) == 0 { test.relu(x) } else { test.conv(x, length[1], 3, true) };
    test.layer("Joined", |builder| {
        let joined = builder.concat(&[x, other], axis);
        builder.slice(joined, axis, start, length[axis])
    })
}

/// A layer with a parameter of some shape, used in one of several ways.
fn constant(test: &mut TestGraph, random: &mut Random, x: NodeId) -> NodeId {
    let channels = test.shape(x)[1];
    let shape = match random.below(4) {
        0 => vec![1, 1, 1, 1],
        1 => vec![1, channels, 1, 1],
        2 => vec![1, 1, SIDE, 1],
        _ => vec![1, channels, SIDE, SIDE],
    };
    let parameter = test.parameter(&format!("constant{}", random.below(1000)), &shape);
    let [x0, c] = [0, 1].map(Expression::operand);
    let expression = match random.below(4) {
        0 => x0 * c,
        1 => c.clone() - x0 / (c + 3.0),
        2 => (x0 + c.clone()) * c,
        _ => (x0 * (c.clone() * c)).maximum(0.0),
    };
    let write = |builder: &mut KernelBuilder| builder.map(&[x, parameter], expression);
    test.layer("Constant", write)
}

#[test]
fn random_networks_compute_the_same_after_all_passes() {
    for seed in 0..300 {
        let mut graph = network(seed);
        let expected = evaluate::outputs(&graph);
        let text = print(&graph);
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let unfused = plan(&graph, &Target::reference()).unwrap();
            assert_same(&simulate::outputs(&unfused), &expected);
            run(&mut graph).unwrap();
            assert_same(&evaluate::outputs(&graph), &expected);
            let fused = plan(&graph, &Target::reference()).unwrap();
            assert_same(&simulate::outputs(&fused), &expected);
            assert!(fused.run.len() <= unfused.run.len(), "{} steps of {}", fused.run.len(), unfused.run.len());
            for lanes in [2, 4] {
                let blocks = Some(Blocks { lanes, ..Blocks::reference() });
                let blocked = plan(&graph, &Target { blocks, ..Target::reference() }).unwrap();
                assert_same(&simulate::outputs(&blocked), &expected);
            }
        }));
        assert!(result.is_ok(), "network {seed}:\n{text}\nafter the passes:\n{}", print(&graph));
    }
}
