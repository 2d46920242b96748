//! The lanes that fill up a last block: whatever stands in them reaches no answer. Each case makes them infinite, were they kept
//! in blocks, before something reads the whole block; with passes and without, by every instruction set, against the reference in
//! float64.

use cnnc_compiler::plan::Target;
use cnnc_runtime::cpu::{Cpu, CpuOptions, Engine, InstructionSet, evaluate_f64};
use cnnc_runtime::doctor::relative_error;
use cnnc_runtime::{Backend, Parameters, Tensor, random};
use cnnc_tests::network_of_text;
use cnnc_tests::plans::planned;

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

#[test]
fn spare_lanes_reach_no_answer() {
    let mut wrong = Vec::new();
    for case in CASES {
        let network = network_of_text(&format!("model M {{ {case} }}"));
        let parameters = Parameters::draw(&network.graph, 1).expect("parameters");
        for fused in [true, false] {
            let reference = planned(&network, fused, &Target::reference());
            let inputs: Vec<Tensor> =
                reference.inputs.iter().map(|port| random::input(&port.name, &port.view.shape, 0)).collect();
            let exact = evaluate_f64(reference, &parameters, &inputs).expect("an answer");
            for instructions in InstructionSet::available() {
                let options = CpuOptions { instructions, threads: 1, ..CpuOptions::default() };
                let plan = planned(&network, fused, &Cpu(options).target());
                let mut engine = Engine::new(plan, &parameters, options).expect("an engine");
                let answers = engine.run(&inputs).expect("an answer");
                let found = answers[0].data().iter().map(|&value| f64::from(value));
                let error = relative_error(found, &exact[0].1);
                if error.is_nan() || error > 1e-4 {
                    wrong.push(format!("{case}, fused {fused}, {}: off by {error:.1e}", instructions.name()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
