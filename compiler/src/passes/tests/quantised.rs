//! Which values become bytes, on networks by hand: names, what is converted, and what of it a plan for blocks says.

use crate::element::{ElementType, Quantisation};
use crate::kernels::test_graph::TestGraph;
use crate::kernels::{Kernel, KernelGraph, verify};
use crate::passes::{self, Quantisations, observe, quantise, value_names};
use crate::plan::{Blocks, Method, Operation, Plan, Target, plan};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A quantisation for each of these values, and these weights as bytes.
fn quantisations(values: &[&str], weights: &[&str]) -> Quantisations {
    let of = |(index, name): (usize, &&str)| ((*name).into(), Quantisation::of_range(0.0, 1.0 + index as f32));
    let weights = weights.iter().map(|key| Arc::from(*key)).collect();
    Quantisations { values: values.iter().enumerate().map(of).collect(), weights }
}

/// Two convolutions, the second added to what the first gave, a pooling and a fully connected layer.
fn residual() -> KernelGraph {
    let (mut test, x) = TestGraph::new(&[1, 3, 8, 8]);
    let first = test.conv(x, 16, 3, true);
    let first = test.relu(first);
    let second = test.conv(first, 16, 3, true);
    let sum = test.sum(first, second);
    let pooled = test.max_pool(sum);
    let last = test.conv(pooled, 16, 1, true);
    let mut graph = test.finish(last);
    passes::run(&mut graph).unwrap();
    graph
}

fn planned(graph: &KernelGraph, of: Quantisations) -> Plan {
    let blocks = Blocks { quantisations: Arc::new(of), ..Blocks::reference() };
    plan(graph, &Target { blocks: Some(blocks), ..Target::blocked() }).unwrap()
}

#[test]
fn values_have_the_names_of_their_last_layers() {
    let mut graph = residual();
    let mut names: Vec<String> = value_names(&graph).values().map(|name| name.to_string()).collect();
    names.sort();
    assert_eq!(names, ["1", "3", "4", "5", "input"], "first, sum, pooled, last and the input");
    let before = graph.outputs.iter().count();
    let (observed, weights) = observe(&mut graph);
    assert_eq!((observed.len(), graph.outputs.iter().count()), (5, before + 5));
    assert_eq!(weights, ["0.weight", "2.weight", "5.weight"].map(Arc::from).into_iter().collect::<BTreeSet<_>>());
    verify(&graph).unwrap();
}

#[test]
fn bytes_go_from_layer_to_layer() {
    let graph = residual();
    let of = quantisations(&["input", "1", "3", "4"], &["0.weight", "2.weight", "5.weight"]);
    let plan = planned(&graph, of);
    let methods: Vec<Method> = plan
        .run
        .iter()
        .filter_map(|step| match &step.operation {
            Operation::PackedConv(packed) => Some(packed.method),
            _ => None,
        })
        .collect();
    assert_eq!(methods, [Method::Int8Stem, Method::Int8, Method::Int8]);
    let is_bytes = |element: ElementType| element.quantisation().is_some();
    let written: Vec<bool> = plan.run.iter().map(|step| is_bytes(step.output.element)).collect();
    // The input, three values, the answer in blocks, and the answer as it is.
    assert_eq!(written, [true, true, true, true, false, false]);
    // A pooling that selects keeps what it selects from.
    let pool = plan.run.iter().find(|step| matches!(step.operation, Operation::Pool(_))).unwrap();
    assert_eq!(pool.output.element, pool.operands[0].element);
    // What is added is read as the bytes that it is.
    let added = plan.run.iter().find(|step| step.operands.len() > 3).unwrap();
    assert!(added.operands.iter().filter(|view| is_bytes(view.element)).count() == 2);
}

#[test]
fn what_is_no_bytes_is_converted_and_said() {
    let mut graph = residual();
    let of = quantisations(&["input", "1", "3", "4"], &["0.weight", "5.weight"]);
    let notes = quantise(&mut graph, &of, 16);
    verify(&graph).unwrap();
    let left: Vec<&str> = notes.iter().filter(|note| !note.done).map(|note| note.text.as_str()).collect();
    assert_eq!(left, ["it stays in float32: its weights are no bytes"]);
    let conversions = graph.dag.iter().filter(|(_, node)| {
        let converts = |kernel: &Kernel| matches!(kernel, Kernel::Map(expression) if expression.to_string() == "x0");
        converts(&node.kernel)
    });
    // The input to bytes, the first value back, and the sum's pooling to bytes again.
    assert_eq!(conversions.count(), 3);
    planned(&residual(), of);
}

#[test]
fn without_quantisations_nothing_changes() {
    let (graph, mut same) = (residual(), residual());
    assert!(quantise(&mut same, &Quantisations::default(), 16).is_empty());
    assert_eq!(crate::kernels::print(&graph), crate::kernels::print(&same));
    assert_eq!(planned(&graph, Quantisations::default()), plan(&graph, &Target::blocked()).unwrap());
}
