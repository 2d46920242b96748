//! Optimisers in kernels, as PyTorch computes them: a parameter's new value, and those of its states, are a `Map` each.

use super::{Adam, Optimiser, Sgd, Training, names};
use crate::diagnostic::Diagnostic;
use crate::element::ElementType;
use crate::graph::{NodeId, ParameterId, ShapedGraph};
use crate::kernels::{
    Expression, Kernel, KernelBuilder, KernelGraph, KernelParameter, LayerContext, Reduction, Start, Unary, Update,
    fault,
};
use std::ops::Range;

/// Numbers that one `Map` adds up.
const MAX_TERMS: usize = 32;

/// Adds the updates of parameters, each given with its gradient.
///
/// # Errors
/// E499 when the graph has no step input.
pub(super) fn update(
    network: &ShapedGraph,
    graph: &mut KernelGraph,
    training: &Training,
    gradients: &[(NodeId, NodeId)],
    rate: NodeId,
) -> Result<(), Box<Diagnostic>> {
    let optimiser = training.optimiser;
    let step = graph.inputs.iter().find(|port| &*port.name == names::STEP).map(|port| port.node);
    let step = step.ok_or_else(|| fault("the training step does not know its number"))?;
    let weight = training.average.map(|decay| new_share(graph, decay, step));
    let mut by_rate: Vec<((f64, u64), Vec<NodeId>)> = Vec::new();
    for &(parameter, gradient) in gradients {
        let Some(&Kernel::Parameter(id)) = graph.dag.get(parameter).map(|node| &node.kernel) else { continue };
        // Ids of the network's own parameters are the kernel graph's too; states come behind them.
        let learning = network.graph.parameter(id).map(|parameter| parameter.learning).unwrap_or_default();
        let alike = (learning.rate, learning.since);
        let known = by_rate.iter().position(|(other, _)| *other == alike);
        let known = known.unwrap_or_else(|| {
            let rate = times(graph, rate, learning.rate);
            by_rate.push((alike, scalars(graph, optimiser, rate, (step, learning.since))));
            by_rate.len() - 1
        });
        let scalars = by_rate.get(known).map(|(_, scalars)| scalars.as_slice()).unwrap_or_default();
        let mut one = One { graph, id, parameter, gradient, scalars };
        match optimiser.with_weight_decay(learning.weight_decay) {
            Optimiser::Sgd(options) => one.sgd(options),
            Optimiser::Adam(options) => one.adam(options, false),
            Optimiser::AdamW(options) => one.adam(options, true),
        }
        if let Some(weight) = weight {
            one.average(weight);
        }
    }
    Ok(())
}

/// A learning rate for parameters of which it is multiplied.
fn times(graph: &mut KernelGraph, rate: NodeId, factor: f64) -> NodeId {
    match factor {
        1.0 => rate,
        _ => builder(graph, "lr".into()).map(&[rate], Expression::operand(0) * factor),
    }
}

/// What a running mean takes of a new value, `[]`: all of it in the first step.
fn new_share(graph: &mut KernelGraph, decay: f64, step: NodeId) -> NodeId {
    let is_first = Expression::Constant(1.5).greater(Expression::operand(0));
    builder(graph, names::AVERAGE.into()).map(&[step], is_first.select(1.0, 1.0 - decay))
}

