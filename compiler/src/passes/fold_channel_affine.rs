//! Puts a multiplication of each output channel, such as a batch norm's, into the weights of the kernel before.
//!
//! Fires where a `Map` is the only user of a kernel that has a weight (`Kernel::is_weighted`), which is a constant, and has a
//! part `scale·x + shift` of the kernel's result `x` ([`super::affine`]; the part may stand inside more, as in
//! `max(scale·x + shift, 0)`), where `scale` is made of parameters and is one number a channel, or one for all. (A number of the
//! spec's own is left in the epilogue: it is not worth another copy of the weight.) The weight is then multiplied by the scale,
//! in `prepare`, and `x + shift` stays in the `Map`, of whatever the shift is made. A run has a multiplication an element less;
//! the price is a second copy of the weight in memory.

use super::affine::{largest_affine, replace_part};
use super::formula::Formula;
use super::{Note, done, left};
use crate::graph::NodeId;
use crate::kernels::{Binary, Expression, Kernel, KernelGraph, Reshape};
use std::collections::HashSet;
use std::sync::Arc;

const PASS: &str = "fold_channel_affine";

/// Folds into every kernel that can take it, arguments first.
pub fn fold_channel_affine(graph: &mut KernelGraph) -> Vec<Note> {
    let mut notes = Vec::new();
    let mut constants = graph.constants();
    for id in graph.dag.order().unwrap_or_default() {
        if constants.contains(&id) {
            continue;
        }
        let Some(mut formula) = Formula::of_map(graph, id).filter(multiplies) else { continue };
        formula.operands.retain(|&operand| !constants.contains(&operand) && is_weighted(graph, operand));
        for heavy in formula.operands {
            let place = graph.dag.get(id).map(|node| node.place()).unwrap_or_default();
            match find(graph, &constants, id, heavy) {
                Ok(Some(folding)) => {
                    let text = format!("its multiplication is folded into the weight of `{}`", graph.label(heavy));
                    constants.insert(fold(graph, id, heavy, folding));
                    notes.push(done(PASS, place, text));
                }
                Ok(None) => {}
                Err(why) => notes.push(left(PASS, place, why)),
            }
        }
    }
    notes
}

/// A multiplication that can be folded.
struct Folding {
    weight: NodeId,
    /// What the channels are multiplied with.
    scale: Formula,
    /// What the `Map` computes then.
    rest: Formula,
}

/// Whether there is a product in it at all.
fn multiplies(formula: &Formula) -> bool {
    let is_product = |part: &&Expression| matches!(part, Expression::Binary(Binary::Multiply | Binary::Divide, ..));
    formula.expression.all_parts().iter().any(is_product)
}

fn is_weighted(graph: &KernelGraph, id: NodeId) -> bool {
    graph.dag.get(id).is_some_and(|node| node.kernel.is_weighted())
}

/// What can be folded of `map` into `heavy`; a sentence when there is something that cannot.
fn find(
    graph: &KernelGraph,
    constants: &HashSet<NodeId>,
    map: NodeId,
    heavy: NodeId,
) -> Result<Option<Folding>, String> {
    let (Some(formula), Some(&weight)) = (Formula::of_map(graph, map), graph.dag.arguments(heavy).get(1)) else {
        return Ok(None);
    };
    let (Some(x), Some(node)) = (formula.index_of(heavy), graph.dag.get(heavy)) else { return Ok(None) };
    let same_shape = graph.dag.get(map).is_some_and(|user| user.shape == node.shape);
    if node.epilogue.is_some() || !same_shape {
        return Ok(None);
    }
    let operand = |index: usize| formula.operands.get(index).filter(|operand| constants.contains(operand));
    let part_with = |may_scale: &dyn Fn(usize) -> bool| {
        let found = largest_affine(&formula.expression, x, may_scale, &|_| true);
        found.filter(|(_, affine)| !affine.scale.operands().is_empty())
    };
    let Some((part, affine)) = part_with(&|index| operand(index).is_some_and(|&value| is_a_channel(graph, value)))
    else {
        let why = || format!("`{}` is not multiplied channel by channel", node.label());
        return part_with(&|index| operand(index).is_some()).map_or(Ok(None), |_| Err(why()));
    };
    if graph.only_user(heavy).is_none() {
        return Err(format!("the result of `{}` is also used elsewhere, so its weight must stay", node.label()));
    }
    if !constants.contains(&weight) {
        return Err(format!("the second operand of `{}` is no constant", node.label()));
    }
    let left = affine.shift.map_or(Expression::operand(x), |shift| Expression::operand(x) + shift);
    let with = |expression| Formula { expression, operands: formula.operands.clone() }.compact();
    let rest = with(replace_part(&formula.expression, &part, &left));
    Ok(Some(Folding { weight, scale: with(affine.scale), rest }))
}

