//! How layers write themselves in the kernel vocabulary: one method a kernel, in the kernel's file, each of which knows the shape
//! of its result.
//!
//! Sizes were checked by inference, so the methods do not fail; what they build is verified as a whole afterwards.

use super::{Expression, Kernel, KernelGraph, KernelNode, Unary, Update};
use crate::graph::{NodeId, ParameterId};
use std::sync::Arc;

/// The layer that is being written.
#[derive(Clone, Debug)]
pub struct LayerContext {
    /// Its path and name, `features.0 Conv2d`.
    pub origin: Arc<str>,
    /// Its inputs.
    pub inputs: Vec<NodeId>,
    /// Its parameters, in the order in which it declares them.
    pub parameters: Vec<NodeId>,
    /// The sizes of its output.
    pub output: Vec<usize>,
}

/// What a layer in a training step may draw random numbers with.
#[derive(Clone, Copy, Debug)]
pub struct Randomness {
    /// The inputs `seed` and `step`, of `uint64`.
    pub key: [NodeId; 2],
    /// The layer's own stream.
    pub stream: u64,
}

/// Adds kernels to a graph on behalf of one layer.
pub struct KernelBuilder<'a> {
    graph: &'a mut KernelGraph,
    layer: LayerContext,
    training: Option<Randomness>,
    refusal: Option<String>,
}

impl<'a> KernelBuilder<'a> {
    /// A builder for one layer.
    pub fn new(graph: &'a mut KernelGraph, layer: LayerContext) -> Self {
        KernelBuilder { graph, layer, training: None, refusal: None }
    }

    /// The same for a training step.
    pub fn in_training(self, randomness: Randomness) -> Self {
        KernelBuilder { training: Some(randomness), ..self }
    }

    /// Whether this is a training step.
    pub fn is_training(&self) -> bool {
        self.training.is_some()
    }

    /// Says why the layer cannot be trained at these sizes, in a sentence.
    pub fn refuse(&mut self, why: String) {
        self.refusal = Some(why);
    }

    /// What was refused.
    pub fn refusal(self) -> Option<String> {
        self.refusal
    }

    /// The expression of random numbers in `[0, 1)`, new ones each step, and the two operands that it reads as numbers `first`
    /// and `first + 1`, of the given rank; `None` outside training. Asked twice, a layer gets the same numbers.
    pub fn uniform(&mut self, first: usize, rank: usize) -> Option<(Expression, [NodeId; 2])> {
        let Randomness { key, stream } = self.training?;
        let operands = key.map(|input| self.with_rank(input, rank));
        Some((Expression::uniform(stream, Expression::operand(first), Expression::operand(first + 1)), operands))
    }

    /// An expression that gradients take for a number.
    pub fn fixed(&self, expression: Expression) -> Expression {
        if self.is_training() { expression.unary(Unary::Fixed) } else { expression }
    }

    /// Parameter `index` of the layer, if it has so many, with what earlier uses of it in this run make of it.
    pub fn current(&self, index: usize) -> Option<NodeId> {
        let node = self.parameter(index)?;
        let known = self.parameter_of(node).and_then(|parameter| self.graph.updates.of_parameter(parameter));
        Some(known.map_or(node, |update| update.node))
    }

    /// Makes a value the layer's parameter `index` after the run.
    pub fn update(&mut self, index: usize, node: NodeId) {
        let Some(parameter) = self.parameter(index).and_then(|node| self.parameter_of(node)) else { return };
        if self.graph.updates.of_parameter(parameter).is_some() {
            let others = std::mem::take(&mut self.graph.updates);
            self.graph.updates = others.into_iter().filter(|update| update.parameter != parameter).collect();
        }
        self.graph.updates.push(Update { parameter, node });
    }

    fn parameter_of(&self, node: NodeId) -> Option<ParameterId> {
        match self.graph.dag.get(node).map(|node| &node.kernel) {
            Some(Kernel::Parameter(parameter)) => Some(*parameter),
            _ => None,
        }
    }

    /// Input `index` of the layer. One that does not exist is a node that does not exist, which verification reports.
    pub fn input(&self, index: usize) -> NodeId {
        self.layer.inputs.get(index).copied().unwrap_or(NodeId::end())
    }

    /// The number that a value is: one element that depends on nothing.
    pub fn number(&self, node: NodeId) -> Option<f64> {
        let kernel = &self.graph.dag.get(node)?.kernel;
        let is_one = self.shape(node).iter().product::<usize>() == 1;
        match kernel {
            Kernel::Map(Expression::Constant(number)) if is_one => Some(*number),
            _ => None,
        }
    }

    /// All inputs of the layer.
    pub fn inputs(&self) -> Vec<NodeId> {
        self.layer.inputs.clone()
    }

    /// Parameter `index` of the layer, if it has so many.
    pub fn parameter(&self, index: usize) -> Option<NodeId> {
        self.layer.parameters.get(index).copied()
    }

    /// The sizes of the layer's output.
    pub fn output(&self) -> Vec<usize> {
        self.layer.output.clone()
    }

    /// Height and width of the layer's output: its last two axes.
    pub fn output_size(&self) -> [usize; 2] {
        match self.layer.output.as_slice() {
            [.., height, width] => [*height, *width],
            _ => [1, 1],
        }
    }

    /// Parameter `index`, a vector over channels, added to `x` if the layer has it.
    pub fn add_bias(&mut self, x: NodeId, index: usize) -> NodeId {
        let Some(bias) = self.parameter(index) else { return x };
        let rank = self.shape(x).len();
        let bias = self.per_channel(bias, rank);
        self.map(&[x, bias], Expression::operand(0) + Expression::operand(1))
    }

    /// The sizes of a value.
    pub fn shape(&self, value: NodeId) -> Vec<usize> {
        self.graph.dag.get(value).map(|node| node.shape.clone()).unwrap_or_default()
    }

    /// The shape of `x` with other channels (if given), height and width.
    pub(super) fn planes(&self, x: NodeId, channels: Option<usize>, size: [usize; 2]) -> Vec<usize> {
        let mut shape = self.shape(x);
        let rank = shape.len();
        for (axis, size) in [(3, channels), (2, Some(size[0])), (1, Some(size[1]))] {
            if let (Some(slot), Some(size)) = (rank.checked_sub(axis).and_then(|at| shape.get_mut(at)), size) {
                *slot = size;
            }
        }
        shape
    }

    /// Where the layer's kernels come from.
    pub(super) fn origins(&self) -> Vec<Arc<str>> {
        vec![self.layer.origin.clone()]
    }

    /// Adds a node as it is.
    pub(super) fn add_node(&mut self, node: KernelNode, arguments: &[NodeId]) -> NodeId {
        self.graph.dag.add(node, arguments)
    }

    /// Adds a kernel of these arguments; those that do not exist are missed by verification.
    pub(super) fn add(&mut self, kernel: Kernel, shape: Vec<usize>, arguments: &[NodeId]) -> NodeId {
        let known: Vec<NodeId> = arguments.iter().copied().filter(|&id| self.graph.dag.get(id).is_some()).collect();
        let node = self.graph.add(kernel, shape, &known, self.origins());
        if let Some(node) = self.graph.dag.get_mut(node) {
            node.own_arguments = arguments.len();
        }
        node
    }
}
