//! Layers that become free in the course of a run, by a recipe as people write it, against PyTorch's: parameters, the optimiser's
//! states, which begin when a parameter first has a gradient, and running means.

use super::*;
use cnnc_runtime::train::{checkpoint, fit};
use cnnc_runtime::{Cancel, Model, weights};
use std::fs;
use std::path::Path;

const SPEC: &str = "model Case { input [N, 3]; Linear(6); Tanh; Linear(5); Tanh; Linear(2) }";
/// Everything is computed in float32 in seven steps, and in float64 there.
const TOLERANCE: f64 = 1e-5;

/// A tensor's rows as YAML has them.
fn rows(tensor: &Tensor, columns: usize) -> String {
    format!("{:?}", tensor.data().chunks(columns).collect::<Vec<_>>())
}

/// A run in a folder by that optimiser: what it leaves, and its losses.
fn run(folder: &Path, optimiser: &Value) -> (Parameters, Vec<f64>) {
    let path = |name: &str| folder.join(name);
    fs::write(path("case.cnn"), SPEC).expect("a spec");
    let model = Model::from_file(path("case.cnn")).unwrap_or_else(|failure| panic!("{failure}"));
    let begun = formula::parameters(&model.graph().graph, &[]);
    weights::save(&path("begun.safetensors"), &begun, &[]).expect("weights");
    let (inputs, targets) = (formula::tensor("input", &[8, 3], &[]), formula::tensor("labels", &[8, 2], &[]));
    let recipe = format!(
        "model: case.cnn
weights: begun.safetensors
data: {{format: inline, train: {{inputs: {}, targets: {}}}}}
optimizer: {optimiser}
schedule: {{name: exponential, gamma: 0.9}}
freeze: [{{parameters: \"0.*\", epochs: 4}}, {{parameters: [2.weight, 2.bias], epochs: 2}}]
ema: 0.9
batch_size: 8
epochs: 7
output: out
",
        rows(&inputs, 3),
        rows(&targets, 2)
    );
    fs::write(path("case.yaml"), recipe).expect("a recipe");
    fit(path("case.yaml"), &Cancel::default(), &mut |_| {}).unwrap_or_else(|failure| panic!("{failure}"));
    let (state, progress) = checkpoint::load(&path("out/last.safetensors")).expect("a checkpoint");
    assert_eq!(progress.begun.into_iter().collect::<Vec<_>>(), [(2, 2), (4, 4)]);
    (state, progress.history.records.iter().map(|record| record.train_loss).collect())
}

#[test]
fn what_becomes_free_learns_as_in_pytorch() {
    let fixture = Fixture::all("unfreezing").remove(0);
    for case in fixture.json("cases").as_array().expect("cases") {
        let name = case["name"].as_str().expect("a name");
        let folder = tempfile::tempdir().expect("a folder");
        let (state, losses) = run(folder.path(), &case["optimizer"]);
        for (epoch, (found, expected)) in losses.iter().zip(fixture.tensor(&format!("{name}/losses")).1).enumerate() {
            assert!((found - expected).abs() < TOLERANCE * expected, "{name}, epoch {epoch}: {found}, not {expected}");
        }
        for (key, _) in state.shapes() {
            let expected = match key.strip_prefix('.').and_then(|rest| rest.split_once('.')) {
                Some((state, parameter)) => format!("{name}/{state}/{parameter}"),
                None => format!("{name}/{key}"),
            };
            let found: Vec<f64> = state.get(key).expect("a tensor").numbers().collect();
            let error = relative_error(found, &fixture.tensor(&expected).1);
            assert!(error < TOLERANCE, "{expected} is off by {error:.1e}");
        }
        let states = state.shapes().filter(|(key, _)| key.starts_with('.')).count();
        assert_eq!(states, if name.starts_with("adam") { 18 } else { 12 }, "{name}");
    }
}
