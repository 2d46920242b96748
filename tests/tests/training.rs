//! Training steps: optimisers against PyTorch's after several steps, and the cases of the course.

use cnnc_compiler::diagnostic::Code;
use cnnc_compiler::graph::{Learning, ShapedGraph};
use cnnc_compiler::passes;
use cnnc_compiler::plan::{Plan, PlanPort, Target, plan};
use cnnc_compiler::training::{
    Adam, Loss, Optimiser, Sgd, SumOrMean, Training, evaluation, loss_and_gradients, names, training_halves,
    training_step,
};
use cnnc_compiler::write_kernels::Bindings;
use cnnc_runtime::cpu::{Cpu, CpuOptions, Engine, Kernels, TrainingEngine, initial_state};
use cnnc_runtime::doctor::relative_error;
use cnnc_runtime::{Backend, Parameters, Tensor};
use cnnc_tests::fixture::Fixture;
use cnnc_tests::{formula, network_of_text, tensor};
use serde_json::Value;
use std::sync::Arc;

/// A step's plan.
fn planned(network: &ShapedGraph, training: &Training, fused: bool, kernels: Kernels) -> Arc<Plan> {
    let mut graph = training_step(network, &Bindings::new(), training).unwrap_or_else(|failure| panic!("{failure:?}"));
    if fused {
        passes::run(&mut graph).unwrap_or_else(|failure| panic!("{failure:?}"));
    }
    Arc::new(plan(&graph, &target(kernels)).unwrap_or_else(|failure| panic!("{failure:?}")))
}

/// The plans of a step's gradients and of its update.
fn halves(network: &ShapedGraph, training: &Training, kernels: Kernels) -> [Arc<Plan>; 2] {
    let halves = training_halves(network, &Bindings::new(), training).unwrap_or_else(|failure| panic!("{failure:?}"));
    [halves.gradients, halves.update].map(|mut graph| {
        passes::run(&mut graph).unwrap_or_else(|failure| panic!("{failure:?}"));
        Arc::new(plan(&graph, &target(kernels)).unwrap_or_else(|failure| panic!("{failure:?}")))
    })
}

/// What plans for these kernels are made for.
fn target(kernels: Kernels) -> Target {
    Cpu::new(CpuOptions { kernels, ..CpuOptions::default() }).target()
}

/// What a network learns with: its engine, its state, and how many steps it took.
struct Learner {
    engine: TrainingEngine,
    state: Parameters,
    steps: u64,
}

impl Learner {
    fn new(plan: Arc<Plan>, parameters: &Parameters, kernels: Kernels, threads: usize) -> Learner {
        let state = initial_state(&plan, parameters).expect("a state");
        let options = CpuOptions { threads, kernels, ..CpuOptions::default() };
        let engine = TrainingEngine::new(plan, &state, options).unwrap_or_else(|failure| panic!("{failure:?}"));
        Learner { engine, state, steps: 0 }
    }

    /// One step in two halves: `self` has the engine of the gradients, and `update` that of the update, over the same state.
    fn step_in_halves(&mut self, update: &mut TrainingEngine, input: &Tensor, labels: &Tensor, rate: f64) -> f32 {
        self.steps += 1;
        let own = |name: &str| match name {
            names::LABELS => labels.clone(),
            names::LEARNING_RATE => Tensor::filled(&[], rate as f32),
            names::STEP => Tensor::count(self.steps),
            names::SEED => Tensor::count(3),
            _ => input.clone(),
        };
        let plan = self.engine.plan();
        let (given, names): (Vec<Tensor>, Vec<Arc<str>>) = (
            plan.inputs.iter().map(|port| own(&port.name)).collect(),
            plan.outputs.iter().map(|port| port.name.clone()).collect(),
        );
        let answers = self.engine.step(&mut self.state, &given).unwrap_or_else(|failure| panic!("{failure:?}"));
        let gradient = |name: &Arc<str>| names.iter().position(|other| other == name).map(|at| answers[at].clone());
        let given: Vec<Tensor> =
            update.plan().inputs.iter().map(|port| gradient(&port.name).unwrap_or_else(|| own(&port.name))).collect();
        update.step(&mut self.state, &given).unwrap_or_else(|failure| panic!("{failure:?}"));
        answers[0].data()[0]
    }

