//! What a network is worth on pictures that may have several classes: mean average precision, and how often each class is found.

use crate::console::Console;
use crate::numbers::{column_width, grouped, padded};
use cnnc_runtime::train::{Evaluation, Found, MultiLabel};
use serde_json::{Value, json};

/// Lines for people.
pub fn text(evaluation: &Evaluation, found: &MultiLabel, names: &[String], console: &Console<'_>) -> String {
    let (map, all) = (found.mean_average_precision(), found.of_all());
    let (correct, seen) = (grouped(evaluation.correct as u64), grouped(evaluation.seen as u64));
    let mut text = format!(
        "mean average precision  {}\nprecision               {:>8}  (of {} classes found)\nrecall                  {:>8}  \
         (of {} that there are)\nF1                      {:>8}\naccuracy                {:>8}  ({correct} of {seen} pictures \
         have all their classes right)\nloss                    {:.4}\n",
        console.bold(&format!("{:>8}", percent(map))),
        percent(all.precision()),
        grouped(all.taken),
        percent(all.recall()),
        grouped(all.pictures),
        percent(all.f1()),
        percent(Some(evaluation.accuracy())),
        evaluation.loss(),
    );
    let width = column_width(names.iter().map(String::as_str)).max(5);
    let head = format!(
        "{:<width$}  {:>8}  {:>9}  {:>8}  {:>8}  {:>17}",
        "class", "pictures", "precision", "recall", "F1", "average precision"
    );
    text += &format!("\n{}\n", console.bold(&head));
    for (class, name) in names.iter().enumerate() {
        let one = found.of_class(class);
        text += &format!(
            "{}  {:>8}  {:>9}  {:>8}  {:>8}  {:>17}\n",
            padded(name, width),
            grouped(one.pictures),
            percent(one.precision()),
            percent(one.recall()),
            percent(one.f1()),
            percent(found.average_precision(class)),
        );
    }
    text + &console.faint("(a class counts as found where its chance, the sigmoid of the score, is above 50 %)") + "\n"
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "-".into(), |share| format!("{:.2} %", 100.0 * share))
}

/// The same for programs.
pub fn json(evaluation: &Evaluation, found: &MultiLabel, names: &[String]) -> String {
    let object = |found: Found| json!({ "precision": found.precision(), "recall": found.recall(), "f1": found.f1() });
    let class = |(class, name): (usize, &String)| {
        let one = found.of_class(class);
        let mut object = object(one);
        object["name"] = json!(name);
        object["pictures"] = json!(one.pictures);
        object["average_precision"] = json!(found.average_precision(class));
        object
    };
    let mut report = object(found.of_all());
    report["pictures"] = json!(evaluation.seen);
    report["accuracy"] = json!(evaluation.accuracy());
    report["mean_average_precision"] = json!(found.mean_average_precision());
    report["loss"] = json!(evaluation.loss());
    report["classes"] = Value::Array(names.iter().enumerate().map(class).collect());
    serde_json::to_string_pretty(&report).unwrap_or_default()
}
