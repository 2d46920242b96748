//! What becomes of the parameters and buffers: which tensors of one network's weights still load into the other.

use super::align::Pairs;
use crate::graph::{Graph, NodeId, Parameter, ParameterId};
use crate::items::Tree;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What becomes of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fate {
    /// It loads as it is.
    Kept,
    /// It loads under another key.
    Renamed,
    /// Its layer is there, and wants another shape.
    Reshaped,
    /// Only the second network has it.
    New,
    /// Only the first has it.
    Gone,
}

impl Fate {
    /// All, in the order in which they are told.
    pub const ALL: [Fate; 5] = [Fate::Kept, Fate::Renamed, Fate::Reshaped, Fate::New, Fate::Gone];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Fate::Kept => "kept",
            Fate::Renamed => "renamed",
            Fate::Reshaped => "reshaped",
            Fate::New => "new",
            Fate::Gone => "gone",
        }
    }
}

/// A parameter or buffer of either network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorChange {
    /// What becomes of it.
    pub fate: Fate,
    /// Key and sizes in the first network.
    pub before: Option<(Arc<str>, Vec<usize>)>,
    /// In the second.
    pub after: Option<(Arc<str>, Vec<usize>)>,
}

/// The tensors of both networks, in the order of the first, new ones behind.
pub(super) fn tensors(graphs: [&Graph; 2], trees: [&Tree<'_>; 2], pairs: &Pairs) -> Vec<TensorChange> {
    let [before, after] = graphs;
    let mut partner: HashMap<ParameterId, ParameterId> = HashMap::new();
    for (one, other) in pairs.after.iter().enumerate().filter_map(|(one, other)| Some((one, (*other)?))) {
        let nodes = |tree: &Tree<'_>, id: usize| tree.items.get(id).and_then(crate::items::Item::node);
        let [before_tree, after_tree] = trees;
        let (Some(one), Some(other)) = (nodes(before_tree, one), nodes(after_tree, other)) else { continue };
        let of_other = parameters(after, other);
        for (id, name) in parameters(before, one) {
            let found = of_other.iter().find(|(_, other)| *other == name);
            partner.extend(found.map(|(found, _)| (id, *found)));
        }
    }
    let mut taken: HashSet<ParameterId> = HashSet::new();
    let mut changes = Vec::new();
    for (index, parameter) in before.parameters.iter().enumerate() {
        let found = partner.get(&ParameterId(index as u32)).filter(|found| taken.insert(**found));
        let found = found.and_then(|found| after.parameter(*found));
        changes.push(change(Some(parameter), found));
    }
    let is_new = |index: &usize| !taken.contains(&ParameterId(*index as u32));
    let new = (0..after.parameters.len()).filter(is_new).filter_map(|index| after.parameters.get(index));
    changes.extend(new.map(|parameter| change(None, Some(parameter))));
    changes
}

/// The parameters of a layer by the last part of their keys.
fn parameters(graph: &Graph, node: NodeId) -> Vec<(ParameterId, String)> {
    let Some(node) = graph.dag.get(node) else { return Vec::new() };
    let named = node.parameters.iter().enumerate().filter_map(|(place, used)| {
        let parameter = graph.parameter(used.parameter)?;
        let prefix = format!("{}.", node.path);
        let keys = std::iter::once(&parameter.path).chain(&parameter.aliases);
        let name = keys.filter_map(|key| key.strip_prefix(&prefix)).next().map(str::to_owned);
        Some((used.parameter, name.unwrap_or_else(|| place.to_string())))
    });
    named.collect()
}

fn change(before: Option<&Parameter>, after: Option<&Parameter>) -> TensorChange {
    let fate = match (before, after) {
        (Some(before), Some(after)) if before.shape != after.shape => Fate::Reshaped,
        (Some(before), Some(after)) if after.has_key(&before.path) => Fate::Kept,
        (Some(_), Some(_)) => Fate::Renamed,
        (Some(_), None) => Fate::Gone,
        (None, _) => Fate::New,
    };
    let known = |parameter: &Parameter| (parameter.path.clone(), parameter.shape.clone());
    TensorChange { fate, before: before.map(known), after: after.map(known) }
}