    /// One step: the loss and, where there are classes, how many were right.
    fn step(&mut self, input: &Tensor, labels: &Tensor, rate: f64) -> Vec<f32> {
        self.steps += 1;
        let given = |name: &str| match name {
            names::LABELS => labels.clone(),
            names::LEARNING_RATE => Tensor::filled(&[], rate as f32),
            names::STEP => Tensor::count(self.steps),
            names::SEED => Tensor::count(3),
            _ => input.clone(),
        };
        let inputs: Vec<Tensor> = self.engine.plan().inputs.iter().map(|port| given(&port.name)).collect();
        let answers = self.engine.step(&mut self.state, &inputs).unwrap_or_else(|failure| panic!("{failure:?}"));
        answers.iter().map(|answer| answer.data()[0]).collect()
    }

    fn values(&self, path: &str) -> Vec<f64> {
        let tensor = self.state.get(path).unwrap_or_else(|failure| panic!("{failure:?}"));
        tensor.numbers().collect()
    }
}

/// The options of a fixture's case.
fn training(case: &Value) -> Training {
    let number = |key: &str, usual: f64| case["options"][key].as_f64().unwrap_or(usual);
    let loss = match (case["loss"]["kind"].as_str(), case["loss"]["reduction"].as_str()) {
        (Some("mse"), Some("sum")) => Loss::MeanSquaredError(SumOrMean::Sum),
        (Some("mse"), _) => Loss::MeanSquaredError(SumOrMean::Mean),
        _ => Loss::CrossEntropy { label_smoothing: case["loss"]["label_smoothing"].as_f64().unwrap_or(0.0) },
    };
    let betas = [0, 1].map(|index| case["options"]["betas"][index].as_f64().unwrap_or([0.9, 0.999][index]));
    let adam = |usual| Adam { betas, eps: number("eps", 1e-8), weight_decay: number("weight_decay", usual) };
    let optimiser = match case["optimiser"].as_str() {
        Some("Adam") => Optimiser::Adam(adam(0.0)),
        Some("AdamW") => Optimiser::AdamW(adam(0.01)),
        _ => {
            let nesterov = case["options"]["nesterov"].as_bool().unwrap_or(false);
            Optimiser::Sgd(Sgd {
                momentum: number("momentum", 0.0),
                nesterov,
                weight_decay: number("weight_decay", 0.0),
            })
        }
    };
    Training { loss, optimiser, max_gradient_norm: case["clip"].as_f64(), recompute: false, average: None }
}

/// The network with what a fixture's case says of single parameters.
fn learning(case: &Value, network: &ShapedGraph) -> ShapedGraph {
    let mut network = network.clone();
    for parameter in &mut network.graph.parameters {
        let said = &case["learning"][&*parameter.path];
        parameter.learning = Learning {
            frozen: said["frozen"].as_bool().unwrap_or(false),
            rate: said["rate"].as_f64().unwrap_or(1.0),
            weight_decay: said["weight_decay"].as_f64(),
        };
    }
    network
}

