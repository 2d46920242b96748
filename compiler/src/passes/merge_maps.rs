//! Makes one kernel of `Map`s that follow each other.
//!
//! A `Map` is written out inside the `Map` that uses it when nothing else uses it, both have the same shape (else the work would
//! be repeated for every repeated element), and both are constants or neither is (else work would move from `prepare` into
//! `run`). When the user takes it several times, as `x·sigmoid(x)` does, what is then computed again must be cheap; and the whole
//! has at most
//! [`MAX_OPERATIONS`](super::formula) operations. Never worse: one value less is written and read.

use super::formula::Formula;
use super::{Note, done, left};
use crate::graph::NodeId;
use crate::kernels::KernelGraph;
use std::collections::HashSet;

/// Merges into every `Map` what can be, arguments first.
pub fn merge_maps(graph: &mut KernelGraph) -> Vec<Note> {
    let mut notes = Vec::new();
    let constants = graph.constants();
    for id in graph.dag.order().unwrap_or_default() {
        let Some(place) = graph.dag.get(id).map(|node| node.place()) else { continue };
        while let Some((inner, formula)) = next(graph, id, &constants, &mut notes) {
            let merged = graph.dag.get(inner).map(|node| node.origins.clone()).unwrap_or_default();
            let text = format!("it is one kernel with what `{}` does element by element", graph.label(inner));
            formula.write_map(graph, id);
            graph.dag.remove(inner);
            if let Some(node) = graph.dag.get_mut(id) {
                let own = std::mem::replace(&mut node.origins, merged);
                node.add_origins(&own);
            }
            if !constants.contains(&id) {
                notes.push(done("merge_maps", place.clone(), text));
            }
        }
    }
    notes
}

/// An operand that can be merged into the `Map`, and the formula of both. The last call for a node notes what was left.
fn next(
    graph: &KernelGraph,
    id: NodeId,
    constants: &HashSet<NodeId>,
    notes: &mut Vec<Note>,
) -> Option<(NodeId, Formula)> {
    let outer = Formula::of_map(graph, id)?;
    let node = graph.dag.get(id)?;
    let mut reasons = Vec::new();
    for &operand in &outer.operands {
        let same_shape = graph.dag.get(operand).is_some_and(|other| other.shape == node.shape);
        let same_type = graph.dag.get(operand).is_some_and(|other| other.compute == node.compute);
        let alike = same_type && constants.contains(&operand) == constants.contains(&id);
        if !alike || !same_shape || graph.only_user(operand) != Some(id) {
            continue;
        }
        let Some(inner) = Formula::of_map(graph, operand) else { continue };
        match outer.may_inline(operand, &inner.expression) {
            Ok(()) => return Some((operand, outer.inline(operand, &inner))),
            Err(why) => {
                reasons.push(left("merge_maps", node.place(), format!("`{}` stays apart: {why}", graph.label(operand))))
            }
        }
    }
    notes.extend(reasons);
    None
}

#[cfg(test)]
mod tests {
    use super::merge_maps;
    use crate::kernels::test_graph::{TestGraph, check_pass};
    use crate::kernels::{Expression, print};

    #[test]
    fn a_chain_becomes_one_kernel() {
        let (mut test, x) = TestGraph::new(&[1, 2, 4, 4]);
        let other = test.relu(x);
        let y = test.batch_norm(x);
        let y = test.relu(y);
        let y = test.sum(y, other);
        let mut graph = test.finish(y);
        let notes = check_pass(&mut graph, merge_maps);
        insta::assert_snapshot!(print(&graph), @r"
        input input [1, 2, 4, 4]
        %0 = map(input, 1.weight, 1.bias, 1.running_mean, 1.running_var) max(((x0 - x3) * (x1 / sqrt(x4 + 0.00001))) + x2, 0) + max(x0, 0)  [1, 2, 4, 4]  # 0 ReLU + 1 BatchNorm2d + 2 ReLU + 3 sum
        output output = %0
        ");
        assert_eq!(notes.len(), 3);
        assert_eq!(notes[0].text, "it is one kernel with what `1 BatchNorm2d` does element by element");
    }

    #[test]
    fn a_value_that_others_need_stays() {
        let (mut test, x) = TestGraph::new(&[1, 2, 4, 4]);
        let a = test.relu(x);
        let b = test.relu(a);
        let pooled = test.max_pool(a);
        let mut graph = test.finish_all(&[("b", b), ("pooled", pooled)]);
        assert_eq!(check_pass(&mut graph, merge_maps), []);
    }

    #[test]
    fn cheap_work_may_be_repeated_and_dear_work_not() {
        for (dear, merged) in [(false, 1), (true, 2)] {
            let (mut test, x) = TestGraph::new(&[1, 2, 4, 4]);
            let x0 = Expression::operand(0);
            let inner = if dear { x0.clone().sigmoid() } else { x0.clone() * 2.0 };
            let y = test.layer("Inner", |builder| builder.map(&[x], inner));
            let y = test.layer("SiLU", |builder| builder.map(&[y], x0.clone() * x0.sigmoid()));
            let mut graph = test.finish(y);
            let notes = check_pass(&mut graph, merge_maps);
            assert_eq!(graph.dag.len() - 1, merged);
            assert_eq!(notes[0].done, !dear);
        }
    }

    #[test]
    fn what_is_repeated_over_a_plane_is_computed_once() {
        let (mut test, x) = TestGraph::new(&[1, 2, 4, 4]);
        let gate = test.input("gate", &[1, 2, 1, 1]);
        let gate = test.layer("Sigmoid", |builder| builder.map(&[gate], Expression::operand(0).sigmoid()));
        let y =
            test.layer("product", |builder| builder.map(&[x, gate], Expression::operand(0) * Expression::operand(1)));
        let mut graph = test.finish(y);
        assert_eq!(check_pass(&mut graph, merge_maps), []);
    }

    #[test]
    fn long_chains_are_cut() {
        let (mut test, mut x) = TestGraph::new(&[4]);
        for _ in 0..200 {
            x = test.relu(x);
        }
        let mut graph = test.finish(x);
        let notes = check_pass(&mut graph, merge_maps);
        assert_eq!(graph.dag.len() - 1, 4);
        let text = "together they would be 65 operations, and 64 is the most";
        assert!(notes.iter().any(|note| !note.done && note.text.ends_with(text)), "{notes:?}");
    }
}
