//! A directed acyclic graph of single-valued nodes with ordered arguments, on petgraph.
//!
//! Both intermediate forms stand on it: the layer graph ([`super::Graph`]) and the kernel graph
//! ([`crate::kernels::KernelGraph`]). A node's value is the node. Edges run from an argument to its user and carry the argument's
//! slot, since petgraph keeps no order among neighbours; one node may fill several slots of another. Indices stay valid when
//! other nodes are removed (`StableDiGraph`). Nodes are added after their arguments, so a cycle can only come from
//! [`Dag::set_arguments`];
//! [`Dag::order`] finds one.

use petgraph::Direction;
use petgraph::stable_graph::{NodeIndex, StableDiGraph};
use petgraph::visit::EdgeRef;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A node of a [`Dag`], and the value that it computes.
pub type NodeId = NodeIndex<u32>;

/// The graph. `N` is what a node holds.
#[derive(Clone, Debug)]
pub struct Dag<N> {
    graph: StableDiGraph<N, u32, u32>,
}

impl<N> Default for Dag<N> {
    fn default() -> Self {
        Dag { graph: StableDiGraph::default() }
    }
}

impl<N> Dag<N> {
    /// Adds a node that takes `arguments`, in order.
    pub fn add(&mut self, node: N, arguments: &[NodeId]) -> NodeId {
        let id = self.graph.add_node(node);
        for (slot, &argument) in arguments.iter().enumerate() {
            self.graph.add_edge(argument, id, slot as u32);
        }
        id
    }

    /// The node, unless it was removed.
    pub fn get(&self, id: NodeId) -> Option<&N> {
        self.graph.node_weight(id)
    }

    /// The node, to change it.
    pub fn get_mut(&mut self, id: NodeId) -> Option<&mut N> {
        self.graph.node_weight_mut(id)
    }

    /// The arguments of a node, in order.
    pub fn arguments(&self, id: NodeId) -> Vec<NodeId> {
        let mut edges: Vec<(u32, NodeId)> =
            self.graph.edges_directed(id, Direction::Incoming).map(|edge| (*edge.weight(), edge.source())).collect();
        edges.sort_unstable();
        edges.into_iter().map(|(_, source)| source).collect()
    }

    /// Every use of a node's value, as (user, slot), sorted; a user that takes it twice occurs twice.
    pub fn uses(&self, id: NodeId) -> Vec<(NodeId, u32)> {
        let mut uses: Vec<(NodeId, u32)> =
            self.graph.edges_directed(id, Direction::Outgoing).map(|edge| (edge.target(), *edge.weight())).collect();
        uses.sort_unstable();
        uses
    }

    /// How often a node's value is used.
    pub fn use_count(&self, id: NodeId) -> usize {
        self.graph.edges_directed(id, Direction::Outgoing).count()
    }

    /// Replaces all arguments of a node.
    pub fn set_arguments(&mut self, id: NodeId, arguments: &[NodeId]) {
        let old: Vec<_> = self.graph.edges_directed(id, Direction::Incoming).map(|edge| edge.id()).collect();
        for edge in old {
            self.graph.remove_edge(edge);
        }
        for (slot, &argument) in arguments.iter().enumerate() {
            self.graph.add_edge(argument, id, slot as u32);
        }
    }

    /// Lets every user of `old` use `new` instead, except `new` itself.
    pub fn replace_uses(&mut self, old: NodeId, new: NodeId) {
        let edges: Vec<_> = self
            .graph
            .edges_directed(old, Direction::Outgoing)
            .filter(|edge| edge.target() != new)
            .map(|edge| (edge.id(), edge.target(), *edge.weight()))
            .collect();
        for (edge, user, slot) in edges {
            self.graph.remove_edge(edge);
            self.graph.add_edge(new, user, slot);
        }
    }

    /// Removes a node and its edges, and gives back what it held.
    pub fn remove(&mut self, id: NodeId) -> Option<N> {
        self.graph.remove_node(id)
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.graph.node_count()
    }

    /// Whether there is no node.
    pub fn is_empty(&self) -> bool {
        self.graph.node_count() == 0
    }

    /// All nodes by index, which is the order in which they were added; a new node may take the index of one that was removed.
    pub fn iter(&self) -> impl Iterator<Item = (NodeId, &N)> {
        self.graph.node_indices().filter_map(|id| self.graph.node_weight(id).map(|node| (id, node)))
    }

    /// All nodes, arguments before users, otherwise by index; `None` when there is a cycle.
    pub fn order(&self) -> Option<Vec<NodeId>> {
        let mut missing = vec![0u32; self.graph.node_indices().last().map_or(0, |last| last.index() + 1)];
        let mut ready = BinaryHeap::new();
        for id in self.graph.node_indices() {
            let count = self.graph.edges_directed(id, Direction::Incoming).count() as u32;
            if let Some(slot) = missing.get_mut(id.index()) {
                *slot = count;
            }
            if count == 0 {
                ready.push(Reverse(id));
            }
        }
        let mut order = Vec::with_capacity(self.len());
        while let Some(Reverse(id)) = ready.pop() {
            order.push(id);
            for edge in self.graph.edges_directed(id, Direction::Outgoing) {
                if let Some(count) = missing.get_mut(edge.target().index()) {
                    *count -= 1;
                    if *count == 0 {
                        ready.push(Reverse(edge.target()));
                    }
                }
            }
        }
        (order.len() == self.len()).then_some(order)
    }
}
