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

/// A spec of two inputs that share their batch.
fn two_inputs(folder: &Path) -> Model {
    let path = folder.join("pair.cnn");
    let text = "model Pair {\n    input a [N, 2]\n    input b [N, 2]\n    sum { from a; from b }\n}\n";
    std::fs::write(&path, text).expect("a file");
    Model::load(&path).expect("a model")
}

/// A file of `samples` rows of two numbers.
fn rows(folder: &Path, samples: usize) -> std::path::PathBuf {
    let path = folder.join(format!("{samples}.npy"));
    cnnc_runtime::input::save_npy(&path, &Tensor::filled(&[samples, 2], 1.0)).expect("a file");
    path
}

#[test]
fn what_is_said_twice_is_what_was_said_last() {
    let model = || Model::load("../models/lenet.cnn").expect("a model");
    let batch_of = |model: &Model| model.prepare().expect("an engine").plan().inputs[0].view.shape[0];
    let twice = model().batch(4).and_then(|model| model.batch(2)).expect("an open batch");
    assert_eq!(batch_of(&twice), 2);
    let mut read = model();
    let picture = read.input("../models/sample.png").expect("a picture");
    let read = read.batch(3).expect("an open batch");
    assert_eq!(batch_of(&read), 3);
    let wrong: cnnc_runtime::Report =
        read.prepare().expect("an engine").run(&[picture]).expect_err("one picture").into();
    assert!(wrong.to_string().contains("[1, 1, 28, 28], and the model takes [3, 1, 28, 28]"), "{wrong}");
    let none = model().batch(0).err().expect("no sample").to_string();
    assert!(none.starts_with("error[E402]: a batch of 0"), "{none}");

    let weights =
        |model: Model| model.parameters().expect("parameters").get("0.weight").expect("a weight").data().to_vec();
    let drawn = |seed| weights(model().seed(seed));
    assert_eq!(weights(model().seed(1).seed(2)), drawn(2));
    assert_eq!(weights(model().weights("no such file").seed(2)), drawn(2));
    assert_ne!(weights(model().seed(2).weights("../models/lenet.safetensors")), drawn(2));
    let one = CpuOptions { threads: 1, ..CpuOptions::default() };
    let two = CpuOptions { threads: 2, ..one };
    assert_eq!(model().options(one).options(two).options.threads, 2);
}

#[test]
fn another_file_for_an_input_may_have_other_sizes_and_inputs_must_agree() {
    let folder = tempfile::tempdir().expect("a folder");
    let (two, three) = (rows(folder.path(), 2), rows(folder.path(), 3));
    let read = |model: &mut Model, number: usize, path: &Path| {
        model.input_by(number, |wanted| cnnc_runtime::input::read(path, wanted)).map(|loaded| loaded.tensor)
    };
    let mut model = two_inputs(folder.path());
    read(&mut model, 0, &three).expect("three rows");
    let a = read(&mut model, 0, &two).expect("two rows in their place");
    let disagreeing = read(&mut model, 1, &three).expect_err("three rows beside two");
    assert!(disagreeing.message.contains("[3, 2], and the input `b` is [2, 2]"), "{}", disagreeing.message);
    let b = read(&mut model, 1, &two).expect("two rows");
    assert_eq!(model.prepare().expect("an engine").run(&[a, b]).expect("answers")[0].shape(), [2, 2]);
    let mut asked = two_inputs(folder.path()).batch(2).expect("an open batch");
    assert!(read(&mut asked, 0, &three).expect_err("a batch of two").message.contains("is [2, 2]"));
    let mut drawn = two_inputs(folder.path());
    drawn.drawn_input(0, 0).expect("an input");
    assert_eq!(drawn.input(&two).expect("two rows in the place of a drawn one").shape(), [2, 2]);
}

#[test]
fn options_that_no_machine_has_are_errors() {
    let model = |threads| {
        let options = CpuOptions { threads, ..CpuOptions::default() };
        Model::load("../models/lenet.cnn").expect("a model").options(options).prepare().err().expect("an error")
    };
    for threads in [1025, 100_000, usize::MAX] {
        let text = model(threads).to_string();
        assert!(
            text.starts_with(&format!("error[E506]: {threads} threads are wanted, and 1024 is the most")),
            "{text}"
        );
    }
}
