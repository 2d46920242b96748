//! The summary as the course prints it: `Conv2d output shape:<tab>torch.Size([1, 6, 28, 28])`, a line for each child of the
//! model.

use super::tree::name;
use cnnc_compiler::graph::{NodeId, ShapedGraph};
use cnnc_compiler::shape::Dim;
use std::collections::HashSet;
use std::sync::Arc;

/// The model's direct children at batch 1; a group is `Sequential`, a block call its block's name.
pub fn lines(shaped: &ShapedGraph) -> String {
    let graph = &shaped.graph;
    let Some(model) = graph.modules.first() else { return String::new() };
    let batches: HashSet<Arc<str>> =
        graph.inputs.iter().filter_map(|input| input.shape.first()).flat_map(Dim::symbols).collect();
    let children = model.children.iter().filter_map(|&child| graph.module(child));
    let lines = children.filter_map(|child| {
        let sizes = sizes(shaped, child.output?, &batches);
        Some(format!("{} output shape:\ttorch.Size([{sizes}])\n", name(graph, child)))
    });
    lines.collect()
}

/// `1, 6, 28, 28`; a symbol that is no batch stays.
fn sizes(shaped: &ShapedGraph, node: NodeId, batches: &HashSet<Arc<str>>) -> String {
    let one = |symbol: &str| batches.contains(symbol).then_some(1);
    let sizes = shaped.shape(node);
    let sizes = sizes.iter().map(|dim| dim.at(&one).map_or_else(|| dim.to_string(), |size| size.to_string()));
    sizes.collect::<Vec<_>>().join(", ")
}