/// Parameters with gradients, these shortened so that all of them together are no longer than `most`.
pub(super) fn clipped(graph: &mut KernelGraph, gradients: Vec<(NodeId, NodeId)>, most: f64) -> Vec<(NodeId, NodeId)> {
    let mut builder = builder(graph, "clip_grad_norm".into());
    let squares = |builder: &mut KernelBuilder, gradient: NodeId| {
        let axes: Vec<usize> = (0..builder.shape(gradient).len()).collect();
        let squares = builder.map(&[gradient], Expression::operand(0) * Expression::operand(0));
        let sum = builder.reduce(squares, Reduction::Sum, &axes);
        builder.reshape(sum, &[])
    };
    let mut sums: Vec<NodeId> = gradients.iter().map(|&(_, gradient)| squares(&mut builder, gradient)).collect();
    while sums.len() > 1 {
        let some: Vec<NodeId> = sums.drain(..sums.len().min(MAX_TERMS)).collect();
        let terms = (1..some.len()).map(Expression::operand);
        sums.insert(0, builder.map(&some, terms.fold(Expression::operand(0), |sum, term| sum + term)));
    }
    let Some(sum) = sums.pop() else { return gradients };
    let factor = Expression::Constant(most) / (Expression::operand(0).sqrt() + 1e-6);
    let factor = builder.map(&[sum], factor.minimum(1.0));
    let shorten = |(parameter, gradient)| {
        let factor = builder.with_rank(factor, builder.shape(gradient).len());
        (parameter, builder.map(&[gradient, factor], Expression::operand(0) * Expression::operand(1)))
    };
    gradients.into_iter().map(shorten).collect()
}

/// What is the same for all parameters that began to learn after as many steps, `[]` each: the rate; for Adam the rate over the
/// first bias correction, the root of the second one, and, of AdamW with a weight decay, what a parameter shrinks by.
fn scalars(graph: &mut KernelGraph, optimiser: Optimiser, rate: NodeId, (step, since): (NodeId, u64)) -> Vec<NodeId> {
    let (Adam { betas, .. }, origin) = match optimiser {
        Optimiser::Sgd(_) => return vec![rate],
        Optimiser::Adam(options) => (options, "Adam"),
        Optimiser::AdamW(options) => (options, "AdamW"),
    };
    let mut builder = builder(graph, origin.into());
    // 1 − βᵗ, exact where it is small.
    let correction = |beta: f64, step: Expression| -(step * beta.ln()).unary(Unary::ExpM1);
    let own = |step: Expression| if since == 0 { step } else { step - since as f64 };
    let [a, b] = [0, 1].map(Expression::operand);
    let size = builder.map(&[rate, step], a.clone() / correction(betas[0], own(b)));
    let root = builder.map(&[step], correction(betas[1], own(a)).sqrt());
    vec![rate, size, root]
}

/// One parameter's update.
struct One<'a> {
    graph: &'a mut KernelGraph,
    id: ParameterId,
    parameter: NodeId,
    gradient: NodeId,
    scalars: &'a [NodeId],
}