/// Frozen layers cost no backward pass and no optimiser state, and what is below them is not gone back through.
#[test]
fn what_is_frozen_costs_nothing_in_the_backward_half() {
    let whole = network_of_text(
        "model Case { input [4, 3, 16, 16]; repeat 4 { Conv2d(8, kernel_size=3, padding=1); BatchNorm2d; ReLU }
            Flatten; Linear(4) }",
    );
    let mut head = whole.clone();
    for parameter in head.graph.parameters.iter_mut().filter(|parameter| !parameter.path.starts_with("13.")) {
        parameter.learning.frozen = true;
    }
    let sgd = Sgd { momentum: 0.9, ..Sgd::default() };
    let training = Training { optimiser: Optimiser::Sgd(sgd), ..Training::plain() };
    let [whole, head] = [whole, head].map(|network| planned(&network, &training, true, Kernels::Fast));
    let backward = |plan: &Plan| {
        plan.run.iter().filter(|step| step.origins.iter().any(|origin| origin.starts_with("gradient of"))).count()
    };
    let of_layers = |plan: &Plan| {
        let is_of_layers = |origin: &str| origin.starts_with("gradient of") && !origin.contains("13");
        let is = |origins: &[Arc<str>]| origins.iter().any(|origin| is_of_layers(origin) && !origin.contains("loss"));
        plan.run.iter().filter(|step| is(&step.origins)).count()
    };
    assert!(of_layers(&whole) > 8 && of_layers(&head) == 0, "{} and {}", of_layers(&whole), of_layers(&head));
    assert!(backward(&head) * 4 < backward(&whole), "{} of {}", backward(&head), backward(&whole));
    assert!(head.arena_bytes * 2 < whole.arena_bytes, "{} of {}", head.arena_bytes, whole.arena_bytes);
    let momenta = |plan: &Plan| plan.parameters.iter().filter(|parameter| names::is_state(&parameter.path)).count();
    assert_eq!((momenta(&whole), momenta(&head)), (18, 2));
}

/// Gradients, then their update, over one state: the bits of the fused step, whatever the optimiser, with running statistics,
/// dropout, a tied weight and a parameter that the loss does not depend on.
#[test]
fn a_step_in_two_halves_is_the_step() {
    let network = network_of_text(
        "model Case { input [6, 3, 8, 8]
            Conv2d(20, kernel_size=3); BatchNorm2d; ReLU; Dropout(0.3); MaxPool2d(2); Flatten
            e: Linear(12); Tanh; Linear(180, weight=e.weight.T); Linear(4) }",
    );
    let (input, labels) = (formula::tensor("input", &[6, 3, 8, 8], &[]), tensor(&[6], [0.0, 1.0, 2.0, 3.0, 0.0, 1.0]));
    let loss = Loss::CrossEntropy { label_smoothing: 0.1 };
    let adam = Adam { betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0.01 };
    let sgd = Sgd { momentum: 0.9, nesterov: true, weight_decay: 0.1 };
    for optimiser in
        [Optimiser::Sgd(Sgd::default()), Optimiser::Sgd(sgd), Optimiser::Adam(adam), Optimiser::AdamW(adam)]
    {
        for max_gradient_norm in [None, Some(0.05)] {
            let training = Training { loss, optimiser, max_gradient_norm, recompute: false, average: None };
            for kernels in [Kernels::Fast, Kernels::Reference] {
                let parameters = Parameters::draw(&network.graph, 2).expect("parameters");
                let mut whole = Learner::new(planned(&network, &training, true, kernels), &parameters, kernels, 2);
                let [gradients, update] = halves(&network, &training, kernels);
                let state = initial_state(&update, &parameters).expect("a state");
                let mut parted = Learner::new(gradients, &state, kernels, 2);
                let options = CpuOptions { threads: 2, kernels, ..CpuOptions::default() };
                let mut update = TrainingEngine::new(update, &state, options).expect("an engine");
                for _ in 0..3 {
                    let expected = whole.step(&input, &labels, 0.1)[0];
                    assert_eq!(parted.step_in_halves(&mut update, &input, &labels, 0.1), expected, "{training:?}");
                }
                for (path, _) in whole.state.iter() {
                    assert_eq!(whole.values(path), parted.values(path), "{path}, {kernels:?}, {training:?}");
                }
            }
        }
    }
}

