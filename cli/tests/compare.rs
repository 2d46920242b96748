//! Runs beside each other: keys of a recipe set from outside, and runs compared.

mod common;

use common::{MODELS, cnnc, done, refused, text};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// Trains the kernel in a folder, with these settings.
fn train(folder: &Path, name: &str, settings: &[&str]) -> String {
    let (recipe, run) = (format!("{MODELS}/recipes/learned_kernel.yaml"), text(&folder.join(name)));
    let mut arguments = vec!["train", &recipe, "--output", &run];
    settings.iter().for_each(|setting| arguments.extend(["--set", setting]));
    done(&arguments)
}

#[test]
fn any_key_of_a_recipe_is_set_from_outside_and_runs_are_told_apart_by_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| text(&folder.path().join(name));
    assert!(train(folder.path(), "slow", &["lr=0.01", "print=null"]).contains("epoch 10/10  train loss "));
    let out = train(
        folder.path(),
        "fast",
        &["optimizer.lr = 0.02", "epochs=20", "print={every: 10, values: [loss, 0.weight]}"],
    );
    assert_eq!(out.lines().filter(|line| line.starts_with("epoch ")).count(), 2, "{out}");
    let adam = train(folder.path(), "adam", &["optimizer=adam", "lr=0.1", "seed=3"]);
    assert!(adam.contains("epoch 10, loss "), "{adam}");
    let (slow, fast, chart) = (path("slow"), path("fast"), path("both.svg"));
    let out = done(&["compare", &slow, &fast, "-o", &chart]);
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines[0].starts_with("run   epochs  train loss  val loss  val accuracy  best epoch"), "{out}");
    assert!(lines[1].starts_with("slow      10  ") && lines[2].starts_with("fast      20  "), "{out}");
    let row = |key: &str| lines.iter().find(|line| line.split_whitespace().next() == Some(key)).copied();
    assert_eq!(
        row("optimizer.lr").map(|row| row.split_whitespace().collect::<Vec<_>>()),
        Some(vec!["optimizer.lr", "0.01", "0.02"]),
        "{out}"
    );
    assert_eq!(
        row("epochs").map(|row| row.split_whitespace().collect::<Vec<_>>()),
        Some(vec!["epochs", "10", "20"]),
        "{out}"
    );
    assert!(
        row("batch_size").is_none() && out.contains("train loss\n") && out.ends_with(&format!("chart: {chart}\n")),
        "{out}"
    );
    let svg = fs::read_to_string(&chart).expect("a chart");
    assert!(svg.matches("<polyline").count() == 4 && svg.contains(">fast ") && svg.contains(">slow "), "{svg}");
    let json: Value =
        serde_json::from_str(&done(&["compare", &slow, &fast, &path("adam"), "--format", "json"])).expect("JSON");
    assert_eq!(json["differences"]["optimizer.name"], serde_json::json!(["sgd", "sgd", "adam"]));
    assert_eq!(json["differences"]["seed"], serde_json::json!(["0", "0", "3"]));
    assert_eq!(
        (&json["runs"][1]["epochs"], json["runs"][0]["records"].as_array().map(Vec::len)),
        (&20.into(), Some(10))
    );
    assert!(done(&["compare", &slow, &format!("{slow}/log.jsonl")]).contains("slow"), "a log alone is a run");
    assert!(done(&["compare", &slow, &slow]).contains("their recipes are the same"));
}

#[test]
fn logs_of_other_programs_are_compared_too() {
    let logs = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/training");
    let (own, other) = (format!("{logs}/cnnc_lenet_0.jsonl"), format!("{logs}/pytorch_lenet_0.jsonl"));
    let out = done(&["compare", &own, &other]);
    assert!(out.contains("cnnc_lenet_0         10      0.7986") && out.contains("71.08 %"), "{out}");
    assert!(out.contains("pytorch_lenet_0      10      0.7229") && out.contains("72.69 %"), "{out}");
    assert!(out.contains("val accuracy, %"), "{out}");
}

#[test]
fn what_cannot_be_set_or_compared_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| text(&folder.path().join(name));
    let recipe = format!("{MODELS}/recipes/learned_kernel.yaml");
    for (set, code, words, place) in [
        ("optimizer.momentun=0.9", "E606", "did you mean `momentum`?", "--set:1:11"),
        ("epoch=3", "E606", "did you mean `epochs`?", "--set:1:1"),
        ("lr=high", "E607", "`optimizer.lr` must be a number of at least 0", "--set:1:4"),
        ("epochs.many=3", "E606", "`epochs` has no keys", "--set:1:8"),
        ("epochs", "E605", "`KEY=VALUE`", "--set:1:1"),
        ("schedule={name: cosine", "E605", "cannot be read as YAML", "--set:1:"),
        ("loss=cross_entropy", "E609", "`loss: mse`", "--set:1:6"),
    ] {
        let err = refused(&["train", &recipe, "--output", &path("run"), "--set", set]);
        assert!(err.contains(&format!("error[{code}]")) && err.contains(words) && err.contains(place), "{set}: {err}");
    }
    assert!(refused(&["compare", &path("none")]).contains("a run is a folder that `cnnc train` wrote"));
    fs::write(path("log.jsonl"), "{\"epoch\": 1, \"train_loss\": 0.5}\n{\"epoch\": 2}\n").expect("a log");
    assert!(refused(&["compare", &path("log.jsonl")]).contains("has no epoch in line 2: missing field `train_loss`"));
    fs::write(path("log.jsonl"), "\n").expect("a log");
    assert!(refused(&["compare", &path("log.jsonl")]).contains("has no epochs"));
    fs::write(path("log.jsonl"), "{\"epoch\": 1, \"train_loss\": \"NaN\"}\n{\"epoch\": 2, \"train_loss\": 0.5}\n")
        .expect("a log");
    assert!(done(&["compare", &path("log.jsonl")]).contains("log       2      0.5000         -             -"));
    let err = refused(&["compare", &path("log.jsonl"), "-o", &path("log.jsonl")]);
    assert!(err.contains("a log that this command reads"), "{err}");
    let many = vec![&*recipe; 9];
    assert_eq!(cnnc(&[&["compare"], many.as_slice()].concat()).status.code(), Some(2));
}
