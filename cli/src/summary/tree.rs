//! The network as PyTorch's `print(net)` shows it: nested modules with their arguments.
//!
//! Bare parameters are no modules there, and so do not occur.

use cnnc_compiler::graph::{Graph, Module, ModuleKind, NodeId, NodeKind, ShapedGraph};
use cnnc_compiler::ops::Op;
use cnnc_compiler::shape::Shape;

/// The tree down to `depth`, all of it for `None`.
pub fn tree(shaped: &ShapedGraph, depth: Option<usize>) -> String {
    let Some(model) = shaped.graph.modules.first() else { return String::new() };
    let mut text = String::new();
    module(shaped, model, 0, depth.unwrap_or(usize::MAX), &mut text);
    text + "\n"
}

/// `Name(` children `)`, from where the text stands.
fn module(shaped: &ShapedGraph, module_: &Module, level: usize, depth: usize, text: &mut String) {
    let graph = &shaped.graph;
    *text += &format!("{}(", name(graph, module_));
    if let ModuleKind::Layer(node) = module_.kind {
        *text += &arguments(shaped, node);
    }
    let children = module_.children.iter().filter_map(|&child| graph.module(child));
    let children: Vec<&Module> = children.filter(|child| is_module(graph, child)).collect();
    if level < depth && !children.is_empty() {
        for child in children {
            *text += &format!("\n{}({}): ", "  ".repeat(level + 1), child.name());
            module(shaped, child, level + 1, depth, text);
        }
        *text += &format!("\n{}", "  ".repeat(level));
    }
    text.push(')');
}

/// What the layer would be made with in PyTorch.
fn arguments(shaped: &ShapedGraph, node: NodeId) -> String {
    let inputs: Vec<Shape> = shaped.graph.dag.arguments(node).into_iter().map(|input| shaped.shape(input)).collect();
    operator(&shaped.graph, node).map(|operator| operator.describe(&inputs)).unwrap_or_default()
}

/// Whether PyTorch would have a module for it: a bare tensor is a parameter of the module around it.
fn is_module(graph: &Graph, module: &Module) -> bool {
    match module.kind {
        ModuleKind::Layer(node) => operator(graph, node).is_none_or(Op::takes_input),
        ModuleKind::Call(_) | ModuleKind::Sequential | ModuleKind::Join(_) => true,
    }
}

/// The class that PyTorch would show: the layer, `Sequential`, the join's word or the block's name.
pub fn name<'a>(graph: &'a Graph, module: &'a Module) -> &'a str {
    match &module.kind {
        ModuleKind::Call(name) => name,
        ModuleKind::Sequential => "Sequential",
        ModuleKind::Join(word) => word,
        ModuleKind::Layer(node) => operator(graph, *node).map_or("", Op::name),
    }
}

fn operator(graph: &Graph, node: NodeId) -> Option<&Op> {
    match &graph.dag.get(node)?.kind {
        NodeKind::Operator(operator) => Some(operator),
        NodeKind::Input(_) => None,
    }
}
