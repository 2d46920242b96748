//! Numbers against PyTorch's, computed in float64: every layer's cases, and whole networks.
//!
//! Inputs and parameters come from a formula that both sides know. The reference kernels in float64 must agree to 1e-12; the fast
//! kernels in float32, on the plan with all passes and on the one without, by every instruction set, to 1e-5 by the measure
//! max|a − b| / max|b| (whole networks with Winograd's method to 1e-4), with the same bits for any number of threads.

use cnnc_compiler::graph::ShapedGraph;
use cnnc_compiler::plan::Target;
use cnnc_runtime::cpu::InstructionSet;
use cnnc_runtime::cpu::{CpuOptions, evaluate_f64};
use cnnc_runtime::doctor::{LAYER, NETWORK, NETWORK_BY_WINOGRAD, REFERENCE, relative_error};
use cnnc_runtime::{Parameters, Tensor};
use cnnc_tests::fixture::{Fixture, sizes};
use cnnc_tests::plans::{fast, planned};
use cnnc_tests::{formula, network, network_for, network_of_text};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What PyTorch answers.
struct Expected {
    shape: Vec<usize>,
    /// Every `step`-th element.
    values: Vec<f64>,
    step: usize,
}

impl Expected {
    /// What is wrong with an answer, if anything.
    fn refuse(&self, shape: &[usize], values: impl Iterator<Item = f64>, tolerance: f64) -> Option<String> {
        if shape != self.shape {
            return Some(format!("the shape is {shape:?} instead of {:?}", self.shape));
        }
        let error = relative_error(values.step_by(self.step), &self.values);
        (error.is_nan() || error > tolerance).then(|| format!("off by {error:.1e}, more than {tolerance:.0e}"))
    }
}

/// Everything that is wrong with a network's answers.
fn wrong(
    network: &ShapedGraph,
    parameters: &Parameters,
    input: &Tensor,
    expected: &[Expected],
    exact: bool,
) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, fused) in [("plain", false), ("fused", true)] {
        let inputs = std::slice::from_ref(input);
        if exact {
            let plan = planned(network, fused, &Target::reference());
            let answers = evaluate_f64(plan, parameters, inputs).unwrap_or_else(|failure| panic!("{failure:?}"));
            let refused = answers
                .iter()
                .zip(expected)
                .filter_map(|((shape, values), expected)| expected.refuse(shape, values.iter().copied(), REFERENCE));
            wrong.extend(refused.map(|text| format!("float64, {name}: {text}")));
        }
        for (options, tolerance) in options(exact) {
            let (answers, same) = fast(network, fused, options, parameters, inputs);
            assert_eq!(answers.len(), expected.len());
            let refused = answers.iter().zip(expected).filter_map(|(answer, expected)| {
                expected.refuse(answer.shape(), answer.data().iter().map(|&value| f64::from(value)), tolerance)
            });
            let how = format!("float32, {name}, {options:?}");
            wrong.extend(refused.map(|text| format!("{how}: {text}")));
            wrong.extend((!same).then(|| format!("{how}: three threads give other bits than one")));
        }
    }
    wrong
}

/// How a case is computed in float32, and how close it must come: a layer by all instructions that the machine has, a network by
/// those that are used, by the definition and by whatever methods the planner takes.
fn options(layer: bool) -> Vec<(CpuOptions, f64)> {
    let usual = CpuOptions::default();
    if layer {
        let sets = InstructionSet::available().into_iter();
        return sets.map(|instructions| (CpuOptions { instructions, ..usual }, LAYER)).collect();
    }
    vec![(CpuOptions { exact: true, ..usual }, NETWORK), (usual, NETWORK_BY_WINOGRAD)]
}

/// Runs every case, and fails with all that is wrong.
fn none_wrong(cases: impl Iterator<Item = (String, Box<dyn FnOnce() -> Vec<String>>)>) {
    let mut all = Vec::new();
    for (name, case) in cases {
        let found = catch_unwind(AssertUnwindSafe(case)).unwrap_or_else(|_| vec!["a panic, see above".to_owned()]);
        all.extend(found.into_iter().map(|text| format!("{name}: {text}")));
    }
    assert!(all.is_empty(), "{} wrong:\n{}", all.len(), all.join("\n"));
}

/// One case of a layer's fixture.
fn layer_case(fixture: &Fixture, index: usize, spec: &str, shape: &[usize]) -> Vec<String> {
    let network = network_of_text(&format!("model Case {{\n    input {shape:?}\n    {spec}\n}}\n"));
    let parameters = formula::parameters(&network.graph, &[]);
    let (shape_out, values) = fixture.tensor(&index.to_string());
    let expected = Expected { shape: shape_out, values, step: 1 };
    wrong(&network, &parameters, &formula::tensor("input", shape, &[]), &[expected], true)
}

