//! Small kernel graphs for tests: layers written through the same builder as real ones.

use super::evaluate::{self, Tensor};
use super::{
    AxisWindow, Expression, Kernel, KernelBuilder, KernelGraph, KernelParameter, LayerContext, PoolAxis, Pooling, Port,
    Start, verify,
};
use crate::element::ElementType;
use crate::graph::{NodeId, ParameterId};

/// A graph in the making. Layers are numbered as they come, as in a `state_dict`.
#[derive(Default)]
pub struct TestGraph {
    /// The graph.
    pub graph: KernelGraph,
    layers: usize,
}

impl TestGraph {
    /// A graph with one input, and the input.
    pub fn new(shape: &[usize]) -> (TestGraph, NodeId) {
        let mut test = TestGraph::default();
        let x = test.input("input", shape);
        (test, x)
    }

    /// Another input.
    pub fn input(&mut self, name: &str, shape: &[usize]) -> NodeId {
        self.graph.add_input(name, ElementType::Float32, shape)
    }

    /// A parameter of that key.
    pub fn parameter(&mut self, path: &str, shape: &[usize]) -> NodeId {
        let id = ParameterId(self.graph.parameters.len() as u32);
        let (shape, element, start) = (shape.to_vec(), ElementType::Float32, Start::Stored);
        self.graph.parameters.push(KernelParameter { path: path.into(), shape: shape.clone(), element, start });
        self.graph.add(Kernel::Parameter(id), shape, &[], Vec::new())
    }

    /// A layer that takes nothing but what `write` names.
    pub fn layer(&mut self, name: &str, write: impl FnOnce(&mut KernelBuilder) -> NodeId) -> NodeId {
        let origin = format!("{} {name}", self.layers).into();
        self.layers += 1;
        let context = LayerContext { origin, inputs: Vec::new(), parameters: Vec::new(), output: Vec::new() };
        write(&mut KernelBuilder::new(&mut self.graph, context))
    }

    /// `Conv2d(channels, kernel_size=kernel, padding=kernel // 2)`
    pub fn conv(&mut self, x: NodeId, channels: usize, kernel: usize, bias: bool) -> NodeId {
        let shape = self.shape(x);
        let weight = self.parameter(&format!("{}.weight", self.layers), &[channels, shape[1], kernel, kernel]);
        let bias = bias.then(|| self.parameter(&format!("{}.bias", self.layers), &[channels]));
        let window = [AxisWindow { kernel, stride: 1, dilation: 1, before: kernel / 2 }; 2];
        self.layer("Conv2d", |builder| {
            let product = builder.conv(x, weight, window, 1, [shape[2], shape[3]]);
            add(builder, product, bias)
        })
    }

    /// `Linear(features)`
    pub fn linear(&mut self, x: NodeId, features: usize) -> NodeId {
        let shape = self.shape(x);
        let weight = self.parameter(&format!("{}.weight", self.layers), &[features, shape[1]]);
        let bias = self.parameter(&format!("{}.bias", self.layers), &[features]);
        self.layer("Linear", |builder| {
            let product = builder.gemm(x, false, weight, true);
            add(builder, product, Some(bias))
        })
    }

    /// `BatchNorm2d`, as `(x − mean)·(weight / √(var + eps)) + bias`
    pub fn batch_norm(&mut self, x: NodeId) -> NodeId {
        let (channels, rank) = (self.shape(x)[1], self.shape(x).len());
        let names = ["weight", "bias", "running_mean", "running_var"];
        let parameters = names.map(|name| self.parameter(&format!("{}.{name}", self.layers), &[channels]));
        self.layer("BatchNorm2d", |builder| {
            let [weight, bias, mean, variance] = parameters.map(|parameter| builder.per_channel(parameter, rank));
            let [x0, weight0, bias0, mean0, variance0] = [0, 1, 2, 3, 4].map(Expression::operand);
            let scale = weight0 / (variance0 + 1e-5).unary(super::Unary::Sqrt);
            builder.map(&[x, weight, bias, mean, variance], (x0 - mean0) * scale + bias0)
        })
    }

    /// `ReLU`
    pub fn relu(&mut self, x: NodeId) -> NodeId {
        self.layer("ReLU", |builder| builder.map(&[x], Expression::operand(0).maximum(0.0)))
    }

    /// `MaxPool2d(2, stride=2)`
    pub fn max_pool(&mut self, x: NodeId) -> NodeId {
        let shape = self.shape(x);
        let axis = PoolAxis::Sliding(AxisWindow { kernel: 2, stride: 2, dilation: 1, before: 0 });
        self.layer("MaxPool2d", |builder| builder.pool(x, [axis; 2], Pooling::Max, [shape[2] / 2, shape[3] / 2]))
    }

    /// A join, `sum`.
    pub fn sum(&mut self, a: NodeId, b: NodeId) -> NodeId {
        self.layer("sum", |builder| builder.map(&[a, b], Expression::operand(0) + Expression::operand(1)))
    }

    /// A join, `concat`.
    pub fn concat(&mut self, parts: &[NodeId]) -> NodeId {
        self.layer("concat", |builder| builder.concat(parts, 1))
    }

    /// The sizes of a value.
    pub fn shape(&self, id: NodeId) -> Vec<usize> {
        self.graph.dag.get(id).unwrap().shape.clone()
    }

    /// The graph with this output, verified.
    pub fn finish(self, output: NodeId) -> KernelGraph {
        self.finish_all(&[("output", output)])
    }

    /// The graph with these outputs, verified.
    pub fn finish_all(mut self, outputs: &[(&str, NodeId)]) -> KernelGraph {
        self.graph.outputs = outputs.iter().map(|&(name, node)| Port { name: name.into(), node }).collect();
        verify(&self.graph).unwrap();
        self.graph
    }
}

fn add(builder: &mut KernelBuilder, x: NodeId, bias: Option<NodeId>) -> NodeId {
    let Some(bias) = bias else { return x };
    let bias = builder.per_channel(bias, builder.shape(x).len());
    builder.map(&[x, bias], Expression::operand(0) + Expression::operand(1))
}

/// Fails unless both lists of tensors are the same to a part in 10¹⁰.
pub fn assert_same(found: &[Tensor], expected: &[Tensor]) {
    assert_eq!(found.len(), expected.len());
    for (a, b) in found.iter().zip(expected) {
        assert_eq!(a.shape, b.shape);
        let size = b.data.iter().fold(0f64, |size, value| size.max(value.abs()));
        for (index, (x, y)) in a.data.iter().zip(&b.data).enumerate() {
            assert!((x - y).abs() <= 1e-10 * size, "element {index}: {x} and {y}");
        }
    }
}

/// Applies a pass and fails unless the graph is valid after it and computes the same.
pub fn check_pass<T>(graph: &mut KernelGraph, pass: impl FnOnce(&mut KernelGraph) -> T) -> T {
    let before = evaluate::outputs(graph);
    let result = pass(graph);
    verify(graph).unwrap();
    assert_same(&evaluate::outputs(graph), &before);
    result
}
