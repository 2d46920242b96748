//! Verifying graphs that are spoilt on purpose.

use super::{MAX_DEPTH, verify};
use crate::element::ElementType::Uint64;
use crate::graph::NodeId;
use crate::kernels::test_graph::TestGraph;
use crate::kernels::{
    AxisWindow, Concat, Conv, ConvData, Convolution, Expression, Gemm, Kernel, KernelGraph, KernelNode, Pad, Permute,
    Pool, Pooling, Reduce, Reduction, Resample, Reshape, Slice,
};

/// What is said of a graph with one node that `change` has spoilt. Its arguments are the inputs `a` and `b`.
fn refusal(kernel: Kernel, a: &[usize], b: Option<&[usize]>, shape: &[usize]) -> String {
    refusal_of(kernel, a, b, shape, |_, _| {})
}

fn refusal_of(
    kernel: Kernel,
    a: &[usize],
    b: Option<&[usize]>,
    shape: &[usize],
    change: impl FnOnce(&mut KernelGraph, NodeId),
) -> String {
    let (mut test, first) = TestGraph::new(a);
    let mut arguments = vec![first];
    arguments.extend(b.map(|shape| test.input("b", shape)));
    let mut graph = test.finish(first);
    let id = graph.add(kernel, shape.to_vec(), &arguments, vec!["0 Layer".into()]);
    change(&mut graph, id);
    verify(&graph).err().unwrap_or_else(|| "nothing".into())
}

fn window(kernel: usize) -> [AxisWindow; 2] {
    [AxisWindow { kernel, stride: 1, dilation: 1, before: 0 }; 2]
}

#[test]
fn every_kernel_has_its_shape() {
    let conv = || Kernel::Conv(Conv(Convolution { window: window(3), groups: 2 }));
    let weight: &[usize] = &[6, 2, 3, 3];
    let x: &[usize] = &[1, 4, 8, 8];
    assert_eq!(refusal(conv(), x, Some(weight), &[1, 6, 6, 6]), "nothing");
    let text = "conv of `0 Layer`: the shape [1, 4, 6, 6] does not follow from [[1, 4, 8, 8], [6, 2, 3, 3]]";
    assert_eq!(refusal(conv(), x, Some(weight), &[1, 4, 6, 6]), text);
    type Case<'a> = (Kernel, &'a [usize], Option<&'a [usize]>, &'a [usize]);
    let wrong: Vec<Case> = vec![
        (conv(), x, Some(&[6, 4, 3, 3]), &[1, 6, 6, 6]),
        (Kernel::Conv(Conv(Convolution { window: window(5), groups: 2 })), x, Some(weight), &[1, 6, 6, 6]),
        (Kernel::Conv(Conv(Convolution { window: window(0), groups: 1 })), x, Some(&[6, 4, 0, 0]), &[1, 6, 6, 6]),
        (
            Kernel::ConvData(ConvData(Convolution { window: window(3), groups: 2 })),
            x,
            Some(&[4, 3, 3, 3]),
            &[1, 3, 8, 8],
        ),
        (Kernel::Gemm(Gemm { transpose_a: false, transpose_b: false }), &[2, 3], Some(&[4, 3]), &[2, 4]),
        (Kernel::Gemm(Gemm { transpose_a: true, transpose_b: true }), &[3, 2], Some(&[4, 3]), &[4, 2]),
        (
            Kernel::Pool(Pool { axes: [crate::kernels::PoolAxis::Adaptive; 2], pooling: Pooling::Max }),
            x,
            None,
            &[1, 3, 2, 2],
        ),
        (Kernel::Reduce(Reduce { reduction: Reduction::Sum, axes: vec![false, true] }), &[2, 3], None, &[1, 3]),
        (Kernel::Reshape(Reshape), &[2, 3], None, &[5]),
        (Kernel::Permute(Permute { axes: vec![1, 0] }), &[2, 3], None, &[2, 3]),
        (Kernel::Permute(Permute { axes: vec![0, 0] }), &[2, 2], None, &[2, 2]),
        (Kernel::Pad(Pad { padding: vec![(1, -2)] }), &[3], None, &[3]),
        (Kernel::Pad(Pad { padding: vec![(-4, 0)] }), &[3], None, &[0]),
        (Kernel::Slice(Slice { axis: 0, start: 2 }), &[4], None, &[3]),
        (Kernel::Slice(Slice { axis: 1, start: 0 }), &[4], None, &[4]),
        (Kernel::Concat(Concat { axis: 0 }), &[2, 3], Some(&[2, 3]), &[5, 3]),
        (Kernel::Concat(Concat { axis: 0 }), &[2, 3], Some(&[2, 4]), &[4, 3]),
        (Kernel::Resample(Resample(crate::kernels::Resampling::Nearest { scale: [0.5; 2] })), x, None, &[1, 3, 16, 16]),
    ];
    for (kernel, a, b, shape) in wrong {
        let text = refusal(kernel, a, b, shape);
        assert!(text.contains("does not follow"), "{text}");
    }
}

