//! Takes element-wise work back across a `Reshape` or `Permute`, to where the kernel that made the values may take it.
//!
//! Fires where a `Map` reads one moved value and otherwise only single numbers and does not ask where an element lies, so that
//! this does not matter, where nothing else uses the value, and where there is, behind one or several movements, a kernel with an
//! epilogue or a `Map` to join. `Linear` on sequences ends in a reshape, `PixelShuffle` in a permutation, and both are often
//! followed by an activation. Never worse: the same work on as many elements, and a kernel less. Without one to join it could be:
//! a `Map` reads a permuted view as it lies, and so saves the copy that others need.

use super::{Note, done};
use crate::graph::NodeId;
use crate::kernels::{Kernel, KernelGraph, KernelNode, Reshape, elements};
use std::collections::HashSet;
use std::sync::Arc;

/// Moves every `Map` as far back as it goes, arguments first.
pub fn move_maps_back(graph: &mut KernelGraph) -> Vec<Note> {
    let mut notes = Vec::new();
    let constants = graph.constants();
    for id in graph.dag.order().unwrap_or_default() {
        let (mut map, mut first) = (id, true);
        while let Some((movement, slot)) = moved_operand(graph, map, &constants) {
            let place = graph.dag.get(map).map(|node| node.place()).unwrap_or_default();
            let text = format!("it is done before the {} of `{}`", name(graph, movement), graph.label(movement));
            let Some(earlier) = move_back(graph, map, movement, slot) else { break };
            if first {
                notes.push(done("move_maps_back", place, text));
            }
            (map, first) = (earlier, false);
        }
    }
    notes
}

fn name(graph: &KernelGraph, id: NodeId) -> &'static str {
    graph.dag.get(id).map_or("", |node| node.kernel.name())
}

/// The movement that a `Map` can be taken across, and the slot in which it stands.
fn moved_operand(graph: &KernelGraph, id: NodeId, constants: &HashSet<NodeId>) -> Option<(NodeId, usize)> {
    let node = graph.dag.get(id).filter(|node| matches!(&node.kernel, Kernel::Map(map) if !map.is_placed()))?;
    let arguments = graph.dag.arguments(id);
    let single = |argument: &NodeId| graph.dag.get(*argument).is_some_and(|node| elements(&node.shape) == Some(1));
    let mut large = arguments.iter().enumerate().filter(|(_, argument)| !single(argument));
    let (slot, &movement) = large.next()?;
    let moves = graph.dag.get(movement).is_some_and(|other| {
        matches!(other.kernel, Kernel::Reshape(Reshape) | Kernel::Permute(_)) && other.shape == node.shape
    });
    let fits = moves && !constants.contains(&id) && graph.only_user(movement) == Some(id);
    (fits && large.next().is_none() && joins(graph, movement)).then_some((movement, slot))
}

/// Whether there is a kernel behind the movement that could take a `Map`.
fn joins(graph: &KernelGraph, mut id: NodeId) -> bool {
    loop {
        let source = graph.dag.arguments(id).first().copied().filter(|&source| graph.only_user(source) == Some(id));
        let Some((source, node)) = source.and_then(|source| Some((source, graph.dag.get(source)?))) else {
            return false;
        };
        match node.kernel {
            Kernel::Reshape(Reshape) | Kernel::Permute(_) => id = source,
            Kernel::Map(_) => return true,
            _ => return node.kernel.takes_epilogue(),
        }
    }
}

/// The `Map` before the movement; users of the old `Map` use the movement from then on.
fn move_back(graph: &mut KernelGraph, map: NodeId, movement: NodeId, slot: usize) -> Option<NodeId> {
    let source = graph.dag.arguments(movement).first().copied()?;
    let shape = graph.dag.get(source)?.shape.clone();
    let mut arguments = graph.dag.arguments(map);
    let node = graph.dag.get(map)?.clone();
    for (at, argument) in arguments.iter_mut().enumerate() {
        *argument = if at == slot { source } else { single_of_rank(graph, *argument, shape.len(), &node.origins) };
    }
    graph.replace(map, movement);
    graph.dag.remove(map);
    let earlier = graph.dag.add(KernelNode { shape, ..node }, &arguments);
    graph.dag.set_arguments(movement, &[earlier]);
    Some(earlier)
}

/// A single number with as many axes as asked for.
fn single_of_rank(graph: &mut KernelGraph, value: NodeId, rank: usize, origins: &[Arc<str>]) -> NodeId {
    let fits = graph.dag.get(value).is_none_or(|node| node.shape.len() == rank);
    if fits { value } else { graph.add(Kernel::Reshape(Reshape), vec![1; rank], &[value], origins.to_vec()) }
}

#[cfg(test)]
mod tests {
    use super::move_maps_back;
    use crate::kernels::test_graph::{TestGraph, check_pass};
    use crate::kernels::{Expression, print};

    #[test]
    fn an_activation_reaches_the_product_before_a_reshape() {
        let (mut test, x) = TestGraph::new(&[6, 3]);
        let y = test.linear(x, 4);
        let y = test.layer("Tokens", |builder| {
            let tokens = builder.reshape(y, &[2, 3, 4]);
            builder.permute(tokens, &[0, 2, 1])
        });
        let slope = test.parameter("slope", &[1, 1, 1]);
        let y =
            test.layer("Scale", |builder| builder.map(&[y, slope], Expression::operand(0) * Expression::operand(1)));
        let mut graph = test.finish(y);
        let notes = check_pass(&mut graph, move_maps_back);
        insta::assert_snapshot!(print(&graph), @r"
        input input [6, 3]
        %0 = gemm(input, 0.weight) second transposed  [6, 4]  # 0 Linear
        %1 = map(%0, 0.bias) x0 + x1  [6, 4]  # 0 Linear
        %2 = map(%1, slope) x0 * x1  [6, 4]  # 2 Scale
        %3 = reshape(%2)  [2, 3, 4]  # 1 Tokens
        %4 = permute(%3) [0, 2, 1]  [2, 4, 3]  # 1 Tokens
        output output = %4
        ");
        assert_eq!(notes[0].text, "it is done before the permute of `1 Tokens`");
    }

    #[test]
    fn without_a_kernel_to_join_it_stays() {
        let (mut test, x) = TestGraph::new(&[2, 3, 4, 4]);
        let y = test.layer("Permute", |builder| builder.permute(x, &[0, 1, 3, 2]));
        let y = test.relu(y);
        let mut graph = test.finish(y);
        assert_eq!(check_pass(&mut graph, move_maps_back), []);
    }

    #[test]
    fn work_that_depends_on_the_place_stays() {
        let (mut test, x) = TestGraph::new(&[2, 12]);
        let y = test.layer("Reshape", |builder| builder.reshape(x, &[2, 3, 2, 2]));
        let y = test.batch_norm(y);
        let mut graph = test.finish(y);
        assert_eq!(check_pass(&mut graph, move_maps_back), []);
    }
}
