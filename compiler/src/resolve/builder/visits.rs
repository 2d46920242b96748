//! For an index: what each statement made, and what each name stood for, in every turn and call that came by.

use super::{Builder, Frame, Network};
use crate::graph::{Bound, NodeId, Visits};
use crate::resolve::expression::{Flow, Value};
use cnnc_grammar::ast::{Name, Pattern};
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

impl<'a> Builder<'a, '_> {
    /// Takes in, for an index, what the names of a pattern stand for now.
    pub fn note_pattern(&mut self, frame: &Frame<'a>, pattern: &'a Pattern) {
        match pattern {
            Pattern::Name(name) => self.note_bound(frame, name),
            Pattern::Tuple(parts, _) => parts.iter().for_each(|part| self.note_pattern(frame, part)),
        }
    }

    /// Takes in, for an index, what a name stands for now.
    pub fn note_bound(&mut self, frame: &Frame<'a>, name: &'a Name) {
        let value = frame.scope.get(&name.text).filter(|_| frame.scope.declared(&name.text) == Some(name.span));
        let (true, Some(Some(value))) = (self.reporter.is_indexing() && self.network.expanding, value) else { return };
        let written = match value {
            Value::Layer(recipe) => self.reporter.files.text(recipe.site.span).to_owned(),
            value => value.written(),
        };
        let number = if let Value::Int(number) = value { Some(*number) } else { None };
        let bound = &mut self.network.graph.bound;
        let place = *self.network.bound.entry(name.span).or_insert_with(|| {
            bound.push(Bound::new(name.span));
            bound.len() - 1
        });
        if let Some(bound) = bound.get_mut(place) {
            bound.add(&written, number);
        }
    }
}
