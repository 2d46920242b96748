//! What a run leaves behind, in order, and found by its node: every pass asks of every value whether it is a result.

use super::{Port, Update};
use crate::graph::{NodeId, ParameterId};
use std::collections::HashMap;
use std::ops::Deref;

/// A value that a run leaves behind.
pub trait RunResult {
    /// The node whose value it is.
    fn node(&self) -> NodeId;

    /// The same of another node.
    fn of_node(self, node: NodeId) -> Self;

    /// The parameter that it becomes, if it does.
    fn parameter(&self) -> Option<ParameterId>;
}

impl RunResult for Port {
    fn node(&self) -> NodeId {
        self.node
    }

    fn of_node(self, node: NodeId) -> Port {
        Port { node, ..self }
    }

    fn parameter(&self) -> Option<ParameterId> {
        None
    }
}

impl RunResult for Update {
    fn node(&self) -> NodeId {
        self.node
    }

    fn of_node(self, node: NodeId) -> Update {
        Update { node, ..self }
    }

    fn parameter(&self) -> Option<ParameterId> {
        Some(self.parameter)
    }
}

/// Results in order.
#[derive(Clone, Debug)]
pub struct Results<T> {
    entries: Vec<T>,
    /// The places of each node's results in the list.
    places: HashMap<NodeId, Vec<usize>>,
    parameters: HashMap<ParameterId, usize>,
}

impl<T: RunResult> Results<T> {
    /// Adds one.
    pub fn push(&mut self, entry: T) {
        let place = self.entries.len();
        self.places.entry(entry.node()).or_default().push(place);
        self.parameters.extend(entry.parameter().map(|parameter| (parameter, place)));
        self.entries.push(entry);
    }

    /// How many are this node's value.
    pub fn count(&self, node: NodeId) -> usize {
        self.places.get(&node).map_or(0, Vec::len)
    }

    /// What becomes that parameter.
    pub fn of_parameter(&self, parameter: ParameterId) -> Option<&T> {
        self.entries.get(*self.parameters.get(&parameter)?)
    }

    /// Lets all that are `old`'s value be `new`'s.
    pub fn replace(&mut self, old: NodeId, new: NodeId)
    where
        T: Clone,
    {
        let moved = self.places.remove(&old).unwrap_or_default();
        for &place in &moved {
            if let Some(entry) = self.entries.get_mut(place) {
                *entry = entry.clone().of_node(new);
            }
        }
        if !moved.is_empty() {
            self.places.entry(new).or_default().extend(moved);
        }
    }
}

impl<T> Default for Results<T> {
    fn default() -> Self {
        Results { entries: Vec::new(), places: HashMap::new(), parameters: HashMap::new() }
    }
}

impl<T> Deref for Results<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.entries
    }
}

impl<T: RunResult> Extend<T> for Results<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, entries: I) {
        entries.into_iter().for_each(|entry| self.push(entry));
    }
}

impl<T: RunResult> FromIterator<T> for Results<T> {
    fn from_iter<I: IntoIterator<Item = T>>(entries: I) -> Self {
        let mut results = Results::default();
        results.extend(entries);
        results
    }
}

impl<T> IntoIterator for Results<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

impl<'r, T> IntoIterator for &'r Results<T> {
    type Item = &'r T;
    type IntoIter = std::slice::Iter<'r, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.iter()
    }
}