impl One<'_> {
    fn sgd(&mut self, Sgd { momentum, nesterov, weight_decay }: Sgd) {
        let [p, g, rate] = [0, 1, 2].map(Expression::operand);
        let decayed = decayed(g, p.clone(), weight_decay);
        if momentum == 0.0 {
            self.learn("SGD", &[self.gradient], 0..1, p - rate * decayed);
            return;
        }
        let before = self.state(names::MOMENTUM_BUFFER);
        let moved = Expression::operand(2) * momentum + decayed.clone();
        let moved = self.map("SGD", &[self.parameter, self.gradient, before.1], moved);
        self.becomes(before.0, moved);
        if nesterov {
            let ahead = decayed + Expression::operand(2) * momentum;
            self.learn("SGD", &[self.gradient, moved], 0..1, p - Expression::operand(3) * ahead);
        } else {
            self.learn("SGD", &[moved], 0..1, p - rate * Expression::operand(1));
        }
    }

    fn adam(&mut self, Adam { betas, eps, weight_decay }: Adam, decoupled: bool) {
        let origin = if decoupled { "AdamW" } else { "Adam" };
        let [p, g, old] = [0, 1, 2].map(Expression::operand);
        let g = if decoupled { g } else { decayed(g, p.clone(), weight_decay) };
        let (mean, square) = (self.state(names::EXP_AVG), self.state(names::EXP_AVG_SQ));
        let operands = [self.parameter, self.gradient];
        let first = old.clone() + (g.clone() - old.clone()) * (1.0 - betas[0]);
        let first = self.map(origin, &[operands[0], operands[1], mean.1], first);
        self.becomes(mean.0, first);
        let second = old * betas[1] + g.clone() * g * (1.0 - betas[1]);
        let second = self.map(origin, &[operands[0], operands[1], square.1], second);
        self.becomes(square.0, second);
        let [m, v, rate, size, root] = [1, 2, 3, 4, 5].map(Expression::operand);
        let shrunk = if decoupled && weight_decay != 0.0 {
            p.clone() * (Expression::Constant(1.0) - rate * weight_decay)
        } else {
            p
        };
        let learned = shrunk - size * m / (v.sqrt() / root + eps);
        self.learn(origin, &[first, second], 0..3, learned);
    }

    /// Makes the parameter's new value: operand 0 is the old one, then the given ones, then those scalars.
    fn learn(&mut self, origin: &str, others: &[NodeId], scalars: Range<usize>, expression: Expression) {
        let rank = self.graph.dag.get(self.parameter).map_or(0, |node| node.shape.len());
        let scalars: Vec<NodeId> = self.scalars.get(scalars).unwrap_or_default().to_vec();
        let mut builder = builder(self.graph, origin.into());
        let scalars: Vec<NodeId> = scalars.into_iter().map(|scalar| builder.with_rank(scalar, rank)).collect();
        let learned = self.map(origin, &[&[self.parameter], others, &scalars].concat(), expression);
        self.becomes(self.id, learned);
    }

    /// Moves the running mean of the parameter by that share towards the new value.
    fn average(&mut self, weight: NodeId) {
        let learned =
            self.graph.updates.iter().rev().find(|update| update.parameter == self.id).map(|update| update.node);
        let Some(learned) = learned else { return };
        let rank = self.graph.dag.get(self.parameter).map_or(0, |node| node.shape.len());
        let weight = builder(self.graph, names::AVERAGE.into()).with_rank(weight, rank);
        let before = self.state(names::AVERAGE);
        let [old, new, weight_of] = [0, 1, 2].map(Expression::operand);
        let moved = old.clone() + (new - old) * weight_of;
        let moved = self.map(names::AVERAGE, &[before.1, learned, weight], moved);
        self.becomes(before.0, moved);
    }

    /// A `Map` that leaves out operands which the expression does not name.
    fn map(&mut self, origin: &str, operands: &[NodeId], expression: Expression) -> NodeId {
        let path = self.path();
        let used = expression.operands();
        let kept: Vec<NodeId> = used.iter().filter_map(|&index| operands.get(index).copied()).collect();
        let number = |index: usize| used.iter().position(|&other| other == index).unwrap_or(0);
        let expression = expression.substitute(&|index| Expression::operand(number(index)));
        builder(self.graph, format!("{origin} of {path}")).map(&kept, expression)
    }

    /// A state of the parameter's size that starts at zero, and its node.
    fn state(&mut self, name: &str) -> (ParameterId, NodeId) {
        let shape = self.graph.dag.get(self.parameter).map(|node| node.shape.clone()).unwrap_or_default();
        let id = ParameterId(self.graph.parameters.len() as u32);
        let path = names::state_key(name, &self.path()).into();
        let (element, start) = (ElementType::Float32, Start::Constant(0.0));
        self.graph.parameters.push(KernelParameter { path, shape: shape.clone(), element, start });
        (id, self.graph.add(Kernel::Parameter(id), shape, &[], Vec::new()))
    }

    fn becomes(&mut self, parameter: ParameterId, node: NodeId) {
        self.graph.updates.push(Update { parameter, node });
    }

    fn path(&self) -> String {
        self.graph.label(self.parameter)
    }
}

/// A gradient with so much of its parameter.
fn decayed(gradient: Expression, parameter: Expression, weight_decay: f64) -> Expression {
    if weight_decay == 0.0 { gradient } else { gradient + parameter * weight_decay }
}

fn builder(graph: &mut KernelGraph, origin: String) -> KernelBuilder<'_> {
    let context = LayerContext { origin: origin.into(), inputs: vec![], parameters: vec![], output: vec![] };
    KernelBuilder::new(graph, context)
}
