//! One parameter of a step: what a rule makes of it, its gradient and its states.

use super::{builder, kept, map_used, names, sum_of_squares};
use crate::element::ElementType;
use crate::graph::{NodeId, ParameterId};
use crate::kernels::{Expression, Kernel, KernelGraph, KernelParameter, Start, Update};
use std::ops::Range;

/// One parameter's update.
pub(super) struct One<'a> {
    graph: &'a mut KernelGraph,
    /// The optimiser's name.
    origin: &'static str,
    id: ParameterId,
    /// Its value before the step.
    pub parameter: NodeId,
    /// Its gradient.
    pub gradient: NodeId,
    scalars: &'a [NodeId],
    /// The momentum that the step is told, at the parameter's rank.
    momentum: Option<NodeId>,
}

impl<'a> One<'a> {
    /// A parameter and its gradient, with what is the same for all that learn at its rate.
    pub fn new(
        graph: &'a mut KernelGraph,
        origin: &'static str,
        id: ParameterId,
        [parameter, gradient]: [NodeId; 2],
        scalars: &'a [NodeId],
        momentum: Option<NodeId>,
    ) -> One<'a> {
        let rank = graph.dag.get(parameter).map_or(0, |node| node.shape.len());
        let momentum = momentum.map(|momentum| builder(graph, origin.into()).with_rank(momentum, rank));
        One { graph, origin, id, parameter, gradient, scalars, momentum }
    }

    /// Whether a schedule tells each step its momentum.
    pub fn is_told(&self) -> bool {
        self.momentum.is_some()
    }

    /// The share of the past that is kept: the usual one or, where it is told, that operand.
    pub fn kept(&self, usual: f64, operand: usize) -> Expression {
        kept(self.momentum, usual, operand)
    }

    /// What stands at that operand; any node where the momentum is not told, since nothing reads it.
    pub fn told(&self) -> NodeId {
        self.momentum.unwrap_or(self.parameter)
    }

    /// Makes the parameter's new value: operand 0 is the old one, then the given ones, then those scalars, then the momentum
    /// that is told.
    pub fn learn(&mut self, others: &[NodeId], scalars: Range<usize>, expression: Expression) {
        let scalars: Vec<NodeId> = scalars.map(|scalar| self.scalar(scalar)).collect();
        let learned = self.map(&[&[self.parameter], others, &scalars, &[self.told()]].concat(), expression);
        self.becomes(self.id, learned);
    }

    /// The scalar of that number, for every element of the parameter.
    pub fn scalar(&mut self, number: usize) -> NodeId {
        let scalar = self.scalars.get(number).copied().unwrap_or(NodeId::end());
        self.broadcast(scalar)
    }

    /// The sum of a value's squares, `[]`.
    pub fn sum_of_squares(&mut self, value: NodeId) -> NodeId {
        let origin = format!("{} of {}", self.origin, self.path());
        sum_of_squares(&mut builder(self.graph, origin), value)
    }

    /// A `[]` for every element of the parameter.
    pub fn broadcast(&mut self, scalar: NodeId) -> NodeId {
        let rank = self.graph.dag.get(self.parameter).map_or(0, |node| node.shape.len());
        builder(self.graph, self.origin.into()).with_rank(scalar, rank)
    }

    /// A `Map` that leaves out operands which the expression does not name.
    pub fn map(&mut self, operands: &[NodeId], expression: Expression) -> NodeId {
        let origin = format!("{} of {}", self.origin, self.path());
        map_used(&mut builder(self.graph, origin), operands, &expression)
    }

    /// A state of the parameter's size that starts at zero, and its node.
    pub fn state(&mut self, name: &str) -> (ParameterId, NodeId) {
        let shape = self.graph.dag.get(self.parameter).map(|node| node.shape.clone()).unwrap_or_default();
        state(self.graph, names::state_key(name, &self.path()), shape, 0.0)
    }

    /// What a parameter or state has after the run.
    pub fn becomes(&mut self, parameter: ParameterId, node: NodeId) {
        self.graph.updates.push(Update { parameter, node });
    }

    fn path(&self) -> String {
        self.graph.label(self.parameter)
    }
}

/// A state that starts with that number everywhere, and its node.
pub(in crate::training) fn state(
    graph: &mut KernelGraph,
    key: String,
    shape: Vec<usize>,
    start: f64,
) -> (ParameterId, NodeId) {
    let id = ParameterId(graph.parameters.len() as u32);
    let (path, element, start) = (key.into(), ElementType::Float32, Start::Constant(start));
    graph.parameters.push(KernelParameter { path, shape: shape.clone(), element, start });
    (id, graph.add(Kernel::Parameter(id), shape, &[], Vec::new()))
}

/// A gradient with so much of its parameter.
pub(super) fn decayed(gradient: Expression, parameter: Expression, weight_decay: f64) -> Expression {
    if weight_decay == 0.0 { gradient } else { gradient + parameter * weight_decay }
}
