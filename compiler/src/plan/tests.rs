//! Plans of small graphs: what they compute, where values lie, what is copied.

use super::{
    Blocks, Method, Operation, PackedConv, PackedLinear, Plan, Storage, Target, plan, plan_with_notes, simulate,
};
use crate::diagnostic::Code;
use crate::graph::{NodeId, ParameterId};
use crate::kernels::evaluate;
use crate::kernels::test_graph::{TestGraph, assert_same};
use crate::kernels::{AxisWindow, Expression, KernelGraph, Reduction, Update};

/// The plan of a graph, which computes what the graph does.
fn planned(graph: &KernelGraph) -> Plan {
    for (lanes, writes_outputs) in [(4, false), (4, true), (16, false), (16, true)] {
        let plan = plan(graph, &Target { writes_outputs, ..blocked(lanes) }).unwrap();
        assert_same(&simulate::outputs(&plan), &evaluate::outputs(graph));
    }
    let plan = plan(graph, &Target::reference()).unwrap();
    assert_same(&simulate::outputs(&plan), &evaluate::outputs(graph));
    plan
}

/// A target with blocks of so many channels.
fn blocked(lanes: usize) -> Target {
    Target { blocks: Some(Blocks { lanes, ..Blocks::reference() }), ..Target::reference() }
}

fn names(plan: &Plan) -> Vec<&'static str> {
    plan.run.iter().map(|step| step.operation.name()).collect()
}

fn double(test: &mut TestGraph, x: NodeId) -> NodeId {
    test.layer("Double", |builder| builder.map(&[x], Expression::operand(0) * 2.0))
}

#[test]
fn a_chain_keeps_two_values_and_maps_write_over_their_operand() {
    let (mut test, mut x) = TestGraph::new(&[2, 4, 6, 6]);
    for _ in 0..4 {
        x = test.conv(x, 4, 3, true);
        x = test.relu(x);
    }
    let plan = planned(&test.finish(x));
    assert_eq!(plan.arena_bytes, 4 * (2 * 2 * 4 * 6 * 6));
    assert!(plan.prepare.is_empty(), "a reshaped bias is a view");
}

#[test]
fn a_value_that_is_needed_later_is_not_written_over() {
    let (mut test, x) = TestGraph::new(&[1, 2, 4, 4]);
    let a = test.conv(x, 2, 1, false);
    let b = test.relu(a);
    let c = double(&mut test, b);
    let sum = test.sum(a, c);
    let plan = planned(&test.finish_all(&[("sum", sum), ("b", b)]));
    let offsets: Vec<usize> = plan.run.iter().map(|step| step.output.offset_bytes).collect();
    assert_eq!(offsets.iter().filter(|&&offset| offset == offsets[1]).count(), 1, "b is an output");
    assert_eq!(offsets[0], offsets[3], "the sum lies where a was");
}

#[test]
fn outputs_are_written_where_the_caller_wants_them() {
    let (mut test, x) = TestGraph::new(&[1, 2, 4, 4]);
    let a = test.conv(x, 2, 1, false);
    let b = test.relu(a);
    let turned = test.layer("Permute", |builder| builder.permute(b, &[0, 1, 3, 2]));
    let sum = test.sum(b, turned);
    let graph = test.finish_all(&[("b", b), ("sum", sum), ("again", b), ("turned", turned)]);
    planned(&graph);
    let plan = plan(&graph, &Target { writes_outputs: true, ..Target::reference() }).unwrap();
    assert_same(&simulate::outputs(&plan), &evaluate::outputs(&graph));
    let storages: Vec<Storage> = plan.outputs.iter().map(|port| port.view.storage).collect();
    let (first, second) = (Storage::Output(0), Storage::Output(1));
    assert_eq!(storages, [first, second, first, first], "a value is written once, and views of it are copied");
    assert_eq!(plan.arena_bytes, 4 * (2 * 4 * 4), "a alone");
}

