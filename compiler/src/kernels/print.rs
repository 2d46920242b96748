//! Prints a kernel graph: a line a value, in order. The same graph always gives the same text.
//!
//! ```text
//! input [1, 1, 28, 28]
//! %0 = conv(input, 0.weight) 5x5 before 2 then max(x0 + x1, 0), x1 = 0.bias  [1, 6, 28, 28]  # 0 Conv2d + 1 ReLU
//! output = %0
//! ```
//!
//! Values are numbered as they come, constants just before their first use; inputs and parameters go by their names, reshaped
//! parameters too. In the expression after `then`, `x0` is the kernel's
//! result, the others are listed; in a `map`, `x0`, `x1`, … are the arguments. What elements are follows a shape where it is not
//! float32.

use super::{Kernel, KernelGraph, KernelNode};
use crate::element::ElementType;
use crate::graph::NodeId;
use std::collections::HashMap;
use std::fmt::Write;

/// The text of a graph.
pub fn print(graph: &KernelGraph) -> String {
    let mut text = String::new();
    let mut names: HashMap<NodeId, String> = HashMap::new();
    for port in &graph.inputs {
        let Some(node) = graph.dag.get(port.node) else { continue };
        let _ = writeln!(text, "input {} {:?}{}", port.name, node.shape, named(node.element));
    }
    let mut count = 0;
    for id in by_first_use(graph) {
        let Some(node) = graph.dag.get(id) else { continue };
        if let Some(leaf) = leaf(graph, id, node) {
            names.insert(id, graph.label(leaf));
            continue;
        }
        let name = format!("%{count}");
        count += 1;
        let arguments = graph.dag.arguments(id);
        let called: Vec<&str> =
            arguments.iter().map(|argument| names.get(argument).map_or("?", String::as_str)).collect();
        let (element, label) = (named(node.element), node.label());
        let _ = writeln!(text, "{name} = {}  {:?}{element}  # {label}", call(node, &called), node.shape);
        names.insert(id, name);
    }
    let name = |node: &NodeId| names.get(node).map_or("?", String::as_str);
    for port in &graph.outputs {
        let _ = writeln!(text, "output {} = {}", port.name, name(&port.node));
    }
    for update in &graph.updates {
        let path = graph.parameters.get(update.parameter.0 as usize).map_or("?", |parameter| &*parameter.path);
        let _ = writeln!(text, "update {path} = {}", name(&update.node));
    }
    text
}

/// What elements are, after a shape; nothing of float32.
pub(crate) fn named(element: ElementType) -> String {
    if element == ElementType::Float32 { String::new() } else { format!(" {element}") }
}

/// All nodes, arguments before users, constants as late as possible.
fn by_first_use(graph: &KernelGraph) -> Vec<NodeId> {
    let order = graph.dag.order().unwrap_or_default();
    let constants = graph.constants();
    let mut places: HashMap<NodeId, usize> = order.iter().enumerate().map(|(place, &id)| (id, place)).collect();
    for id in order.iter().rev().filter(|id| constants.contains(id)) {
        let first = graph.dag.uses(*id).into_iter().filter_map(|(user, _)| places.get(&user).copied()).min();
        if let (Some(first), Some(place)) = (first, places.get_mut(id)) {
            *place = first;
        }
    }
    let mut sorted: Vec<NodeId> = order;
    sorted.sort_by_key(|id| places.get(id).copied());
    sorted
}

/// The input or parameter by whose name a node goes.
fn leaf(graph: &KernelGraph, id: NodeId, node: &KernelNode) -> Option<NodeId> {
    let source = graph.dag.arguments(id).first().copied();
    match node.kernel {
        Kernel::Input(_) | Kernel::Parameter(_) => Some(id),
        Kernel::Reshape(_) => source
            .filter(|&source| matches!(graph.dag.get(source).map(|node| &node.kernel), Some(Kernel::Parameter(_)))),
        _ => None,
    }
}

/// `conv(%1, 0.weight) 3x3 then max(x0, 0)`
fn call(node: &KernelNode, arguments: &[&str]) -> String {
    let (own, others) = arguments.split_at_checked(node.own_arguments).unwrap_or((arguments, &[]));
    let mut text = format!("{}({})", node.kernel.name(), own.join(", "));
    text += &node.kernel.details();
    if let Some(epilogue) = &node.epilogue {
        let _ = write!(text, " then {epilogue}");
        for (index, operand) in others.iter().enumerate() {
            let _ = write!(text, ", x{} = {operand}", index + 1);
        }
    }
    text
}

/// `2`, or `2x1`.
pub(crate) fn pair([height, width]: [usize; 2]) -> String {
    if height == width { height.to_string() } else { format!("{height}x{width}") }
}

#[cfg(test)]
mod tests {
    use super::print;
    use crate::kernels::test_graph::TestGraph;
    use crate::kernels::{AxisWindow, Divisor, Expression, PoolAxis, Pooling};

    #[test]
    fn values_are_numbered_and_parameters_named() {
        let (mut test, x) = TestGraph::new(&[1, 1, 8, 8]);
        let y = test.conv(x, 2, 3, true);
        let y = test.relu(y);
        let axis = |kernel| PoolAxis::Sliding(AxisWindow { kernel, stride: 2, dilation: 1, before: 1 });
        let mean = Pooling::Mean(Divisor::Padded { after: [1, 0] });
        let y = test.layer("AvgPool2d", |builder| builder.pool(y, [axis(3), axis(2)], mean, [4, 4]));
        let y = test.layer("Flatten", |builder| builder.reshape(y, &[1, 32]));
        let y = test.linear(y, 3);
        let mut graph = test.finish(y);
        let last = graph.dag.get_mut(y).unwrap();
        last.kernel = crate::kernels::Kernel::Reduce(crate::kernels::Reduce {
            reduction: crate::kernels::Reduction::Sum,
            axes: vec![false, true],
        });
        (last.own_arguments, last.epilogue) = (1, Some(Expression::operand(0) - Expression::operand(1)));
        insta::assert_snapshot!(print(&graph), @r"
        input input [1, 1, 8, 8]
        %0 = conv(input, 0.weight) 3x3 before 1  [1, 2, 8, 8]  # 0 Conv2d
        %1 = map(%0, 0.bias) x0 + x1  [1, 2, 8, 8]  # 0 Conv2d
        %2 = map(%1) max(x0, 0)  [1, 2, 8, 8]  # 1 ReLU
        %3 = pool_mean(%2) 3x2 stride 2 before 1 padding counted, after 1x0  [1, 2, 4, 4]  # 2 AvgPool2d
        %4 = reshape(%3)  [1, 32]  # 3 Flatten
        %5 = gemm(%4, 4.weight) second transposed  [1, 3]  # 4 Linear
        %6 = reduce_sum(%5) over [1] then x0 - x1, x1 = 4.bias  [1, 3]  # 4 Linear
        output output = %6
        ");
    }
}
