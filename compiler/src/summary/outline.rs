//! The table as an outline: every module with what all in it costs, and below it what stands in it.

use super::{Cost, ReceptiveField, Table, costs, receptive_field};
use crate::graph::{NodeId, ShapedGraph};
use crate::items::{ItemId, Kind, Tree};
use crate::shape::Shape;
use crate::write_kernels::Bindings;
use std::collections::HashMap;
use std::sync::Arc;

/// A module, a layer, or a join without a name.
#[derive(Clone, Debug, PartialEq)]
pub struct OutlineRow {
    /// How deep it stands: the model itself at 0, its children at 1.
    pub level: usize,
    /// Its path, as in a `state_dict`; a join without a name has the path of the module around it.
    pub path: Arc<str>,
    /// The layer's name, the join's word, `Sequential`, or the block's name.
    pub layer: Arc<str>,
    /// Whether there is more in it.
    pub is_group: bool,
    /// Whether it does nothing.
    pub is_identity: bool,
    /// The layers and joins in it, itself among them, in the order of [`costs`].
    pub nodes: Vec<NodeId>,
    /// What they cost together.
    pub cost: Cost,
    /// Its output's shape; symbols without a size stay.
    pub output: Shape,
    /// What an element of its output sees.
    pub receptive_field: Option<ReceptiveField>,
}

/// The model, and all modules, layers and joins in the order of the text, each group before what stands in it. `bindings` say
/// the sizes of symbols.
pub fn outline(shaped: &ShapedGraph, bindings: &Bindings) -> Vec<OutlineRow> {
    let tree = Tree::new(shaped);
    let table = Table::new(shaped, bindings);
    let order = shaped.graph.dag.order().unwrap_or_default();
    let fields = receptive_field::receptive_fields(shaped, &order, &|id| table.shape(id));
    let costs: HashMap<NodeId, Cost> = costs(shaped, bindings).into_iter().collect();
    let mut levels: HashMap<ItemId, usize> = HashMap::new();
    let mut rows = Vec::new();
    for id in tree.in_order() {
        let Some(item) = tree.items.get(id) else { continue };
        let level = item.parent.and_then(|parent| levels.get(&parent)).map_or(0, |level| level + 1);
        levels.insert(id, level);
        let nodes = tree.nodes(id);
        let of_nodes = nodes.iter().filter_map(|node| costs.get(node));
        rows.push(OutlineRow {
            level,
            path: item.path.clone(),
            layer: match item.kind {
                Kind::Group(word) => word.into(),
                Kind::Leaf(_, operator) => operator.name().into(),
            },
            is_group: matches!(item.kind, Kind::Group(_)),
            is_identity: matches!(item.kind, Kind::Leaf(_, operator) if operator.is_identity()),
            cost: of_nodes.fold(Cost::NOTHING, |sum, cost| sum.plus(*cost)),
            output: item.output.map(|node| table.shape(node)).unwrap_or_default(),
            receptive_field: item.output.and_then(|node| fields.get(node.index()).copied().flatten()),
            nodes,
        });
    }
    rows
}
