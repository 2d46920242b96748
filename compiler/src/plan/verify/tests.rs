//! Verifying plans that are spoilt on purpose.

use super::{overlap, verify};
use crate::element::ElementType::{Float32, Uint64};
use crate::kernels::test_graph::TestGraph;
use crate::kernels::{Divisor, Expression, PoolAxis, Pooling};
use crate::plan::{Operation, Packing, Plan, Storage, Target, View, plan};

/// A convolution, a prepared scale, a `Map` over them in place, and a second convolution.
fn good() -> Plan {
    let (mut test, x) = TestGraph::new(&[2, 3, 4, 4]);
    let scale = test.parameter("scale", &[1, 3, 1, 1]);
    let scale = test.layer("Scale", |builder| builder.map(&[scale], Expression::operand(0) * 2.0));
    let a = test.conv(x, 3, 3, false);
    let b = test.layer("product", |builder| builder.map(&[a, scale], Expression::operand(0) * Expression::operand(1)));
    let c = test.conv(b, 2, 1, false);
    plan(&test.finish(c), &Target::reference()).unwrap()
}

fn refusal(change: impl FnOnce(&mut Plan)) -> String {
    let mut plan = good();
    verify(&plan).unwrap();
    change(&mut plan);
    verify(&plan).err().unwrap_or_else(|| "nothing".into())
}

#[track_caller]
fn refused(change: impl FnOnce(&mut Plan), end: &str) {
    let text = refusal(change);
    assert!(text.ends_with(end), "{text}");
}

#[test]
fn views_lie_inside_their_storage() {
    refused(|plan| plan.arena_bytes -= 4, "reaches past its storage");
    refused(|plan| plan.run[0].operands[1].storage = Storage::Parameter(9), "Parameter(9) does not exist");
    refused(|plan| plan.run[0].operands[0].strides.truncate(1), "is no tensor");
    refused(|plan| plan.outputs[0].view.offset_bytes += 1 << 20, "reaches past its storage");
    refused(|plan| plan.inputs[0].view.offset_bytes = 4, "input `input` is not where the caller puts it");
}

/// A plan of one pooling over images of one pixel.
fn pixels() -> Plan {
    let (mut test, x) = TestGraph::new(&[2, 4, 1, 1]);
    let axes = [PoolAxis::Adaptive; 2];
    let mean = test.layer("mean", |builder| builder.pool(x, axes, Pooling::Mean(Divisor::Elements), [1, 1]));
    plan(&test.finish(mean), &Target::reference()).unwrap()
}

#[test]
fn a_stride_along_which_nobody_moves_is_that_of_a_dense_tensor() {
    assert_eq!(verify(&pixels()), Ok(()));
    for strides in [[4, 1, 1000, 1], [4, 1, 0, 0], [4, 1, 1, 7], [4, 1, 1, 0]] {
        for part in [0, 1, 2] {
            let mut plan = pixels();
            let view = match part {
                0 => &mut plan.run[0].operands[0],
                1 => &mut plan.run[0].output,
                _ => &mut plan.outputs[0].view,
            };
            view.strides = strides.to_vec();
            let text = verify(&plan).unwrap_err();
            assert!(text.contains("has other strides than it must"), "{text}");
        }
    }
}

#[test]
fn steps_write_where_their_list_does() {
    refused(|plan| plan.run[0].output.storage = Storage::Prepared(0), "it writes to Prepared(0)");
    refused(|plan| plan.prepare[0].operands[0].storage = Storage::Input(0), "it reads what a run makes");
}

#[test]
fn operands_lie_as_kernels_read_them() {
    refused(|plan| plan.run[0].operands[0].strides.swap(2, 3), "an operand does not lie as it must");
    refused(|plan| plan.run[0].operands[1].strides[0] = 28, "reaches past its storage");
    refused(
        |plan| plan.run[1].operands[1] = View::dense(Storage::Prepared(0), Float32, 0, &[1, 3, 1, 1]),
        "an operand does not lie as it must",
    );
    refused(|plan| plan.run[0].output.strides.swap(2, 3), "its result has gaps");
    refused(|plan| plan.run[1].own_operands = 9, "it has too few operands");
    let narrow = |plan: &mut Plan| {
        let bias = View::dense(Storage::Prepared(0), Float32, 0, &[3]);
        plan.run[0].operands.push(bias);
        plan.run[0].epilogue = Some(Expression::operand(0) + Expression::operand(1));
    };
    refused(narrow, "an epilogue's operand is not repeated");
}

#[test]
fn operations_have_the_operands_and_sizes_that_they_take() {
    refused(|plan| drop(plan.run[0].operands.pop()), "it has too few operands");
    refused(|plan| plan.run[0].own_operands = 1, "it has 1 operands of its own");
    refused(|plan| plan.run[1].operation = Operation::Map(Expression::operand(2)), "operand 2 of 2 is named");
    refused(|plan| plan.run[0].epilogue = Some(Expression::operand(1)), "operand 1 of 1 is named");
    let text = refusal(|plan| plan.run[2].operation = plan.run[0].operation.clone());
    assert!(text.contains("does not follow from"), "{text}");
    refused(|plan| plan.run[1].output.strides[0] = 0, "it writes one element twice");
    refused(|plan| plan.parameters[1].path = plan.parameters[0].path.clone(), "which would share their memory");
}

