//! The door for other programs: the example of the README runs, and what is wrong prints as the command line prints it.

use cnnc_runtime::cpu::CpuOptions;
use cnnc_runtime::{Model, Tensor};
use std::path::Path;
use std::process::Command;

const EXAMPLE: &str = include_str!("../examples/classify.rs");
const README: &str = include_str!("../../README.md");

#[test]
fn the_readme_shows_the_example_word_for_word() {
    let code = &EXAMPLE[EXAMPLE.find("use cnnc_runtime").expect("the code")..];
    assert!(README.contains(&format!("```rust\n{code}```\n")), "README.md differs from runtime/examples/classify.rs");
}

#[test]
fn the_example_knows_a_shoe() {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["run", "--quiet", "--offline", "--locked", "-p", "cnnc-runtime", "--example", "classify"]);
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    let output = command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).output().expect("cargo");
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let score = |line: &str| line.split_whitespace().next().and_then(|word| word.parse::<f32>().ok()).expect("a score");
    let best = text.lines().max_by(|a, b| score(a).total_cmp(&score(b))).expect("lines");
    assert!(text.lines().count() == 10 && best.ends_with("ankle boot"), "{text}");
}

#[test]
fn batches_and_options_give_the_same_answers() {
    let model = || Model::load("../models/lenet.cnn").expect("a model").weights("../models/lenet.safetensors");
    let picture = model().input("../models/sample.png").expect("a picture");
    let one = model().prepare().expect("an engine").run(std::slice::from_ref(&picture)).expect("answers")[0].clone();
    let three = Tensor::new(&[3, 1, 28, 28], picture.data().repeat(3)).expect("a batch");
    let exact = CpuOptions { threads: 1, exact: true, ..CpuOptions::default() };
    let mut batch = model().options(exact).batch(3).expect("an open batch").prepare().expect("an engine");
    let answers = batch.run(&[three]).expect("answers")[0].clone();
    assert_eq!(answers.shape(), [3, 10]);
    for row in answers.data().chunks(10) {
        assert!(row.iter().zip(one.data()).all(|(a, b)| (a - b).abs() < 1e-4), "{row:?} and {one:?}");
    }
}

#[test]
fn what_is_wrong_prints_as_the_command_line_prints_it() {
    let path = "../tests/cases/broken/E302_kernel_too_large.cnn";
    let report = Model::load(path).err().expect("a report").to_string();
    assert!(report.starts_with("error[E302]: ") && report.contains(path) && report.contains("= help: "), "{report}");
    let missing = Model::load("../models/lenet.cnn").expect("a model").weights("no such file").prepare();
    let missing = missing.err().expect("a report");
    assert_eq!(format!("{missing:?}"), "error[E601]: cannot read `no such file`: there is no such file");
    let mut engine = Model::load("../models/lenet.cnn").expect("a model").prepare().expect("an engine");
    let wrong: cnnc_runtime::Report = engine.run(&[]).expect_err("no input").into();
    assert!(wrong.to_string().starts_with("error[E604]: "), "{wrong}");
}
