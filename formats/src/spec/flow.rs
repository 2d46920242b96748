//! Branches found in a graph: values that join at a node become what a spec's flow is, items one after the other and joins with
//! a branch each.
//!
//! A spec is read from above, so a value is written from where its flow last was one: for a join that is the last value that
//! all its branches come from, their dominator. What is needed in several places is written where it is needed first, and
//! `keep` and `from` bring it to the others. So any graph can be written, each node once.

use super::{Network, Operation, ValueId};
use std::collections::BTreeSet;

/// A part of a body.
#[derive(Clone, Debug, PartialEq)]
pub enum Element {
    /// A layer, or numbers.
    Node(ValueId),
    /// A join and its branches; a branch of nothing is the value before it.
    Join(ValueId, Vec<Vec<Element>>),
    /// A value that was kept.
    From(ValueId),
    /// Keeps the value before it.
    Keep(ValueId),
    /// Makes the value before it an output.
    Output(usize),
}

/// Joins nest at most so deeply; what lies deeper is kept and brought.
const DEEPEST: usize = 6;

/// The body of a network's model.
pub fn flow(network: &Network) -> Vec<Element> {
    let count = network.nodes().len();
    let mut flow =
        Flow { network, dominators: Dominators::of(network), written: vec![false; count], kept: vec![false; count] };
    let mut body = Vec::new();
    let mut current = match network.inputs.as_slice() {
        [input] => {
            body.push(Element::Keep(input.value));
            Some(input.value)
        }
        _ => None,
    };
    for input in &network.inputs {
        flow.written[input.value.0] = true;
    }
    for (place, output) in network.outputs.iter().enumerate() {
        body.extend(flow.body(output.value, current, 0));
        current = Some(output.value);
        body.push(Element::Output(place));
    }
    let mut kept = flow.kept;
    if network.inputs.len() > 1 {
        // They have names already.
        network.inputs.iter().for_each(|input| kept[input.value.0] = false);
    }
    without_needless(&mut body, &kept);
    body
}

/// Takes away what keeps a value that nothing brings back.
fn without_needless(body: &mut Vec<Element>, kept: &[bool]) {
    body.retain(|element| !matches!(element, Element::Keep(value) if !kept[value.0]));
    for element in body {
        if let Element::Join(_, branches) = element {
            branches.iter_mut().for_each(|branch| without_needless(branch, kept));
        }
    }
}

struct Flow<'n> {
    network: &'n Network,
    dominators: Dominators,
    written: Vec<bool>,
    kept: Vec<bool>,
}

