//! The page about training: its tables are those of the logs in `docs/training/`, and what it claims of them is so.

use serde_json::Value;
use std::fs;

const SIDES: [(&str, &str); 3] = [("cnnc", "cnnc"), ("PyTorch", "pytorch"), ("PyTorch, float64", "pytorch_float64")];

/// Epochs, each with its losses and accuracy.
fn records(log: &str) -> Vec<[f64; 3]> {
    let path = format!("../docs/training/{log}.jsonl");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let record = |line: &str| {
        let line: Value = serde_json::from_str(line).expect("a line of JSON");
        ["train_loss", "val_loss", "val_accuracy"].map(|key| line[key].as_f64().expect("a number"))
    };
    text.lines().map(record).collect()
}

#[test]
fn the_same_numbers_give_the_same_course() {
    let page = fs::read_to_string("../docs/training.md").expect("the page");
    let logs = SIDES.map(|(name, side)| (name, records(&format!("{side}_same_modern_lenet"))));
    for (name, records) in &logs {
        assert_eq!(records.len(), 3);
        for ([train, validation, accuracy], epoch) in records.iter().zip(1..) {
            let row = format!("| {epoch} | {name} | {train:.6} | {validation:.6} | {accuracy:.4} |\n");
            assert!(page.contains(&row), "docs/training.md lacks the row\n{row}");
        }
    }
    let [own, theirs, exact] = logs.map(|(_, records)| records);
    let off = |a: &[[f64; 3]], b: &[[f64; 3]]| a.iter().zip(b).map(|(a, b)| (a[0] - b[0]).abs()).fold(0.0, f64::max);
    assert!((own[0][0] - theirs[0][0]).abs() < 1e-6, "the first epoch is the same");
    assert!(off(&own, &theirs) < off(&exact, &theirs), "rounding leads further apart");
}

#[test]
fn the_lenets_learn_as_much_as_pytorchs() {
    let page = fs::read_to_string("../docs/training.md").expect("the page");
    for (name, file) in [("LeNet", "lenet"), ("ModernLeNet", "modern_lenet")] {
        let runs = |side: &str| [0, 1, 2].map(|seed| records(&format!("{side}_{file}_{seed}")));
        let [own, theirs] = ["cnnc", "pytorch"].map(|side| {
            runs(side).map(|epochs| {
                assert_eq!(epochs.len(), 10);
                epochs[9]
            })
        });
        for (seed, ([train, _, accuracy], [their_train, _, their_accuracy])) in own.iter().zip(&theirs).enumerate() {
            let row =
                format!("| {name} | {seed} | {train:.4} | {accuracy:.4} | {their_train:.4} | {their_accuracy:.4} |\n");
            assert!(page.contains(&row), "docs/training.md lacks the row\n{row}");
        }
        let accuracies = theirs.map(|epoch| epoch[2]);
        let (least, most) = accuracies.iter().fold((1.0f64, 0.0f64), |(a, b), x| (a.min(*x), b.max(*x)));
        let is_in_range = |epoch: &[f64; 3]| (least - 0.01..=most + 0.01).contains(&epoch[2]);
        assert!(own.iter().all(is_in_range), "{name}: {own:?} beside {accuracies:?}");
    }
}

#[test]
fn the_large_networks_learn_as_much_as_pytorchs() {
    let page = fs::read_to_string("../docs/training.md").expect("the page");
    for (name, file, epochs) in [("ResNet-18", "resnet18", 2), ("VGG small", "vgg_small", 1)] {
        let [own, theirs] = ["cnnc", "pytorch"].map(|side| records(&format!("{side}_same_{file}")));
        assert_eq!((own.len(), theirs.len()), (epochs, epochs));
        for (([train, _, accuracy], [their_train, _, their_accuracy]), epoch) in own.iter().zip(&theirs).zip(1..) {
            let row =
                format!("| {name} | {epoch} | {train:.4} | {accuracy:.4} | {their_train:.4} | {their_accuracy:.4} |\n");
            assert!(page.contains(&row), "docs/training.md lacks the row\n{row}");
        }
        let (accuracy, their_accuracy) = (own[epochs - 1][2], theirs[epochs - 1][2]);
        assert!((accuracy - their_accuracy).abs() <= 0.02, "{name}: {accuracy} beside {their_accuracy}");
    }
}

#[test]
fn the_large_networks_learn_for_ten_epochs() {
    let page = fs::read_to_string("../docs/training.md").expect("the page");
    let [residual, plain] = ["resnet18", "vgg_small"].map(|file| records(&format!("cnnc_{file}")));
    assert_eq!((residual.len(), plain.len()), (10, 10));
    for (epoch, (r, p)) in residual.iter().zip(&plain).enumerate() {
        let numbers = r.iter().chain(p).map(|number| format!("{number:.4}")).collect::<Vec<_>>().join(" | ");
        let row = format!("| {} | {numbers} |\n", epoch + 1);
        assert!(page.contains(&row), "docs/training.md lacks the row\n{row}");
    }
    for records in [&residual, &plain] {
        let falls = records.windows(2).filter(|pair| pair[1][0] < pair[0][0]).count();
        let best = records.iter().map(|record| record[2]).fold(0.0, f64::max);
        assert!(falls >= 8 && best > 0.88, "the training loss falls {falls} times, the best accuracy is {best}");
    }
}

/// `models/recipes/cifar_resnet18.yaml`, and PyTorch's first epochs of it.
#[test]
fn augmentation_one_cycle_and_means_reach_what_was_asked() {
    let page = fs::read_to_string("../docs/training.md").expect("the page");
    let [own, theirs] = ["cnnc", "pytorch"].map(|side| records(&format!("{side}_cifar_resnet18")));
    assert!(own.len() == 16 && !theirs.is_empty());
    for (epoch, record) in own.iter().enumerate() {
        let of = |record: &[f64; 3]| record.map(|number| format!("{number:.4}")).join(" | ");
        let beside = theirs.get(epoch).map_or_else(|| " | | ".into(), of);
        let row = format!("| {} | {} | {beside} |\n", epoch + 1, of(record));
        assert!(page.contains(&row), "docs/training.md lacks the row\n{row}");
    }
    let last = own[15][2];
    assert!(last >= 0.93, "the last epoch's accuracy is {last}");
}
