//! Gives what is done element by element to the kernel whose result it is done to, as its epilogue.
//!
//! Fires where a `Map` has an operand that a kernel with much work an element made ([`Kernel::takes_epilogue`]), which nothing
//! else uses and which has the `Map`'s shape. The other operands become the epilogue's. Of several such kernels, as in a residual
//! sum of two convolutions, convolutions and matrix products come before poolings and reductions, and of these the last one: what
//! it needs is there by then, so the order of steps stays. No cycle can arise: a value that only the `Map` uses is needed by no
//! other operand. A `Map` that asks where its elements lie stays, since kernels have layouts of their own; so does one that is a
//! parameter's new value, since only a `Map` may write over what it reads, and one that reads numbers of another type.
//!
//! Never worse: a value less is written and read. When the epilogue is there already and the `Map` takes it several times, what
//! would be computed again must be cheap, as in `merge_maps`.

use super::formula::Formula;
use super::{Note, done, left};
use crate::graph::NodeId;
use crate::kernels::{Kernel, KernelGraph};
use std::collections::{HashMap, HashSet};

const PASS: &str = "fuse_epilogue";

/// Fuses every `Map` that can be, arguments first.
pub fn fuse_epilogue(graph: &mut KernelGraph) -> Vec<Note> {
    let mut notes = Vec::new();
    let constants = graph.constants();
    let order = graph.dag.order().unwrap_or_default();
    let positions: HashMap<NodeId, usize> = order.iter().enumerate().map(|(position, &id)| (id, position)).collect();
    for &id in &order {
        let stays = constants.contains(&id) || graph.is_update(id);
        let Some(formula) = Formula::of_map(graph, id).filter(|formula| !stays && !formula.expression.is_placed())
        else {
            continue;
        };
        let place = graph.dag.get(id).map(|node| node.place()).unwrap_or_default();
        let (mut takers, reasons) = candidates(graph, id, &formula, &constants);
        takers.sort_by_key(|taker| (is_weighted(graph, *taker), positions.get(taker).copied()));
        let Some(taker) = takers.pop() else {
            notes.extend(reasons.into_iter().map(|why| left(PASS, place.clone(), why)));
            continue;
        };
        let layers = |id| graph.dag.get(id).map(|node| node.origins.clone()).unwrap_or_default();
        let (own, by) = (layers(taker), graph.dag.get(taker).map(|node| node.place()).unwrap_or_default());
        let others = layers(id).into_iter().filter(|layer| !own.contains(layer));
        notes.extend(
            others.map(|layer| {
                done(PASS, layer, format!("the kernel of `{by}` computes it before it writes its result"))
            }),
        );
        fuse(graph, id, taker, &formula);
    }
    notes
}

fn is_weighted(graph: &KernelGraph, id: NodeId) -> bool {
    graph.dag.get(id).is_some_and(|node| node.kernel.is_weighted())
}

/// The kernels that could take a `Map`, and why the others cannot.
fn candidates(
    graph: &KernelGraph,
    id: NodeId,
    formula: &Formula,
    constants: &HashSet<NodeId>,
) -> (Vec<NodeId>, Vec<String>) {
    let (mut takers, mut reasons) = (Vec::new(), Vec::new());
    for &operand in formula.operands.iter().filter(|operand| !constants.contains(operand)) {
        match refusal(graph, id, formula, operand) {
            None => takers.push(operand),
            Some(why) => reasons.push(why),
        }
    }
    (takers, reasons)
}

