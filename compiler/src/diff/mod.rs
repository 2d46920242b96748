//! Two networks compared: which layers are new, gone, changed, called otherwise or fed otherwise, what follows from it for the
//! shapes and costs of others, and which tensors of the first one's weights the second still takes.
//!
//! Each network is taken as its tree of items, `align.rs` says which items belong together, and here is told what differs between
//! those. A group that is new or gone is one change, with the number of its layers.

mod align;
mod tensors;

pub use tensors::{Fate, TensorChange};

use crate::graph::{NodeId, NodeKind, ShapedGraph};
use crate::items::{ItemId, Kind, Tree};
use crate::shape::Shape;
use crate::summary::{Cost, ReceptiveField, costs, fields};
use crate::write_kernels::Bindings;
use align::{Pairs, align};
use std::collections::HashMap;
use std::sync::Arc;

/// What differs.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// What was changed, in the order of the text.
    pub changes: Vec<Change>,
    /// Layers that are what they were, and whose shape or cost is another because of the changes.
    pub following: Vec<Change>,
    /// What becomes of parameters and buffers.
    pub tensors: Vec<TensorChange>,
}

/// One change.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// What was done.
    pub kind: ChangeKind,
    /// The item in the first network.
    pub before: Option<Part>,
    /// In the second.
    pub after: Option<Part>,
}

/// What was done with an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ChangeKind {
    /// Only the second network has it.
    Added,
    /// Only the first has it.
    Removed,
    /// It has other arguments, or is another layer or block in the same place.
    Changed,
    /// It has another name, or stands in another group.
    Renamed,
    /// It has another position, since something before it is new or gone.
    Shifted,
    /// It takes other values.
    Rewired,
    /// It is the same; its shape or cost is another.
    Following,
}

impl ChangeKind {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            ChangeKind::Added => "added",
            ChangeKind::Removed => "removed",
            ChangeKind::Changed => "changed",
            ChangeKind::Renamed => "renamed",
            ChangeKind::Shifted => "shifted",
            ChangeKind::Rewired => "rewired",
            ChangeKind::Following => "following",
        }
    }
}

/// An item of one of the networks.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Its path; a join without a name has that of the module around it.
    pub path: Arc<str>,
    /// The layer with its arguments as PyTorch prints them, the join's word, `Sequential` or the block's name.
    pub what: String,
    /// How many layers and joins it is; of a group that is new or gone those that are.
    pub layers: usize,
    /// What these cost.
    pub cost: Cost,
    /// Its output.
    pub output: Option<Shape>,
    /// What an element of it sees.
    pub receptive_field: Option<ReceptiveField>,
}

/// Compares two networks, at sizes for their symbols.
pub fn compare(before: &ShapedGraph, after: &ShapedGraph, bindings: &Bindings) -> Difference {
    let sides = [Side::new(before, bindings), Side::new(after, bindings)];
    let [one, other] = &sides;
    let pairs = align(&one.tree, &other.tree);
    let mut comparison = Comparison { one, other, pairs: &pairs, changes: Vec::new(), following: Vec::new() };
    comparison.changed();
    comparison.alone();
    comparison.changes.sort_by_key(|(place, _)| *place);
    let sorted = |changes: Vec<((usize, usize), Change)>| changes.into_iter().map(|(_, change)| change).collect();
    Difference {
        changes: sorted(comparison.changes),
        following: sorted(comparison.following),
        tensors: tensors::tensors([&before.graph, &after.graph], [&one.tree, &other.tree], &pairs),
    }
}

/// One network with all that is asked of it.
struct Side<'g> {
    shaped: &'g ShapedGraph,
    tree: Tree<'g>,
    costs: HashMap<NodeId, Cost>,
    fields: Vec<Option<ReceptiveField>>,
}

impl<'g> Side<'g> {
    fn new(shaped: &'g ShapedGraph, bindings: &Bindings) -> Self {
        let costs = costs(shaped, bindings).into_iter().collect();
        Side { shaped, tree: Tree::new(shaped), costs, fields: fields(shaped, bindings) }
    }

