//! The lanes that fill up a last block: whatever stands in them reaches no answer. Each case makes them infinite, were they kept
//! in blocks, before something reads the whole block; with passes and without, by every instruction set, against the reference in
//! float64. And so in the gradients, where a convolution's own epilogue may make them infinite.

use cnnc_compiler::element::ElementType;
use cnnc_compiler::graph::ShapedGraph;
use cnnc_compiler::passes;
use cnnc_compiler::plan::{Plan, Target, plan};
use cnnc_compiler::training::{Loss, SumOrMean, loss_and_gradients};
use cnnc_compiler::write_kernels::Bindings;
use cnnc_runtime::cpu::{CpuOptions, Engine, InstructionSet, evaluate_f64};
use cnnc_runtime::doctor::relative_error;
use cnnc_runtime::{Parameters, Tensor, random};
use cnnc_tests::network_of_text;
use cnnc_tests::plans::planned;
use std::sync::Arc;

const CASES: [&str; 6] = [
    // log(0), 1 / 0 of a plain value of one channel that is brought into blocks
    "input [2, 4, 2, 7]; Conv2d(1, kernel_size=1); AdaptiveMaxPool2d((1, 4)); LogSoftmax(dim=1); Linear(7)",
    "input [2, 4, 9, 7]; Conv2d(1, kernel_size=3); MaxPool2d(2); Softmax(dim=1); Conv2d(20, kernel_size=1)",
    // exp(0 − largest) where the largest that counts is far below zero
    "input [2, 5, 9, 9]; a: Conv2d(12, kernel_size=3); Softmax(dim=1); Conv2d(20, kernel_size=3); init \"a\": constant(0.01, bias=-200)",
    "input [2, 5, 9, 9]; a: Conv2d(20, kernel_size=3); LogSoftmax(dim=1); Conv2d(20, kernel_size=3); init \"a\": constant(0.01, bias=-200)",
    "input [2, 5, 9, 9]; a: Conv2d(12, kernel_size=3); MaxPool2d(2); Softmax(dim=1); Flatten; Linear(6); init \"a\": constant(0.01, bias=-200)",
    "input [2, 5, 9, 9]; a: Conv2d(12, kernel_size=3); product { {} ; { Conv2d(1, kernel_size=1); Sigmoid } }; GELU; Conv2d(9, kernel_size=3)",
];

/// A derivative that divides by what is zero where there is no channel, after the convolution whose gradient it goes on with.
const GRADIENTS: [&str; 4] = [
    "input [1, 1, 1, 7]; e: Linear(6, bias=false); Linear(7, bias=false, weight=e.weight.T); LogSoftmax(dim=1); Conv2d(8, kernel_size=3, padding=1, bias=false)",
    "input [2, 1, 1, 7]; e: Linear(9, bias=false); Linear(7, weight=e.weight.T); Softmax(dim=1); Conv2d(8, kernel_size=3, padding=1)",
    "input [2, 3, 5, 5]; Conv2d(1, kernel_size=3); LogSoftmax(dim=1); Conv2d(20, kernel_size=3)",
    "input [2, 1, 6, 7]; Linear(7); LogSoftmax(dim=1); ConvTranspose2d(5, kernel_size=2)",
];

#[test]
fn spare_lanes_reach_no_answer() {
    hold(&CASES, planned);
}

#[test]
fn spare_lanes_reach_no_gradient() {
    hold(&GRADIENTS, |network, fused, target| {
        let loss = Loss::MeanSquaredError(SumOrMean::Mean);
        let mut kernels = loss_and_gradients(network, &Bindings::new(), loss).expect("gradients");
        if fused {
            passes::run(&mut kernels).expect("passes");
        }
        Arc::new(plan(&kernels, target).expect("a plan"))
    });
}

/// Holds every answer of the cases' plans against the reference.
fn hold(cases: &[&str], planned: impl Fn(&ShapedGraph, bool, &Target) -> Arc<Plan>) {
    let mut wrong = Vec::new();
    for case in cases {
        let network = network_of_text(&format!("model M {{ {case} }}"));
        let parameters = Parameters::draw(&network.graph, 1).expect("parameters");
        for fused in [true, false] {
            let reference = planned(&network, fused, &Target::reference());
            let given = reference.inputs.iter().map(|port| match port.view.element {
                ElementType::Float32 | ElementType::Uint8(_) => random::input(&port.name, &port.view.shape, 0),
                ElementType::Uint64 => Tensor::count(1),
            });
            let inputs: Vec<Tensor> = given.collect();
            let exact = evaluate_f64(reference, &parameters, &inputs).expect("an answer");
            for instructions in InstructionSet::available() {
                let options = CpuOptions { instructions, threads: 1, ..CpuOptions::default() };
                let plan = planned(&network, fused, &options.target());
                let mut engine = Engine::new(plan, &parameters, options).expect("an engine");
                let answers = engine.run(&inputs).expect("an answer");
                for (number, (answer, (_, exact))) in answers.iter().zip(&exact).enumerate() {
                    let found = answer.data().iter().map(|&value| f64::from(value));
                    let error = relative_error(found, exact);
                    if error.is_nan() || error > 1e-4 {
                        let name = instructions.name();
                        wrong.push(format!("{case}, fused {fused}, {name}, answer {number}: off by {error:.1e}"));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