/// Why an operand's kernel cannot take the `Map`.
fn refusal(graph: &KernelGraph, id: NodeId, formula: &Formula, operand: NodeId) -> Option<String> {
    let (node, user) = (graph.dag.get(operand)?, graph.dag.get(id)?);
    let label = graph.label(operand);
    if !node.kernel.takes_epilogue() {
        let why = match node.kernel {
            Kernel::Input(_) => "is given, and no kernel makes it",
            Kernel::Map(_) => "is computed element by element itself",
            _ => "only moves values, and no kernel makes them",
        };
        return Some(format!("`{label}` {why}"));
    }
    if formula.operands.iter().any(|&operand| graph.element(operand) != Some(node.compute)) {
        return Some(format!("an operand beside `{label}` is not {}", node.compute));
    }
    if graph.is_output(operand) {
        return Some(format!("the result of `{label}` is an output"));
    }
    if graph.only_user(operand).is_none() {
        let users = graph.dag.uses(operand).into_iter().map(|(user, _)| user).filter(|&user| user != id);
        let mut names: Vec<String> = users.map(|user| format!("`{}`", graph.label(user))).collect();
        names.dedup();
        return Some(format!("the result of `{label}` is also used by {}", names.join(" and ")));
    }
    if node.shape != user.shape {
        return Some(format!("the result of `{label}` is repeated, and would be computed again each time"));
    }
    let epilogue = node.epilogue.as_ref()?;
    let why = formula.may_inline(operand, epilogue).err()?;
    Some(format!("`{label}` has an epilogue already: {why}"))
}

/// Makes the formula of a `Map` the taker's epilogue, after the one that it has, and removes the `Map`.
fn fuse(graph: &mut KernelGraph, id: NodeId, taker: NodeId, formula: &Formula) {
    let Some(before) = Formula::of_epilogue(graph, taker) else { return };
    let whole = formula.inline(taker, &before);
    graph.replace(id, taker);
    let origins = graph.dag.remove(id).map(|node| node.origins).unwrap_or_default();
    whole.write_epilogue(graph, taker);
    if let Some(node) = graph.dag.get_mut(taker) {
        node.add_origins(&origins);
    }
}

#[cfg(test)]
mod tests {
    use super::fuse_epilogue;
    use crate::kernels::test_graph::{TestGraph, check_pass};
    use crate::kernels::{Expression, KernelGraph, Reduction, print};
    use crate::passes::merge_maps;

    fn fused(graph: &mut KernelGraph) -> Vec<String> {
        check_pass(graph, merge_maps);
        let notes = check_pass(graph, fuse_epilogue);
        notes.into_iter().map(|note| format!("{}: {}", note.place, note.text)).collect()
    }

