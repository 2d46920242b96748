//! Numbers at the ends of float32, infinities and not-a-number: what activations answer to them is what PyTorch answers in
//! float32, by the reference and by every instruction set, for itself and after a convolution that it is fused with; and how
//! far an infinity spreads in a convolution, as docs/performance.md says.

use cnnc_runtime::cpu::{CpuOptions, InstructionSet, Kernels};
use cnnc_runtime::{Parameters, Tensor};
use cnnc_tests::network_of_text;
use cnnc_tests::plans::fast;
use serde_json::Value;
use std::fs;

/// Relative; float32 itself has 6e-8, the functions a few of them.
const TOLERANCE: f32 = 1e-6;
/// Below the smallest normal number answers may be zero.
const SMALLEST: f32 = f32::MIN_POSITIVE;

fn number(text: &Value) -> f32 {
    text.as_str().expect("a number as text").parse().expect("a number")
}

fn is_answer(found: f32, expected: f32) -> bool {
    if expected.is_nan() || expected.is_infinite() || expected == 0.0 {
        return found.to_bits() == expected.to_bits()
            || (found.is_nan() && expected.is_nan())
            || (expected == 0.0 && found.abs() < SMALLEST);
    }
    (found - expected).abs() <= TOLERANCE * expected.abs() + SMALLEST
}

/// Everything that is wrong with an activation's answers.
fn wrong(spec: &str, text: &str, inputs: &[f32], answers: &[f32]) -> Vec<String> {
    let network = network_of_text(text);
    let parameters = Parameters::draw(&network.graph, 0).expect("parameters");
    let input = Tensor::new(&[1, 1, 1, inputs.len()], inputs.to_vec()).expect("a row");
    let sets = InstructionSet::available().into_iter().map(|instructions| (Kernels::Fast, instructions));
    let mut wrong = Vec::new();
    for (kernels, instructions) in sets.chain([(Kernels::Reference, InstructionSet::Portable)]) {
        let options = CpuOptions { kernels, instructions, ..CpuOptions::default() };
        for fused in [false, true] {
            let (found, _) = fast(&network, fused, options, &parameters, std::slice::from_ref(&input));
            for ((input, found), expected) in inputs.iter().zip(found[0].data()).zip(answers) {
                if !is_answer(*found, *expected) {
                    wrong.push(format!(
                        "{spec}({input:e}) is {found:e} and not {expected:e}: {options:?}, fused {fused}"
                    ));
                }
            }
        }
    }
    wrong
}

#[test]
fn activations_at_the_ends_of_float32() {
    let text = fs::read_to_string("reference/extremes.json").expect("the fixture");
    let fixture: Value = serde_json::from_str(&text).expect("the fixture");
    let inputs: Vec<f32> = fixture["inputs"].as_array().expect("inputs").iter().map(number).collect();
    let mut all = Vec::new();
    for case in fixture["cases"].as_array().expect("cases") {
        let spec = case["spec"].as_str().expect("a spec");
        let answers: Vec<f32> = case["answers"].as_array().expect("answers").iter().map(number).collect();
        all.extend(wrong(spec, &format!("model M {{ input [1, 1, 1, {}]; {spec} }}", inputs.len()), &inputs, &answers));
        let fused = "Conv2d(1, kernel_size=1); init Conv2d: constant(1, bias=0)";
        let text = format!("model M {{ input [1, 1, 1, {}]; {fused}; {spec} }}", inputs.len());
        all.extend(wrong(&format!("after a convolution {spec}"), &text, &inputs, &answers));
    }
    assert!(all.is_empty(), "{} wrong:\n{}", all.len(), all.join("\n"));
}

#[test]
fn an_infinity_reaches_its_tile() {
    let side = 33;
    let network =
        network_of_text(&format!("model M {{ input [1, 16, {side}, {side}]; Conv2d(16, kernel_size=3, padding=1) }}"));
    let parameters = Parameters::draw(&network.graph, 0).expect("parameters");
    for (exact, reach) in [(true, 1), (false, 7)] {
        for [row, column] in [[16, 16], [0, 0], [3, 31], [32, 5]] {
            let mut values = vec![0.5; 16 * side * side];
            values[row * side + column] = f32::INFINITY;
            let input = Tensor::new(&[1, 16, side, side], values).expect("an image");
            let options = CpuOptions { exact, ..CpuOptions::default() };
            let (found, _) = fast(&network, true, options, &parameters, std::slice::from_ref(&input));
            let plane = |index: usize| [index / side % side, index % side];
            let far = |index: usize| {
                let [y, x] = plane(index);
                y.abs_diff(row).max(x.abs_diff(column))
            };
            let spoilt = found[0].data().iter().enumerate().filter(|(_, value)| !value.is_finite());
            let farthest = spoilt.map(|(index, _)| far(index)).max().expect("something infinite");
            assert!(farthest <= reach, "exact {exact}: {farthest} pixels from [{row}, {column}]");
        }
    }
}

/// A value that numbers no row of a table gives not-a-number, and the rows beside it are untouched.
#[test]
fn values_that_number_no_row_are_not_looked_up() {
    let values = [0.0, 2.0, 3.0, -1.0, 0.5, f32::NAN, f32::INFINITY, 1.0];
    let row = |value: f32| match value {
        value if [0.0, 1.0, 2.0].contains(&value) => [10.0 * value, 10.0 * value + 1.0],
        _ => [f32::NAN; 2],
    };
    let expected: Vec<f32> = values.iter().flat_map(|&value| row(value)).collect();
    let text = "model M { input [8]; words: Embedding(3, 2) }";
    let network = network_of_text(text);
    let table = Tensor::new(&[3, 2], vec![0.0, 1.0, 10.0, 11.0, 20.0, 21.0]).expect("a table");
    let parameters: Parameters = [("words.weight".into(), table)].into_iter().collect();
    let input = Tensor::new(&[8], values.to_vec()).expect("values");
    let sets = InstructionSet::available().into_iter().map(|instructions| (Kernels::Fast, instructions));
    for (kernels, instructions) in sets.chain([(Kernels::Reference, InstructionSet::Portable)]) {
        let options = CpuOptions { kernels, instructions, ..CpuOptions::default() };
        for fused in [false, true] {
            let (found, _) = fast(&network, fused, options, &parameters, std::slice::from_ref(&input));
            let alike = found[0].data().iter().zip(&expected).all(|(a, b)| a == b || (a.is_nan() && b.is_nan()));
            assert!(alike, "{options:?}, fused {fused}: {:?}", found[0].data());
        }
    }
}
