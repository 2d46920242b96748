//! Computes what is computed twice once: two nodes with the same kernel, epilogue and arguments are one.
//!
//! Never worse at inference: a value is kept a little longer, and a kernel is gone. It also joins users, so that what two
//! branches begin alike (a ReLU in each) no longer keeps the kernel before it from taking its epilogue.

use super::{Note, done};
use crate::graph::NodeId;
use crate::kernels::{Kernel, KernelGraph, KernelNode};
use std::collections::HashMap;

/// Joins equal nodes, arguments first, so that equal chains become one.
pub fn share_common(graph: &mut KernelGraph) -> Vec<Note> {
    let mut notes = Vec::new();
    let mut gone = Vec::new();
    let constants = graph.constants();
    let mut seen: HashMap<(Vec<NodeId>, &'static str), Vec<NodeId>> = HashMap::new();
    for id in graph.dag.order().unwrap_or_default() {
        let Some(node) = graph.dag.get(id) else { continue };
        if matches!(node.kernel, Kernel::Input(_) | Kernel::Parameter(_)) {
            continue;
        }
        let candidates = seen.entry((graph.dag.arguments(id), node.kernel.name())).or_default();
        let same =
            candidates.iter().copied().find(|&other| graph.dag.get(other).is_some_and(|other| is_same(other, node)));
        let Some(first) = same else {
            candidates.push(id);
            continue;
        };
        let origins = node.origins.clone();
        let name = node.kernel.name();
        let text = format!("its {name} is the same as that of `{}` and is computed once", graph.label(first));
        if !constants.contains(&id) {
            notes.push(done("share_common", node.place(), text));
        }
        graph.replace(id, first);
        if let Some(kept) = graph.dag.get_mut(first) {
            kept.add_origins(&origins);
        }
        gone.push(id);
    }
    // The newest users of a value are found first, so this order takes each out at once.
    for id in gone.into_iter().rev() {
        graph.dag.remove(id);
    }
    notes
}

fn is_same(a: &KernelNode, b: &KernelNode) -> bool {
    let types = |node: &KernelNode| (node.element, node.compute);
    (&a.kernel, &a.epilogue, a.own_arguments, &a.shape) == (&b.kernel, &b.epilogue, b.own_arguments, &b.shape)
        && types(a) == types(b)
}

#[cfg(test)]
mod tests {
    use super::share_common;
    use crate::kernels::print;
    use crate::kernels::test_graph::{TestGraph, check_pass};

    #[test]
    fn equal_chains_become_one() {
        let (mut test, x) = TestGraph::new(&[1, 2, 4, 4]);
        let a = test.relu(x);
        let a = test.max_pool(a);
        let b = test.relu(x);
        let b = test.max_pool(b);
        let sum = test.sum(a, b);
        let mut graph = test.finish(sum);
        let notes = check_pass(&mut graph, share_common);
        insta::assert_snapshot!(print(&graph), @r"
        input input [1, 2, 4, 4]
        %0 = map(input) max(x0, 0)  [1, 2, 4, 4]  # 0 ReLU + 2 ReLU
        %1 = pool_max(%0) 2x2 stride 2  [1, 2, 2, 2]  # 1 MaxPool2d + 3 MaxPool2d
        %2 = map(%1, %1) x0 + x1  [1, 2, 2, 2]  # 4 sum
        output output = %2
        ");
        assert_eq!(notes[0].text, "its map is the same as that of `0 ReLU` and is computed once");
    }

    #[test]
    fn layers_of_other_parameters_stay_apart() {
        let (mut test, x) = TestGraph::new(&[1, 2, 4, 4]);
        let a = test.conv(x, 2, 3, false);
        let b = test.conv(x, 2, 3, false);
        let sum = test.sum(a, b);
        let mut graph = test.finish(sum);
        assert_eq!(check_pass(&mut graph, share_common), []);
    }
}
