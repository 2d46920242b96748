//! Steps whose batches are computed in parts: the numbers of the whole batch, whatever the parts are and whoever clips, and the
//! same bits for any number of threads.

use super::*;
use cnnc_runtime::{AsTensorView, Device, DeviceName, DeviceOptions, Model, Target as Wanted, Trainer};
use std::collections::BTreeMap;

/// Parameters and running statistics by key.
type Values = BTreeMap<Arc<str>, Arc<Tensor>>;

/// Without statistics of a batch: what such a layer makes of a part is another thing.
const PLAIN: &str = "model Case { input [N, 3, 8, 8]
    Conv2d(20, kernel_size=3); ReLU; MaxPool2d(2); Flatten; e: Linear(12); Tanh; Linear(180, weight=e.weight.T); Linear(4) }";

/// Batches of 12 and one of 7, each learnt from twice, in parts of at most so many samples.
fn trained(text: &str, training: &Training, device: &Device, largest: Option<usize>) -> (Vec<f64>, Values) {
    let model = Model::from_text("case.cnn", text).expect("a model");
    let mut trainer = model.trainer(&model.init(3).expect("weights"), training.clone(), device).seed(5);
    if let Some(largest) = largest {
        trainer = trainer.in_parts_of(largest);
    }
    let mut losses = Vec::new();
    for samples in [12, 7, 12, 7] {
        losses.push(step(&mut trainer, samples, training));
    }
    (losses, values(&model, &trainer))
}

fn values(model: &Model, trainer: &Trainer) -> Values {
    let weights = trainer.weights().expect("weights");
    let keys = model.graph().graph.parameters.iter().map(|parameter| parameter.path.clone());
    keys.map(|key| (key.clone(), weights.get(&key).expect("a tensor"))).collect()
}

fn step(trainer: &mut Trainer, samples: usize, training: &Training) -> f64 {
    let input = formula::tensor("input", &[samples, 3, 8, 8], &[]);
    let (classes, target) = (classes(samples), formula::tensor("labels", &[samples, 4], &[]));
    let wanted = match training.loss {
        Loss::CrossEntropy(_) => Wanted::Classes(&classes),
        _ => Wanted::Tensor(target.view()),
    };
    trainer.step(&[input], wanted, 0.02).unwrap_or_else(|failure| panic!("{failure:?}")).loss
}

fn classes(samples: usize) -> Vec<usize> {
    (0..samples).map(|sample| sample * 7 % 4).collect()
}

fn reference() -> Device {
    let mut options = DeviceOptions::default().threads(1);
    options.reference = true;
    Device::open(DeviceName::Cpu, &options).expect("a processor")
}

#[test]
fn parts_learn_what_the_whole_batch_does() {
    let sgd = Optimiser::Sgd(Sgd { momentum: 0.9, nesterov: true, weight_decay: 0.1 });
    let adam = Optimiser::AdamW(Adam { eps: 1e-4, ..Adam::default() });
    let entropy = Loss::cross_entropy(0.1);
    let weighted = entropy.clone().with_class_weights([1.0, 2.0, 0.5, 3.0].into());
    let sum = Loss::MeanSquaredError(SumOrMean::Sum);
    let mean = Loss::MeanSquaredError(SumOrMean::Mean);
    for (loss, optimiser) in [(&entropy, sgd), (&entropy, adam), (&weighted, sgd), (&mean, sgd), (&sum, adam)] {
        for max_gradient_norm in [None, Some(0.2)] {
            let average = Some(Average { decay: 0.9, use_buffers: true });
            let training = Training { loss: loss.clone(), optimiser, max_gradient_norm, average, ..Training::plain() };
            let whole = trained(PLAIN, &training, &Device::cpu(1), None);
            for largest in [12, 6, 5, 1] {
                let one = trained(PLAIN, &training, &Device::cpu(1), Some(largest));
                let two = trained(PLAIN, &training, &Device::cpu(2), Some(largest));
                let plain = trained(PLAIN, &training, &reference(), Some(largest));
                for (a, b) in whole.0.iter().zip(&one.0) {
                    assert!((a - b).abs() < 1e-5 * a.abs(), "{:?} and {:?} in parts of {largest}", whole.0, one.0);
                }
                assert_eq!(one.0, two.0);
                for (key, tensor) in &whole.1 {
                    let expected: Vec<f64> = tensor.numbers().collect();
                    let [one, two, plain] = [&one, &two, &plain].map(|found| &found.1[key]);
                    assert_eq!(one.data(), two.data(), "{key} does not depend on threads");
                    // Adam divides by the root of what is summed: the rounding of small gradients becomes up to twice as much.
                    let allowed = if optimiser == adam { 2e-5 } else { 1e-5 };
                    for found in [one, plain] {
                        let error = relative_error(found.numbers(), &expected);
                        assert!(error < allowed, "{key} is off by {error:.1e} in parts of {largest}: {training:?}");
                    }
                }
            }
        }
    }
}