#[test]
fn arguments_are_as_many_as_they_must_be() {
    assert!(refusal(Kernel::Reshape(Reshape), &[2], Some(&[2]), &[2]).ends_with("2 arguments of its own"));
    let gemm = Kernel::Gemm(Gemm { transpose_a: false, transpose_b: false });
    assert!(refusal(gemm, &[2, 2], None, &[2, 2]).ends_with("1 arguments of its own"));
    let missing = |graph: &mut KernelGraph, id| graph.dag.set_arguments(id, &[]);
    assert!(
        refusal_of(Kernel::Reshape(Reshape), &[2], None, &[2], missing)
            .ends_with("0 arguments where 1 are its kernel's")
    );
}

#[test]
fn expressions_name_what_there_is_and_repeat_it() {
    let map = |expression| Kernel::Map(expression);
    let [x0, x1] = [0, 1].map(Expression::operand);
    assert!(refusal(map(x0.clone() + x1.clone()), &[2], None, &[2]).ends_with("x1 is named and there are 1 operands"));
    assert!(refusal(map(x0.clone()), &[2], None, &[3]).ends_with("[2] cannot be repeated to [3]"));
    assert_eq!(refusal(map(x0.clone()), &[1], None, &[3]), "nothing");
    let index = refusal(map(x0.clone() + Expression::Index(1)), &[3], None, &[3]);
    assert!(index.ends_with("an index along an axis that there is not"), "{index}");
    assert!(refusal(map(x0.clone()), &[3], None, &[1, 3]).ends_with("[3] cannot be repeated to [1, 3]"));
    assert_eq!(refusal(map(x0.clone() * x1), &[2, 1], Some(&[1, 3]), &[2, 3]), "nothing");
    let deep = (0..=MAX_DEPTH).fold(x0, |x, _| -x);
    assert!(refusal(map(deep), &[2], None, &[2]).ends_with("an expression 257 deep"));
}

#[test]
fn epilogues_stand_where_they_may() {
    let sum = || Kernel::Reduce(Reduce { reduction: Reduction::Sum, axes: vec![false, true] });
    let with = |expression: Expression| {
        move |graph: &mut KernelGraph, id: NodeId| {
            let node: &mut KernelNode = graph.dag.get_mut(id).unwrap();
            (node.own_arguments, node.epilogue) = (1, Some(expression));
        }
    };
    let [x0, x1, x2] = [0, 1, 2].map(Expression::operand);
    assert_eq!(refusal_of(sum(), &[2, 3], Some(&[2, 1]), &[2, 1], with(x0.clone() + x1.clone())), "nothing");
    let other = refusal_of(sum(), &[2, 3], Some(&[2, 1]), &[2, 1], with(x0.clone() + x2));
    assert!(other.ends_with("x2 is named and there are 2 operands"), "{other}");
    let large = refusal_of(sum(), &[2, 3], Some(&[2, 3]), &[2, 1], with(x0.clone() + x1));
    assert!(large.ends_with("[2, 3] cannot be repeated to [2, 1]"), "{large}");
    let none = refusal_of(Kernel::Reshape(Reshape), &[2], None, &[2], with(-x0));
    assert!(none.ends_with("an epilogue behind a kernel that takes none"), "{none}");
    let fewer = |graph: &mut KernelGraph, id: NodeId| graph.dag.get_mut(id).unwrap().own_arguments = 1;
    let unused = refusal_of(sum(), &[2, 3], Some(&[2, 1]), &[2, 1], fewer);
    assert!(unused.ends_with("1 operands for no epilogue"), "{unused}");
}

