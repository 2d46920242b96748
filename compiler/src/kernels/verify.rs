//! Verifies a kernel graph. What must hold, always:
//!
//! Graph
//! - there is no cycle;
//! - every output exists; input port `i` is the node `Kernel::Input(i)`, and there is no other input node;
//! - a parameter node names a parameter of the list and has its shape and type;
//! - an update gives a parameter of the list a node of its shape and type, and no parameter has two.
//!
//! Every node
//! - it has as many arguments as it says are its kernel's own, and those of its epilogue after them;
//! - the number of own arguments is the kernel's ([`Definition::arity`]);
//! - its elements can be counted in 44 bits;
//! - its shape is what the kernel makes of its arguments' shapes ([`Definition::fits`], which the builder does not ask).
//!
//! Types
//! - a value is stored as what its kernel computes in;
//! - what only moves elements ([`Kernel::moves`]) keeps the type of its arguments;
//! - a `Map` computes what its type can, of operands of types that it may meet ([`Expression::check_types`]);
//! - every other kernel, its epilogue too, computes float32 of float32.
//!
//! Expressions
//! - a `Map` names only operands and axes that it has, and every argument is broadcast to the node's rank and shape;
//! - an epilogue stands only behind a kernel that takes one, names only the result and its own operands, which are broadcast
//!   likewise, and does not ask where an element lies: kernels have layouts of their own;
//! - neither is deeper than [`MAX_DEPTH`], since passes and back ends walk expressions by recursion.

#[cfg(test)]
mod tests;

use super::{Definition, Expression, Kernel, KernelGraph, KernelNode};
use crate::element::ElementType;
use crate::graph::NodeId;
use std::collections::HashSet;

/// The most operations inside each other.
pub const MAX_DEPTH: usize = 256;

/// The most elements of a value: far past any memory, and no sum of the bytes of a hundred thousand of them overflows.
pub const MAX_ELEMENTS: usize = 1 << 43;

/// Checks every invariant.
///
/// # Errors
/// A sentence about the first one that does not hold.
pub fn verify(graph: &KernelGraph) -> Result<(), String> {
    ports(graph)?;
    let order = graph.dag.order().ok_or("the graph has a cycle")?;
    for id in order {
        if let Some(node) = graph.dag.get(id) {
            verify_node(graph, id, node)
                .map_err(|text| format!("{} of `{}`: {text}", node.kernel.name(), graph.label(id)))?;
        }
    }
    Ok(())
}

fn ports(graph: &KernelGraph) -> Result<(), String> {
    for (index, port) in graph.inputs.iter().enumerate() {
        match graph.dag.get(port.node).map(|node| &node.kernel) {
            Some(Kernel::Input(number)) if *number == index => {}
            _ => return Err(format!("input `{}` is not a node that is this input", port.name)),
        }
    }
    match graph.outputs.iter().find(|port| graph.dag.get(port.node).is_none()) {
        Some(port) => Err(format!("output `{}` does not exist", port.name)),
        None => updates(graph),
    }
}

fn updates(graph: &KernelGraph) -> Result<(), String> {
    let mut seen = HashSet::new();
    for update in &graph.updates {
        let Some(parameter) = graph.parameters.get(update.parameter.0 as usize) else {
            return Err(format!("parameter {} does not exist and is updated", update.parameter.0));
        };
        let node = graph.dag.get(update.node);
        let fits = node.is_some_and(|node| node.shape == parameter.shape);
        ensure(fits, || format!("`{}` is updated by no value of its shape", parameter.path))?;
        let fits = node.is_some_and(|node| node.element == parameter.element);
        ensure(fits, || format!("`{}` is updated by no value of its type", parameter.path))?;
        ensure(seen.insert(update.parameter), || format!("`{}` is updated twice", parameter.path))?;
    }
    Ok(())
}

fn verify_node(graph: &KernelGraph, id: NodeId, node: &KernelNode) -> Result<(), String> {
    let arguments = graph.dag.arguments(id);
    let shapes: Vec<&[usize]> =
        arguments.iter().filter_map(|&argument| graph.dag.get(argument)).map(|node| node.shape.as_slice()).collect();
    let Some((own, others)) = shapes.split_at_checked(node.own_arguments) else {
        return Err(format!("{} arguments where {} are its kernel's", shapes.len(), node.own_arguments));
    };
    let count = node.elements().filter(|&count| count <= MAX_ELEMENTS);
    ensure(count.is_some(), || format!("the shape {:?} is past counting", node.shape))?;
    arity(graph, id, &node.kernel, own.len())?;
    shape_rule(graph, node, own)?;
    epilogue(node, others)?;
    let elements: Vec<ElementType> = arguments.iter().filter_map(|&argument| graph.element(argument)).collect();
    types(graph, node, &elements)
}