#[test]
fn optimisers_step_as_pytorch_s() {
    let fixture = Fixture::all("training").remove(0);
    let network =
        network_of_text("model Case {\n    input [5, 3]\n    Linear(6, bias=false); BatchNorm1d; Tanh; Linear(4)\n}\n");
    let input = formula::tensor("input", &[5, 3], &[]);
    for case in fixture.json("cases").as_array().expect("cases") {
        let name = case["name"].as_str().expect("a name");
        let (training, network) = (training(case), learning(case, &network));
        let labels = match training.loss {
            Loss::CrossEntropy { .. } => tensor(&[5], [0.0, 1.0, 2.0, 3.0, 0.0]),
            _ => formula::tensor("labels", &[5, 4], &[]),
        };
        let losses = fixture.tensor(&format!("{name}/losses")).1;
        for (kernels, threads, fused) in [
            (Kernels::Fast, 1, true),
            (Kernels::Fast, 3, true),
            (Kernels::Fast, 1, false),
            (Kernels::Reference, 1, true),
        ] {
            let plan = planned(&network, &training, fused, kernels);
            let mut learner = Learner::new(plan, &formula::parameters(&network.graph, &[]), kernels, threads);
            for (step, loss) in losses.iter().enumerate() {
                let found = learner.step(&input, &labels, 0.05 / (step + 1) as f64)[0];
                assert!((f64::from(found) - loss).abs() < 1e-5 * loss, "{name}, step {step}: {found} and not {loss}");
            }
            for parameter in &network.graph.parameters {
                let expected = fixture.tensor(&format!("{name}/{}", parameter.path)).1;
                let error = relative_error(learner.values(&parameter.path), &expected);
                assert!(error < 1e-5, "{name}: `{}` is off by {error:.1e}", parameter.path);
                if parameter.learning.frozen {
                    let begun = formula::parameters(&network.graph, &[]);
                    let begun = begun.get(&parameter.path).expect("a parameter");
                    assert_eq!(learner.values(&parameter.path), begun.numbers().collect::<Vec<_>>(), "{name}");
                    let is_of_it = |key: &str| key.starts_with('.') && key.ends_with(&*parameter.path);
                    assert!(learner.state.shapes().all(|(key, _)| !is_of_it(key)), "{name} has a state of it");
                }
            }
        }
    }
}

#[test]
fn a_kernel_is_learnt_from_an_image_and_its_edges() {
    let order =
        std::fs::read_to_string("../models/operators/learned_kernel.cnn").expect("a model").replace("[N,", "[1,");
    let network = network_of_text(&order);
    let loss = Loss::MeanSquaredError(SumOrMean::Sum);
    let training = Training { loss, ..Training::plain() };
    let parameters: Parameters = [("0.weight".into(), tensor(&[1, 1, 1, 2], [0.2, -0.3]))].into_iter().collect();
    let mut learner = Learner::new(planned(&network, &training, true, Kernels::Fast), &parameters, Kernels::Fast, 1);
    let image = tensor(&[1, 1, 6, 8], (0..48).map(|index| if (2..6).contains(&(index % 8)) { 0.0 } else { 1.0 }));
    let row = [0.0, 1.0, 0.0, 0.0, 0.0, -1.0, 0.0];
    let edges = tensor(&[1, 1, 6, 7], (0..42).map(|index| row[index % 7]));
    let losses: Vec<f32> = (0..10).map(|_| learner.step(&image, &edges, 0.03)[0]).collect();
    let printed: Vec<f32> = losses.iter().skip(1).step_by(2).copied().collect();
    assert!(printed.is_sorted_by(|a, b| a > b) && printed[4] < 1.0, "{losses:?}");
    let kernel = learner.values("0.weight");
    assert!((kernel[0] - 1.0).abs() < 0.15 && (kernel[1] + 1.0).abs() < 0.15, "{kernel:?}");
}

/// The gradients of a network with the mean squared error against zeros, by name.
fn gradients(network: &ShapedGraph, parameters: &Parameters, input: &Tensor) -> Vec<(String, Vec<f32>)> {
    let graph =
        loss_and_gradients(network, &Bindings::new(), Loss::MeanSquaredError(SumOrMean::Mean)).expect("a graph");
    let plan = Arc::new(plan(&graph, &target(Kernels::Fast)).expect("a plan"));
    let given = |port: &PlanPort| match &*port.name {
        "input" => input.clone(),
        _ => Tensor::zeros(&port.view.shape, port.view.element),
    };
    let inputs: Vec<Tensor> = plan.inputs.iter().map(given).collect();
    let mut engine = Engine::new(plan.clone(), parameters, CpuOptions::default()).expect("an engine");
    let answers = engine.run(&inputs).expect("answers").to_vec();
    plan.outputs.iter().zip(answers).map(|(port, tensor)| (port.name.to_string(), tensor.data().to_vec())).collect()
}

