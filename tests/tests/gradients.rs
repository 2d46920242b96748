//! Gradients and running statistics against PyTorch's autograd, computed in float64: every layer's cases in training mode, and
//! whole networks.
//!
//! The fixtures hold four numbers of each gradient (`reference/gradients.py` says which). The reference kernels in float64 must
//! agree with them, on the plan with all passes and, of layers, on the one without; the fast kernels in float32, on the plan that
//! they are used with and of layers by every instruction set, must agree with the reference, element for element, by the measure
//! max|a − b| / max|b|, with the same bits for any number of threads. Of layers every gradient is also held against differences
//! of the loss in float64.

use cnnc_compiler::graph::ShapedGraph;
use cnnc_compiler::kernels::{KernelGraph, Port};
use cnnc_compiler::passes;
use cnnc_compiler::plan::{Plan, Target, plan};
use cnnc_compiler::training::{Loss, SumOrMean, loss_and_gradients, names};
use cnnc_compiler::write_kernels::Bindings;
use cnnc_runtime::cpu::InstructionSet;
use cnnc_runtime::cpu::{CpuOptions, Tensor64, evaluate_f64};
use cnnc_runtime::doctor::relative_error;
use cnnc_runtime::random::{self, Stream};
use cnnc_runtime::{Parameters, Tensor};
use cnnc_tests::fixture::{Fixture, sizes};
use cnnc_tests::plans::fast_on;
use cnnc_tests::{formula, network_of_text};
use serde_json::Value;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// What float64 may differ by, and float32 where a layer is alone and in a whole network. Without the instruction that multiplies
/// and adds at once there are two roundings instead of one, and twice as much.
const EXACT: f64 = 1e-10;
const CLOSE: f64 = 1e-5;
const WHOLE: f64 = 1e-4;

/// How far values are moved for differences, and what these may then differ by, as a share of the slopes of all elements.
const MOVED: f64 = 1e-5;
const DIFFERENCE: f64 = 1e-5;

/// What dropout draws with.
const SEED: u64 = 5;
const STEP: u64 = 7;

/// A case: a network, its loss, and what PyTorch says of it.
struct Case {
    network: ShapedGraph,
    loss: Loss,
    /// The name whose symmetric numbers the input is.
    drawn: String,
    /// The keys of the table's rows but the first.
    keys: Vec<String>,
    table: Vec<f64>,
    /// Whether to compute without Winograd's method: some unit lies within its rounding of a ReLU's kink, where the gradient
    /// jumps.
    exact: bool,
}

impl Case {
    fn new(fixture: &Fixture, index: usize, case: &Value, network: ShapedGraph, loss: Loss) -> Case {
        let keys = case["keys"].as_array().expect("keys").iter();
        let keys = keys.map(|key| key.as_str().expect("a key").to_owned()).collect();
        let drawn = case["drawn"].as_str().unwrap_or("input").to_owned();
        Case { network, loss, drawn, keys, table: fixture.tensor(&index.to_string()).1, exact: false }
    }

    /// The graph whose outputs are the loss, gradients, and what buffers become; the names of the outputs.
    fn graph(&self, fused: bool) -> (KernelGraph, Vec<String>) {
        let graph = loss_and_gradients(&self.network, &Bindings::new(), self.loss.clone());
        let mut graph: KernelGraph = graph.unwrap_or_else(|failure| panic!("{failure:?}"));
        for update in std::mem::take(&mut graph.updates) {
            let name = graph.parameters[update.parameter.0 as usize].path.clone();
            graph.outputs.push(Port { name, node: update.node });
        }
        if fused {
            passes::run(&mut graph).unwrap_or_else(|failure| panic!("{failure:?}"));
        }
        let names = graph.outputs.iter().map(|port| port.name.to_string()).collect();
        (graph, names)
    }

    fn inputs(&self, plan: &Plan) -> Vec<Tensor> {
        let input = |name: &str, shape: &[usize]| match (name, &self.loss) {
            (names::SEED, _) => Tensor::count(SEED),
            (names::STEP, _) => Tensor::count(STEP),
            (names::LABELS, Loss::CrossEntropy(_)) => {
                let labels = (0..shape[0]).map(|row| (3 * row % 10) as f32).collect();
                Tensor::new(shape, labels).expect("a label each")
            }
            (names::LABELS, _) => formula::tensor(name, shape, &[]),
            _ => random::input(&self.drawn, shape, 0),
        };
        plan.inputs.iter().map(|port| input(&port.name, &port.view.shape)).collect()
    }