impl Flow<'_> {
    /// What makes `goal` of `start`, the current value.
    fn body(&mut self, goal: ValueId, start: Option<ValueId>, depth: usize) -> Vec<Element> {
        if depth > DEEPEST {
            return self.in_order(goal, start);
        }
        let mut spine = Vec::new();
        let mut body = Vec::new();
        let mut current = Some(goal);
        while let Some(value) = current.filter(|_| current != start) {
            if self.written[value.0] {
                self.kept[value.0] = true;
                body.push(Element::From(value));
                break;
            }
            spine.push(value);
            current = self.before(value);
        }
        for value in spine.into_iter().rev() {
            let node = self.network.node(value);
            match &node.operation {
                Operation::Join(_) => {
                    let before = current;
                    let branches = node.inputs.iter().map(|&input| self.body(input, before, depth + 1)).collect();
                    body.push(Element::Join(value, branches));
                }
                _ => body.push(Element::Node(value)),
            }
            if node.operation != Operation::Numbers {
                self.written[value.0] = true;
                body.push(Element::Keep(value));
            }
            current = Some(value);
        }
        body
    }

    /// What makes `goal`, a node after the other with every value kept and brought: for what lies too deeply for braces.
    fn in_order(&mut self, goal: ValueId, start: Option<ValueId>) -> Vec<Element> {
        let mut needed = BTreeSet::new();
        let mut open = vec![goal];
        while let Some(value) = open.pop() {
            let node = self.network.node(value);
            if Some(value) != start && !self.written[value.0] && !node.is_source() && needed.insert(value) {
                open.extend(&node.inputs);
            }
        }
        let mut body = Vec::new();
        let mut current = start;
        for value in needed {
            let node = self.network.node(value);
            match node.operation {
                Operation::Join(_) => {
                    let branches = node.inputs.iter().map(|&input| self.brought(input, current)).collect();
                    body.push(Element::Join(value, branches));
                }
                _ => {
                    let before = node.inputs.first().map(|&input| self.brought(input, current));
                    body.extend(before.into_iter().flatten());
                    body.push(Element::Node(value));
                }
            }
            self.written[value.0] = true;
            body.push(Element::Keep(value));
            current = Some(value);
        }
        if current != Some(goal) {
            body.extend(self.brought(goal, current));
        }
        body
    }

    /// A value that is written already, or takes nothing, where another one is the current.
    fn brought(&mut self, value: ValueId, current: Option<ValueId>) -> Vec<Element> {
        if Some(value) == current {
            return Vec::new();
        }
        let node = self.network.node(value);
        if node.operation == Operation::Numbers {
            return vec![Element::Node(value)];
        }
        if node.is_source() && !self.written[value.0] {
            self.written[value.0] = true;
            return vec![Element::Node(value), Element::Keep(value)];
        }
        self.kept[value.0] = true;
        vec![Element::From(value)]
    }

    /// The value that a node's text begins with.
    fn before(&self, value: ValueId) -> Option<ValueId> {
        let node = self.network.node(value);
        if !matches!(node.operation, Operation::Join(_)) {
            return node.inputs.first().copied();
        }
        let flowing = || node.inputs.iter().copied().filter(|&input| !self.network.node(input).is_source());
        let last = || flowing().max();
        let common = flowing().map(Some).reduce(|a, b| self.dominators.common(a?, b?)).flatten();
        common.or_else(last)
    }
}

/// The last value before each that all its ways from the inputs lead through.
struct Dominators {
    parents: Vec<Option<ValueId>>,
    /// An ancestor further up, for large steps.
    jumps: Vec<Option<ValueId>>,
    depths: Vec<usize>,
}

impl Dominators {
    fn of(network: &Network) -> Dominators {
        let mut found = Dominators { parents: Vec::new(), jumps: Vec::new(), depths: Vec::new() };
        for (_, node) in network.nodes() {
            let flowing = node.inputs.iter().filter(|input| !network.node(**input).is_source());
            let parent = flowing.map(|&input| Some(input)).reduce(|a, b| found.common(a?, b?)).flatten();
            // Skew-binary jump pointers: as far up as the parent's two jumps, where these are equally long.
            let depth = |value: Option<ValueId>| value.map_or(0, |value| found.depths[value.0]);
            let above = parent.and_then(|parent| found.jumps[parent.0]);
            let further = above.and_then(|above| found.jumps[above.0]);
            let is_even = depth(parent) - depth(above) == depth(above) - depth(further);
            let jump = if is_even { further } else { parent };
            found.depths.push(depth(parent) + 1);
            found.parents.push(parent);
            found.jumps.push(jump);
        }
        found
    }

    /// The last value that both come from, themselves counted.
    fn common(&self, a: ValueId, b: ValueId) -> Option<ValueId> {
        let (mut low, mut high) = if self.depths[a.0] >= self.depths[b.0] { (a, b) } else { (b, a) };
        while self.depths[low.0] > self.depths[high.0] {
            let jump = self.jumps[low.0].filter(|jump| self.depths[jump.0] >= self.depths[high.0]);
            low = jump.or(self.parents[low.0])?;
        }
        while low != high {
            match (self.jumps[low.0], self.jumps[high.0]) {
                (Some(left), Some(right)) if left != right => (low, high) = (left, right),
                _ => (low, high) = (self.parents[low.0]?, self.parents[high.0]?),
            }
        }
        Some(low)
    }
}