    /// An item, with those of its layers that `counts` says.
    fn part(&self, id: ItemId, counts: &dyn Fn(NodeId) -> bool) -> Option<Part> {
        let item = self.tree.items.get(id)?;
        let nodes: Vec<NodeId> = self.tree.nodes(id).into_iter().filter(|node| counts(*node)).collect();
        let cost =
            nodes.iter().filter_map(|node| self.costs.get(node)).fold(Cost::NOTHING, |sum, cost| sum.plus(*cost));
        let what = match item.kind {
            Kind::Group(word) => word.to_owned(),
            Kind::Leaf(node, operator) => {
                let inputs: Vec<Shape> =
                    self.shaped.graph.dag.arguments(node).into_iter().map(|input| self.shaped.shape(input)).collect();
                match operator.describe(&inputs) {
                    arguments if arguments.is_empty() => operator.name().to_owned(),
                    arguments => format!("{}({arguments})", operator.name()),
                }
            }
        };
        Some(Part {
            path: item.path.clone(),
            what,
            layers: nodes.len(),
            cost,
            output: item.output.map(|node| self.shaped.shape(node)),
            receptive_field: item.output.and_then(|node| self.fields.get(node.index()).copied().flatten()),
        })
    }

    fn whole(&self, id: ItemId) -> Option<Part> {
        self.part(id, &|_| true)
    }

    /// What a value comes from: itself where it belongs to one of the other network, else the first value that it was made of.
    fn origin(&self, mut node: NodeId, pairs: &[Option<ItemId>]) -> Option<NodeId> {
        loop {
            let is_known = match self.tree.of_node.get(&node) {
                Some(item) => pairs.get(*item).is_some_and(Option::is_some),
                None => true,
            };
            if is_known {
                return Some(node);
            }
            node = *self.shaped.graph.dag.arguments(node).first()?;
        }
    }

    /// The number of an input.
    fn input(&self, node: NodeId) -> Option<usize> {
        match self.shaped.graph.dag.get(node)?.kind {
            NodeKind::Input(number) => Some(number),
            NodeKind::Operator(_) => None,
        }
    }
}

/// What is found, each with its place: the order of the second network, and behind what it stands where it is gone.
struct Comparison<'c, 'g> {
    one: &'c Side<'g>,
    other: &'c Side<'g>,
    pairs: &'c Pairs,
    changes: Vec<((usize, usize), Change)>,
    following: Vec<((usize, usize), Change)>,
}

impl Comparison<'_, '_> {
    /// What differs between items that belong together.
    fn changed(&mut self) {
        for (place, after) in self.other.tree.in_order().into_iter().enumerate() {
            let Some(before) = self.pairs.before.get(after).copied().flatten() else { continue };
            let kinds = self.kinds(before, after);
            let add = |kind| Change { kind, before: self.one.whole(before), after: self.other.whole(after) };
            for kind in kinds {
                self.changes.push(((place, 0), add(kind)));
            }
            let is_changed = self
                .changes
                .last()
                .is_some_and(|((last, _), change)| *last == place && change.kind == ChangeKind::Changed);
            let is_leaf = self.other.tree.items.get(after).is_some_and(|item| item.node().is_some());
            if is_leaf && !is_changed {
                let change = add(ChangeKind::Following);
                let seen = |part: &Option<Part>| {
                    part.as_ref().map(|part| (part.cost, part.output.clone(), part.receptive_field))
                };
                if seen(&change.before) != seen(&change.after) {
                    self.following.push(((place, 0), change));
                }
            }
        }
    }