/// One part of the whole batch is the step itself.
#[test]
fn a_step_in_one_part_has_the_bits_of_the_step() {
    let text = PLAIN.replace("ReLU;", "BatchNorm2d; ReLU; Dropout(0.3);");
    let training = Training { optimiser: Optimiser::Adam(Adam::default()), ..Training::plain() };
    let [whole, parts] = [None, Some(12)].map(|largest| trained(&text, &training, &Device::cpu(2), largest));
    assert_eq!(whole.0, parts.0);
    assert_eq!(whole.1, parts.1);
}

/// A network whose answer is what a dropout left of ones: parts draw masks of their own, the same ones each time.
#[test]
fn every_part_draws_its_own_random_numbers() {
    let text =
        "model Case { input [N, 3, 8, 8]; Flatten; Dropout(0.5); Linear(4, bias=false)\n init Linear: constant(0.01) }";
    let loss = Loss::MeanSquaredError(SumOrMean::Sum);
    let training = Training { loss, ..Training::plain() };
    let losses = |largest| {
        let model = Model::from_text("case.cnn", text).expect("a model");
        let trainer = model.trainer(&model.init(0).expect("weights"), training.clone(), &Device::cpu(1));
        let zeros = Tensor::filled(&[2, 4], 0.0);
        let (ones, wanted) = (Tensor::filled(&[2, 3, 8, 8], 1.0), zeros.view());
        let mut trainer = trainer.in_parts_of(largest);
        trainer.step(&[ones], Wanted::Tensor(wanted), 0.0).expect("a step").loss
    };
    assert_eq!(losses(1), losses(1));
    assert_ne!(losses(1), losses(2));
    // With one mask for both parts the loss of two samples would be twice that of the first.
    let model = Model::from_text("case.cnn", text).expect("a model");
    let mut one = model.trainer(&model.init(0).expect("weights"), training.clone(), &Device::cpu(1));
    let zeros = Tensor::filled(&[1, 4], 0.0);
    let (ones, wanted) = (Tensor::filled(&[1, 3, 8, 8], 1.0), zeros.view());
    let first = one.step(&[ones], Wanted::Tensor(wanted), 0.0).expect("a step").loss;
    assert_ne!(losses(1), 2.0 * first);
}

/// A training that was saved between two steps goes on to the same bits; the file has no sums of gradients.
#[test]
fn a_training_in_parts_goes_on_to_the_same_bits() {
    let text = PLAIN.replace("ReLU;", "BatchNorm2d; ReLU; Dropout(0.3);");
    let training = Training { optimiser: Optimiser::NAdam(NAdam::default()), ..Training::plain() };
    let folder = std::env::temp_dir().join(format!("cnnc-parts-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join("saved.safetensors");
    let model = Model::from_text("case.cnn", &text).expect("a model");
    let trainer =
        || model.trainer(&model.init(3).expect("weights"), training.clone(), &Device::cpu(1)).seed(5).in_parts_of(4);
    let mut whole = trainer();
    let mut gone_on = trainer();
    for number in 0..4 {
        let expected = step(&mut whole, 12, &training);
        if number == 1 {
            gone_on.resume(&path, &[Tensor::filled(&[4, 3, 8, 8], 0.0)]).expect("a state");
        }
        if number > 0 {
            assert_eq!(step(&mut gone_on, 12, &training), expected);
        } else {
            whole.save(&path).expect("saved");
        }
    }
    assert_eq!(values(&model, &whole), values(&model, &gone_on));
    let text = String::from_utf8_lossy(&std::fs::read(&path).expect("a file")).into_owned();
    assert!(text.contains(".mu_product") && text.contains(".exp_avg.0.weight") && !text.contains(".gradient."));
    std::fs::remove_dir_all(&folder).expect("gone");
}

/// What is wrong is told before anything is computed: the state stays as it was.
#[test]
fn a_batch_that_cannot_be_cut_is_refused() {
    let training = Training { optimiser: Optimiser::Sgd(Sgd { momentum: 0.9, ..Sgd::default() }), ..Training::plain() };
    let model = Model::from_text("case.cnn", PLAIN).expect("a model");
    let mut trainer = model.trainer(&model.init(3).expect("weights"), training.clone(), &Device::cpu(1)).in_parts_of(4);
    step(&mut trainer, 12, &training);
    let before = values(&model, &trainer);
    let input = formula::tensor("input", &[12, 3, 8, 8], &[]);
    let mut wrong = classes(12);
    wrong[11] = 4;
    for (labels, said) in [(wrong.as_slice(), "is 4 for sample"), (&classes(11), "a batch of 12 samples has 11 labels")]
    {
        let refused = trainer.step(&[&input], Wanted::Classes(labels), 0.1).expect_err("a refusal");
        assert_eq!(refused.code, Code::E604);
        assert!(refused.message.contains(said), "{refused:?}");
        assert_eq!(values(&model, &trainer), before);
    }
}