#[test]
fn a_map_that_reads_other_places_of_its_operand_does_not_write_over_it() {
    let (mut test, x) = TestGraph::new(&[1, 1, 4, 4]);
    let a = test.conv(x, 1, 1, false);
    let turned = test.layer("Permute", |builder| builder.permute(a, &[0, 1, 3, 2]));
    let sum = test.sum(a, turned);
    let plan = planned(&test.finish(sum));
    assert_eq!(names(&plan), ["conv", "map"], "the map reads the turned view itself");
    assert_ne!(plan.run[0].output.offset_bytes, plan.run[1].output.offset_bytes);
}

#[test]
fn parts_of_a_concatenation_are_written_in_place() {
    let (mut test, x) = TestGraph::new(&[2, 3, 4, 4]);
    let a = test.conv(x, 2, 3, true);
    let b = test.conv(x, 5, 1, false);
    let whole = test.concat(&[a, b]);
    let last = test.conv(whole, 2, 1, false);
    let (plan, notes) = plan_with_notes(&test.finish(last), &Target::reference()).unwrap();
    assert_eq!(names(&plan), ["conv", "map", "conv", "conv"]);
    assert_eq!(plan.run[1].output.strides[0], 7 * 16);
    assert_eq!(notes, []);
}

#[test]
fn concatenations_of_concatenations_grow_one_buffer() {
    let (mut test, x) = TestGraph::new(&[2, 2, 3, 3]);
    let mut features = test.conv(x, 4, 1, false);
    for _ in 0..3 {
        let normal = test.batch_norm(features);
        let new = test.conv(normal, 2, 3, false);
        features = test.concat(&[features, new]);
    }
    let last = test.max_pool(features);
    let graph = test.finish(last);
    let plan = planned(&graph);
    assert_eq!(names(&plan).iter().filter(|&&name| name == "map").count(), 3, "nothing is copied");
}

#[test]
fn what_cannot_be_in_place_is_copied_and_said() {
    let (mut test, x) = TestGraph::new(&[2, 2, 3, 3]);
    let a = test.conv(x, 2, 1, false);
    let twice = test.concat(&[a, a]);
    let whole = test.concat(&[x, twice]);
    let graph = test.finish(whole);
    planned(&graph);
    let (_, notes) = plan_with_notes(&graph, &Target::reference()).unwrap();
    let texts: Vec<&str> = notes.iter().map(|note| note.text.as_str()).collect();
    assert_eq!(
        texts,
        [
            "`0 Conv2d` is copied into the concatenation: it already lies in another concatenation",
            "`input` is copied into the concatenation: an input stays where the caller has it",
        ]
    );
}

#[test]
fn slices_are_views_and_shuffled_channels_a_copy() {
    let (mut test, x) = TestGraph::new(&[2, 4, 3, 3]);
    let left = test.layer("Narrow", |builder| builder.slice(x, 1, 0, 2));
    let right = test.layer("Narrow", |builder| builder.slice(x, 1, 2, 2));
    let right = test.conv(right, 2, 3, false);
    let whole = test.concat(&[left, right]);
    let shuffled = test.layer("ChannelShuffle", |builder| {
        let split = builder.reshape(whole, &[2, 2, 2, 3, 3]);
        let turned = builder.permute(split, &[0, 2, 1, 3, 4]);
        builder.reshape(turned, &[2, 4, 3, 3])
    });
    let last = test.conv(shuffled, 1, 1, false);
    let plan = planned(&test.finish(last));
    assert_eq!(names(&plan), ["conv", "map", "map", "conv"], "the left half, and the shuffle");
}

/// `x`, then `a = conv(x)` and `conv(second(a, x)) + x` over blocks.
fn residual(second: impl Fn(NodeId, NodeId) -> NodeId) -> Plan {
    let (mut test, input) = TestGraph::new(&[2, 16, 6, 6]);
    let x = test.conv(input, 16, 3, false);
    let a = test.conv(x, 16, 3, false);
    let weight = test.parameter("last.weight", &[16, 16, 3, 3]);
    let axis = AxisWindow { kernel: 3, stride: 1, dilation: 1, before: 1 };
    let sum = test.layer("Residual", |builder| {
        let sum = builder.conv(second(a, x), weight, [axis; 2], 1, [6, 6]);
        builder.map(&[sum, x], Expression::operand(0) + Expression::operand(1))
    });
    let mut graph = test.finish(sum);
    crate::passes::run(&mut graph).unwrap();
    planned(&graph);
    plan(&graph, &Target::blocked()).unwrap()
}

