//! Takes away what computes nothing: dropout and `Identity` at inference, and movements that move nothing.
//!
//! Rules, each of which leaves fewer kernels or simpler ones, and the same numbers:
//! - `Map(x0)` of its own shape, `Reshape` to the same shape, `Permute` that permutes nothing, `Pad` by nothing, `Slice` of
//!   everything and `Concat` of one part are their argument;
//! - `Reshape` of a `Reshape` is one `Reshape`, `Permute` of a `Permute` one `Permute`;
//! - `Permute` that moves only axes of size 1 is a `Reshape`, which the planner makes a view;
//! - a transposed matrix is read as it lies by a kernel that can ([`Kernel::reading_transposed`]; `weight=encoder.weight.T`).

use super::{Note, done};
use crate::graph::NodeId;
use crate::kernels::{Expression, Kernel, KernelGraph, Pad, Permute, Reshape};

/// Applies the rules to every node, arguments first.
pub fn remove_identities(graph: &mut KernelGraph) -> Vec<Note> {
    let mut notes = Vec::new();
    for id in graph.dag.order().unwrap_or_default() {
        simplify(graph, id);
        read_transposed(graph, id);
        let Some(argument) = same_as(graph, id) else { continue };
        graph.replace(id, argument);
        if let Some(node) = graph.dag.remove(id) {
            let text = match node.kernel {
                Kernel::Map(_) => "it changes nothing at inference and is left out".into(),
                _ => format!("its {} moves nothing and is left out", node.kernel.name()),
            };
            notes.push(done("remove_identities", node.place(), text));
        }
    }
    notes
}

/// The argument that a node's value is equal to.
fn same_as(graph: &KernelGraph, id: NodeId) -> Option<NodeId> {
    let node = graph.dag.get(id)?;
    let first = graph.dag.arguments(id).first().copied()?;
    let argument = graph.dag.get(first)?;
    let nothing = match &node.kernel {
        Kernel::Map(expression) => *expression == Expression::Operand(0),
        Kernel::Reshape(Reshape) | Kernel::Slice(_) => true,
        Kernel::Permute(Permute { axes }) => axes.iter().copied().eq(0..axes.len()),
        Kernel::Pad(Pad { padding }) => padding.iter().all(|&pair| pair == (0, 0)),
        Kernel::Concat(_) => node.own_arguments == 1,
        _ => false,
    };
    (nothing && argument.shape == node.shape && argument.element == node.element).then_some(first)
}

/// Lets a kernel that can read a matrix as if it were transposed do so, where one is transposed only for it.
fn read_transposed(graph: &mut KernelGraph, id: NodeId) {
    for (slot, argument) in graph.dag.arguments(id).into_iter().enumerate() {
        let source = match graph.dag.get(argument).map(|node| &node.kernel) {
            Some(Kernel::Permute(Permute { axes })) if *axes == [1, 0] => {
                graph.dag.arguments(argument).first().copied()
            }
            _ => None,
        };
        let reading = graph.dag.get(id).and_then(|node| node.kernel.reading_transposed(slot));
        if let (Some(source), Some(kernel)) = (source, reading) {
            let mut arguments = graph.dag.arguments(id);
            if let Some(argument) = arguments.get_mut(slot) {
                *argument = source;
            }
            graph.dag.set_arguments(id, &arguments);
            set_kernel(graph, id, kernel);
        }
    }
}

/// Joins a movement with the one before it, and writes permutations as reshapes where they are.
fn simplify(graph: &mut KernelGraph, id: NodeId) {
    let Some(argument) = graph.dag.arguments(id).first().copied() else { return };
    let (Some(node), Some(inner)) = (graph.dag.get(id), graph.dag.get(argument)) else { return };
    let joined = match (&node.kernel, &inner.kernel) {
        (Kernel::Reshape(Reshape), Kernel::Reshape(Reshape)) => Some(Kernel::Reshape(Reshape)),
        (Kernel::Permute(Permute { axes }), Kernel::Permute(Permute { axes: before })) => {
            Some(Kernel::Permute(Permute { axes: axes.iter().filter_map(|&axis| before.get(axis).copied()).collect() }))
        }
        (Kernel::Permute(Permute { axes }), _) if keeps_order(axes, &inner.shape) => {
            return set_kernel(graph, id, Kernel::Reshape(Reshape));
        }
        _ => None,
    };
    if let (Some(kernel), Some(&source)) = (joined, graph.dag.arguments(argument).first()) {
        graph.dag.set_arguments(id, &[source]);
        set_kernel(graph, id, kernel);
        simplify(graph, id);
    }
}

