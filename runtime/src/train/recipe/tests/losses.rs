//! The losses of recipes, the weights of classes in them, and what they do not go together with.

use super::super::{ClassWeightsChoice, Monitor, Weighing};
use super::{SHORT, codes, recipe, said};
use cnnc_compiler::training::{BinaryCrossEntropy, BinaryFocal, CrossEntropy, Loss, SumOrMean};

fn of(line: &str) -> (Loss, Option<Weighing>) {
    let recipe = recipe(&format!("{SHORT}loss: {line}\n"));
    (recipe.training.loss, recipe.class_weights.map(|choice| choice.weighing))
}

/// The shortest recipe of pictures with several classes.
fn several(more: &str) -> String {
    format!("{}{more}\n", SHORT.replace("format: idx", "format: multi_label"))
}

#[test]
fn losses_of_one_class_by_name_and_with_weights() {
    let focal =
        |gamma, label_smoothing| Loss::CrossEntropy(CrossEntropy { label_smoothing, focal: Some(gamma), weight: None });
    assert_eq!(of("cross_entropy"), (Loss::cross_entropy(0.0), None));
    assert_eq!(of("focal"), (focal(2.0, 0.0), None));
    assert_eq!(of("mse"), (Loss::MeanSquaredError(SumOrMean::Mean), None));
    let listed = |numbers: &[f64]| Some(Weighing::Listed(numbers.to_vec()));
    assert_eq!(of("{name: cross_entropy, weight: [1, 2.5]}"), (Loss::cross_entropy(0.0), listed(&[1.0, 2.5])));
    assert_eq!(
        of("{name: focal, gamma: 0, alpha: balanced, label_smoothing: 0.1}"),
        (focal(0.0, 0.1), Some(Weighing::Balanced))
    );
    let named = of("{name: cross_entropy, weight: {cat: 2, \"1\": 0}, label_smoothing: 0.2}");
    let Some(Weighing::Named(pairs)) = named.1 else { panic!("{named:?}") };
    let pairs: Vec<_> = pairs.iter().map(|(name, number, _)| (name.as_str(), *number)).collect();
    assert_eq!((named.0, pairs), (Loss::cross_entropy(0.2), vec![("cat", 2.0), ("1", 0.0)]));
}

#[test]
fn losses_of_several_classes() {
    let of = |line: &str| {
        let recipe = recipe(&several(line));
        assert_eq!(recipe.monitor, Monitor::ValidationMap);
        (recipe.training.loss, recipe.class_weights)
    };
    let plain = BinaryCrossEntropy::default();
    assert_eq!(of(""), (Loss::BinaryCrossEntropy(plain.clone()), None));
    let (loss, weights) = of("loss: {name: binary_cross_entropy, pos_weight: 3, label_smoothing: 0.1}");
    assert_eq!(loss, Loss::BinaryCrossEntropy(BinaryCrossEntropy { label_smoothing: 0.1, ..plain.clone() }));
    assert!(matches!(weights, Some(ClassWeightsChoice { weighing: Weighing::Same(3.0), .. })));
    for (line, gamma, alpha) in [
        ("focal", 2.0, Some(0.25)),
        ("{name: focal, gamma: 1, alpha: 0.5}", 1.0, Some(0.5)),
        ("{name: focal, alpha: -1}", 2.0, None),
    ] {
        let focal = Some(BinaryFocal { gamma, alpha });
        let expected = Loss::BinaryCrossEntropy(BinaryCrossEntropy { focal, ..plain.clone() });
        assert_eq!(of(&format!("loss: {line}")), (expected, None), "{line}");
    }
    assert_eq!(recipe(&several("monitor: val_accuracy")).monitor, Monitor::ValidationAccuracy);
}

#[test]
fn losses_that_do_not_fit_what_is_answered_are_refused() {
    for (line, words) in [
        ("loss: binary_cross_entropy", "compares with several classes or none, and these data have one class"),
        ("monitor: val_map", "`format: multi_label`"),
        ("loss: {name: focal, alpha: 0.25}", "`loss.alpha` must be a number for each class"),
        ("loss: {name: cross_entropy, weight: balance}", "did you mean `balanced`?"),
        ("loss: {name: cross_entropy, weight: [1, -1]}", "`loss.weight` must be a number of at least 0"),
        ("loss: {name: cross_entropy, weight: [0, 0.0]}", "of classes of which at least one counts"),
        ("loss: {name: cross_entropy, weight: {cat: x}}", "`loss.weight` must be a number of at least 0"),
        ("loss: {name: cross_entropy, weight: {3: 1}}", "`a class of loss.weight` must be a text"),
        ("loss: {name: cross_entropy, pos_weight: 2}", "its keys are name, weight, label_smoothing"),
        ("loss: {name: cross_entropy, gamma: 2}", "`loss` has no key `gamma`"),
        ("loss: {name: focal, gamma: -1}", "`loss.gamma` must be a number of at least 0"),
        ("loss: {name: mse, label_smoothing: 0.1}", "`loss` has no key `label_smoothing`"),
        ("loss: focl", "did you mean `focal`?"),
    ] {
        let text = said(&format!("{SHORT}{line}\n"));
        assert!(text.contains(words), "{line}: {text}");
    }
    for (line, words) in [
        ("loss: cross_entropy", "compares with one class, and these data have several classes or none"),
        ("loss: mse", "or write `loss: binary_cross_entropy`"),
        ("loss: {name: focal, label_smoothing: 0.1}", "which this focal loss has none for"),
        ("loss: {name: focal, alpha: 2}", "`loss.alpha` must be a number from 0 to 1, or -1"),
        ("loss: {name: binary_cross_entropy, weight: 2}", "`loss` has no key `weight`"),
    ] {
        let text = said(&several(line));
        assert!(text.contains(words), "{line}: {text}");
    }
    let csv = SHORT.replace("format: idx", "format: csv");
    for (line, code) in
        [("loss: focal", "E609 6:7"), ("loss: binary_cross_entropy", "E609 6:7"), ("monitor: val_map", "E609 6:10")]
    {
        assert_eq!(codes(&format!("{csv}{line}\n")), [code], "{line}");
    }
}

#[test]
fn sampling_and_mixing_that_do_not_fit_are_refused() {
    let with = |text: &str, more: &str| text.replace("path: /data", &format!("path: /data, {more}"));
    assert!(recipe(&with(SHORT, "sampler: balanced")).data.balanced && !recipe(SHORT).data.balanced);
    assert_eq!(codes(&with(SHORT, "sampler: weighted")), ["E607 2:43"]);
    for format in ["csv", "npy", "multi_label"] {
        let text = SHORT.replace("format: idx", &format!("format: {format}"));
        assert_eq!(codes(&with(&text, "sampler: balanced")).len(), 1, "{format}");
    }
    let twice = format!("{}loss: {{name: cross_entropy, weight: balanced}}\n", with(SHORT, "sampler: balanced"));
    assert!(said(&twice).contains("`loss.weight` and `data.sampler` are both balanced"), "{}", said(&twice));
    let mixed = |line: &str| said(&with(&several(line), "mixup: 0.2"));
    assert_eq!(mixed(""), "");
    assert!(mixed("loss: focal").contains("the focal loss of several is of ones and zeros"));
    assert_eq!(said(&format!("{}loss: focal\n", with(SHORT, "cutmix: 1"))), "");
    assert_eq!(codes(&format!("{}loss: mse\n", with(SHORT, "cutmix: 1"))), ["E609 6:7"]);
}