#[test]
fn layers() {
    let fixtures: &'static [Fixture] = Fixture::all("layers").leak();
    none_wrong(fixtures.iter().flat_map(|fixture| {
        let cases = fixture.json("cases");
        let cases = cases.as_array().expect("cases").clone();
        cases.into_iter().enumerate().map(move |(index, case)| {
            let spec = case["spec"].as_str().expect("a spec").to_owned();
            let shape = sizes(&case["input"]);
            let name = format!("{} {index}: {spec} on {shape:?}", fixture.name);
            let run: Box<dyn FnOnce() -> Vec<String>> = Box::new(move || layer_case(fixture, index, &spec, &shape));
            (name, run)
        })
    }));
}

/// Networks that nobody wrote: every kind of layer after every other.
#[test]
fn networks_at_random() {
    let fixture: &'static Fixture = Box::leak(Box::new(Fixture::all("random_nets").remove(0)));
    let cases = fixture.json("cases").as_array().expect("cases").clone();
    assert_eq!(cases.len(), 200);
    none_wrong(cases.into_iter().enumerate().map(|(index, case)| {
        let (spec, shape) = (case["spec"].as_str().expect("a spec").to_owned(), sizes(&case["input"]));
        let name = format!("{index}: {spec} on {shape:?}");
        let run: Box<dyn FnOnce() -> Vec<String>> = Box::new(move || {
            let network = network_of_text(&format!("model Case {{\n    input {shape:?}\n    {spec}\n}}\n"));
            let parameters = formula::parameters(&network.graph, &[]);
            let step = case["step"].as_u64().expect("a step") as usize;
            let values = fixture.tensor(&index.to_string()).1;
            let expected = Expected { shape: sizes(&case["output"]), values, step };
            wrong(&network, &parameters, &formula::tensor("input", &shape, &[]), &[expected], true)
        });
        (name, run)
    }));
}

/// A whole network.
fn net(fixture: &Fixture, exact: bool) -> Vec<String> {
    let shape = fixture.shape("input");
    let model = Some(fixture.text("model")).filter(|model| !model.is_empty());
    let network = network_for(&format!("../models/{}", fixture.text("file")), model, std::slice::from_ref(&shape));
    let factors: Vec<(String, f64)> = serde_json::from_value(fixture.json("factors")).expect("factors");
    let parameters = formula::parameters(&network.graph, &factors);
    let shapes: Vec<Vec<usize>> = fixture.json("outputs").as_array().expect("outputs").iter().map(sizes).collect();
    let step = fixture.text("step").parse().expect("a step");
    let key = |index: usize| if shapes.len() > 1 { format!("output{index}") } else { "output".to_owned() };
    let expected = |(index, shape): (usize, &Vec<usize>)| Expected {
        shape: shape.clone(),
        values: fixture.tensor(&key(index)).1,
        step,
    };
    let expected: Vec<Expected> = shapes.iter().enumerate().map(expected).collect();
    wrong(&network, &parameters, &formula::tensor("input", &shape, &[]), &expected, exact)
}

fn nets(exact: bool, chosen: impl Fn(&str) -> bool) {
    let fixtures: Vec<Fixture> = Fixture::all("nets").into_iter().filter(|fixture| chosen(&fixture.name)).collect();
    assert!(!fixtures.is_empty());
    none_wrong(fixtures.into_iter().map(|fixture| {
        let name = fixture.name.clone();
        let run: Box<dyn FnOnce() -> Vec<String>> = Box::new(move || net(&fixture, exact));
        (name, run)
    }));
}

/// Those whose float64 answer takes the plain loops a second at most.
fn is_small(name: &str) -> bool {
    let large = ["vgg11", "vgg_small", "cifar_resnet18", "yolov3", "c3d", "dcgan_generator", "dcgan_discriminator"];
    !large.contains(&name) && (name.ends_with("_small") || !name.starts_with("torchvision"))
}

#[test]
fn small_networks() {
    nets(true, is_small);
}

#[test]
fn vgg_networks() {
    nets(false, |name| !is_small(name) && name.contains("vgg"));
}

#[test]
fn other_networks() {
    nets(false, |name| !is_small(name) && !name.contains("vgg"));
}

/// Specs whose values are a reader's to compute, and which other tests hold to the last digit: `course_networks.rs`.
const BY_VALUES: [&str; 2] = ["initialisers.cnn", "named_parameters.cnn"];

#[test]
fn every_network_that_ships_is_compared() {
    let fixtures = Fixture::all("nets");
    let compared = |file: &str, model: &str| {
        fixtures.iter().any(|fixture| fixture.text("file") == file && ["", model].contains(&fixture.text("model")))
    };
    let mut missing = Vec::new();
    for folder in ["", "torchvision/"] {
        for entry in std::fs::read_dir(format!("../models/{folder}")).expect("the models") {
            let file = format!("{folder}{}", entry.expect("an entry").file_name().to_string_lossy());
            if !file.ends_with(".cnn") || BY_VALUES.contains(&file.as_str()) {
                continue;
            }
            let model = network(&format!("../models/{file}"), None).graph.name.to_string();
            missing.extend((!compared(&file, &model)).then_some(file));
        }
    }
    assert!(missing.is_empty(), "no fixture, see reference/nets.py: {missing:?}");
}