fn set_kernel(graph: &mut KernelGraph, id: NodeId, kernel: Kernel) {
    if let Some(node) = graph.dag.get_mut(id) {
        node.kernel = kernel;
    }
}

/// Whether the axes that have more than one index stay in order.
fn keeps_order(axes: &[usize], shape: &[usize]) -> bool {
    let long: Vec<usize> = axes.iter().copied().filter(|&axis| shape.get(axis) != Some(&1)).collect();
    long.is_sorted()
}

#[cfg(test)]
mod tests {
    use super::remove_identities;
    use crate::kernels::test_graph::{TestGraph, check_pass};
    use crate::kernels::{Expression, print};

    #[test]
    fn dropout_and_empty_movements_vanish() {
        let (mut test, x) = TestGraph::new(&[2, 3, 4, 4]);
        let y = test.relu(x);
        let y = test.layer("Dropout", |builder| builder.map(&[y], Expression::operand(0)));
        let y = test.layer("Permute", |builder| builder.permute(y, &[0, 1, 2, 3]));
        let y = test.layer("ZeroPad2d", |builder| builder.pad(y, &[(0, 0); 4]));
        let y = test.layer("Narrow", |builder| builder.slice(y, 1, 0, 3));
        let y = test.concat(&[y]);
        let y = test.relu(y);
        let mut graph = test.finish(y);
        let notes = check_pass(&mut graph, remove_identities);
        insta::assert_snapshot!(print(&graph), @r"
        input input [2, 3, 4, 4]
        %0 = map(input) max(x0, 0)  [2, 3, 4, 4]  # 0 ReLU
        %1 = map(%0) max(x0, 0)  [2, 3, 4, 4]  # 6 ReLU
        output output = %1
        ");
        assert_eq!(notes.len(), 5);
        assert_eq!(notes[0].text, "it changes nothing at inference and is left out");
    }

    #[test]
    fn repetition_is_no_identity() {
        let (mut test, x) = TestGraph::new(&[1, 3, 1, 1]);
        let whole = test.input("whole", &[2, 3, 4, 4]);
        let y = test.layer("Repeat", |builder| builder.map(&[x, whole], Expression::operand(0)));
        let mut graph = test.finish(y);
        assert_eq!(check_pass(&mut graph, remove_identities), []);
    }

    #[test]
    fn products_read_transposed_operands() {
        let (mut test, x) = TestGraph::new(&[3, 2]);
        let weight = test.parameter("weight", &[3, 4]);
        let y = test.layer("Linear", |builder| {
            let (x, weight) = (builder.permute(x, &[1, 0]), builder.permute(weight, &[1, 0]));
            builder.gemm(x, false, weight, true)
        });
        let mut graph = test.finish(y);
        check_pass(&mut graph, remove_identities);
        check_pass(&mut graph, crate::passes::remove_dead);
        insta::assert_snapshot!(print(&graph), @r"
        input input [3, 2]
        %0 = gemm(input, weight) first transposed  [2, 4]  # 0 Linear
        output output = %0
        ");
    }

    #[test]
    fn movements_are_joined() {
        let (mut test, x) = TestGraph::new(&[2, 3, 1, 4]);
        let y = test.layer("Moves", |builder| {
            let turned = builder.permute(x, &[0, 3, 1, 2]);
            let turned = builder.permute(turned, &[0, 2, 3, 1]);
            let moved = builder.permute(turned, &[0, 2, 1, 3]);
            let flat = builder.reshape(moved, &[2, 12]);
            builder.reshape(flat, &[24])
        });
        let mut graph = test.finish(y);
        check_pass(&mut graph, remove_identities);
        check_pass(&mut graph, crate::passes::remove_dead);
        insta::assert_snapshot!(print(&graph), @r"
        input input [2, 3, 1, 4]
        %0 = reshape(input)  [24]  # 0 Moves
        output output = %0
        ");
    }
}
