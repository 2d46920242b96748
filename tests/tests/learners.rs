//! Training as a whole, on the pictures that come with cnnc: steps of the fast kernels against those of the reference.

use cnnc_compiler::diagnostic::Code;
use cnnc_compiler::plan::{Plan, Target};
use cnnc_compiler::training::{Adam, Loss, Optimiser, Sgd, SumOrMean, Training, compile_step, names};
use cnnc_compiler::write_kernels::Bindings;
use cnnc_runtime::cpu::{CpuOptions, Kernels, TrainingEngine, initial_state};
use cnnc_runtime::data::{self, Batch, Format, Job, Pipeline, load, shuffled};
use cnnc_runtime::train::{Learner, StepInputs, StepLearner};
use cnnc_runtime::{Device, DeviceName, DeviceOptions, Model, Parameters, Tensor};
use cnnc_tests::{network, network_of_text};
use std::path::Path;
use std::sync::Arc;

/// The processor by plain loops.
fn reference() -> Device {
    let mut options = DeviceOptions::default().threads(1);
    options.reference = true;
    Device::open(DeviceName::Cpu, &options).expect("a processor")
}

/// Losses of some steps, and the state after them.
fn steps(model: &Model, optimiser: Optimiser, device: &Device, recompute: bool) -> (Vec<f64>, Parameters) {
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
        target: None,
        mix: None,
        workers: 1,
    };
    let loss = Loss::cross_entropy(0.0);
    let training = Training { loss, optimiser, recompute, ..Training::plain() };
    let weights = model.init(0).expect("weights");
    let mut learner =
        StepLearner::new(model, training, &weights, [30, 1, 28, 28], 10, device, false).expect("a learner");
    let losses = load(&job).zip(1..).map(|(batch, step)| {
        let inputs = StepInputs { learning_rate: 0.05, momentum: None, step, seed: 0 };
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
        let model = Model::builder().model(model).file("../models/lenet.cnn").expect("a model");
        let expected = steps(&model, optimiser, &reference(), false);
        let one = steps(&model, optimiser, &Device::cpu(1), false);
        let two = steps(&model, optimiser, &Device::cpu(2), false);
        assert_eq!(one.0, two.0);
        for (key, tensor) in expected.1.iter() {
            let tensor = tensor.expect("a tensor");
            let [found, other] = [&one, &two].map(|steps| steps.1.get(key).expect("the same keys"));
            assert_eq!(found, other, "{key} of {} does not depend on threads", model.name());
            let largest = tensor.data().iter().fold(0f32, |largest, value| largest.max(value.abs()));
            let error = tensor.data().iter().zip(found.data()).fold(0f32, |error, (a, b)| error.max((a - b).abs()));
            assert!(error <= tolerance * largest, "{key} of {}: {error} of {largest}", model.name());
        }
        let difference = expected.0.iter().zip(&one.0).fold(0f64, |most, (a, b)| most.max((a - b).abs()));
        let largest = expected.0.iter().fold(1f64, |largest, loss| largest.max(loss.abs()));
        assert!(difference < 1e-4 * largest, "{:?} and {:?}", expected.0, one.0);
    }
}

/// Residual blocks with running statistics and dropout.
const RESIDUAL: &str = "
block Residual(channels: int) {
    sum {
        { Conv2d(channels, kernel_size=3, padding=1); BatchNorm2d; ReLU; Conv2d(channels, kernel_size=3, padding=1) }
        Identity
    }
    BatchNorm2d; ReLU; Dropout(0.2)
}
model Net {
    input [N, 1, 28, 28]
    Conv2d(8, kernel_size=3, stride=2, padding=1); ReLU
    repeat 6 { Residual(8) }
    MaxPool2d(2); Flatten; Linear(10)
}
";

#[test]
fn what_is_computed_again_has_the_same_bits() {
    let model = Model::from_text("net.cnn", RESIDUAL).expect("a model");
    let optimiser = Optimiser::Sgd(Sgd { momentum: 0.9, ..Sgd::default() });
    let [kept, again] = [false, true].map(|again| steps(&model, optimiser, &Device::default(), again));
    assert_eq!(kept.0, again.0);
    assert_eq!(kept.1.len(), again.1.len());
    for (key, tensor) in kept.1.iter() {
        assert_eq!(again.1.get(key).expect("the same keys"), tensor.expect("a tensor"), "{key}");
    }
}

#[test]
fn what_is_computed_again_is_not_kept() {
    for (file, model, batch, share) in [
        ("resnet18", "ResNet18", 16, 0.5),
        ("vgg", "VGGSmall", 16, 0.6),
        ("torchvision/resnet50", "ResNet50", 8, 0.37),
        ("torchvision/densenet121", "DenseNet121", 8, 0.26),
    ] {
        let [kept, again] = kept_and_again(file, model, batch).map(|plan| plan.arena_bytes);
        assert!(again as f64 <= share * kept as f64, "{model}: {kept} bytes, and {again}");
    }
}

