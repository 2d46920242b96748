//! What is right of a network in which something is wrong.

use super::{Graph, Module, Node, NodeId};
use crate::shape::Shape;

/// The known part of a network that cannot be: for editors and comparisons, that go on where others stop.
///
/// Left out is what has no shape: a layer that does not exist or has a wrong argument, and all that takes its value. Such an
/// item still is a module, without an output. What runs, plans or sums up takes a [`ShapedGraph`](super::ShapedGraph), and there
/// is no way from here to there.
#[derive(Clone, Debug)]
pub struct PartialGraph {
    graph: Graph,
}

impl PartialGraph {
    /// Of a graph whose problems are reported.
    pub(crate) fn new(graph: Graph) -> Box<PartialGraph> {
        Box::new(PartialGraph { graph })
    }

    /// The graph, with whatever it lacks.
    pub(crate) fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The model's name.
    pub fn name(&self) -> &str {
        &self.graph.name
    }

    /// The layers and joins whose shape is known, and the inputs.
    pub fn nodes(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        self.graph.dag.iter()
    }

    /// The values that a node takes, in order.
    pub fn arguments(&self, node: NodeId) -> Vec<NodeId> {
        self.graph.dag.arguments(node)
    }

    /// The shape of a value, as expansion found it.
    pub fn shape(&self, node: NodeId) -> Option<&Shape> {
        self.graph.dag.get(node).map(|node| &node.shape)
    }

    /// The module tree; the first is the model. A module that gives nothing known has no output.
    pub fn modules(&self) -> &[Module] {
        &self.graph.modules
    }
}
