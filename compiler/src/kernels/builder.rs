//! How layers write themselves in the kernel vocabulary: one method a kernel, each of which knows the shape of its result.
//!
//! Sizes were checked by inference, so the methods do not fail; what they build is verified as a whole afterwards.

use super::{
    AxisWindow, Expression, Kernel, KernelGraph, KernelNode, PoolAxis, Pooling, Reduction, Resampling, Unary, Update,
};
use crate::element::ElementType;
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

    /// Cross-correlation of `x[N, C, H, W]` with `weight[C', C/groups, kh, kw]`, to the given height and width.
    pub fn conv(
        &mut self,
        x: NodeId,
        weight: NodeId,
        window: [AxisWindow; 2],
        groups: usize,
        size: [usize; 2],
    ) -> NodeId {
        let channels = self.shape(weight).first().copied().unwrap_or(0);
        let shape = self.planes(x, Some(channels), size);
        self.add(Kernel::Conv { window, groups }, shape, &[x, weight])
    }

    /// Transposed convolution of `x[N, C, H, W]` with `weight[C, C'/groups, kh, kw]`, to the given height and width.
    pub fn conv_data(
        &mut self,
        x: NodeId,
        weight: NodeId,
        window: [AxisWindow; 2],
        groups: usize,
        size: [usize; 2],
    ) -> NodeId {
        let channels = self.shape(weight).get(1).copied().unwrap_or(0) * groups;
        let shape = self.planes(x, Some(channels), size);
        self.add(Kernel::ConvData { window, groups }, shape, &[x, weight])
    }

    /// The product of two matrices, each transposed first if so marked.
    pub fn gemm(&mut self, a: NodeId, transpose_a: bool, b: NodeId, transpose_b: bool) -> NodeId {
        let side = |shape: Vec<usize>, last: bool| shape.get(usize::from(last)).copied().unwrap_or(0);
        let shape = vec![side(self.shape(a), transpose_a), side(self.shape(b), !transpose_b)];
        self.add(Kernel::Gemm { transpose_a, transpose_b }, shape, &[a, b])
    }

    /// Pooling over the last two axes, to the given height and width.
    pub fn window(&mut self, x: NodeId, axes: [PoolAxis; 2], pooling: Pooling, size: [usize; 2]) -> NodeId {
        let shape = self.planes(x, None, size);
        self.add(Kernel::Window { axes, pooling }, shape, &[x])
    }

    /// Combines over some axes, which keep size 1.
    pub fn reduce(&mut self, x: NodeId, reduction: Reduction, over: &[usize]) -> NodeId {
        let shape = self.shape(x);
        let axes: Vec<bool> = (0..shape.len()).map(|axis| over.contains(&axis)).collect();
        let reduced = shape.iter().zip(&axes).map(|(&size, &gone)| if gone { 1 } else { size }).collect();
        self.add(Kernel::Reduce { reduction, axes }, reduced, &[x])
    }

    /// The mean over some axes, which keep size 1.
    pub fn mean(&mut self, x: NodeId, over: &[usize]) -> NodeId {
        let shape = self.shape(x);
        let count: usize = over.iter().filter_map(|&axis| shape.get(axis)).product();
        let sum = self.reduce(x, Reduction::Sum, over);
        self.map(&[sum], Expression::operand(0) * (1.0 / count as f64))
    }

    /// Element by element over values of one rank, broadcast where a size is 1.
    pub fn map(&mut self, arguments: &[NodeId], expression: Expression) -> NodeId {
        let mut shape: Vec<usize> = Vec::new();
        for &argument in arguments {
            let sizes = self.shape(argument);
            shape.resize(shape.len().max(sizes.len()), 1);
            for (size, other) in shape.iter_mut().zip(sizes) {
                *size = if *size == 1 { other } else { *size };
            }
        }
        self.map_to(&shape, arguments, expression)
    }

    /// Element by element over values that are repeated to the given shape.
    pub fn map_to(&mut self, shape: &[usize], arguments: &[NodeId], expression: Expression) -> NodeId {
        self.add(Kernel::Map(expression), shape.to_vec(), arguments)
    }

    /// A counter, or several, and one more.
    pub fn count(&mut self, counter: NodeId) -> NodeId {
        let kernel = Kernel::Map(Expression::operand(0) + 1.0);
        let origins = vec![self.layer.origin.clone()];
        let node = KernelNode::new(kernel, self.shape(counter), ElementType::Uint64, 1, origins);
        self.graph.dag.add(node, &[counter])
    }

    /// Height and width enlarged to the given sizes.
    pub fn resample(&mut self, x: NodeId, resampling: Resampling, size: [usize; 2]) -> NodeId {
        let shape = self.planes(x, None, size);
        self.add(Kernel::Resample(resampling), shape, &[x])
    }

    /// The same elements under another shape; nothing is added when the shape is the same.
    pub fn reshape(&mut self, x: NodeId, shape: &[usize]) -> NodeId {
        if self.shape(x) == shape { x } else { self.add(Kernel::Reshape, shape.to_vec(), &[x]) }
    }

    /// A vector `[C]` as `[1, C, 1, …]` of the given rank, to be broadcast over everything but channels.
    pub fn per_channel(&mut self, vector: NodeId, rank: usize) -> NodeId {
        let length = self.shape(vector).iter().product();
        let shape: Vec<usize> = (0..rank).map(|axis| if axis == 1 { length } else { 1 }).collect();
        self.reshape(vector, &shape)
    }

    /// A value with axes of size 1 added in front, up to the given rank, as broadcasting has it.
    pub fn with_rank(&mut self, x: NodeId, rank: usize) -> NodeId {
        let sizes = self.shape(x);
        let mut shape = vec![1; rank.saturating_sub(sizes.len())];
        shape.extend(sizes);
        self.reshape(x, &shape)
    }

    /// Axis `i` of the result is axis `axes[i]` of `x`.
    pub fn permute(&mut self, x: NodeId, axes: &[usize]) -> NodeId {
        let sizes = self.shape(x);
        let shape = axes.iter().filter_map(|&axis| sizes.get(axis).copied()).collect();
        self.add(Kernel::Permute { axes: axes.to_vec() }, shape, &[x])
    }

    /// Zeros around `x`, one (before, after) pair an axis; negative numbers cut off.
    pub fn pad(&mut self, x: NodeId, padding: &[(isize, isize)]) -> NodeId {
        let sizes = self.shape(x);
        let shape = sizes
            .iter()
            .zip(padding)
            .map(|(&size, &(before, after))| size.saturating_add_signed(before).saturating_add_signed(after))
            .collect();
        self.add(Kernel::Pad { padding: padding.to_vec() }, shape, &[x])
    }

    /// Elements `start..start + length` along an axis.
    pub fn slice(&mut self, x: NodeId, axis: usize, start: usize, length: usize) -> NodeId {
        let mut shape = self.shape(x);
        if let Some(size) = shape.get_mut(axis) {
            *size = length;
        }
        self.add(Kernel::Slice { axis, start }, shape, &[x])
    }

    /// Values one after another along an axis.
    pub fn concat(&mut self, parts: &[NodeId], axis: usize) -> NodeId {
        let mut shape = parts.first().map(|&part| self.shape(part)).unwrap_or_default();
        let total = parts.iter().filter_map(|&part| self.shape(part).get(axis).copied()).sum();
        if let Some(size) = shape.get_mut(axis) {
            *size = total;
        }
        self.add(Kernel::Concat { axis }, shape, parts)
    }

    /// The shape of `x` with other channels (if given), height and width.
    fn planes(&self, x: NodeId, channels: Option<usize>, size: [usize; 2]) -> Vec<usize> {
        let mut shape = self.shape(x);
        let rank = shape.len();
        for (axis, size) in [(3, channels), (2, Some(size[0])), (1, Some(size[1]))] {
            if let (Some(slot), Some(size)) = (rank.checked_sub(axis).and_then(|at| shape.get_mut(at)), size) {
                *slot = size;
            }
        }
        shape
    }

    fn add(&mut self, kernel: Kernel, shape: Vec<usize>, arguments: &[NodeId]) -> NodeId {
        let known: Vec<NodeId> = arguments.iter().copied().filter(|&id| self.graph.dag.get(id).is_some()).collect();
        let node = self.graph.add(kernel, shape, &known, vec![self.layer.origin.clone()]);
        if let Some(node) = self.graph.dag.get_mut(node) {
            node.own_arguments = arguments.len();
        }
        node
    }
}
