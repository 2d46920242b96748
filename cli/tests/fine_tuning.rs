//! Layers that become free in the course of a run, and classes that are taken alone, as a process: what stays as it was, what
//! goes on to the same bits, and what is said of what cannot be.

#[path = "common/case.rs"]
mod case;
#[path = "common/tensors.rs"]
mod tensors;

use case::Case;
use std::fs;

const MODELS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../models");
const SPEC: &str = "model Small { input [N, 1, 28, 28]; Conv2d(4, kernel_size=5, stride=2); BatchNorm2d; ReLU
    MaxPool2d(4); Flatten; Dropout(0.3); Linear(10) }";

impl Case {
    fn new() -> Case {
        let case = Case::empty();
        fs::write(case.path("small.cnn"), SPEC).expect("a spec");
        let recipe = format!(
            "model: small.cnn
data:
  format: idx
  path: {MODELS}/fashion_mnist_small
  train: [{{random_crop: {{size: 28, padding: 2}}}}]
freeze: [{{parameters: '0.*', epochs: 3}}, {{parameters: '1.*', epochs: 2}}, 6.bias]
optimizer: {{name: adamw, lr: 0.01, groups: [{{parameters: '0.*', lr: 0.002}}]}}
ema: 0.9
batch_size: 128
epochs: 5
checkpoint_every: 2
"
        );
        fs::write(case.path("r.yaml"), recipe).expect("a recipe");
        case
    }

    /// The tensors of a run's last checkpoint.
    fn tensors(&self, run: &str) -> tensors::Tensors {
        tensors::of_file(&self.path(run).join("last.safetensors"))
    }
}

/// In every epoch alone what is free changes and has a state; and a run that is broken off after any of them, and within them,
/// goes on to the same bits.
#[test]
fn layers_become_free_one_after_another_and_a_run_goes_on_from_anywhere() {
    let case = Case::new();
    let said = case.ends(0, "train r.yaml --output whole --threads 1", &["from epoch 3 on ", "from epoch 4 on "]);
    assert!(said.contains("parameters, of which "), "{said}");
    case.ends(0, "train r.yaml --output parts --epochs 1 --threads 2", &[]);
    let mut before = case.tensors("parts");
    for epoch in 2..=5 {
        case.ends(
            0,
            &format!("train r.yaml --output parts --epochs {epoch} --resume --threads {}", epoch % 2 + 1),
            &[],
        );
        let after = case.tensors("parts");
        for (layer, free_from) in [("0.weight", 4), ("1.weight", 3), ("1.running_mean", 3), ("6.weight", 1)] {
            assert_eq!(before[layer] != after[layer], epoch >= free_from, "{layer} in epoch {epoch}");
            let has_state = after.contains_key(&format!(".exp_avg.{layer}"));
            assert_eq!(has_state, epoch >= free_from && !layer.contains("running"), "{layer} in epoch {epoch}");
        }
        assert_eq!(before["6.bias"], after["6.bias"], "what is frozen for the whole run");
        before = after;
    }
    assert!(case.tensors("whole") == case.tensors("parts"), "other bits");
    // From after each of the first epochs; `killed.rs` ends such runs at any moment.
    for step in 0..3 {
        let name = format!("stopped{step}");
        case.ends(0, &format!("train r.yaml --output {name} --epochs {}", step + 1), &[]);
        case.ends(0, &format!("train r.yaml --output {name} --resume"), &[]);
        assert!(case.tensors("whole") == case.tensors(&name), "other bits after epoch {}", step + 1);
    }
    let on = "train r.yaml --output whole --resume --epochs 6 --set";
    case.ends(1, &format!("{on} freeze=6.bias"), &["E611", "`freeze` was"]);
}

#[test]
fn what_cannot_become_free_is_said_at_its_place() {
    let case = Case::new();
    for (freeze, code, words) in [
        ("[{parameters: '0.*', epochs: 5}]", "E609", "something is frozen for 5 epochs, and the run has 5"),
        ("[{parameters: '0.*', epochs: 0}]", "E607", "`freeze.epochs` must be"),
        ("[{parameters: '9.*', epochs: 1}]", "E607", "Small has no parameter `9.*`"),
        ("[{epochs: 1}]", "E608", "`freeze.parameters` is missing"),
        ("[{parameters: '*', epochs: 1}]", "E609", "every parameter of Small is frozen in the first epoch"),
        ("['0.*', {parameters: 0.weight, epochs: 1}]", "E609", "nothing becomes free after 1 epochs"),
        ("[{parameter: '0.*', epochs: 1}]", "E606", "`freeze` has no key `parameter`"),
    ] {
        let recipe = fs::read_to_string(case.path("r.yaml")).expect("a recipe");
        let line = recipe.lines().find(|line| line.starts_with("freeze:")).expect("a line");
        fs::write(case.path("w.yaml"), recipe.replace(line, &format!("freeze: {freeze}"))).expect("a recipe");
        case.ends(1, "train w.yaml --output out", &[&format!("error[{code}]"), words, "w.yaml:6"]);
    }
    // A run that is made shorter from outside is what was asked for; what that means is said.
    let short = "`--epochs 2` ends before what is frozen for 3 epochs becomes free";
    case.ends(0, "train r.yaml --output short --epochs 2", &[short]);
}

