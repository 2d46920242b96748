//! The evaluation that judges random networks, held to PyTorch's fixtures: every layer's answers, and gradients and running
//! statistics in
//! training.

use cnnc_compiler::graph::ShapedGraph;
use cnnc_compiler::training::{Loss, SumOrMean};
use cnnc_runtime::doctor::relative_error;
use cnnc_runtime::random;
use cnnc_runtime::{Parameters, Tensor};
use cnnc_tests::evaluation::number::Derivatives;
use cnnc_tests::evaluation::{Mode, evaluate, learn};
use cnnc_tests::fixture::{Fixture, sizes};
use cnnc_tests::{formula, network_of_text};
use serde_json::Value;

/// What float64 may differ by, as a share of the largest element.
const EXACT: f64 = 1e-11;

fn network(case: &Value) -> (ShapedGraph, Vec<usize>) {
    let (spec, shape) = (case["spec"].as_str().expect("a spec"), sizes(&case["input"]));
    (network_of_text(&format!("model Case {{\n    input {shape:?}\n    {spec}\n}}\n")), shape)
}

fn parameters(network: &ShapedGraph) -> Parameters {
    formula::parameters(&network.graph, &[])
}

#[test]
fn answers_are_pytorch_s() {
    let mut compared = 0;
    for fixture in Fixture::all("layers") {
        for (index, case) in fixture.json("cases").as_array().expect("cases").iter().enumerate() {
            let (network, shape) = network(case);
            let input = formula::tensor("input", &shape, &[]);
            let found = evaluate(&network, &parameters(&network), &[input], Mode::Inference);
            let (shape, values) = fixture.tensor(&index.to_string());
            assert_eq!(found.outputs[0].shape, shape, "{case}");
            let error = relative_error(found.outputs[0].elements.iter().map(|number| number.value()), &values);
            assert!(error < EXACT, "{case}: off by {error:.1e}");
            compared += 1;
        }
    }
    assert!(compared > 150, "{compared}");
}

#[test]
fn gradients_and_running_statistics_are_pytorch_s() {
    let fixtures = Fixture::all("gradients");
    let fixture = fixtures.iter().find(|fixture| fixture.name == "layers").expect("the layers");
    for (index, case) in fixture.json("cases").as_array().expect("cases").iter().enumerate() {
        let (network, shape) = network(case);
        let input = random::input(case["drawn"].as_str().unwrap_or("input"), &shape, 0);
        let found = evaluate(&network, &parameters(&network), &[input], Mode::Training { seed: 5, step: 7 });
        let answer = &found.outputs[0];
        let labels: Tensor = formula::tensor("labels", &answer.shape, &[]);
        let labels: Vec<f64> = labels.data().iter().map(|&value| value.into()).collect();
        let loss = learn::loss(&Loss::MeanSquaredError(SumOrMean::Sum), answer, &labels);
        let derivatives = Derivatives::of(loss);
        let table = fixture.tensor(&index.to_string()).1;
        assert!(
            (loss.value() - table[0]).abs() <= EXACT * table[0].abs(),
            "{case}: {} and not {}",
            loss.value(),
            table[0]
        );
        let keys = case["keys"].as_array().expect("keys").iter().map(|key| key.as_str().expect("a key"));
        for (key, expected) in keys.zip(table[4..].chunks_exact(4)) {
            let values: Vec<f64> = match (found.leaves.get(key), found.updates.get(key)) {
                (Some(leaf), _) => leaf.elements.iter().map(|&leaf| derivatives.by(leaf).value).collect(),
                (None, Some(update)) => update.elements.iter().map(|number| number.value()).collect(),
                (None, None) => panic!("{case}: no `{key}`"),
            };
            let largest = values.iter().fold(0.0f64, |largest, value| largest.max(value.abs()));
            let room = EXACT * expected[3].max(1e-3 * loss.value().abs()) * (values.len() as f64).sqrt();
            let along = (0..3).map(|index| formula::inner_product(&values, &format!("{key} along {index}")));
            let off = along.zip(expected).map(|(a, b)| (a - b).abs()).fold((largest - expected[3]).abs(), f64::max);
            assert!(off <= room, "{case}: `{key}` is off by {off:.1e}");
        }
    }
}