/// What the elements of a node and of its arguments are.
fn types(graph: &KernelGraph, node: &KernelNode, arguments: &[ElementType]) -> Result<(), String> {
    let of_all = |element: ElementType| arguments.iter().all(|&argument| argument == element);
    let fits = match &node.kernel {
        Kernel::Input(_) => true,
        Kernel::Parameter(id) => {
            graph.parameters.get(id.0 as usize).is_some_and(|parameter| parameter.element == node.element)
        }
        Kernel::Map(expression) => return map_types(node, expression, arguments),
        kernel if kernel.moves() => of_all(node.element),
        kernel if kernel.takes_bytes() => {
            let weights = arguments.get(1..node.own_arguments).unwrap_or_default();
            let others = arguments.iter().chain([&node.element]);
            others.map(|element| element.computed()).all(|element| element == ElementType::Float32)
                && weights.iter().all(|&element| element == ElementType::Float32)
        }
        _ => node.element == ElementType::Float32 && of_all(ElementType::Float32),
    };
    ensure(fits && node.compute == node.element.computed(), || {
        format!("it makes {} of {arguments:?}, computed in {}", node.element, node.compute)
    })
}

fn map_types(node: &KernelNode, expression: &Expression, arguments: &[ElementType]) -> Result<(), String> {
    ensure(node.compute == node.element.computed(), || format!("{} is stored as {}", node.compute, node.element))?;
    expression.check_types(node.compute, arguments)
}

fn arity(graph: &KernelGraph, id: NodeId, kernel: &Kernel, own: usize) -> Result<(), String> {
    ensure(kernel.arity().contains(&own), || format!("{own} arguments of its own"))?;
    match kernel {
        Kernel::Input(index) => {
            let here = graph.inputs.get(*index).is_some_and(|port| port.node == id);
            ensure(here, || format!("input {index} is not in the list of inputs"))
        }
        _ => Ok(()),
    }
}

fn shape_rule(graph: &KernelGraph, node: &KernelNode, own: &[&[usize]]) -> Result<(), String> {
    let shape = node.shape.as_slice();
    let fits = match &node.kernel {
        Kernel::Parameter(parameter) => {
            graph.parameters.get(parameter.0 as usize).is_some_and(|entry| entry.shape == shape)
        }
        Kernel::Map(expression) => return map(expression, shape, own),
        kernel => kernel.fits(shape, own),
    };
    ensure(fits, || format!("the shape {shape:?} does not follow from {own:?}"))
}

/// A `Map` names what there is, and every operand can be repeated to its shape.
fn map(expression: &Expression, shape: &[usize], operands: &[&[usize]]) -> Result<(), String> {
    expression_fits(expression, operands.len(), shape.len())?;
    broadcast(shape, operands)
}

fn epilogue(node: &KernelNode, operands: &[&[usize]]) -> Result<(), String> {
    let Some(expression) = &node.epilogue else {
        return ensure(operands.is_empty(), || format!("{} operands for no epilogue", operands.len()));
    };
    ensure(node.kernel.takes_epilogue(), || "an epilogue behind a kernel that takes none".into())?;
    ensure(!expression.is_placed(), || "an epilogue that asks where its elements lie".into())?;
    expression_fits(expression, operands.len() + 1, node.shape.len())?;
    broadcast(&node.shape, operands)
}

fn expression_fits(expression: &Expression, operands: usize, axes: usize) -> Result<(), String> {
    let mut rest = vec![(expression, 0)];
    while let Some((part, depth)) = rest.pop() {
        match part {
            _ if depth > MAX_DEPTH => return Err(format!("an expression {} deep", expression.depth())),
            Expression::Index(axis) if *axis >= axes => {
                return Err("an index along an axis that there is not".into());
            }
            Expression::Operand(index) if *index >= operands => {
                return Err(format!("x{index} is named and there are {operands} operands"));
            }
            _ => rest.extend(part.children().map(|child| (child, depth + 1))),
        }
    }
    Ok(())
}

fn broadcast(shape: &[usize], operands: &[&[usize]]) -> Result<(), String> {
    match operands.iter().find(|operand| !Expression::operand(0).fits(shape, &[operand])) {
        Some(operand) => Err(format!("{operand:?} cannot be repeated to {shape:?}")),
        None => Ok(()),
    }
}

fn ensure(holds: bool, text: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(text()) }
}
