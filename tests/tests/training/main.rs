//! Training steps: what a network learns with, for the tests of steps (`optimisers.rs`), of layers that become free
//! (`unfreezing.rs`) and of what is learnt (`course.rs`).

mod course;
mod optimisers;
mod unfreezing;

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
            ..Learning::default()
        };
    }
    network
}
