//! Less memory for more time: values of the forward half that the backward half computes again instead of keeping them.
//!
//! A fused training step comes in and one with the same numbers, bit for bit, goes out: what is added are copies of nodes that
//! are there. The forward half is cut into segments (Chen, Xu, Zhang and Guestrin, "Training deep nets with sublinear memory
//! cost", 2016). A value that a later segment reads is kept; of the others, the backward half reads copies, made segment by
//! segment as it comes to them. The last segment is kept whole, for the backward half begins with it. Where the cuts lie is found
//! by trying: of many sizes of a segment the one is taken whose kept values and largest segment are smallest together. Where
//! nothing is saved, nothing is done.

use super::names;
use crate::graph::NodeId;
use crate::kernels::{Kernel, KernelGraph};
use crate::passes::{Note, Saved};
use std::collections::{HashMap, HashSet};

/// The most segments that are tried.
const MAX_SEGMENTS: usize = 64;

/// Lets the backward half of a fused training step compute again what would take more memory to keep.
pub fn recompute(graph: &mut KernelGraph) -> Vec<Note> {
    if graph.renumber().is_none() {
        return Vec::new();
    }
    let Some(forward) = Forward::of(graph) else { return Vec::new() };
    let Some(cuts) = forward.cuts() else { return Vec::new() };
    let count = copy_segments(graph, &forward, &cuts);
    let text = format!("the backward half computes {count} values again, in {} segments", cuts.len());
    vec![Note { pass: "recompute", place: names::LOSS.into(), done: true, text, saved: Saved::default() }]
}

/// A value of the forward half that is not a view.
struct ForwardValue {
    elements: usize,
    /// The last value, by number, that is made of this one.
    last: usize,
    /// Whether the backward half reads it.
    is_read: bool,
}

/// The forward half: what the loss is made of, without inputs, parameters and what is made of parameters alone.
struct Forward {
    /// Values, numbered in order.
    values: Vec<ForwardValue>,
    /// All nodes in order, each with the number of its value; that of a view is its argument's.
    nodes: Vec<(NodeId, usize)>,
    /// The nodes that come after the loss: the backward half.
    backward: HashSet<NodeId>,
}

impl Forward {
    /// `None` where there is no loss.
    fn of(graph: &KernelGraph) -> Option<Forward> {
        let loss = graph.outputs.iter().find(|port| &*port.name == names::LOSS)?.node;
        let order = graph.dag.order()?;
        let (before, after) = order.split_at_checked(order.iter().position(|&id| id == loss)? + 1)?;
        let (needed, constants) = (ancestors(graph, loss), graph.constants());
        let mut forward = Forward { values: vec![], nodes: vec![], backward: after.iter().copied().collect() };
        let mut numbers = HashMap::new();
        for &id in before.iter().filter(|id| needed.contains(id) && !constants.contains(id)) {
            if let Some(number) = forward.add(graph, id, &numbers) {
                forward.nodes.push((id, number));
                numbers.insert(id, number);
            }
        }
        Some(forward)
    }

    /// Adds a node; the number of its value, if it has one.
    fn add(&mut self, graph: &KernelGraph, id: NodeId, numbers: &HashMap<NodeId, usize>) -> Option<usize> {
        let node = graph.dag.get(id)?;
        let mut arguments = graph.dag.arguments(id).into_iter().filter_map(|argument| numbers.get(&argument).copied());
        let is_read = graph.dag.uses(id).iter().any(|(user, _)| self.backward.contains(user));
        if matches!(node.kernel, Kernel::Input(_) | Kernel::Parameter(_)) {
            return None;
        }
        if node.kernel.is_view() {
            let number = arguments.next_back()?;
            self.values.get_mut(number)?.is_read |= is_read;
            return Some(number);
        }
        let number = self.values.len();
        for argument in arguments {
            self.values.get_mut(argument)?.last = number;
        }
        self.values.push(ForwardValue { elements: node.elements()?, last: number, is_read });
        Some(number)
    }

    /// The first value of every segment but the first, if that saves memory.
    fn cuts(&self) -> Option<Vec<usize>> {
        let whole = self.memory(&[]);
        let (read, crossing) = (self.read(), self.crossing());
        let choices = (2..=MAX_SEGMENTS).map(|segments| cuts_for(whole / segments, &read, &crossing));
        let best = choices.min_by_key(|cuts| self.memory(cuts))?;
        (self.memory(&best) < whole).then_some(best)
    }

    /// How many elements the backward half reads of the values before each number.
    fn read(&self) -> Vec<usize> {
        let sums = self.values.iter().scan(0, |sum: &mut usize, value| {
            *sum = sum.saturating_add(if value.is_read { value.elements } else { 0 });
            Some(*sum)
        });
        std::iter::once(0).chain(sums).collect()
    }

