//! For an index: what each statement made, in every turn and call that came by.

use super::Network;
use crate::graph::{NodeId, Visits};
use crate::resolve::expression::Flow;
use cnnc_grammar::span::Span;
use std::collections::hash_map::Entry;

impl Network<'_> {
    /// Takes in that a statement was written out, which made the nodes from `begin` on and gave that value.
    pub fn note_visit(&mut self, statement: Span, begin: usize, value: Flow) {
        let end = self.graph.dag.len();
        let place = match self.visited.entry(statement) {
            Entry::Occupied(place) => *place.get(),
            Entry::Vacant(place) => {
                self.graph.visits.push(Visits::new(statement));
                *place.insert(self.graph.visits.len() - 1)
            }
        };
        let Some(visits) = self.graph.visits.get_mut(place) else { return };
        visits.times += 1;
        visits.layers += end - begin;
        if end > begin {
            visits.first.get_or_insert(NodeId::new(begin));
            visits.last = Some(NodeId::new(end - 1));
        }
        let Flow::Node(value) = value else {
            visits.unknown += 1;
            return;
        };
        let shape = |node: NodeId| self.graph.dag.get(node).map(|node| &node.shape);
        if visits.values.last().is_none_or(|last| shape(*last) != shape(value)) {
            visits.values.push(value);
        }
    }
}