#[test]
fn a_residual_sum_is_written_over_what_is_added() {
    let plan = residual(|a, _| a);
    let last = plan.run.iter().rfind(|step| step.operation.packing().is_some()).unwrap();
    assert_eq!(last.operands.len(), 3, "input, weights, what is added");
    assert_eq!(last.operands[2], last.output, "{}", super::print(&plan));
}

#[test]
fn what_a_convolution_reads_all_over_is_not_written_over() {
    let plan = residual(|_, x| x);
    let last = plan.run.iter().rfind(|step| step.operation.packing().is_some()).unwrap();
    assert_ne!(last.operands[2], last.output, "{}", super::print(&plan));
}

#[test]
fn what_is_packed_is_made_right_before() {
    let (mut test, x) = TestGraph::new(&[1, 16, 8, 8]);
    let squared = Expression::operand(0) * Expression::operand(0);
    let weights: Vec<NodeId> = (0..3).map(|index| test.parameter(&format!("{index}"), &[16, 16, 1, 1])).collect();
    let weights: Vec<NodeId> =
        weights.iter().map(|&weight| test.layer("Square", |builder| builder.map(&[weight], squared.clone()))).collect();
    let axis = AxisWindow { kernel: 1, stride: 1, dilation: 1, before: 0 };
    let value = weights
        .iter()
        .fold(x, |value, &weight| test.layer("Conv", |builder| builder.conv(value, weight, [axis; 2], 1, [8, 8])));
    let plan = plan(&test.finish(value), &Target::blocked()).unwrap();
    let prepared: Vec<_> = plan.prepare.iter().map(|step| (step.operation.name(), step.output.storage)).collect();
    let pair = |value| [("map", Storage::Scratch), ("pack", Storage::Prepared(value))];
    assert_eq!(prepared, [pair(0), pair(1), pair(2)].concat());
    assert_eq!(plan.scratch_bytes, 4 * (16 * 16), "one weight at a time");
}

#[test]
fn what_depends_on_parameters_alone_is_prepared() {
    let (mut test, x) = TestGraph::new(&[1, 2, 3, 3]);
    let scale = test.parameter("scale", &[2]);
    let scale = test.layer("Scale", |builder| {
        let doubled = builder.map(&[scale], Expression::operand(0) * 2.0);
        let again = builder.map(&[doubled], Expression::operand(0) + 1.0);
        builder.per_channel(again, 4)
    });
    let product =
        test.layer("product", |builder| builder.map(&[x, scale], Expression::operand(0) * Expression::operand(1)));
    let plan = planned(&test.finish(product));
    assert_eq!((plan.prepare.len(), plan.run.len()), (2, 1));
    assert_eq!(plan.run[0].operands[1].storage, Storage::Prepared(0));
    assert_eq!(plan.run[0].operands[1].strides, [2, 1, 0, 0]);
    assert_eq!(plan.prepare[0].output.storage, Storage::Scratch, "no run reads what is doubled only");
    assert_eq!((plan.scratch_bytes, plan.prepared.as_slice()), (64, [64].as_slice()), "two numbers, rounded up");
}

#[test]
fn values_that_no_kernel_computes_can_be_outputs() {
    let (mut test, x) = TestGraph::new(&[2, 3, 2, 2]);
    let parameter = test.parameter("table", &[2, 2]);
    let flat = test.layer("Flatten", |builder| builder.reshape(x, &[2, 12]));
    let turned = test.layer("Permute", |builder| builder.permute(parameter, &[1, 0]));
    let plan = planned(&test.finish_all(&[("x", x), ("flat", flat), ("turned", turned)]));
    assert!(plan.run.is_empty());
    assert_eq!(plan.outputs[1].view.storage, Storage::Input(0));
}

#[test]
fn kernels_that_want_dense_operands_get_one_copy_for_all() {
    let (mut test, x) = TestGraph::new(&[1, 2, 3, 4]);
    let turned = test.layer("Permute", |builder| builder.permute(x, &[0, 1, 3, 2]));
    let a = test.conv(turned, 2, 1, false);
    let b = test.layer("Max", |builder| builder.reduce(turned, Reduction::Max, &[1]));
    let sum = test.sum(a, b);
    assert_eq!(names(&planned(&test.finish(sum))), ["map", "conv", "reduce_max", "map"]);
}