    /// Everything that is wrong with a case, on the plan with all passes and, where `both`, on the one without.
    fn wrong(&self, close: f64, both: bool) -> Vec<String> {
        let parameters = formula::parameters(&self.network.graph, &[]);
        let mut wrong = Vec::new();
        for (kind, fused) in [("fused", true), ("plain", false)].into_iter().take(1 + usize::from(both)) {
            let (graph, names) = self.graph(fused);
            let plan = planned(&graph, &Target::reference());
            let inputs = self.inputs(&plan);
            let exact =
                evaluate_f64(plan.clone(), &parameters, &inputs).unwrap_or_else(|failure| panic!("{failure:?}"));
            wrong.extend(self.against_torch(&names, &exact).into_iter().map(|text| format!("float64, {kind}: {text}")));
            if both && fused {
                wrong.extend(self.against_differences(&plan, &parameters, &inputs, &names, &exact));
            }
            let sets =
                if both { InstructionSet::available() } else { vec![InstructionSet::chosen().expect("instructions")] };
            for instructions in sets {
                let options = CpuOptions { instructions, exact: self.exact, ..CpuOptions::default() };
                let roundings = if instructions == InstructionSet::Portable { 2.0 } else { 1.0 };
                let found = against_exact(
                    &graph,
                    options,
                    &parameters,
                    &inputs,
                    &names,
                    &exact,
                    [close, WHOLE].map(|error| roundings * error),
                );
                let name = instructions.name();
                wrong.extend(found.into_iter().map(|text| format!("float32, {kind}, {name}: {text}")));
            }
        }
        wrong
    }

    fn against_torch(&self, names: &[String], exact: &[Tensor64]) -> Vec<String> {
        let value = |name: &str| names.iter().position(|other| other == name).map(|index| &exact[index].1);
        let mut wrong = Vec::new();
        let loss = value(names::LOSS).map_or(f64::NAN, |values| values[0]);
        if (loss - self.table[0]).abs() > EXACT * self.table[0].abs() {
            wrong.push(format!("the loss is {loss} and not {}", self.table[0]));
        }
        for (key, expected) in self.keys.iter().zip(self.table[4..].chunks_exact(4)) {
            let Some(values) = value(key) else {
                // PyTorch has zeros where a bias before a normalisation, say, makes no difference to a gradient that is there.
                wrong.extend((expected[3] > 0.0).then(|| format!("`{key}` has no gradient")));
                continue;
            };
            let largest = values.iter().fold(0.0f64, |largest, value| largest.max(value.abs()));
            // An inner product's rounding errors grow as the root of the number of elements.
            let room = EXACT * expected[3].max(1e-3 * loss.abs()) * (values.len() as f64).sqrt();
            let along = (0..3).map(|index| formula::inner_product(values, &format!("{key} along {index}")));
            let off = along.zip(expected).map(|(a, b)| (a - b).abs()).fold((largest - expected[3]).abs(), f64::max);
            if off.is_nan() || off > room {
                wrong.push(format!("`{key}` is off by {off:.1e} where its largest is {:.1e}", expected[3]));
            }
        }
        wrong
    }

    /// Moves each leaf there and back along the formula's numbers, and holds how the loss changes against the gradient.
    fn against_differences(
        &self,
        plan: &Arc<Plan>,
        parameters: &Parameters,
        inputs: &[Tensor],
        names: &[String],
        exact: &[Tensor64],
    ) -> Vec<String> {
        let mut wrong = Vec::new();
        for (name, (_, gradient)) in names.iter().zip(exact) {
            let input = plan.inputs.iter().position(|port| *name == *port.name);
            let parameter = self.network.graph.parameters.iter().find(|other| *name == *other.path && other.trainable);
            let parameter = parameter.map(|parameter| parameters.get(&parameter.path).expect("a parameter"));
            let Some(leaf) = input.map(|index| &inputs[index]).or(parameter.as_deref()) else { continue };
            let [there, back] = [MOVED, -MOVED].map(|by| moved(leaf, name, by));
            let loss = |leaf: &Tensor| {
                let (mut parameters, mut inputs) = (parameters.clone(), inputs.to_vec());
                match input {
                    Some(index) => inputs[index] = leaf.clone(),
                    None => parameters.insert(name.clone(), leaf.clone()),
                }
                evaluate_f64(plan.clone(), &parameters, &inputs).unwrap_or_else(|failure| panic!("{failure:?}"))[0].1[0]
            };
            let difference = loss(&there) - loss(&back);
            // Values are float32: what they were really moved by is known exactly.
            let slopes = there.data().iter().zip(back.data()).zip(gradient);
            let slopes: Vec<f64> = slopes.map(|((&a, &b), slope)| (f64::from(a) - f64::from(b)) * slope).collect();
            let (slope, size) = (slopes.iter().sum::<f64>(), slopes.iter().map(|slope| slope.abs()).sum::<f64>());
            let rounding = 1e3 * f64::EPSILON * exact[0].1[0].abs();
            if (difference - slope).abs() > DIFFERENCE * size + rounding {
                wrong.push(format!("`{name}` gives {slope:e}, and the loss differs by {difference:e}"));
            }
        }
        wrong
    }
}