/// The plans of a step that keeps all values, and of one that computes them again.
fn kept_and_again(file: &str, model: &str, batch: usize) -> [Plan; 2] {
    let graph = network(&format!("../models/{file}.cnn"), Some(model));
    let bindings = [("N".to_owned(), batch)].into_iter().collect();
    [false, true].map(|recompute| {
        let training = Training { recompute, ..Training::plain() };
        compile_step(&graph, &bindings, &training, &Target::reference()).expect("a plan").0
    })
}

#[test]
fn where_nothing_is_saved_nothing_is_computed_again() {
    let [kept, again] = kept_and_again("lenet", "LeNet", 64);
    assert!(again.arena_bytes <= kept.arena_bytes, "{} bytes, and {}", kept.arena_bytes, again.arena_bytes);
    assert_eq!(again.run.len(), kept.run.len());
}

/// Labels that are no classes, in a step and in what is told of the next one: the state stays as it was.
#[test]
fn a_label_that_is_no_class_is_refused() {
    let model = Model::from_text("m.cnn", "model M { input [N, 1, 2, 2]; Flatten; Linear(3) }").expect("a model");
    let weights = model.init(0).expect("weights");
    let told = StepInputs { learning_rate: 0.1, momentum: None, step: 1, seed: 0 };
    let batch = |labels: &[usize]| {
        let inputs = Tensor::filled(&[2, 1, 2, 2], 0.5);
        Batch { inputs, labels: labels.to_vec(), targets: None, skipped: Vec::new(), samples: Vec::new() }
    };
    for device in [Device::default(), reference()] {
        for loss in [Loss::cross_entropy(0.0), Loss::MeanSquaredError(SumOrMean::Mean)] {
            let optimiser = Optimiser::Sgd(Sgd::default());
            let training = Training { loss, optimiser, ..Training::plain() };
            let learner = |classes| {
                let made = StepLearner::new(&model, training.clone(), &weights, [2, 1, 2, 2], classes, &device, false);
                made.unwrap_or_else(|failure| panic!("{failure:?}"))
            };
            let mut three = learner(3);
            let before = three.state().expect("a state");
            for (labels, expected) in [
                (&[2, 3][..], "sample 1 of the batch has the label 3, and the model's classes are 0 to 2"),
                (&[usize::MAX, 0], "sample 0 of the batch has the label 18446744073709551615, and"),
                (&[1], "a batch of 2 samples has 1 labels"),
                (&[], "a batch of 2 samples has 0 labels"),
            ] {
                let staged = three.stage(&batch(labels), told).expect_err("a refusal");
                let refused = three.step(batch(labels), told).expect_err("a refusal");
                assert!(refused.code == Code::E604 && refused.message.starts_with(expected), "{refused:?}");
                assert_eq!(staged, refused);
            }
            for (key, shape) in before.shapes() {
                assert_eq!(three.state().expect("a state").shape(key), Some(shape));
                assert_eq!(three.state().expect("a state").get(key).unwrap(), before.get(key).unwrap(), "{key}");
            }
            assert!(three.step(batch(&[2, 0]), told).expect("a step").loss > 0.0);
            assert!(learner(0).step(batch(&[0, 0]), told).expect_err("a refusal").message.contains("no classes"));
            // What the caller says of the classes is held against the network's own.
            let refused = learner(10).step(batch(&[0, 7]), told).expect_err("a refusal");
            assert_eq!(refused.code, Code::E604, "{refused:?}");
        }
    }
}

/// Labels as numbers, straight to the plan.
#[test]
fn a_class_number_that_is_none_is_refused_by_the_plan() {
    let graph = network_of_text("model M { input [2, 1, 2, 2]; Flatten; Linear(3) }");
    let parameters = Parameters::draw(&graph.graph, 0).expect("parameters");
    let loss = Loss::cross_entropy(0.0);
    let optimiser = Optimiser::Sgd(Sgd::default());
    let training = Training { loss, optimiser, ..Training::plain() };
    for kernels in [Kernels::Fast, Kernels::Reference] {
        let options = CpuOptions { kernels, ..CpuOptions::default() };
        let (plan, _) = compile_step(&graph, &Bindings::new(), &training, &options.target()).expect("a plan");
        let plan = Arc::new(plan);
        let mut state = initial_state(&plan, &parameters).expect("a state");
        let mut engine = TrainingEngine::new(plan.clone(), &state, options).expect("an engine");
        let mut step = |label: f32| {
            let given = |name: &str| match name {
                names::LABELS => Tensor::new(&[2], vec![2.0, label]).expect("labels"),
                names::LEARNING_RATE => Tensor::filled(&[], 1.0),
                names::STEP | names::SEED => Tensor::count(1),
                _ => Tensor::filled(&[2, 1, 2, 2], 0.5),
            };
            let inputs: Vec<Tensor> = plan.inputs.iter().map(|port| given(&port.name)).collect();
            engine.step(&mut state, &inputs)
        };
        for label in [3.0, -1.0, 0.5, f32::NAN, f32::INFINITY, 1e30] {
            let refused = step(label).expect_err("a refusal");
            let expected = format!("`labels` is {label} for sample 1, and a class is a whole number from 0 to 2");
            assert_eq!((refused.code, refused.message.as_str()), (Code::E604, expected.as_str()));
        }
        step(0.0).expect("a step");
    }
}
