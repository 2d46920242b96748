//! What a network that answers with numbers is worth: how far it is off, all together and number by number.

use crate::console::Console;
use crate::numbers::{column_width, grouped, padded};
use cnnc_runtime::train::{ErrorOf, Errors, Evaluation};
use serde_json::{Value, json};

/// Numbers of an answer past which only all together are shown.
const MOST_SHOWN: usize = 50;

/// Lines for people.
pub fn text(evaluation: &Evaluation, errors: &Errors, names: &[String], console: &Console<'_>) -> String {
    let ErrorOf { root_mean_square, mean_absolute, explained } = errors.of_all();
    let explained = explained.map_or_else(|| "-".into(), |share| format!("{share:.4}"));
    let mut text = format!(
        "root mean squared error  {}  (of {} samples)\nmean absolute error      {mean_absolute:.6}\nR²                       {explained}\nloss                     {:.6}\n",
        console.bold(&format!("{root_mean_square:.6}")),
        grouped(evaluation.seen as u64),
        evaluation.loss(),
    );
    if !(2..=MOST_SHOWN).contains(&errors.size()) {
        return text;
    }
    let width = column_width(names.iter().map(String::as_str)).max(6);
    let head = format!("{:<width$}  {:>12}  {:>13}  {:>7}", "number", "root mean sq.", "mean absolute", "R²");
    text += &format!("\n{}\n", console.bold(&head));
    for (name, error) in names.iter().zip((0..).map_while(|place| errors.of_place(place))) {
        let explained = error.explained.map_or_else(|| "-".into(), |share| format!("{share:.4}"));
        let name = padded(name, width);
        text += &format!("{name}  {:>13.6}  {:>13.6}  {explained:>7}\n", error.root_mean_square, error.mean_absolute);
    }
    text
}

/// The same for programs.
pub fn json(evaluation: &Evaluation, errors: &Errors, names: &[String]) -> String {
    let object = |error: ErrorOf| {
        json!({
            "root_mean_squared_error": error.root_mean_square,
            "mean_absolute_error": error.mean_absolute,
            "r2": error.explained,
        })
    };
    let number = |(name, error): (&String, ErrorOf)| {
        let mut one = object(error);
        one["name"] = json!(name);
        one
    };
    let places = (0..).map_while(|place| errors.of_place(place));
    let mut report = object(errors.of_all());
    report["samples"] = json!(evaluation.seen);
    report["loss"] = json!(evaluation.loss());
    report["numbers"] = Value::Array(names.iter().zip(places).map(number).collect());
    serde_json::to_string_pretty(&report).unwrap_or_default()
}