#[test]
fn weights_are_packed_for_a_step_that_reads_them() {
    let (mut test, x) = TestGraph::new(&[2, 16, 4, 4]);
    let y = test.conv(x, 16, 3, false);
    let mut plan = plan(&test.finish(y), &Target::blocked()).unwrap();
    verify(&plan).unwrap();
    let Some(Operation::Pack(Packing::Conv(packed))) = plan.prepare.iter_mut().map(|step| &mut step.operation).next()
    else {
        unreachable!("a convolution's weights");
    };
    packed.convolution.batch = 3;
    assert!(verify(&plan).unwrap_err().ends_with("no step reads weights packed so"));
}

#[test]
fn numbers_are_of_this_world() {
    let huge = |plan: &mut Plan| match &mut plan.run[0].operation {
        Operation::Conv(conv) => conv.0.window[0].kernel = usize::MAX,
        _ => unreachable!("a convolution"),
    };
    refused(huge, "is too large for a window");
    refused(|plan| plan.run[0].output.shape[1] = usize::MAX, "is no tensor");
    refused(|plan| plan.arena_bytes = usize::MAX, "is too large for a storage");
    refused(|plan| plan.run[0].output.offset_bytes = 2, "is no tensor");
}

#[test]
fn only_a_map_writes_over_what_it_reads() {
    let same = |plan: &mut Plan| {
        let view = plan.run[1].output.clone();
        plan.run[2].output.offset_bytes = view.offset_bytes;
    };
    refused(same, "it writes over an operand");
    assert_eq!(good().run[1].output, good().run[1].operands[0], "this one does");
}

#[test]
fn what_is_read_was_written_and_is_still_there() {
    refused(|plan| drop(plan.run.remove(0)), "byte 0 was never written");
    refused(|plan| drop(plan.prepare.remove(0)), "byte 0 was never written");
    let over = |plan: &mut Plan| {
        // A copy of the input over a part of the first result, before the second step reads it.
        let mut copy = plan.run[1].clone();
        copy.operation = Operation::Map(Expression::operand(0));
        copy.operands.truncate(1);
        copy.own_operands = 1;
        copy.operands[0] = plan.inputs[0].view.clone();
        copy.output.offset_bytes += 64;
        plan.arena_bytes += 64;
        plan.run.insert(1, copy);
    };
    refused(over, "what step 0 wrote is written over");
}

#[test]
fn columns_of_one_table_do_not_overlap() {
    let (mut test, x) = TestGraph::new(&[2, 3, 4, 4]);
    let a = test.conv(x, 2, 3, false);
    let twice = test.concat(&[a, a]);
    let plan = plan(&test.finish(twice), &Target::reference()).unwrap();
    verify(&plan).unwrap();
    let mut closer = plan.clone();
    closer.run[1].output.offset_bytes -= 4;
    assert!(verify(&closer).unwrap_err().ends_with("it writes over an operand"));
}

/// Parts of a table, in whatever order they visit its elements.
#[test]
fn columns_of_a_table_may_lie_along_the_last_of_many_axes() {
    let part = |offset: usize, shape: &[usize], strides: &[usize]| View {
        storage: Storage::Arena,
        element: Float32,
        offset_bytes: 4 * offset,
        shape: shape.to_vec(),
        strides: strides.to_vec(),
    };
    let images = |offset| part(offset, &[2, 3, 4], &[24, 8, 1]);
    assert!(!overlap(&images(0), &images(4)) && overlap(&images(0), &images(3)));
    let turned = part(0, &[2, 2], &[1, 4]);
    assert!(!overlap(&turned, &part(2, &[2, 2], &[4, 1])) && overlap(&turned, &part(1, &[2, 2], &[4, 1])));
    assert!(!overlap(&part(3, &[2, 3, 1], &[12, 4, 1]), &part(0, &[2, 3, 3], &[12, 4, 1])));
    let dense = |offset: usize, shape: &[usize]| View::dense(Storage::Arena, Float32, 4 * offset, shape);
    assert!(overlap(&dense(0, &[4, 4]), &dense(5, &[4, 4])));
    let whole = dense(0, &[6, 8]);
    assert!(overlap(&whole, &part(2, &[6, 2], &[8, 1])));
}

#[test]
fn elements_are_aligned_and_what_their_storage_holds() {
    refused(|plan| plan.outputs[0].view.offset_bytes += 2, "is no tensor");
    refused(|plan| plan.parameters[0].element = Uint64, "is not what its storage holds");
    refused(|plan| plan.run[0].compute = Uint64, "uint64 is stored as float32");
}