fn of<'a>(gradients: &'a [(String, Vec<f32>)], name: &str) -> Option<&'a [f32]> {
    gradients.iter().find(|(other, _)| other == name).map(|(_, values)| values.as_slice())
}

#[test]
fn gradients_of_both_uses_of_a_tied_layer_are_added() {
    let text = std::fs::read_to_string("../models/tied.cnn").expect("a model").replace("[N,", "[3,");
    let apart = text.replace("tied shared = Linear(8)", "").replace("shared;", "Linear(8);");
    let (tied, apart) = (network_of_text(&text), network_of_text(&apart));
    let input = formula::tensor("input", &[3, 4], &[]);
    let parameters = formula::parameters(&tied.graph, &[]);
    let copied = |path: &Arc<str>| if path.starts_with("4.") { path.replace("4.", "2.") } else { path.to_string() };
    let same: Parameters = apart
        .graph
        .parameters
        .iter()
        .map(|parameter| {
            let tensor = parameters.get(&copied(&parameter.path)).expect("a parameter of the tied network");
            (parameter.path.clone(), Tensor::clone(&tensor))
        })
        .collect();
    let (together, apart) = (gradients(&tied, &parameters, &input), gradients(&apart, &same, &input));
    for name in ["weight", "bias"] {
        let [first, second] = [2, 4].map(|layer| of(&apart, &format!("{layer}.{name}")).expect("a gradient"));
        let sum: Vec<f64> = first.iter().zip(second).map(|(a, b)| f64::from(a + b)).collect();
        let found = of(&together, &format!("2.{name}")).expect("a gradient").iter().map(|&value| f64::from(value));
        assert!(relative_error(found, &sum) < 1e-5);
    }
}

#[test]
fn a_gradient_is_absent_until_something_depends_on_the_parameter() {
    let used =
        network_of_text("model Net {\n    input [2, 3]\n    keep \"start\"\n    Linear(4); ReLU\n    Linear(1)\n}\n");
    let parameters = formula::parameters(&used.graph, &[]);
    let input = formula::tensor("input", &[2, 3], &[]);
    let found = gradients(&used, &parameters, &input);
    assert!(of(&found, "0.weight").is_some() && of(&found, "input").is_some());
    // Inference computes no gradient at all, and a step keeps none: its state holds parameters alone.
    let plan = planned(&used, &Training::plain(), true, Kernels::Fast);
    let paths: Vec<String> = plan.parameters.iter().map(|parameter| parameter.path.to_string()).collect();
    assert_eq!(paths.len(), used.graph.parameters.len());
    assert!(plan.outputs.iter().all(|port| [names::LOSS, names::CORRECT].contains(&&*port.name)));
}

/// A network that a dropout of p = 0.25 and a linear layer of ones make the mean of.
const DROPPED: &str = "model Net {\n    input [64, 100]\n    Dropout(0.25)\n    Linear(1, bias=false)\n}\n";

#[test]
fn dropout_keeps_the_mean_and_draws_anew_each_step() {
    let network = network_of_text(DROPPED);
    let ones: Parameters = [("1.weight".into(), Tensor::filled(&[1, 100], 0.01))].into_iter().collect();
    let training = Training { loss: Loss::MeanSquaredError(SumOrMean::Mean), ..Training::plain() };
    let mut learner = Learner::new(planned(&network, &training, true, Kernels::Fast), &ones, Kernels::Fast, 1);
    let (input, zeros) = (Tensor::filled(&[64, 100], 1.0), Tensor::filled(&[64, 1], 0.0));
    let losses: Vec<f32> = (0..20).map(|_| learner.step(&input, &zeros, 0.0)[0]).collect();
    // A mean of 100 of mean 1 and variance p / (1 − p): its square has the mean 1 + (1/3) / 100.
    let mean = losses.iter().sum::<f32>() / 20.0;
    assert!((mean - 1.0033).abs() < 0.005, "{mean}");
    assert!(losses.windows(2).all(|pair| pair[0] != pair[1]));
    let again = Learner::new(planned(&network, &training, false, Kernels::Fast), &ones, Kernels::Fast, 3)
        .step(&input, &zeros, 0.0)[0];
    assert!((again - losses[0]).abs() < 1e-6, "the same seed and step give the same mask");
}