/// A tensor moved along the formula's symmetric numbers.
fn moved(tensor: &Tensor, name: &str, by: f64) -> Tensor {
    let stream = Stream::new(0, &format!("{name} moved"));
    let mut moved = tensor.clone();
    for (block, values) in moved.data_mut().chunks_mut(4).enumerate() {
        for (value, along) in values.iter_mut().zip(stream.symmetric(block as u64)) {
            *value = (f64::from(*value) + by * along) as f32;
        }
    }
    moved
}

fn planned(graph: &KernelGraph, target: &Target) -> Arc<Plan> {
    Arc::new(plan(graph, target).unwrap_or_else(|failure| panic!("{failure:?}")))
}

fn against_exact(
    graph: &KernelGraph,
    options: CpuOptions,
    parameters: &Parameters,
    inputs: &[Tensor],
    names: &[String],
    exact: &[Tensor64],
    [close, of_zeros]: [f64; 2],
) -> Vec<String> {
    let plan = planned(graph, &options.target());
    let (answers, same) = fast_on(&plan, options, parameters, inputs);
    let largest = |values: &[f64]| values.iter().fold(0.0f64, |largest, value| largest.max(value.abs()));
    let of_all = exact.iter().skip(1).map(|(_, values)| largest(values)).fold(0.0, f64::max);
    let mut wrong: Vec<String> =
        (!same).then(|| "three threads give other bits than one".to_owned()).into_iter().collect();
    for ((name, answer), (_, values)) in names.iter().zip(&answers).zip(exact) {
        // Where a gradient is truly zero, as that of a bias before a batch norm, it is held against the others.
        let (own, others) = (largest(values), 1e-2 * of_all);
        let close = if own < others { of_zeros } else { close };
        let error = relative_error(answer.numbers(), values) * own / own.max(others);
        if own > 0.0 && (error.is_nan() || error > close) {
            wrong.push(format!("`{name}` is off by {error:.1e}, more than {close:.0e}"));
        }
    }
    wrong
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

fn fixture(name: &str) -> &'static Fixture {
    let all: &'static [Fixture] = Fixture::all("gradients").leak();
    all.iter().find(|fixture| fixture.name == name).expect("a fixture of that name")
}

#[test]
fn layers() {
    let fixture = fixture("layers");
    let cases = fixture.json("cases").as_array().expect("cases").clone();
    none_wrong(cases.into_iter().enumerate().map(|(index, case)| {
        let (spec, shape) = (case["spec"].as_str().expect("a spec").to_owned(), sizes(&case["input"]));
        let name = format!("{index}: {spec} on {shape:?}");
        let run: Box<dyn FnOnce() -> Vec<String>> = Box::new(move || {
            let network = network_of_text(&format!("model Case {{\n    input {shape:?}\n    {spec}\n}}\n"));
            let loss = Loss::MeanSquaredError(SumOrMean::Sum);
            Case::new(fixture, index, &case, network, loss).wrong(CLOSE, true)
        });
        (name, run)
    }));
}

fn nets(chosen: impl Fn(&str) -> bool) {
    let fixture = fixture("nets");
    let cases = fixture.json("cases").as_array().expect("cases").clone();
    let cases = cases.into_iter().enumerate().filter(|(_, case)| chosen(case["model"].as_str().expect("a model")));
    none_wrong(cases.map(|(index, case)| {
        let text = |key: &str| case[key].as_str().expect("a text").to_owned();
        let (file, model, batch) = (text("file"), text("model"), sizes(&case["input"])[0]);
        let name = model.clone();
        let run: Box<dyn FnOnce() -> Vec<String>> = Box::new(move || {
            let network = without_dropout(&file, &model, &sizes(&case["input"]), batch);
            let loss = Loss::cross_entropy(0.0);
            let case = Case { exact: model == "VGGSmall", ..Case::new(fixture, index, &case, network, loss) };
            case.wrong(WHOLE, false)
        });
        (name, run)
    }));
}

/// A network of `models/` with dropout at p = 0, for an input of that shape.
fn without_dropout(file: &str, model: &str, shape: &[usize], batch: usize) -> ShapedGraph {
    let text = std::fs::read_to_string(format!("../models/{file}")).expect("a model");
    let mut parts = text.split("    labels ");
    let first = parts.next().unwrap_or_default().to_owned();
    // A list ends with its bracket, the name of a file with its line.
    let rest = parts.filter_map(|part| part.split_once(if part.starts_with('[') { "]\n" } else { "\n" }));
    let own = rest.fold(first, |own, (_, rest)| own + rest);
    let own =
        own.replace("Dropout(0.5)", "Dropout(0)").replace("1, 96, 96]", &format!("1, {}, {}]", shape[2], shape[3]));
    let order = format!("{own}\nmodel Chosen = {model}()\n").replace("[N, ", &format!("[{batch}, "));
    network_of_text(&order)
}

#[test]
fn lenets() {
    nets(|model| model.ends_with("LeNet"));
}

#[test]
fn resnet18() {
    nets(|model| model == "ResNet18");
}

#[test]
fn vgg_small() {
    nets(|model| model == "VGGSmall");
}