#[test]
fn the_rows_of_a_flattened_part_are_views() {
    let (mut test, x) = TestGraph::new(&[2, 3, 2, 2]);
    let a = test.conv(x, 2, 1, false);
    let b = test.conv(x, 1, 1, false);
    let whole = test.concat(&[a, b]);
    let flat_a = test.layer("Flatten", |builder| builder.reshape(a, &[2, 8]));
    let flat = test.layer("Flatten", |builder| builder.reshape(whole, &[2, 12]));
    let a = test.linear(flat_a, 3);
    let b = test.linear(flat, 3);
    let joined = test.concat(&[a, b]);
    let plan = planned(&test.finish(joined));
    assert_eq!(names(&plan), ["conv", "conv", "gemm", "map", "gemm", "map"]);
    assert_eq!(plan.run[2].operands[0].strides, [12, 1]);
}

#[test]
fn too_little_memory_is_an_error_that_names_the_largest_tensor() {
    let (mut test, x) = TestGraph::new(&[1, 3, 64, 64]);
    let wide = test.conv(x, 64, 3, true);
    let narrow = test.conv(wide, 2, 1, true);
    let graph = test.finish(narrow);
    for memory_bytes in [1_080_000, 1_000_000] {
        let error = plan(&graph, &Target { memory_bytes, ..Target::reference() }).unwrap_err();
        assert_eq!(error.code, Code::E401);
        let last = error.notes.last().unwrap();
        assert_eq!(last, "the largest tensor is that of `0 Conv2d`, [1, 64, 64, 64]: 1.0 MB (1,048,576 bytes)");
    }
}

#[test]
fn ten_thousand_layers_are_planned_at_once() {
    let (mut test, mut x) = TestGraph::new(&[1, 1, 4, 4]);
    for _ in 0..5_000 {
        x = test.conv(x, 1, 1, false);
        x = test.relu(x);
    }
    let graph = test.finish(x);
    let start = std::time::Instant::now();
    let plan = plan(&graph, &Target::reference()).unwrap();
    assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
    assert_eq!(plan.arena_bytes, 4 * 32);
}

#[test]
fn reshaping_makes_no_step_but_copies_and_padding() {
    let (mut test, x) = TestGraph::new(&[2, 3, 2, 2]);
    let y = test.layer("Mixed", |builder| {
        let turned = builder.permute(x, &[0, 2, 3, 1]);
        let flat = builder.reshape(turned, &[2, 12]);
        let padded = builder.pad(flat, &[(0, 0), (1, -2)]);
        builder.slice(padded, 0, 1, 1)
    });
    let plan = planned(&test.finish(y));
    let is_step = |operation: &Operation| matches!(operation, Operation::Map(_) | Operation::Pad(_));
    assert!(plan.run.iter().all(|step| is_step(&step.operation)));
}

/// By which method a step's convolution is computed.
fn method(plan: &Plan, step: usize) -> Option<Method> {
    match plan.run[step].operation {
        Operation::PackedConv(PackedConv { method, .. }) => Some(method),
        _ => None,
    }
}

/// The kernels of a run with blocks of 4 channels.
fn blocked_names(graph: &KernelGraph) -> (Plan, Vec<&'static str>) {
    let plan = plan(graph, &blocked(4)).unwrap();
    let names = names(&plan);
    (plan, names)
}

#[test]
fn images_change_their_layout_at_the_edges_alone() {
    let (mut test, x) = TestGraph::new(&[2, 9, 4, 4]);
    let a = test.conv(x, 8, 3, true);
    let pooled = test.max_pool(a);
    let b = test.conv(pooled, 6, 1, true);
    let (plan, names) = blocked_names(&test.finish(b));
    assert_eq!(names, ["reorder", "conv", "map", "pool_max", "conv", "map", "reorder"]);
    assert_eq!(plan.run[1].output.shape, [2, 2, 4, 4, 4]);
    assert_eq!(method(&plan, 4), Some(Method::Direct));
    let packs = plan.prepare.iter().filter(|step| matches!(step.operation, Operation::Pack(_))).count();
    assert_eq!(packs, 2, "weights are packed once");
}