    /// How many elements are made before each number and read from it on.
    fn crossing(&self) -> Vec<usize> {
        let mut ends = vec![0usize; self.values.len() + 1];
        for value in &self.values {
            if let Some(end) = ends.get_mut(value.last) {
                *end = end.saturating_add(value.elements);
            }
        }
        let crossing = self.values.iter().zip(&ends).scan(0usize, |alive, (value, ended)| {
            *alive = alive.saturating_add(value.elements).saturating_sub(*ended);
            Some(*alive)
        });
        std::iter::once(0).chain(crossing).collect()
    }

    /// Whether a value is kept: it is read across a cut, or made in the last segment.
    fn is_kept(&self, number: usize, cuts: &[usize]) -> bool {
        let next = cuts.get(cuts.partition_point(|&cut| cut <= number));
        next.is_none_or(|&cut| self.values.get(number).is_some_and(|value| value.last >= cut))
    }

    /// Elements that are kept, and those of the largest segment that is computed again.
    fn memory(&self, cuts: &[usize]) -> usize {
        let last = cuts.last().copied().unwrap_or(0);
        let mut again = vec![0usize; cuts.len() + 1];
        let mut kept = 0usize;
        for (number, value) in self.values.iter().enumerate() {
            let is_kept = self.is_kept(number, cuts);
            if is_kept && (number < last || value.is_read) {
                kept = kept.saturating_add(value.elements);
            } else if let Some(sum) = again.get_mut(cuts.partition_point(|&cut| cut <= number))
                && value.is_read
            {
                *sum = sum.saturating_add(value.elements);
            }
        }
        kept.saturating_add(again.into_iter().max().unwrap_or(0))
    }
}

/// Cuts such that the backward half reads about `most` elements of a segment, each where the fewest elements cross.
fn cuts_for(most: usize, read: &[usize], crossing: &[usize]) -> Vec<usize> {
    let mut cuts = Vec::new();
    let (mut first, mut before) = (0, 0);
    for (number, &sum) in read.iter().enumerate() {
        if sum.saturating_sub(before) <= most {
            continue;
        }
        // Of the second half of what would be the segment.
        let late = (first + 1..=number)
            .filter(|&cut| read.get(cut).is_some_and(|&sum| sum.saturating_sub(before) >= most / 2));
        if let Some(cut) = late.min_by_key(|&cut| crossing.get(cut)).filter(|cut| cut + 1 < read.len()) {
            cuts.push(cut);
            (first, before) = (cut, read.get(cut).copied().unwrap_or(0));
        }
    }
    cuts
}

/// Everything that a value is made of, itself included.
fn ancestors(graph: &KernelGraph, id: NodeId) -> HashSet<NodeId> {
    let mut found = HashSet::new();
    let mut rest = vec![id];
    while let Some(id) = rest.pop() {
        if found.insert(id) {
            rest.extend(graph.dag.arguments(id));
        }
    }
    found
}

/// Copies the segments, the one that the backward half comes to first before the others: of nodes that are ready, the one with
/// the smallest index is computed first. How many values are copied.
fn copy_segments(graph: &mut KernelGraph, forward: &Forward, cuts: &[usize]) -> usize {
    let mut count = 0;
    for (segment, &end) in cuts.iter().enumerate().rev() {
        let first = segment.checked_sub(1).and_then(|before| cuts.get(before)).copied().unwrap_or(0);
        let nodes = forward.nodes.iter().filter(|(_, number)| (first..end).contains(number));
        let nodes: Vec<NodeId> =
            nodes.filter(|(_, number)| !forward.is_kept(*number, cuts)).map(|(node, _)| *node).collect();
        count += copy_segment(graph, &nodes, &forward.backward);
    }
    count
}

/// Copies those of a segment's nodes that the backward half needs, and lets it read the copies.
fn copy_segment(graph: &mut KernelGraph, nodes: &[NodeId], backward: &HashSet<NodeId>) -> usize {
    let mut needed = HashSet::new();
    for &node in nodes.iter().rev() {
        let is_needed = |&(user, _): &(NodeId, u32)| backward.contains(&user) || needed.contains(&user);
        if graph.dag.uses(node).iter().any(is_needed) {
            needed.insert(node);
        }
    }
    let mut copies: HashMap<NodeId, NodeId> = HashMap::new();
    let renamed = |arguments: Vec<NodeId>, copies: &HashMap<NodeId, NodeId>| -> Vec<NodeId> {
        arguments.into_iter().map(|argument| copies.get(&argument).copied().unwrap_or(argument)).collect()
    };
    for &id in nodes.iter().filter(|id| needed.contains(id)) {
        let Some(node) = graph.dag.get(id).cloned() else { continue };
        let arguments = renamed(graph.dag.arguments(id), &copies);
        copies.insert(id, graph.dag.add(node, &arguments));
    }
    let users: HashSet<NodeId> = copies.keys().flat_map(|&node| graph.dag.uses(node)).map(|(user, _)| user).collect();
    for user in users.into_iter().filter(|user| backward.contains(user)) {
        let arguments = renamed(graph.dag.arguments(user), &copies);
        graph.dag.set_arguments(user, &arguments);
    }
    copies.len()
}