    fn kinds(&self, before: ItemId, after: ItemId) -> Vec<ChangeKind> {
        let mut kinds = Vec::new();
        let (Some(one), Some(other)) = (self.one.tree.items.get(before), self.other.tree.items.get(after)) else {
            return kinds;
        };
        let is_model = one.parent.is_none();
        let is_same = match (one.kind, other.kind) {
            (Kind::Group(first), Kind::Group(second)) => is_model || first == second,
            (Kind::Leaf(_, first), Kind::Leaf(_, second)) => first == second,
            (Kind::Leaf(..), Kind::Group(_)) | (Kind::Group(_), Kind::Leaf(..)) => false,
        };
        if !is_same {
            kinds.push(ChangeKind::Changed);
        }
        let is_beside = match (one.parent, other.parent) {
            (Some(one), Some(other)) => self.pairs.after.get(one).copied().flatten() == Some(other),
            (one, other) => one == other,
        };
        match (is_beside, one.name() == other.name()) {
            (true, true) => {}
            (true, false) if one.is_unnamed() && other.is_unnamed() => kinds.push(ChangeKind::Shifted),
            _ => kinds.push(ChangeKind::Renamed),
        }
        if let (Some(one), Some(other)) = (one.node(), other.node())
            && self.is_rewired(one, other)
        {
            kinds.push(ChangeKind::Rewired);
        }
        kinds
    }

    /// Whether a layer takes other values, what is new or gone between set aside.
    fn is_rewired(&self, one: NodeId, other: NodeId) -> bool {
        let mapped = |node: NodeId| -> Option<(bool, usize)> {
            let node = self.one.origin(node, &self.pairs.after)?;
            match self.one.tree.of_node.get(&node) {
                Some(item) => Some((false, self.pairs.after.get(*item).copied().flatten()?)),
                None => Some((true, self.one.input(node)?)),
            }
        };
        let found = |node: NodeId| -> Option<(bool, usize)> {
            let node = self.other.origin(node, &self.pairs.before)?;
            match self.other.tree.of_node.get(&node) {
                Some(item) => Some((false, *item)),
                None => Some((true, self.other.input(node)?)),
            }
        };
        let taken = |side: &Side<'_>, node: NodeId| side.shaped.graph.dag.arguments(node);
        let mut before: Vec<_> = taken(self.one, one).into_iter().map(mapped).collect();
        let mut after: Vec<_> = taken(self.other, other).into_iter().map(found).collect();
        before.sort_unstable();
        after.sort_unstable();
        // A join with a branch more or less takes what it took besides.
        let (fewer, more) = if before.len() <= after.len() { (&before, &after) } else { (&after, &before) };
        !fewer.iter().all(|taken| more.contains(taken))
    }

    /// What only one of the networks has, the outermost of each.
    fn alone(&mut self) {
        let is_alone = |pairs: &[Option<ItemId>], id: ItemId| pairs.get(id) == Some(&None);
        for (place, id) in self.other.tree.in_order().into_iter().enumerate() {
            let Some(item) = self.other.tree.items.get(id) else { continue };
            let is_inner = item.parent.is_some_and(|parent| is_alone(&self.pairs.before, parent));
            if is_alone(&self.pairs.before, id) && !is_inner {
                let counts =
                    |node| self.other.tree.of_node.get(&node).is_some_and(|id| is_alone(&self.pairs.before, *id));
                let after = self.other.part(id, &counts);
                self.changes.push(((place, 0), Change { kind: ChangeKind::Added, before: None, after }));
            }
        }
        let places: HashMap<ItemId, usize> =
            self.other.tree.in_order().into_iter().enumerate().map(|(place, id)| (id, place)).collect();
        let mut behind = 0;
        for (order, id) in self.one.tree.in_order().into_iter().enumerate() {
            if let Some(after) = self.pairs.after.get(id).copied().flatten() {
                behind = places.get(&after).copied().unwrap_or(behind);
                continue;
            }
            let Some(item) = self.one.tree.items.get(id) else { continue };
            if !item.parent.is_some_and(|parent| is_alone(&self.pairs.after, parent)) {
                let counts = |node| self.one.tree.of_node.get(&node).is_some_and(|id| is_alone(&self.pairs.after, *id));
                let before = self.one.part(id, &counts);
                self.changes.push(((behind, 1 + order), Change { kind: ChangeKind::Removed, before, after: None }));
            }
        }
    }
}
