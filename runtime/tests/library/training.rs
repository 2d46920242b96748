//! Trainings by a recipe and from code, to the same bits however they are broken off.

use cnnc_compiler::diagnostic::Code;
use cnnc_compiler::training::{Loss, SumOrMean, Training};
use cnnc_runtime::train::{Ending, Event, fit};
use cnnc_runtime::{Cancel, Device, Model, PrepareOptions, Target, Tensor, TensorView, Weights};
use std::path::Path;

/// A recipe of two epochs in a folder of its own.
pub fn recipe(folder: &Path) -> std::path::PathBuf {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models").display().to_string();
    let text = format!(
        "model: {models}/lenet.cnn\ndata: {{format: idx, path: {models}/fashion_mnist_small}}\n\
         optimizer: {{name: adam, lr: 0.002}}\nbatch_size: 64\nepochs: 2\noutput: run\n"
    );
    let path = folder.join("recipe.yaml");
    std::fs::write(&path, text).expect("a file");
    path
}

#[test]
fn a_training_is_one_call_that_can_be_cancelled() {
    let folder = tempfile::tempdir().expect("a folder");
    let recipe = recipe(folder.path());
    let cancel = Cancel::default();
    let mut steps = 0;
    let ending = fit(&recipe, &cancel, &mut |event| {
        if let Event::Stepped { .. } = event {
            steps += 1;
            if steps == 3 {
                cancel.cancel();
            }
        }
    });
    assert_eq!(ending.expect("a training"), Ending::Stopped { epoch: 0, batch: 3 });
    assert!(folder.path().join("run/last.safetensors").exists());
    let there = fit(&recipe, &Cancel::default(), &mut |_| {}).expect_err("the run is there");
    assert_eq!(there.code(), Code::E613);
    std::fs::write(&recipe, "model: none.cnn\nepoch: 3\n").expect("a file");
    let wrong = fit(&recipe, &Cancel::default(), &mut |_| {}).expect_err("no recipe");
    let unknown = wrong.details().find(|detail| detail.code == Code::E606).expect("an unknown key");
    assert_eq!(unknown.place.map(|place| (place.line, place.column)), Some((2, 1)));
}

#[test]
fn a_program_trains_by_classes_and_by_tensors_and_goes_on_to_the_same_bits() {
    let text = "model Small { input [N, 4]; Linear(8); ReLU; Dropout(0.2); Linear(3) }";
    let model = Model::from_text("small.cnn", text).expect("a model");
    let (weights, device) = (model.init(1).expect("weights"), Device::cpu(2));
    let batch = |samples: usize| cnnc_runtime::random::input("x", &[samples, 4], samples as u64);
    let classes = [0, 2, 1, 1, 0, 2];
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("last.safetensors");
    let trainer = || model.trainer(&weights, Training::plain(), &device).seed(7);
    let mut whole = trainer();
    let losses: Vec<f64> = (0..20)
        .map(|step| {
            let samples = if step % 3 == 2 { 4 } else { 6 };
            let told = whole.step(&[batch(samples)], Target::Classes(&classes[..samples]), 0.5).expect("a step");
            assert!(told.correct.is_some_and(|correct| correct <= samples));
            if step == 9 {
                whole.save(&path).expect("a checkpoint");
            }
            told.loss
        })
        .collect();
    assert!(losses[19] < losses[0] && whole.steps() == 20, "{losses:?}");
    let mut second = trainer();
    second.resume(&path, &[batch(6)]).expect("a checkpoint");
    for step in second.steps()..20 {
        let samples = if step % 3 == 2 { 4 } else { 6 };
        second.step(&[batch(samples)], Target::Classes(&classes[..samples]), 0.5).expect("a step");
    }
    let (one, other) = (whole.weights().expect("weights"), second.weights().expect("weights"));
    for (key, _) in one.keys() {
        assert_eq!(one.get(key).expect("a tensor"), other.get(key).expect("a tensor"), "{key}");
    }
    // The weights of a checkpoint are weights, and answer.
    Weights::from_file(&path, &model).expect("weights");
    model.prepare(&one, &device, PrepareOptions::default()).expect("packed weights");

    let wrong = |target: Target<'_>| trainer().step(&[batch(6)], target, 0.1).expect_err("no such target");
    let few = wrong(Target::Classes(&classes[..5]));
    assert_eq!((few.code(), few.message.as_str()), (Code::E604, "a batch of 6 samples has 5 labels, and 6 are wanted"));
    let none = wrong(Target::Classes(&[0, 1, 2, 3, 0, 0]));
    assert!(none.message.contains("3 for sample 3") && none.message.contains("0 to 2"), "{none}");

    let squared = Training { loss: Loss::MeanSquaredError(SumOrMean::Sum), ..Training::plain() };
    let plain = "model Plain { input [N, 4]; Linear(3) }";
    let plain = Model::from_text("plain.cnn", plain).expect("a model");
    let start = plain.init(1).expect("weights");
    let ones: Vec<f32> =
        classes.iter().flat_map(|&class| (0..3).map(move |k| f32::from(u8::from(k == class)))).collect();
    let ones = Tensor::new(&[6, 3], ones).expect("a target");
    let by = |target: Target<'_>| {
        let mut trainer = plain.trainer(&start, squared.clone(), &device);
        trainer.step(&[batch(6)], target, 0.01).expect("a step");
        trainer.weights().expect("weights").get("0.weight").expect("a tensor")
    };
    let view = TensorView::new(ones.shape(), ones.data()).expect("a target");
    assert_eq!(by(Target::Tensor(view)), by(Target::Classes(&classes)));
    let refused = plain
        .trainer(&start, squared.clone(), &device)
        .step(&[batch(6)], Target::Tensor(TensorView::new(&[6], &[0.0; 6]).expect("a target")), 0.01)
        .expect_err("of another shape");
    assert!(refused.message.contains("`labels` is [6], and the model takes [6, 3]"), "{refused}");
}

#[test]
fn masks_are_classes_of_every_pixel() {
    let model = Model::from_text("mask.cnn", "model Mask { input [N, 1, 2, 2]; Conv2d(3, kernel_size=1) }");
    let model = model.expect("a model");
    let mut trainer = model.trainer(&model.init(0).expect("weights"), Training::plain(), &Device::cpu(1));
    let picture = cnnc_runtime::random::input("x", &[2, 1, 2, 2], 1);
    let told = trainer.step(&[&picture], Target::Classes(&[0, 1, 2, 0, 1, 1, 2, 2]), 0.1).expect("a step");
    assert!(told.loss.is_finite());
    let few = trainer.step(&[&picture], Target::Classes(&[0, 1]), 0.1).expect_err("a class a picture");
    assert_eq!(few.message, "a batch of 2 samples has 2 labels, and 8 are wanted, one a place");
}