#[test]
fn a_plain_image_of_few_channels_is_convolved_as_it_lies() {
    let (mut test, x) = TestGraph::new(&[2, 3, 8, 8]);
    let a = test.conv(x, 4, 3, false);
    let mean = test.layer("Mean", |builder| builder.reduce(a, Reduction::Sum, &[2, 3]));
    let flat = test.layer("Flatten", |builder| builder.reshape(mean, &[2, 4]));
    let last = test.linear(flat, 3);
    let graph = test.finish(last);
    planned(&graph);
    let (plan, names) = blocked_names(&graph);
    assert_eq!(names, ["conv", "reduce_sum", "gemm", "map"], "an image of one pixel is a row");
    assert_eq!(method(&plan, 0), Some(Method::Stem));
}

#[test]
fn few_channels_stay_plain_where_rows_fill_vectors_better() {
    let (mut test, x) = TestGraph::new(&[2, 2, 8, 8]);
    let a = test.conv(x, 1, 3, true);
    let b = test.conv(a, 8, 3, false);
    let graph = test.finish(b);
    planned(&graph);
    let (plan, names) = blocked_names(&graph);
    assert_eq!(names, ["conv", "map", "conv", "reorder"]);
    assert_eq!(method(&plan, 0), Some(Method::Rows));
    assert_eq!(plan.run[0].output.shape, [2, 1, 8, 8]);
    assert_eq!(method(&plan, 2), Some(Method::Stem));
}

#[test]
fn flattened_images_are_multiplied_as_they_lie() {
    let (mut test, x) = TestGraph::new(&[2, 3, 4, 4]);
    let a = test.conv(x, 6, 3, false);
    let flat = test.layer("Flatten", |builder| builder.reshape(a, &[2, 96]));
    let last = test.linear(flat, 3);
    let (plan, names) = blocked_names(&test.finish(last));
    assert_eq!(names, ["conv", "gemm", "map"]);
    assert_eq!(plan.run[1].operands[0].shape, [2, 2, 4, 4, 4]);
    assert!(matches!(plan.run[1].operation, Operation::PackedLinear(PackedLinear { in_channels: 6, pixels: 16, .. })));
}

#[test]
fn parts_of_whole_blocks_are_written_in_place() {
    let joined = |first: usize| {
        let (mut test, x) = TestGraph::new(&[2, 3, 3, 3]);
        let a = test.conv(x, first, 3, false);
        let b = test.conv(x, 5, 1, false);
        let whole = test.concat(&[a, b]);
        let last = test.conv(whole, 3, 1, false);
        let graph = test.finish(last);
        planned(&graph);
        blocked_names(&graph)
    };
    let (plan, names) = joined(4);
    assert_eq!(names, ["conv", "conv", "conv", "reorder"]);
    assert_eq!(plan.run[1].output.strides[0], 3 * 9 * 4);
    let (_, names) = joined(6);
    let copies = names.iter().filter(|&&name| name == "reorder").count();
    assert_eq!(copies, 2 + 1 + 1, "both parts out of their blocks, the whole into blocks, the answer: {names:?}");
}

#[test]
fn one_channel_for_all_is_repeated_from_either_layout() {
    let (mut test, x) = TestGraph::new(&[2, 1, 4, 4]);
    let a = test.conv(x, 6, 3, false);
    let attention = test.conv(a, 1, 1, false);
    let [x0, x1, x2] = [0, 1, 2].map(Expression::operand);
    let gated = test.layer("gate", |builder| builder.map(&[a, attention, x], x0 * x1 + x2));
    let graph = test.finish(gated);
    planned(&graph);
    assert_eq!(blocked_names(&graph).1, ["conv", "conv", "map", "reorder"]);
}