/// A parameter of an image's shape is written as it lies, whatever lies around it.
#[test]
fn a_parameter_of_an_image_s_shape_is_learnt_beside_blocks_of_channels() {
    for layers in ["product { Identity; Parameter((2, 4, 3, 3)) }", "LayerNorm((2, 4, 3, 3))"] {
        let text = format!("model Net {{\n    input [2, 3, 5, 5]\n    Conv2d(4, kernel_size=3)\n    {layers}\n}}\n");
        let network = network_of_text(&text);
        let training = Training { loss: Loss::MeanSquaredError(SumOrMean::Sum), ..Training::plain() };
        let (input, labels) = (formula::tensor("input", &[2, 3, 5, 5], &[]), formula::tensor("y", &[2, 4, 3, 3], &[]));
        let [fast, reference] = [Kernels::Fast, Kernels::Reference].map(|kernels| {
            let plan = planned(&network, &training, true, kernels);
            let mut learner = Learner::new(plan, &formula::parameters(&network.graph, &[]), kernels, 1);
            learner.step(&input, &labels, 0.01);
            learner
        });
        for parameter in &network.graph.parameters {
            let [fast, reference] = [&fast, &reference].map(|learner| learner.values(&parameter.path));
            assert!(relative_error(fast, &reference) < 1e-5, "{layers}: `{}`", parameter.path);
        }
    }
}

#[test]
fn batches_of_other_sizes_share_a_state() {
    let text =
        |batch: usize| format!("model Net {{\n    input [{batch}, 3]\n    Linear(4); BatchNorm1d; Linear(2)\n}}\n");
    let training = Training { optimiser: Optimiser::Adam(Adam::default()), ..Training::plain() };
    let [large, small] = [8, 3].map(|batch| network_of_text(&text(batch)));
    let parameters = formula::parameters(&large.graph, &[]);
    let mut learner = Learner::new(planned(&large, &training, true, Kernels::Fast), &parameters, Kernels::Fast, 1);
    let labels = |batch: usize| tensor(&[batch], (0..batch).map(|row| (row % 2) as f32));
    learner.step(&formula::tensor("input", &[8, 3], &[]), &labels(8), 0.1);
    let before = learner.state.clone();
    learner.engine =
        TrainingEngine::new(planned(&small, &training, true, Kernels::Fast), &learner.state, CpuOptions::default())
            .expect("an engine");
    learner.step(&formula::tensor("input", &[3, 3], &[]), &labels(3), 0.1);
    assert_eq!(learner.values("1.num_batches_tracked"), [2.0]);
    assert_ne!(learner.values(".exp_avg.0.weight"), [0.0; 12]);
    let kept = before.get("1.num_batches_tracked").expect("a counter");
    assert_eq!(*kept, Tensor::count(1), "a copy of the state stays as it was");
}

/// Past what float32 counts, and past what float64 does.
const LARGE: [u64; 2] = [1 << 24, 1 << 53];

#[test]
fn batches_are_counted_past_what_floats_count() {
    let network = network_of_text("model Net {\n    input [8, 3]\n    Linear(4); BatchNorm1d; Linear(2)\n}\n");
    let training = Training { optimiser: Optimiser::Adam(Adam::default()), ..Training::plain() };
    let labels = tensor(&[8], (0..8).map(|row| (row % 2) as f32));
    let key = "1.num_batches_tracked";
    for large in LARGE {
        for kernels in [Kernels::Reference, Kernels::Fast] {
            let plan = planned(&network, &training, true, kernels);
            let mut learner = Learner::new(plan, &formula::parameters(&network.graph, &[]), kernels, 1);
            learner.state.insert(key, Tensor::count(large));
            learner.steps = large;
            for number in [large + 1, large + 2] {
                assert!(learner.step(&formula::tensor("input", &[8, 3], &[]), &labels, 0.1)[0].is_finite());
                assert_eq!(*learner.state.get(key).expect("a counter"), Tensor::count(number), "{kernels:?}");
            }
        }
    }
}

