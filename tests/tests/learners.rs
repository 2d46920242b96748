//! Training as a whole, on the pictures that come with cnnc: steps of the fast kernels against those of the reference.

use cnnc_compiler::graph::ShapedGraph;
use cnnc_compiler::training::{Adam, Loss, Optimiser, Sgd, Training};
use cnnc_runtime::Parameters;
use cnnc_runtime::cpu::{CpuOptions, Kernels};
use cnnc_runtime::data::{self, Format, Job, Pipeline, load, shuffled};
use cnnc_runtime::train::{Learner, StepInputs, StepLearner};
use cnnc_tests::network;
use std::path::Path;
use std::sync::Arc;

/// Losses of some steps, and the state after them.
fn steps(graph: &ShapedGraph, optimiser: Optimiser, options: CpuOptions) -> (Vec<f64>, Parameters) {
    let data = data::open(Format::Idx, Path::new("../models/fashion_mnist_small")).expect("the pictures");
    let job = Job {
        samples: data.train,
        pipeline: Arc::new(Pipeline::new(None, None, [1, 28, 28]).expect("a pipeline")),
        order: shuffled(600, 0, 0)[..100].into(),
        batch_size: 30,
        first_batch: 0,
        seed: 0,
        epoch: 0,
        skip_corrupt: false,
        workers: 1,
    };
    let loss = Loss::CrossEntropy { label_smoothing: 0.0 };
    let training = Training { loss, optimiser, max_gradient_norm: None };
    let parameters = Parameters::draw(&graph.graph, 0).expect("parameters");
    let mut learner = StepLearner::new(graph, training, &parameters, [30, 1, 28, 28], 10, options).expect("a learner");
    let losses = load(&job).zip(1..).map(|(batch, step)| {
        let inputs = StepInputs { learning_rate: 0.05, step, seed: 0 };
        learner.step(batch.expect("a batch"), inputs).expect("a step").loss
    });
    let losses = losses.collect();
    (losses, learner.state().expect("a state"))
}

#[test]
fn fast_steps_are_those_of_the_reference() {
    // Adam divides by the size of the gradients: where those are as small as their rounding, so does its step come from rounding.
    for (model, optimiser, tolerance) in [
        ("LeNet", Optimiser::Sgd(Sgd { momentum: 0.9, nesterov: false, weight_decay: 1e-3 }), 1e-3),
        ("ModernLeNet", Optimiser::Sgd(Sgd::default()), 1e-3),
        ("ModernLeNet", Optimiser::AdamW(Adam::default()), 1e-2),
    ] {
        let graph = network("../models/lenet.cnn", Some(model));
        let reference =
            steps(&graph, optimiser, CpuOptions { threads: 1, kernels: Kernels::Reference, ..CpuOptions::default() });
        let one = steps(&graph, optimiser, CpuOptions { threads: 1, ..CpuOptions::default() });
        let two = steps(&graph, optimiser, CpuOptions { threads: 2, ..CpuOptions::default() });
        assert_eq!(one.0, two.0);
        for (key, tensor) in reference.1.iter() {
            let found = one.1.get(key).expect("the same keys");
            assert_eq!(Some(found), two.1.get(key), "{key} of {model} does not depend on threads");
            let largest = tensor.data().iter().fold(0f32, |largest, value| largest.max(value.abs()));
            let error = tensor.data().iter().zip(found.data()).fold(0f32, |error, (a, b)| error.max((a - b).abs()));
            assert!(error <= tolerance * largest, "{key} of {model}: {error} of {largest}");
        }
        let difference = reference.0.iter().zip(&one.0).fold(0f64, |most, (a, b)| most.max((a - b).abs()));
        assert!(difference < 1e-4, "{:?} and {:?}", reference.0, one.0);
    }
}
