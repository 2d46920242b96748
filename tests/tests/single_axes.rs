//! Planes of one element: a view of them is as good as a tensor of them. Each case is a network, and the same with one layer more
//! that changes no number; answers and gradients of both must be equal, by the reference and by every instruction set.
//!
//! Samples are two or more: of one alone, a distance from channel to channel that is wrong is seen nowhere.

use cnnc_compiler::kernels::KernelGraph;
use cnnc_compiler::passes;
use cnnc_compiler::plan::{Plan, Target, plan};
use cnnc_compiler::training::{Loss, SumOrMean, loss_and_gradients, names};
use cnnc_compiler::write_kernels::{Bindings, write_kernels};
use cnnc_runtime::cpu::{CpuOptions, Engine, InstructionSet, evaluate_f64};
use cnnc_runtime::doctor::relative_error;
use cnnc_runtime::{Parameters, Tensor, random};
use cnnc_tests::{formula, network_of_text};
use std::sync::Arc;

/// Networks, `…` where the layer goes that changes nothing, and the layers that may go there.
const CASES: [(&str, &[&str]); 7] = [
    (
        "input [2, 32, 1, 1]; conv: Conv2d(5, kernel_size=1); cut: Narrow(dim=1, start=1, length=4); … Flatten",
        &POOLINGS,
    ),
    ("input [3, 8, 1, 1]; conv: Conv2d(6, kernel_size=1); mix: ChannelShuffle(1); … Flatten", &POOLINGS),
    (
        "input [2, 4, 1, 1]; conv: Conv2d(4, kernel_size=1); turn: Permute((0, 2, 3, 1)); back: Permute((0, 3, 1, 2)); … Flatten",
        &POOLINGS,
    ),
    (
        "input [2, 4, 1, 1]; conv: Conv2d(4, kernel_size=1, bias=false); … last: Conv2d(3, kernel_size=1); Flatten",
        &ENLARGED,
    ),
    ("input [2, 5, 3, 1]; conv: Conv2d(4, kernel_size=1); cut: Narrow(dim=1, start=1, length=3); … Flatten", &ROWS),
    ("input [2, 5, 1, 3]; conv: Conv2d(4, kernel_size=1); cut: Narrow(dim=1, start=1, length=3); … Flatten", &ROWS),
    (
        "input [2, 16, 1, 2]; sum { Narrow(dim=3, start=1, length=1); { conv: Conv2d(16, kernel_size=1); … } }; Flatten",
        &ROWS,
    ),
];
const POOLINGS: [&str; 5] = [
    "AdaptiveAvgPool2d(1);",
    "AdaptiveMaxPool2d(1);",
    "MaxPool2d(1);",
    "AvgPool2d(3, stride=1, padding=1, count_include_pad=false);",
    "Upsample(size=(1, 1));",
];
const ENLARGED: [&str; 3] = ["Upsample(size=(1, 1));", "Upsample(size=(1, 1), mode=\"bilinear\");", "MaxPool2d(1);"];
const ROWS: [&str; 3] = ["MaxPool2d(1);", "AvgPool2d(1);", "Upsample(scale_factor=1);"];

/// The kernels of an answer, or of loss and gradients.
fn kernels(spec: &str, training: bool, fused: bool) -> (KernelGraph, Parameters) {
    let network = network_of_text(&format!("model M {{ {spec} }}"));
    let loss = Loss::MeanSquaredError(SumOrMean::Mean);
    let graph = match training {
        true => loss_and_gradients(&network, &Bindings::new(), loss),
        false => write_kernels(&network, &Bindings::new()),
    };
    let mut graph = graph.unwrap_or_else(|failure| panic!("{failure:?}"));
    if fused {
        passes::run(&mut graph).unwrap_or_else(|failure| panic!("{failure:?}"));
    }
    (graph, formula::parameters(&network.graph, &[]))
}

fn inputs(plan: &Plan) -> Vec<Tensor> {
    let input = |name: &str, shape: &[usize]| match name {
        names::SEED | names::STEP => Tensor::count(1),
        _ => random::input(name, shape, 0),
    };
    plan.inputs.iter().map(|port| input(&port.name, &port.view.shape)).collect()
}

/// Values by name.
type Named = Vec<(String, Vec<f64>)>;

/// Every output by name, as the reference has it in float64 and as each instruction set has it.
fn results(spec: &str, training: bool, fused: bool) -> Vec<(String, Named)> {
    let (graph, parameters) = kernels(spec, training, fused);
    let named = |values: Vec<Vec<f64>>| {
        let names = graph.outputs.iter().map(|port| port.name.to_string());
        let mut named: Named = names.zip(values).collect();
        named.sort_by(|a, b| a.0.cmp(&b.0));
        named
    };
    let reference = Arc::new(plan(&graph, &Target::reference()).expect("a plan"));
    let given = inputs(&reference);
    let exact = evaluate_f64(reference, &parameters, &given).expect("an answer");
    let mut all = vec![("reference".to_owned(), named(exact.into_iter().map(|(_, values)| values).collect()))];
    for instructions in InstructionSet::available() {
        let options = CpuOptions { instructions, threads: 1, ..CpuOptions::default() };
        let plan = Arc::new(plan(&graph, &options.target()).expect("a plan"));
        let mut engine = Engine::new(plan, &parameters, options).expect("an engine");
        let answers = engine.run(&given).expect("an answer");
        let values = answers.iter().map(|answer| answer.data().iter().map(|&value| f64::from(value)).collect());
        all.push((instructions.name().to_owned(), named(values.collect())));
    }
    all
}

#[test]
fn views_of_single_elements_are_read_as_tensors_of_them_are() {
    let mut wrong = Vec::new();
    for (network, layers) in CASES {
        for (training, fused) in [(false, true), (false, false), (true, true), (true, false)] {
            let expected = results(&network.replace('…', ""), training, fused);
            for layer in layers {
                let found = results(&network.replace('…', layer), training, fused);
                for ((by, expected), (_, found)) in expected.iter().zip(&found) {
                    assert_eq!(expected.len(), found.len());
                    for ((name, expected), (_, found)) in expected.iter().zip(found) {
                        let error = relative_error(found.iter().copied(), expected);
                        if error.is_nan() || error > 1e-5 {
                            wrong.push(format!(
                                "{network} with {layer}, {by}, fused {fused}: `{name}` is off by {error:.1e}"
                            ));
                        }
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