/// Whether a value has no more than one number a channel.
fn is_a_channel(graph: &KernelGraph, value: NodeId) -> bool {
    graph.dag.get(value).is_some_and(|node| node.shape.iter().enumerate().all(|(axis, &size)| axis == 1 || size == 1))
}

/// Does it, and gives the new weight.
fn fold(graph: &mut KernelGraph, map: NodeId, heavy: NodeId, folding: Folding) -> NodeId {
    let Folding { weight, scale, rest } = folding;
    let nodes = [heavy, map].into_iter().filter_map(|id| graph.dag.get(id));
    let mut origins: Vec<Arc<str>> = nodes.flat_map(|node| node.origins.iter().cloned()).collect();
    let mut seen = HashSet::new();
    origins.retain(|origin| seen.insert(origin.clone()));
    let scaled = scale_weight(graph, heavy, weight, scale, &origins);
    let mut arguments = graph.dag.arguments(heavy);
    if let Some(slot) = arguments.get_mut(1) {
        *slot = scaled;
    }
    graph.dag.set_arguments(heavy, &arguments);
    if rest.expression == Expression::Operand(0) {
        graph.replace(map, heavy);
        if let (Some(gone), Some(node)) = (graph.dag.remove(map), graph.dag.get_mut(heavy)) {
            node.add_origins(&gone.origins);
        }
    } else {
        rest.write_map(graph, map);
    }
    scaled
}

/// The weight, every element times the scale of the output channel that it adds to.
fn scale_weight(
    graph: &mut KernelGraph,
    heavy: NodeId,
    weight: NodeId,
    scale: Formula,
    origins: &[Arc<str>],
) -> NodeId {
    let shape = graph.dag.get(weight).map(|node| node.shape.clone()).unwrap_or_default();
    let scale = scale.add(graph, origins);
    let count = graph.dag.get(scale).and_then(|node| node.elements()).unwrap_or(1);
    let layout = graph.dag.get(heavy).and_then(|node| node.kernel.output_channels(&shape));
    let (weight_shape, channels) = layout.unwrap_or_else(|| (shape.clone(), Vec::new()));
    let mut scale_shape = weight_shape.clone();
    for (axis, size) in scale_shape.iter_mut().enumerate() {
        *size = if count == 1 || !channels.contains(&axis) { 1 } else { *size };
    }
    let reshape = |graph: &mut KernelGraph, value: NodeId, wanted: &[usize]| {
        let same = graph.dag.get(value).is_some_and(|node| node.shape == wanted);
        if same { value } else { graph.add(Kernel::Reshape(Reshape), wanted.to_vec(), &[value], origins.to_vec()) }
    };
    let scale = reshape(graph, scale, &scale_shape);
    let parted = reshape(graph, weight, &weight_shape);
    let product = Kernel::Map(Expression::operand(0) * Expression::operand(1));
    let product = graph.add(product, weight_shape, &[parted, scale], origins.to_vec());
    reshape(graph, product, &shape)
}

#[cfg(test)]
mod tests {
    use super::fold_channel_affine;
    use crate::kernels::test_graph::{TestGraph, check_pass};
    use crate::kernels::{AxisWindow, Expression, KernelGraph, print};
    use crate::passes::{Note, hoist_constants, merge_maps};

    fn folded(graph: &mut KernelGraph) -> Vec<Note> {
        check_pass(graph, hoist_constants);
        check_pass(graph, merge_maps);
        check_pass(graph, fold_channel_affine)
    }