#[test]
fn dropout_draws_anew_past_what_floats_count() {
    let network = network_of_text(DROPPED);
    let training = Training { loss: Loss::MeanSquaredError(SumOrMean::Mean), ..Training::plain() };
    let (input, labels) = (Tensor::filled(&[64, 100], 1.0), Tensor::filled(&[64, 1], 0.0));
    let mut all = Vec::new();
    for kernels in [Kernels::Reference, Kernels::Fast] {
        let plan = planned(&network, &training, true, kernels);
        let mut learner = Learner::new(plan, &formula::parameters(&network.graph, &[]), kernels, 1);
        // The low halves of the last ones are those of the first.
        let losses: Vec<f32> = [1, 2]
            .into_iter()
            .chain(LARGE.into_iter().flat_map(|large| [large + 1, large + 2]))
            .map(|step| {
                learner.steps = step - 1;
                learner.step(&input, &labels, 0.0)[0]
            })
            .collect();
        for (number, loss) in losses.iter().enumerate() {
            assert!(!losses[..number].contains(loss), "two steps draw alike: {losses:?}");
        }
        all.push(losses.into_iter().map(f64::from).collect::<Vec<f64>>());
    }
    assert!(relative_error(all[1].iter().copied(), &all[0]) < 1e-5, "{all:?}");
}

#[test]
fn validation_counts_what_is_right() {
    let network = network_of_text("model Net {\n    input [4, 3]\n    Identity\n}\n");
    let loss = Loss::CrossEntropy { label_smoothing: 0.0 };
    let graph = evaluation(&network, &Bindings::new(), loss).expect("a graph");
    let plan = Arc::new(plan(&graph, &target(Kernels::Fast)).expect("a plan"));
    let mut engine = Engine::new(plan, &Parameters::default(), CpuOptions::default()).expect("an engine");
    // Right; wrong; a tie that the label wins, being first; one that it loses.
    let scores = tensor(&[4, 3], [1.0, 0.0, -1.0, 2.0, 3.0, 0.0, 5.0, 5.0, 1.0, 0.0, 4.0, 4.0]);
    let answers = engine.run(&[scores.clone(), tensor(&[4], [0.0, 0.0, 0.0, 2.0])]).expect("answers").to_vec();
    assert_eq!(answers[0], scores);
    let expected = [0.407_606, 1.349_012, 0.702_208, 0.702_264].iter().sum::<f32>() / 4.0;
    assert!((answers[1].data()[0] - expected).abs() < 1e-4, "{:?}", answers[1]);
    assert_eq!(answers[2].data(), [2.0]);
}

#[test]
fn what_cannot_be_trained_is_said() {
    let refusal = |text: &str, loss: Loss| {
        let network = network_of_text(text);
        let training = Training { loss, ..Training::plain() };
        let error = training_step(&network, &Bindings::new(), &training).unwrap_err();
        assert_eq!(error.code, Code::E403);
        error.message
    };
    let entropy = Loss::CrossEntropy { label_smoothing: 0.0 };
    let single = refusal("model Net {\n    input [1, 3]\n    Linear(4); BatchNorm1d; Linear(2)\n}\n", entropy);
    assert_eq!(single, "`1 BatchNorm1d` cannot be trained: 1 value a channel has no variance; a larger batch has one");
    let vector = refusal("model Net {\n    input [7]\n    ReLU\n}\n", entropy);
    assert_eq!(vector, "the cross-entropy wants scores [N, classes] or [N, classes, …], and `output` is [7]");
    let named = refusal("model Net {\n    input step [2, 7]\n    from step\n    ReLU\n}\n", entropy);
    assert_eq!(named, "an input of the network is named `step`, as one of the training step's");
}

