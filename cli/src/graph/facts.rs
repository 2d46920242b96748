//! What is said of every layer, and for which sizes: its arguments and shape as the spec has them, its costs as the summary
//! counts them.
//!
//! Costs need numbers. Where the spec leaves sizes open they are those of an example, which the drawing names; a batch that is
//! open counts as 1.

use cnnc_compiler::graph::{ModuleId, NodeId, NodeKind, ShapedGraph};
use cnnc_compiler::shape::{Dim, Shape};
use cnnc_compiler::summary::{Cost, ReceptiveField, Seen, summarize};
use cnnc_compiler::write_kernels::Bindings;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// What is said of one layer or join.
#[derive(Clone, Debug)]
pub struct Fact {
    /// Its path; of a nameless join that of the block around it.
    pub path: Arc<str>,
    /// The layer's name or the join's word.
    pub layer: &'static str,
    /// What it would be made with in PyTorch.
    pub arguments: String,
    /// Its output, as the spec leaves it open.
    pub shape: Shape,
    /// How its sizes follow from those that it takes, a line an axis, where a window passes over them.
    pub arithmetic: Vec<String>,
    /// What it costs.
    pub cost: Cost,
    /// What an element of its output sees, where that is more than one.
    pub receptive_field: Option<ReceptiveField>,
}

/// What is said of a network.
pub struct Facts {
    by_node: HashMap<NodeId, Fact>,
    /// All that it costs.
    pub cost: Cost,
    /// The sizes that costs are counted for, of the symbols that are open.
    pub sizes: Bindings,
}

impl Facts {
    /// Of all layers; costs at sizes of which some may be known.
    pub fn of_network(shaped: &ShapedGraph, known: &[(Arc<str>, i64)]) -> Facts {
        let mut sizes = example(shaped);
        sizes.extend(known.iter().filter_map(|(name, size)| Some((name.to_string(), usize::try_from(*size).ok()?))));
        let summary = summarize(shaped, &sizes, None);
        let graph = &shaped.graph;
        let layers = graph.dag.iter().filter_map(|(id, node)| match &node.kind {
            NodeKind::Operator(operator) => Some((id, node, operator)),
            NodeKind::Input(_) => None,
        });
        let by_node = layers.zip(&summary.rows).map(|((id, node, operator), row)| {
            let inputs: Vec<Shape> = graph.dag.arguments(id).into_iter().map(|input| shaped.shape(input)).collect();
            let told = |field: &ReceptiveField| [field.height, field.width] != [Seen::Elements(1); 2];
            let fact = Fact {
                path: node.path.clone(),
                layer: operator.name(),
                arguments: operator.describe(&inputs),
                shape: shaped.shape(id),
                arithmetic: shaped.arithmetic(id),
                cost: row.cost,
                receptive_field: row.receptive_field.filter(told),
            };
            (id, fact)
        });
        Facts { by_node: by_node.collect(), cost: summary.totals.cost, sizes }
    }

    /// Of one layer; nothing of an input.
    pub fn of(&self, node: NodeId) -> Option<&Fact> {
        self.by_node.get(&node)
    }

    /// The costs' sizes in words: `H = 224, W = 224`; empty where nothing but a batch is open.
    pub fn sizes_in_words(&self, shaped: &ShapedGraph) -> String {
        let batches = batches(shaped);
        let others = self.sizes.iter().filter(|(name, _)| !batches.iter().any(|batch| **batch == ***name));
        others.map(|(name, size)| format!("{name} = {size}")).collect::<Vec<_>>().join(", ")
    }

    /// A number for every module that those share which compute the same in the same shapes: layers, arguments, shapes, and
    /// what takes what. `around` are the modules around a node.
    pub fn signatures<'a>(
        &self,
        shaped: &ShapedGraph,
        around: &dyn Fn(NodeId) -> &'a [ModuleId],
    ) -> HashMap<ModuleId, u64> {
        let graph = &shaped.graph;
        let mut hashers: HashMap<ModuleId, (DefaultHasher, HashMap<NodeId, usize>)> = HashMap::new();
        for (id, node) in graph.dag.iter() {
            let NodeKind::Operator(operator) = &node.kind else { continue };
            let operator = format!("{operator:?}");
            let arguments = graph.dag.arguments(id);
            for module in around(id) {
                let start = graph.module(*module).map_or(0, |module| module.path.len());
                let (hasher, places) = hashers.entry(*module).or_default();
                (node.path.get(start..), &operator, shaped.shape(id)).hash(hasher);
                for argument in &arguments {
                    match places.get(argument) {
                        Some(place) => place.hash(hasher),
                        None => shaped.shape(*argument).hash(hasher),
                    }
                }
                places.insert(id, places.len());
            }
        }
        hashers.into_iter().map(|(module, (hasher, _))| (module, hasher.finish())).collect()
    }
}

/// Costs together.
pub fn total(costs: impl IntoIterator<Item = Cost>) -> Cost {
    let sum = |a: Option<u64>, b: Option<u64>| Some(a?.saturating_add(b?));
    let nothing = Cost { macs: Some(0), activation_bytes: Some(0), ..Cost::default() };
    costs.into_iter().fold(nothing, |total, cost| Cost {
        parameters: total.parameters.saturating_add(cost.parameters),
        buffers: total.buffers.saturating_add(cost.buffers),
        macs: sum(total.macs, cost.macs),
        activation_bytes: sum(total.activation_bytes, cost.activation_bytes),
    })
}

/// Sizes that fit for the symbols that are open.
fn example(shaped: &ShapedGraph) -> Bindings {
    let mut sizes = Bindings::new();
    for input in &shaped.graph.inputs {
        let example = shaped.sizes.example(&input.shape);
        for (dim, size) in input.shape.iter().zip(example.split(',')) {
            if let ([name], Ok(size)) = (dim.symbols().as_slice(), size.parse())
                && *dim == Dim::symbol(name)
            {
                sizes.entry(name.to_string()).or_insert(size);
            }
        }
    }
    sizes
}

/// The symbols that stand for a batch.
pub fn batches(shaped: &ShapedGraph) -> Vec<Arc<str>> {
    shaped.graph.inputs.iter().filter_map(|input| input.shape.first()).flat_map(Dim::symbols).collect()
}