/// A product whose weight follows a momentum, and whose old weight is needed late.
fn learning() -> KernelGraph {
    let (mut test, x) = TestGraph::new(&[4, 3]);
    let weight = test.parameter("weight", &[3, 3]);
    let momentum = test.parameter("momentum", &[3, 3]);
    let y = test.layer("Linear", |builder| builder.gemm(x, false, weight, true));
    let g = test.layer("gradient", |builder| builder.gemm(y, true, x, false));
    let moved = test.layer("momentum", |builder| {
        builder.map(&[momentum, g], Expression::operand(0) * 0.9 + Expression::operand(1))
    });
    let learned = test.layer("weight", |builder| {
        builder.map(&[weight, moved], Expression::operand(0) - Expression::operand(1) * 0.1)
    });
    let late = test.layer("Linear", |builder| builder.gemm(y, false, weight, false));
    let mut graph = test.finish_all(&[("late", late)]);
    let updates = [(0, learned), (1, moved)].map(|(number, node)| Update { parameter: ParameterId(number), node });
    graph.updates = updates.into_iter().collect();
    graph
}

fn learnt(graph: &KernelGraph, updated: &[&str]) -> Plan {
    let plan = plan(graph, &Target::reference()).unwrap();
    assert_same(&simulate::results(&plan, updated), &evaluate::outputs(graph));
    plan
}

#[test]
fn new_values_of_parameters_are_written_over_the_old_ones() {
    let graph = learning();
    let plan = learnt(&graph, &["weight", "momentum"]);
    assert_eq!(names(&plan), ["gemm", "gemm", "map", "gemm", "map"], "the weight changes once nothing needs it");
    assert!(matches!(plan.run[2].output.storage, Storage::Parameter(_)));
    assert!(plan.parameters.iter().all(|parameter| parameter.updated));
    assert!(plan.prepare.is_empty(), "a parameter that changes is no constant");
}

#[test]
fn a_parameter_that_is_shown_or_exchanged_is_written_at_the_end() {
    let mut graph = learning();
    let (weight, momentum) = (graph.dag.iter().nth(1).unwrap().0, graph.dag.iter().nth(2).unwrap().0);
    let output = graph.outputs[0].node;
    graph.outputs.replace(output, weight);
    let plan = learnt(&graph, &["weight", "momentum"]);
    assert_eq!(names(&plan).last(), Some(&"map"));
    let [first, second] = [0, 1].map(|index| Update { node: [momentum, weight][index], ..graph.updates[index] });
    graph.updates = [first, second].into_iter().collect();
    let plan = learnt(&graph, &["weight", "momentum"]);
    assert_eq!(names(&plan), ["map"; 4], "both are copied, then written");
}

#[test]
fn a_constant_part_may_be_made_of_another_part() {
    let (mut test, x) = TestGraph::new(&[1, 4, 2, 2]);
    let one = test.parameter("weight", &[1, 2, 1, 1]);
    let one = double(&mut test, one);
    let two = double(&mut test, one);
    let both = test.concat(&[one, two]);
    let sum = test.layer("sum", |builder| builder.map(&[x, both], Expression::operand(0) + Expression::operand(1)));
    let plan = planned(&test.finish(sum));
    assert_eq!(plan.prepare.len(), 2, "each is written into its place");
}

#[test]
fn images_of_several_sizes_share_the_weights_that_are_packed_alike() {
    let (mut test, x) = TestGraph::new(&[1, 16, 12, 12]);
    let weight = test.parameter("weight", &[16, 16, 1, 1]);
    let axis = AxisWindow { kernel: 1, stride: 1, dilation: 1, before: 0 };
    let mut conv = |x, size| test.layer("Conv", |builder| builder.conv(x, weight, [axis; 2], 1, [size; 2]));
    let large = conv(x, 12);
    let small = test.layer("Narrow", |builder| {
        let rows = builder.slice(large, 2, 0, 5);
        builder.slice(rows, 3, 0, 5)
    });
    let small = test.layer("Conv", |builder| builder.conv(small, weight, [axis; 2], 1, [5; 2]));
    let graph = test.finish_all(&[("large", large), ("small", small)]);
    planned(&graph);
    let plan = plan(&graph, &Target::blocked()).unwrap();
    let packs = plan.prepare.iter().filter(|step| matches!(step.operation, Operation::Pack(_))).count();
    assert_eq!((packs, plan.prepared.len()), (1, 1));
}