#[test]
fn some_classes_alone_are_learnt_and_asked() {
    let case = Case::new();
    let recipe = |classes: &str| {
        let text = format!(
            "model: {{file: small.cnn, set: {{}}}}\ndata: {{format: idx, path: {MODELS}/fashion_mnist_small, classes: {classes}}}\n\
             optimizer: adam\nbatch_size: 64\nepochs: 1\noutput: out\n"
        );
        fs::write(case.path("some.yaml"), text).expect("a recipe");
    };
    recipe("[7, 5, 9]");
    let said = case.ends(0, "train some.yaml", &[]);
    assert!(said.contains("180 + 60 pictures in 3 classes"), "{said}");
    let table: serde_json::Value =
        serde_json::from_str(&case.ends(0, "eval some.yaml --format json", &[])).expect("JSON");
    assert_eq!(table["pictures"], 60);
    // The labels of the files, in the order in which they are named: 7 is the class 0.
    let sums: Vec<u64> = table["classes"]
        .as_array()
        .expect("classes")
        .iter()
        .map(|one| one["pictures"].as_u64().expect("a number"))
        .collect();
    assert_eq!(sums[..4], [20, 20, 20, 0]);
    assert_eq!(table["classes"][0].as_object().expect("an object").len(), 5, "{table}");
    case.ends(
        1,
        "train some.yaml --resume --epochs 2 --set data.classes=[5,7,9]",
        &["E611", "classes [7, 5, 9] and is"],
    );
    recipe("[7, 10]");
    case.ends(1, "train some.yaml --force", &["E610", "has no class `10`", "some.yaml:2", "`8`, `9`"]);
    recipe("[7, 7]");
    case.ends(1, "train some.yaml --force", &["E609", "`data.classes` has `7` twice"]);
    recipe("[]");
    case.ends(1, "train some.yaml --force", &["E607", "a list of classes"]);
    recipe("[1, 2], first_label: 1");
    case.ends(1, "train some.yaml --force", &["E609", "leave `first_label` out"]);
}

/// `docs/fine-tuning.md`: every command as it is typed, on the few pictures that come with cnnc.
#[test]
fn the_page_about_fine_tuning_works_as_it_is_typed() {
    let page = include_str!("../../docs/fine-tuning.md");
    let case = Case::empty();
    fs::create_dir_all(case.path("models/recipes")).expect("a folder");
    fs::copy(format!("{MODELS}/lenet.cnn"), case.path("models/lenet.cnn")).expect("a spec");
    for name in ["first", "scratch", "head", "tuned"] {
        let file = format!("models/recipes/halves_{name}.yaml");
        let recipe = fs::read_to_string(format!("{MODELS}/../{file}")).expect("a recipe");
        let whole = "/usr/share/datasets/fashion-mnist";
        assert!(recipe.contains(whole), "{recipe}");
        fs::write(case.path(&file), recipe.replace(whole, &format!("{MODELS}/fashion_mnist_small"))).expect("a recipe");
    }
    let tuned = fs::read_to_string(case.path("models/recipes/halves_tuned.yaml")).expect("a recipe");
    let block = page.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a block");
    assert!(tuned.contains(block), "the recipe says otherwise than the page:\n{block}");
    let commands: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("    cnnc ")).collect();
    assert_eq!(commands.len(), 6);
    let outputs: Vec<String> = commands.iter().map(|command| case.ends(0, command, &[])).collect();
    assert!(outputs[2].contains("61,281 parameters, of which 425 learn"), "{}", outputs[2]);
    assert!(case.path("halves.svg").exists() && outputs[5].contains("of 100)"), "{}", outputs[5]);
}

/// Its table and its picture are those of the logs.
#[test]
fn the_page_about_fine_tuning_says_what_was_measured() {
    let page = include_str!("../../docs/fine-tuning.md");
    let runs = ["scratch", "head", "tuned"];
    let folder = format!("{MODELS}/../docs");
    let logs = runs.map(|run| format!("{folder}/training/halves_{run}.jsonl"));
    let accuracies = logs.clone().map(|log| -> Vec<f64> {
        let text = fs::read_to_string(&log).unwrap_or_else(|error| panic!("{log}: {error}"));
        let record = |line: &str| -> serde_json::Value { serde_json::from_str(line).expect("a line of JSON") };
        text.lines().map(|line| record(line)["val_accuracy"].as_f64().expect("a number")).collect()
    });
    for epoch in [1, 2, 4, 6, 8, 12] {
        let [scratch, head, tuned] = [0, 1, 2].map(|run| format!("{:.2} %", 100.0 * accuracies[run][epoch - 1]));
        let row = format!("| {epoch} | {} | {scratch} | {head} | {tuned} |\n", 150 * epoch);
        assert!(page.contains(&row), "docs/fine-tuning.md lacks the row\n{row}");
    }
    let case = Case::empty();
    case.ends(0, &format!("compare {} -o halves.svg", logs.join(" ")), &[]);
    let drawn = fs::read_to_string(case.path("halves.svg")).expect("a picture");
    let picture = format!("{folder}/pictures/halves.svg");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&picture, &drawn).expect("written");
    }
    assert!(fs::read_to_string(&picture).is_ok_and(|kept| kept == drawn), "{picture} is another picture");
}
