//! The page about training: its table is that of the logs in `docs/training/`.

use serde_json::Value;
use std::fs;

const SIDES: [(&str, &str); 3] = [("cnnc", "cnnc"), ("PyTorch", "pytorch"), ("PyTorch, float64", "pytorch_float64")];

/// Epochs, each with its losses and accuracy.
fn records(side: &str) -> Vec<[f64; 3]> {
    let path = format!("../docs/training/{side}_same_modern_lenet.jsonl");
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
    let logs = SIDES.map(|(name, side)| (name, records(side)));
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
