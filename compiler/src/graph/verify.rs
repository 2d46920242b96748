//! Verifies a layer graph. What must hold, always:
//!
//! Graph
//! - there is no cycle;
//! - every output exists and has a name of its own; there is at least one;
//! - input `i` is the node `NodeKind::Input(i)` with the input's shape, and there is no other input node.
//!
//! Every node
//! - a join takes two values or more, a layer one, an input and a bare tensor none;
//! - no size of its shape is a negative number;
//! - it uses the parameters that its operator declares for its inputs, in that order, and each has that shape, transposed where
//!   the use says so;
//! - its trace exists.
//!
//! Parameters
//! - no key, alias or not, is given twice; given values are as many as the shape holds.
//!
//! Modules
//! - the first is the model, without name or parent; every other one is the child of exactly one, and comes after it;
//! - a path is the parent's path and the name; a layer's node exists and has the module's path.
//!
//! Traces and contracts
//! - the step before a step comes before it in the list; the value that a contract speaks of exists.

use super::{Graph, Initialiser, Module, ModuleKind, Node, NodeId, NodeKind, ParameterUse};
use crate::ops::Op;
use crate::shape::Shape;
use std::collections::HashSet;

/// Checks every invariant.
///
/// # Errors
/// A sentence about the first one that does not hold.
pub fn verify(graph: &Graph) -> Result<(), String> {
    ports(graph)?;
    let order = graph.dag.order().ok_or("the graph has a cycle")?;
    for id in order {
        if let Some(node) = graph.dag.get(id) {
            verify_node(graph, id, node).map_err(|text| format!("`{}`: {text}", node.path))?;
        }
    }
    parameters(graph)?;
    modules(graph)?;
    let mut traces = graph.traces.iter().enumerate();
    if traces.any(|(index, trace)| trace.parent.is_some_and(|parent| parent.0 as usize >= index)) {
        return Err("a trace leads to a later one".into());
    }
    match graph.contracts.iter().find(|contract| graph.dag.get(contract.node).is_none()) {
        Some(_) => Err("a contract speaks of a value that does not exist".into()),
        None => Ok(()),
    }
}

fn ports(graph: &Graph) -> Result<(), String> {
    for (index, input) in graph.inputs.iter().enumerate() {
        match graph.dag.get(input.node) {
            Some(node) if node.kind == NodeKind::Input(index) && node.shape == input.shape => {}
            _ => return Err(format!("input `{}` is not a node that is this input", input.name)),
        }
    }
    let mut names = HashSet::new();
    for output in &graph.outputs {
        if graph.dag.get(output.node).is_none() || !names.insert(&*output.name) {
            return Err(format!("output `{}` does not exist, or is there twice", output.name));
        }
    }
    if names.is_empty() { Err("there is no output".into()) } else { Ok(()) }
}

fn verify_node(graph: &Graph, id: NodeId, node: &Node) -> Result<(), String> {
    if node.shape.iter().any(|size| size.number().is_some_and(|number| number < 0)) {
        return Err(format!("its shape is {}", node.shape));
    }
    if node.trace.is_some_and(|trace| trace.0 as usize >= graph.traces.len()) {
        return Err("its trace does not exist".into());
    }
    let arguments = graph.dag.arguments(id);
    match &node.kind {
        NodeKind::Input(input) => match graph.inputs.get(*input) {
            Some(port) if port.node == id && arguments.is_empty() && node.parameters.is_empty() => Ok(()),
            _ => Err("an input that the graph does not list".into()),
        },
        NodeKind::Operator(op) => {
            let is_join = crate::ops::join(op.name()).is_some();
            let second = crate::ops::layer(op.name()).is_some_and(|entry| entry.second.is_some());
            let fits = match (is_join, op.takes_input()) {
                (true, _) => arguments.len() >= 2,
                (false, true) => arguments.len() == 1 + usize::from(second),
                (false, false) => arguments.is_empty(),
            };
            if !fits {
                return Err(format!("takes {} values", arguments.len()));
            }
            let shape = |id: &NodeId| graph.dag.get(*id).map(|node| node.shape.clone()).unwrap_or_default();
            node_parameters(graph, node, op, &arguments.iter().map(shape).collect::<Vec<_>>())
        }
    }
}

fn node_parameters(graph: &Graph, node: &Node, op: &Op, inputs: &[Shape]) -> Result<(), String> {
    let declared = op.parameters(inputs).map_err(|_| "refuses its inputs")?;
    if declared.len() != node.parameters.len() {
        return Err(format!("declares {} parameters and uses {}", declared.len(), node.parameters.len()));
    }
    for (declaration, ParameterUse { parameter, transposed }) in declared.iter().zip(&node.parameters) {
        let Some(parameter) = graph.parameter(*parameter) else {
            return Err("uses a parameter that does not exist".into());
        };
        let mut shape = parameter.shape.clone();
        if *transposed {
            shape.reverse();
        }
        if shape != declaration.shape {
            return Err(format!("needs {:?} as {} and gets {shape:?}", declaration.shape, declaration.name));
        }
    }
    Ok(())
}

fn parameters(graph: &Graph) -> Result<(), String> {
    let mut keys = HashSet::new();
    for parameter in &graph.parameters {
        for key in std::iter::once(&parameter.path).chain(&parameter.aliases) {
            if !keys.insert(&**key) {
                return Err(format!("the key `{key}` is given twice"));
            }
        }
        if let Initialiser::Values(values) = &parameter.initialiser
            && values.len() != parameter.shape.iter().product::<usize>()
        {
            return Err(format!("`{}` has {} numbers for {:?}", parameter.path, values.len(), parameter.shape));
        }
    }
    Ok(())
}

fn modules(graph: &Graph) -> Result<(), String> {
    match graph.modules.first() {
        Some(root) if root.path.is_empty() => {}
        _ => return Err("the first module is not the model".into()),
    }
    let mut is_child = vec![false; graph.modules.len()];
    for (index, module) in graph.modules.iter().enumerate() {
        for child in &module.children {
            let position = child.0 as usize;
            let (Some(child), Some(seen)) = (graph.modules.get(position), is_child.get_mut(position)) else {
                return Err(format!("a child of `{}` does not exist", module.path));
            };
            if std::mem::replace(seen, true) || position <= index {
                return Err(format!("`{}` has two parents, or comes before its own", child.path));
            }
            if !is_path_of(child, module) {
                return Err(format!("`{}` is no child `{}` of `{}`", child.path, child.name(), module.path));
            }
        }
        if let ModuleKind::Layer(node) = module.kind
            && graph.dag.get(node).is_none_or(|node| node.path != module.path)
        {
            return Err(format!("the layer `{}` is another node", module.path));
        }
    }
    match is_child.iter().skip(1).position(|seen| !seen) {
        Some(orphan) => Err(format!("module {} has no parent", orphan + 1)),
        None => Ok(()),
    }
}

fn is_path_of(child: &Module, parent: &Module) -> bool {
    match parent.path.is_empty() {
        true => &*child.path == child.name(),
        false => child.path.strip_prefix(&*parent.path).and_then(|rest| rest.strip_prefix('.')) == Some(child.name()),
    }
}
