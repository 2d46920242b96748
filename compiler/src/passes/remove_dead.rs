//! Takes away what no output needs. Inputs stay: they are part of what a caller gives.

use super::Note;
use crate::graph::NodeId;
use crate::kernels::{Kernel, KernelGraph};

/// Removes every node that no output depends on.
pub fn remove_dead(graph: &mut KernelGraph) -> Vec<Note> {
    let live = graph.live();
    let is_dead = |(id, kernel): &(NodeId, bool)| !live.contains(id) && !kernel;
    let nodes = graph.dag.iter().map(|(id, node)| (id, matches!(node.kernel, Kernel::Input(_))));
    let dead: Vec<NodeId> = nodes.filter(is_dead).map(|(id, _)| id).collect();
    for id in dead {
        graph.dag.remove(id);
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::remove_dead;
    use crate::kernels::print;
    use crate::kernels::test_graph::{TestGraph, check_pass};

    #[test]
    fn only_what_an_output_needs_stays() {
        let (mut test, x) = TestGraph::new(&[1, 2, 4, 4]);
        test.input("unused", &[1]);
        let y = test.relu(x);
        let dead = test.conv(y, 2, 3, true);
        test.relu(dead);
        let mut graph = test.finish(y);
        check_pass(&mut graph, remove_dead);
        insta::assert_snapshot!(print(&graph), @r"
        input input [1, 2, 4, 4]
        input unused [1]
        %0 = map(input) max(x0, 0)  [1, 2, 4, 4]  # 0 ReLU
        output output = %0
        ");
        assert_eq!(graph.dag.len(), 3);
    }
}