    #[test]
    fn a_batch_norm_goes_into_the_convolution_before() {
        let (mut test, x) = TestGraph::new(&[2, 3, 4, 4]);
        let y = test.conv(x, 2, 3, true);
        let y = test.batch_norm(y);
        let y = test.relu(y);
        let mut graph = test.finish(y);
        let notes = folded(&mut graph);
        insta::assert_snapshot!(print(&graph), @r"
        input input [2, 3, 4, 4]
        %0 = map(1.weight, 1.running_var) x0 / sqrt(x1 + 0.00001)  [1, 2, 1, 1]  # 1 BatchNorm2d
        %1 = reshape(%0)  [2, 1, 1, 1]  # 0 Conv2d + 1 BatchNorm2d + 2 ReLU
        %2 = map(0.weight, %1) x0 * x1  [2, 3, 3, 3]  # 0 Conv2d + 1 BatchNorm2d + 2 ReLU
        %3 = conv(input, %2) 3x3 before 1  [2, 2, 4, 4]  # 0 Conv2d
        %4 = map(1.weight, 1.bias, 1.running_mean, 1.running_var) ((-x2) * (x0 / sqrt(x3 + 0.00001))) + x1  [1, 2, 1, 1]  # 1 BatchNorm2d
        %5 = map(%0, %4, %3, 0.bias) max(x2 + ((x3 * x0) + x1), 0)  [2, 2, 4, 4]  # 0 Conv2d + 1 BatchNorm2d + 2 ReLU
        output output = %5
        ");
        assert_eq!(notes[0].text, "its multiplication is folded into the weight of `0 Conv2d`");
    }

    #[test]
    fn a_multiplication_alone_leaves_nothing() {
        let (mut test, x) = TestGraph::new(&[2, 3]);
        let weight = test.parameter("0.weight", &[3, 4]);
        let scale = test.parameter("scale", &[1, 4]);
        let y = test.layer("Gemm", |builder| builder.gemm(x, false, weight, false));
        let y =
            test.layer("product", |builder| builder.map(&[scale, y], Expression::operand(0) * Expression::operand(1)));
        let mut graph = test.finish(y);
        folded(&mut graph);
        insta::assert_snapshot!(print(&graph), @r"
        input input [2, 3]
        %0 = map(0.weight, scale) x0 * x1  [3, 4]  # 0 Gemm + 1 product
        %1 = gemm(input, %0)  [2, 4]  # 0 Gemm + 1 product
        output output = %1
        ");
    }

    #[test]
    fn a_number_of_the_spec_is_left_to_the_epilogue() {
        let (mut test, x) = TestGraph::new(&[2, 3]);
        let y = test.linear(x, 4);
        let y = test.layer("Scale", |builder| builder.map(&[y], Expression::operand(0) * 0.5));
        let mut graph = test.finish(y);
        assert_eq!(folded(&mut graph), []);
    }

    #[test]
    fn both_branches_of_a_sum_are_folded() {
        let (mut test, x) = TestGraph::new(&[2, 3, 4, 4]);
        let a = test.conv(x, 2, 3, false);
        let a = test.batch_norm(a);
        let b = test.conv(x, 2, 1, true);
        let b = test.batch_norm(b);
        let y = test.sum(a, b);
        let mut graph = test.finish(y);
        assert_eq!(folded(&mut graph).len(), 2);
    }

    #[test]
    fn transposed_convolutions_have_their_channels_elsewhere() {
        for groups in [1, 2] {
            let (mut test, x) = TestGraph::new(&[2, 4, 3, 3]);
            let weight = test.parameter("0.weight", &[4, 3, 2, 2]);
            let window = [AxisWindow { kernel: 2, stride: 2, dilation: 1, before: 0 }; 2];
            let y = test.layer("ConvTranspose2d", |builder| builder.conv_data(x, weight, window, groups, [6, 6]));
            let y = test.batch_norm(y);
            let mut graph = test.finish(y);
            assert!(folded(&mut graph)[0].done);
        }
    }

    #[test]
    fn grouped_convolutions_and_one_number_for_all() {
        let (mut test, x) = TestGraph::new(&[2, 4, 3, 3]);
        let weight = test.parameter("0.weight", &[6, 2, 1, 1]);
        let scale = test.parameter("scale", &[1, 1, 1, 1]);
        let window = [AxisWindow { kernel: 1, stride: 1, dilation: 1, before: 0 }; 2];
        let y = test.layer("Conv2d", |builder| builder.conv(x, weight, window, 2, [3, 3]));
        let y = test.batch_norm(y);
        let y =
            test.layer("product", |builder| builder.map(&[y, scale], Expression::operand(0) * Expression::operand(1)));
        let mut graph = test.finish(y);
        assert!(folded(&mut graph)[0].done);
    }

    #[test]
    fn what_cannot_be_folded_is_said() {
        let (mut test, x) = TestGraph::new(&[2, 3, 4, 4]);
        let a = test.conv(x, 2, 3, false);
        let normal = test.batch_norm(a);
        let pooled = test.max_pool(a);
        let b = test.conv(x, 1, 1, false);
        let mask = test.parameter("mask", &[1, 1, 4, 4]);
        let b =
            test.layer("product", |builder| builder.map(&[b, mask], Expression::operand(0) * Expression::operand(1)));
        let mut graph = test.finish_all(&[("normal", normal), ("pooled", pooled), ("b", b)]);
        let notes = folded(&mut graph);
        let texts: Vec<&str> = notes.iter().map(|note| note.text.as_str()).collect();
        assert_eq!(
            texts,
            [
                "`3 Conv2d` is not multiplied channel by channel",
                "the result of `0 Conv2d` is also used elsewhere, so its weight must stay",
            ]
        );
    }
}