    #[test]
    fn bias_and_activation_follow_the_product() {
        let (mut test, x) = TestGraph::new(&[2, 3]);
        let y = test.linear(x, 4);
        let y = test.relu(y);
        let mut graph = test.finish(y);
        assert_eq!(fused(&mut graph), ["1 ReLU: the kernel of `0 Linear` computes it before it writes its result"]);
        insta::assert_snapshot!(print(&graph), @r"
        input input [2, 3]
        %0 = gemm(input, 0.weight) second transposed then max(x0 + x1, 0), x1 = 0.bias  [2, 4]  # 0 Linear + 1 ReLU
        output output = %0
        ");
    }

    #[test]
    fn a_residual_sum_goes_to_the_last_convolution() {
        let (mut test, x) = TestGraph::new(&[2, 3, 4, 4]);
        let a = test.conv(x, 3, 1, true);
        let b = test.conv(x, 3, 3, true);
        let c = test.conv(b, 3, 3, true);
        let y = test.sum(c, a);
        let y = test.relu(y);
        let mut graph = test.finish(y);
        fused(&mut graph);
        insta::assert_snapshot!(print(&graph), @r"
        input input [2, 3, 4, 4]
        %0 = conv(input, 0.weight) 1x1  [2, 3, 4, 4]  # 0 Conv2d
        %1 = conv(input, 1.weight) 3x3 before 1 then x0 + x1, x1 = 1.bias  [2, 3, 4, 4]  # 1 Conv2d
        %2 = conv(%1, 2.weight) 3x3 before 1 then max((x0 + x1) + (x2 + x3), 0), x1 = 2.bias, x2 = %0, x3 = 0.bias  [2, 3, 4, 4]  # 2 Conv2d + 0 Conv2d + 3 sum + 4 ReLU
        output output = %2
        ");
    }

    #[test]
    fn pointwise_work_goes_to_convolutions_before_poolings() {
        let (mut test, x) = TestGraph::new(&[2, 2, 4, 4]);
        let pooled = test.max_pool(x);
        let small = test.layer("Narrow", |builder| {
            let rows = builder.slice(x, 2, 0, 2);
            builder.slice(rows, 3, 0, 2)
        });
        let conv = test.conv(small, 2, 1, false);
        let later = test.max_pool(x);
        let later = test.relu(later);
        let y = test.sum(conv, pooled);
        let y = test.sum(later, y);
        let mut graph = test.finish(y);
        fused(&mut graph);
        insta::assert_snapshot!(print(&graph), @r"
        input input [2, 2, 4, 4]
        %0 = pool_max(input) 2x2 stride 2  [2, 2, 2, 2]  # 0 MaxPool2d
        %1 = slice(input) axis 2 from 0  [2, 2, 2, 4]  # 1 Narrow
        %2 = slice(%1) axis 3 from 0  [2, 2, 2, 2]  # 1 Narrow
        %3 = pool_max(input) 2x2 stride 2  [2, 2, 2, 2]  # 3 MaxPool2d
        %4 = conv(%2, 2.weight) 1x1 then max(x1, 0) + (x0 + x2), x1 = %3, x2 = %0  [2, 2, 2, 2]  # 2 Conv2d + 5 sum + 4 ReLU + 6 sum
        output output = %4
        ");
    }

    #[test]
    fn why_not_is_said() {
        let (mut test, x) = TestGraph::new(&[1, 2, 4, 4]);
        let shared = test.conv(x, 2, 3, false);
        let y = test.relu(shared);
        let z = test.max_pool(shared);
        let mean = test.layer("Mean", |builder| builder.reduce(z, Reduction::Sum, &[2, 3]));
        let gate =
            test.layer("product", |builder| builder.map(&[x, mean], Expression::operand(0) * Expression::operand(1)));
        let last = test.conv(y, 2, 1, false);
        let after = test.relu(last);
        let mut graph = test.finish_all(&[("gate", gate), ("last", last), ("after", after)]);
        assert_eq!(
            fused(&mut graph),
            [
                "1 ReLU: the result of `0 Conv2d` is also used by `2 MaxPool2d`",
                "4 product: `input` is given, and no kernel makes it",
                "4 product: the result of `3 Mean` is repeated, and would be computed again each time",
                "6 ReLU: the result of `5 Conv2d` is an output",
            ]
        );
    }

    #[test]
    fn an_epilogue_grows_unless_it_would_be_computed_again() {
        let (mut test, x) = TestGraph::new(&[1, 2, 4, 4]);
        let y = test.conv(x, 2, 1, true);
        let x0 = Expression::operand(0);
        let y = test.layer("Sigmoid", |builder| builder.map(&[y], x0.clone().sigmoid()));
        let y = test.layer("SiLU", |builder| builder.map(&[y], x0.clone() * x0.clone().sigmoid()));
        let mut graph = test.finish(y);
        let notes = fused(&mut graph);
        assert_eq!(notes.len(), 2);
        assert_eq!(notes[0], "1 Sigmoid: the kernel of `0 Conv2d` computes it before it writes its result");
        assert!(notes[1].starts_with("2 SiLU: `0 Conv2d + 1 Sigmoid` has an epilogue already"), "{notes:?}");
    }

    #[test]
    fn reductions_take_what_follows_too() {
        let (mut test, x) = TestGraph::new(&[1, 2, 4, 4]);
        let y = test.layer("Mean", |builder| builder.mean(x, &[2, 3]));
        let mut graph = test.finish(y);
        fused(&mut graph);
        insta::assert_snapshot!(print(&graph), @r"
        input input [1, 2, 4, 4]
        %0 = reduce_sum(input) over [2, 3] then x0 * 0.0625  [1, 2, 1, 1]  # 0 Mean
        output output = %0
        ");
    }
}