/// PyTorch's definition: the loss of chances is the mean of the losses of the classes, by these chances, and so are its
/// gradients.
#[test]
fn the_loss_of_mixed_labels_is_the_mean_of_their_losses() {
    let network = network_of_text("model Case {\n    input [5, 3]\n    Linear(6); Tanh; Linear(4)\n}\n");
    let input = formula::tensor("input", &[5, 3], &[]);
    let (first, second) = ([0usize, 1, 2, 3, 0], [3usize, 1, 0, 2, 1]);
    let share = 0.3f32;
    let mut chances = vec![0.0f32; 20];
    for (row, (&a, &b)) in chances.chunks_exact_mut(4).zip(first.iter().zip(&second)) {
        row[a] += share;
        row[b] += 1.0 - share;
    }
    for label_smoothing in [0.0, 0.1] {
        let step = |loss: Loss, labels: &Tensor| {
            let training = Training { loss, ..Training::plain() };
            let plan = planned(&network, &training, true, Kernels::Fast);
            let begun = formula::parameters(&network.graph, &[]);
            let mut learner = Learner::new(plan, &begun, Kernels::Fast, 1);
            let loss = learner.step(&input, labels, 0.5)[0];
            let values: Vec<f64> = network.graph.parameters.iter().flat_map(|one| learner.values(&one.path)).collect();
            (f64::from(loss), values)
        };
        let of_classes = |classes: [usize; 5]| {
            step(Loss::CrossEntropy { label_smoothing }, &tensor(&[5], classes.map(|class| class as f32)))
        };
        let ((loss_a, a), (loss_b, b)) = (of_classes(first), of_classes(second));
        let soft = Loss::CrossEntropy { label_smoothing }.soft();
        let (loss, mixed) = step(soft, &Tensor::new(&[5, 4], chances.clone()).expect("chances"));
        let mean = |a: f64, b: f64| f64::from(share) * a + f64::from(1.0 - share) * b;
        assert!((loss - mean(loss_a, loss_b)).abs() < 1e-6 * loss, "{loss}, {loss_a}, {loss_b}");
        let expected: Vec<f64> = a.iter().zip(&b).map(|(&a, &b)| mean(a, b)).collect();
        let error = relative_error(mixed, &expected);
        assert!(error < 1e-6, "parameters are off by {error:.1e}");
    }
}

/// `torch.optim.swa_utils.AveragedModel` with `get_ema_multi_avg_fn(decay)`: the first step's values, then `ema + (new - ema) (1
/// - decay)`.
#[test]
fn running_means_of_parameters_are_pytorch_s() {
    let network = network_of_text("model Case {\n    input [5, 3]\n    Linear(6); Tanh; Linear(4)\n}\n");
    let input = formula::tensor("input", &[5, 3], &[]);
    let labels = tensor(&[5], [0.0, 1.0, 2.0, 3.0, 0.0]);
    let decay = 0.9;
    for (kernels, optimiser) in
        [(Kernels::Fast, Optimiser::Adam(Adam::default())), (Kernels::Reference, Optimiser::Sgd(Sgd::default()))]
    {
        let training = Training { optimiser, average: Some(decay), ..Training::plain() };
        let begun = formula::parameters(&network.graph, &[]);
        let mut learner = Learner::new(planned(&network, &training, true, kernels), &begun, kernels, 1);
        let plain = Training { average: None, ..training };
        let mut other = Learner::new(planned(&network, &plain, true, kernels), &begun, kernels, 1);
        let mut means: Vec<Vec<f64>> = Vec::new();
        for step in 0..5 {
            let losses = [&mut learner, &mut other].map(|learner| learner.step(&input, &labels, 0.05)[0]);
            assert_eq!(losses[0], losses[1], "a mean changes no step");
            for (number, parameter) in network.graph.parameters.iter().enumerate() {
                let new = learner.values(&parameter.path);
                assert_eq!(new, other.values(&parameter.path));
                match means.get_mut(number) {
                    None => means.push(new),
                    Some(mean) => {
                        mean.iter_mut().zip(new).for_each(|(mean, new)| *mean += (new - *mean) * (1.0 - decay))
                    }
                }
                let found = learner.values(&names::state_key(names::AVERAGE, &parameter.path));
                let error = relative_error(found, &means[number]);
                assert!(error < 1e-6, "step {step}: the mean of `{}` is off by {error:.1e}", parameter.path);
            }
        }
    }
}
