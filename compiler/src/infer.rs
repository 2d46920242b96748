//! Layer graph to shaped graph: asks every operator for its shape, and compares with what expansion saw.

use crate::diagnostic::{Code, Diagnostic, Label, Problems};
use crate::graph::{Contract, Graph, NodeId, NodeKind, PartialGraph, ShapedGraph, TraceId};
use crate::shape::{Relation, Requirements, Shape};
use crate::sizes;
use std::collections::HashMap;

/// Infers all shapes, checks the contracts and finds the sizes for which everything holds; the shapes are then those for such
/// sizes.
///
/// # Errors
/// With what is right of the network; `problems` says what is wrong.
pub fn infer(graph: Graph, problems: &mut Problems) -> Result<ShapedGraph, Box<PartialGraph>> {
    let mut requirements = graph.requirements.clone();
    let before = problems.error_count();
    let Some(shapes) = infer_shapes(&graph, &mut requirements, problems) else { return Err(PartialGraph::new(graph)) };
    let shape = |node: NodeId| shapes.get(node.index()).cloned().unwrap_or_default();
    check_contracts(&graph, &shape, &mut requirements, problems);
    if problems.error_count() > before {
        return Err(PartialGraph::new(graph));
    }
    match sizes::solve(&graph, &requirements) {
        Ok(sizes) => {
            let graph = Graph { requirements, ..graph };
            let shapes = shapes.into_iter().map(|shape| shape.exact(&|name| sizes.residue(name))).collect();
            Ok(ShapedGraph { graph, shapes, sizes })
        }
        Err(diagnostic) => {
            problems.add(*diagnostic);
            Err(PartialGraph::new(graph))
        }
    }
}

/// As [`infer`], where something is wrong already: the contracts of what is known are checked. What is not known breaks none,
/// and no sizes are looked for, since what is left out may ask for others.
pub fn infer_known(partial: &PartialGraph, problems: &mut Problems) {
    let graph = partial.graph();
    let shape = |node: NodeId| partial.shape(node).cloned().unwrap_or_default();
    check_contracts(graph, &shape, &mut graph.requirements.clone(), problems);
}

/// The shape of every node, by index.
fn infer_shapes(graph: &Graph, requirements: &mut Requirements, problems: &mut Problems) -> Option<Vec<Shape>> {
    let Some(order) = graph.dag.order() else {
        problems
            .add(Diagnostic::without_place(Code::E499, "the layers form a circle: this is a fault of the compiler"));
        return None;
    };
    let mut shapes: Vec<Shape> = Vec::new();
    for id in order {
        let Some(node) = graph.dag.get(id) else { continue };
        let shape = match &node.kind {
            NodeKind::Input(input) => graph.inputs.get(*input).map(|input| input.shape.clone()).unwrap_or_default(),
            NodeKind::Operator(op) => {
                let arguments = graph.dag.arguments(id);
                let inputs: Vec<Shape> = arguments
                    .iter()
                    .map(|argument| shapes.get(argument.index()).cloned().unwrap_or_default())
                    .collect();
                requirements.span = node.span;
                op.infer(&inputs, requirements).unwrap_or_default()
            }
        };
        if shape != node.shape {
            let message = format!("`{}` was {} when it was written out and is {shape} now", node.path, node.shape);
            problems.add(Diagnostic::new(Code::E499, message, node.span, "this is a fault of the compiler"));
            return None;
        }
        if shapes.len() <= id.index() {
            shapes.resize(id.index() + 1, Shape::default());
        }
        if let Some(place) = shapes.get_mut(id.index()) {
            // The node's own, which is in memory already.
            *place = node.shape.clone();
        }
    }
    Some(shapes)
}

/// Checks every contract; what symbols leave open becomes a requirement. A contract that a loop repeats is reported once.
fn check_contracts(
    graph: &Graph,
    shape: &dyn Fn(NodeId) -> Shape,
    requirements: &mut Requirements,
    problems: &mut Problems,
) {
    let mut reported = HashMap::new();
    for contract in &graph.contracts {
        let found = shape(contract.node);
        if reported.contains_key(&contract.span) {
            continue;
        }
        if let Some(diagnostic) = check_contract(graph, contract, &found, requirements) {
            reported.insert(contract.span, ());
            problems.add(diagnostic);
        }
    }
}

fn check_contract(
    graph: &Graph,
    contract: &Contract,
    found: &Shape,
    requirements: &mut Requirements,
) -> Option<Diagnostic> {
    let node = graph.dag.get(contract.node)?;
    let report = |message: String| {
        let expected: Vec<String> =
            contract.shape.iter().map(|size| size.as_ref().map_or("_".into(), ToString::to_string)).collect();
        let mut diagnostic =
            Diagnostic::new(Code::E305, message, contract.span, format!("expects [{}]", expected.join(", ")))
                .label(node.span, format!("gives {found}"));
        diagnostic.trace = trace_labels(graph, node.trace);
        diagnostic
    };
    if found.rank() != contract.shape.len() {
        return Some(report(format!("expected {} axes, and there are {}", contract.shape.len(), found.rank())));
    }
    requirements.span = contract.span;
    for (axis, (expected, size)) in contract.shape.iter().zip(found.iter()).enumerate() {
        let Some(expected) = expected else { continue };
        let reason = "the contract of `expect` must hold";
        match requirements.require(size, Relation::Equal, expected, reason) {
            Ok(true) => {}
            Ok(false) | Err(_) => {
                let name = axis_name(axis, found.rank());
                return Some(report(format!("{name} is {size}, and {expected} is expected")));
            }
        }
    }
    None
}

/// An axis as people call it: of four, batch, channels, height and width.
pub(crate) fn axis_name(axis: usize, rank: usize) -> String {
    match (rank, axis) {
        (4, 0) => "batch".into(),
        (4, 1) => "channels".into(),
        (4, 2) => "height".into(),
        (4, 3) => "width".into(),
        _ => format!("axis {axis}"),
    }
}

/// The calls and loops that led to a node, innermost first.
pub(crate) fn trace_labels(graph: &Graph, mut trace: Option<TraceId>) -> Vec<Label> {
    const SHOWN: usize = 8;
    let mut labels = Vec::new();
    while let Some(step) = trace.and_then(|id| graph.traces.get(id.0 as usize)).filter(|_| labels.len() < SHOWN) {
        labels.push(Label { span: step.span, text: step.kind.to_string() });
        trace = step.parent;
    }
    labels
}