#[test]
fn the_graph_is_whole() {
    let (mut test, x) = TestGraph::new(&[2]);
    let a = test.relu(x);
    let b = test.relu(a);
    let good = test.finish(b);
    let spoilt = |change: &dyn Fn(&mut KernelGraph)| {
        let mut graph = good.clone();
        change(&mut graph);
        verify(&graph).unwrap_err()
    };
    assert_eq!(spoilt(&|graph| graph.dag.set_arguments(a, &[b])), "the graph has a cycle");
    assert_eq!(
        spoilt(&|graph| graph.outputs.replace(graph.outputs[0].node, NodeId::end())),
        "output `output` does not exist"
    );
    assert_eq!(spoilt(&|graph| graph.inputs[0].node = a), "input `input` is not a node that is this input");
    assert!(spoilt(&|graph| graph.inputs.clear()).ends_with("input 0 is not in the list of inputs"));
    let parameter = Kernel::Parameter(crate::graph::ParameterId(7));
    let unknown = spoilt(&|graph| {
        graph.add(parameter.clone(), vec![1], &[], Vec::new());
    });
    assert!(unknown.contains("does not follow"), "{unknown}");
    let huge = spoilt(&|graph| graph.dag.get_mut(a).unwrap().shape = vec![1 << 40, 1 << 40]);
    assert!(huge.ends_with("is past counting"), "{huge}");
}

#[test]
fn whole_numbers_are_only_counted_moved_and_read_by_maps() {
    let refusal = |kernel: Kernel, change: fn(&mut KernelNode)| {
        let (mut test, x) = TestGraph::new(&[2]);
        let mut graph = {
            test.graph.add_input("count", Uint64, &[2]);
            test.finish(x)
        };
        let counter = graph.inputs[1].node;
        let id = graph.add(kernel, vec![2], &[counter], vec!["0 Layer".into()]);
        change(graph.dag.get_mut(id).unwrap());
        verify(&graph).err().unwrap_or_else(|| "nothing".into())
    };
    let whole = |node: &mut KernelNode| (node.element, node.compute) = (Uint64, Uint64);
    let [x, sum, product] = [0, 1, 2].map(|form| match form {
        0 => Expression::operand(0),
        1 => Expression::operand(0) + 1.0,
        _ => Expression::operand(0) * 2.0,
    });
    assert_eq!(refusal(Kernel::Map(product.clone()), |_| {}), "nothing", "of its float32");
    assert_eq!(refusal(Kernel::Map(sum), whole), "nothing");
    assert_eq!(refusal(Kernel::Map(product), whole), "map of `0 Layer`: `x0 * 2` is computed in uint64");
    let stored = refusal(Kernel::Map(x), |node| node.element = Uint64);
    assert_eq!(stored, "map of `0 Layer`: float32 is stored as uint64");
    assert_eq!(refusal(Kernel::Reshape(Reshape), |_| {}), "nothing");
    let pad = refusal(Kernel::Pad(Pad { padding: vec![(0, 0)] }), |_| {});
    assert_eq!(pad, "pad of `0 Layer`: it makes float32 of [Uint64], computed in float32");
}
