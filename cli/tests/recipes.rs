//! Recipes that learn numbers, as people run them: a kernel from an image and its edges, arrays, pictures with numbers.

mod common;

use common::{MODELS, cnnc, done, refused, text};
use serde_json::Value;
use std::fs;
use std::path::Path;

fn log(run: &Path) -> Vec<Value> {
    let log = fs::read_to_string(run.join("log.jsonl")).expect("a log");
    log.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// With s the kernel's sum and d its difference less 2, a step at 0.03 makes s <- -0.8 s and d <- 0.64 d, and the loss is
/// 15 s² + 3 d².
#[test]
fn a_kernel_is_learnt_by_recipe_with_the_losses_of_the_closed_form() {
    let folder = tempfile::tempdir().expect("a folder");
    let recipe = format!("{MODELS}/recipes/learned_kernel.yaml");
    let spec = format!("{MODELS}/operators/learned_kernel.cnn");
    let kernel = |text: &str| -> [f64; 2] {
        let row = text.lines().last().expect("values").trim_matches(['[', ']']);
        let numbers: Vec<f64> = row.split(',').map(|number| number.trim().parse().expect("a number")).collect();
        [numbers[0], numbers[1]]
    };
    for seed in ["0", "1", "2"] {
        let run = folder.path().join(seed);
        let recipe_text = fs::read_to_string(&recipe).expect("the recipe").replace("seed: 0", &format!("seed: {seed}"));
        let recipe_text = recipe_text.replace("../operators", &format!("{MODELS}/operators"));
        let path = folder.path().join(format!("{seed}.yaml"));
        fs::write(&path, recipe_text).expect("a recipe");
        let out = done(&["train", &text(&path), "--output", &text(&run)]);
        let lines: Vec<&str> = out.lines().filter(|line| line.starts_with("epoch ")).collect();
        // The first values to more digits than are printed.
        let saved = folder.path().join(format!("{seed}.safetensors"));
        done(&["params", &spec, "--seed", seed, "--save", &text(&saved)]);
        let bytes = fs::read(&saved).expect("the parameters");
        let at = bytes.len() - 8;
        let number = |at: usize| f64::from(f32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes")));
        let [first, second] = [number(at), number(at + 4)];
        let [mut s, mut d] = [first + second, first - second - 2.0];
        let mut expected = Vec::new();
        for _ in 0..10 {
            expected.push(15.0 * s * s + 3.0 * d * d);
            (s, d) = (-0.8 * s, 0.64 * d);
        }
        let found: Vec<f64> = log(&run).iter().map(|line| line["train_loss"].as_f64().expect("a loss")).collect();
        assert_eq!(found.len(), 10);
        for (step, (found, expected)) in found.iter().zip(&expected).enumerate() {
            assert!((found - expected).abs() <= 1e-4 * expected.max(1.0), "step {step}: {found} and not {expected}");
        }
        let printed = (2..=10).step_by(2).map(|epoch| format!("epoch {epoch}, loss {:.3}", found[epoch - 1]));
        assert_eq!(lines, printed.collect::<Vec<_>>(), "{out}");
        let learnt = done(&["params", &spec, "0.weight", "--weights", &text(&run.join("last.safetensors"))]);
        let [a, b] = kernel(&learnt);
        assert!((a + b - s).abs() < 1e-3 && (a - b - 2.0 - d).abs() < 1e-3, "{learnt}, and not {s} and {d}");
    }
}

#[test]
fn parameters_are_printed_on_the_way_and_a_broken_off_run_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let recipe = folder.path().join("line.yaml");
    fs::write(folder.path().join("line.cnn"), "model Line { input [N, 2]; Linear(1) }").expect("a spec");
    let data =
        "data: {format: inline, train: {inputs: [[0, 0], [0, 1], [1, 0], [1, 1]], targets: [[1], [3], [4], [6]]}}";
    let rest = "optimizer: {name: sgd, lr: 0.4}\nbatch_size: 2\nepochs: 60\nprint: {every: 40, values: [loss, 0.weight, 0.bias]}";
    fs::write(&recipe, format!("model: line.cnn\n{data}\n{rest}\n")).expect("a recipe");
    let (recipe, run) = (text(&recipe), folder.path().join("run"));
    let out = done(&["train", &recipe, "--output", &text(&run)]);
    assert!(out.starts_with("Line: 3 parameters; 4 + 4 samples with 1 number; 2 batches of 2 an epoch\n"), "{out}");
    assert!(out.contains("\nepoch 20, step 40, loss ") && out.contains("\nepoch 60, step 120, loss "), "{out}");
    assert!(out.contains(", 0.weight [["), "{out}");
    let eval = done(&["eval", &recipe, "--output", &text(&run), "--format", "json"]);
    let eval: Value = serde_json::from_str(&eval).expect("JSON");
    assert!(eval["root_mean_squared_error"].as_f64().is_some_and(|error| error < 1e-3), "{eval}");
    assert!(eval["r2"].as_f64().is_some_and(|share| share > 0.999) && eval["samples"] == 4, "{eval}");
    assert!(done(&["eval", &recipe, "--output", &text(&run)]).starts_with("root mean squared error  0.0"));
    let twice = folder.path().join("twice");
    done(&["train", &recipe, "--output", &text(&twice), "--epochs", "25"]);
    done(&["train", &recipe, "--output", &text(&twice), "--resume"]);
    let weights = |run: &Path| {
        done(&[
            "params",
            &text(&folder.path().join("line.cnn")),
            "0",
            "--weights",
            &text(&run.join("last.safetensors")),
        ])
    };
    assert_eq!(weights(&run), weights(&twice));
    assert!(log(&run)[0].get("val_accuracy").is_none(), "numbers are never right or wrong");
}

#[test]
fn arrays_of_files_are_learnt() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    fs::write(path("double.cnn"), "model Double { input [N, 3]; Linear(2, bias=false) }").expect("a spec");
    let npy = |name: &str, shape: &str, values: &[f32]| {
        let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({shape}), }}");
        while (10 + header.len() + 1) % 64 != 0 {
            header.push(' ');
        }
        header.push('\n');
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        fs::write(path(name), bytes).expect("an array");
    };
    let inputs: Vec<f32> = (0..30).map(|number| ((number * 7 % 11) as f32 - 5.0) / 5.0).collect();
    let targets: Vec<f32> = inputs.chunks(3).flat_map(|row| [2.0 * row[0] - row[2], row[1]]).collect();
    npy("train_inputs.npy", "10, 3", &inputs);
    npy("train_targets.npy", "10, 2", &targets);
    let recipe = "model: double.cnn\ndata: {format: npy, path: .}\noptimizer: {name: adam, lr: 0.05}\nbatch_size: 5\nepochs: 200\nthreads: 1\noutput: run\n";
    fs::write(path("double.yaml"), recipe).expect("a recipe");
    let out = done(&["train", &text(&path("double.yaml"))]);
    assert!(
        out.contains("10 + 10 samples with 2 numbers")
            && out.contains("best: epoch ")
            && out.contains(", val loss 0.00"),
        "{out}"
    );
    let eval = done(&["eval", &text(&path("double.yaml"))]);
    assert!(
        eval.contains("number") && eval.contains("R²") && eval.contains("page: ") && eval.lines().count() == 10,
        "{eval}"
    );
    npy("train_targets.npy", "9, 2", &targets[..18]);
    assert!(refused(&["train", &text(&path("double.yaml")), "--force"]).contains("has 10 inputs and 9 targets"));
    npy("train_targets.npy", "10, 1", &targets[..10]);
    let err = refused(&["train", &text(&path("double.yaml")), "--force"]);
    assert!(err.contains("answers [N, 2], and the targets of the data are [N, 1]"), "{err}");
}

/// A square PNG of one grey, its pixels stored as they are.
fn grey_png(side: u32, grey: u8) -> Vec<u8> {
    let crc = |bytes: &[u8]| {
        !bytes.iter().fold(!0u32, |sum, &byte| {
            (0..8).fold(sum ^ u32::from(byte), |sum, _| (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg()))
        })
    };
    let chunk = |name: &[u8; 4], content: &[u8]| {
        let body = [name, content].concat();
        [&(content.len() as u32).to_be_bytes()[..], &body, &crc(&body).to_be_bytes()].concat()
    };
    let rows: Vec<u8> =
        (0..side).flat_map(|_| std::iter::once(0).chain(std::iter::repeat_n(grey, side as usize))).collect();
    let adler = rows.iter().fold((1u32, 0u32), |(a, b), &byte| {
        let a = (a + u32::from(byte)) % 65521;
        (a, (b + a) % 65521)
    });
    let length = rows.len() as u16;
    let stored = [&[0x78, 1, 1][..], &length.to_le_bytes(), &(!length).to_le_bytes(), &rows].concat();
    let packed = [&stored[..], &(adler.1 << 16 | adler.0).to_be_bytes()].concat();
    let head = [&side.to_be_bytes()[..], &side.to_be_bytes(), &[8, 0, 0, 0, 0]].concat();
    [b"\x89PNG\r\n\x1a\n".to_vec(), chunk(b"IHDR", &head), chunk(b"IDAT", &packed), chunk(b"IEND", &[])].concat()
}

#[test]
fn pictures_with_numbers_in_a_table_are_learnt() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("pictures")).expect("a folder");
    let mut lines = "file,brightness,\"half, of it\"\n".to_owned();
    for number in 0..16u8 {
        let name = format!("{number}.png");
        fs::write(path("pictures").join(&name), grey_png(4, number * 16)).expect("a picture");
        lines += &format!("pictures/{name},{},{}\n", f32::from(number) / 16.0, f32::from(number) / 32.0);
    }
    for name in ["train.csv", "validation.csv"] {
        fs::write(path(name), &lines).expect("a table");
    }
    fs::write(path("bright.cnn"), "model Bright { input [N, 1, 4, 4]; Flatten; Linear(2) }").expect("a spec");
    let recipe = "model: bright.cnn\ndata: {format: csv, path: .}\nloss: mse\noptimizer: {name: adam, lr: 0.02}\nbatch_size: 8\nepochs: 150\noutput: run\n";
    fs::write(path("bright.yaml"), recipe).expect("a recipe");
    let out = done(&["train", &text(&path("bright.yaml"))]);
    assert!(out.contains("16 + 16 pictures with 2 numbers"), "{out}");
    let eval = done(&["eval", &text(&path("bright.yaml")), "--format", "json"]);
    let eval: Value = serde_json::from_str(&eval).expect("JSON");
    assert!(eval["root_mean_squared_error"].as_f64().is_some_and(|error| error < 0.05), "{eval}");
    assert_eq!(
        (&eval["numbers"][0]["name"], &eval["numbers"][1]["name"]),
        (&"brightness".into(), &"half, of it".into())
    );
    fs::write(path("train.csv"), "nothing.png,1,2\n").expect("a table");
    assert!(refused(&["train", &text(&path("bright.yaml")), "--force"]).contains("nothing.png"));
}

#[test]
fn recipes_of_numbers_are_held_against_what_they_say() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("wrong.yaml");
    fs::write(folder.path().join("line.cnn"), "model Line { input [N, 2]; Linear(1) }").expect("a spec");
    for (data, more, code, words) in [
        (
            "{inputs: [[0, 0], [1]], targets: [[1], [2]]}",
            "",
            "E607",
            "has a list of 1 where the first of that depth has 2",
        ),
        ("{inputs: [[0, x]], targets: [[1]]}", "", "E607", "`data.train.inputs` must be numbers of float32"),
        ("{inputs: [[0, 1]]}", "", "E608", "`data.train.targets` is missing"),
        ("{inputs: [[0, 1]], targets: [[1]], labels: [3]}", "", "E606", "`data.train` has no key `labels`"),
        ("{inputs: [[0, 1]], targets: [[1]]}", "loss: cross_entropy\n", "E609", "`loss: mse`"),
        ("{inputs: [[0, 1]], targets: [[1]]}", "monitor: val_accuracy\n", "E609", "`monitor: val_loss`"),
        ("{inputs: [[0, 1]], targets: [[1]]}", "print: 0\n", "E607", "`print` must be a whole number of at least 1"),
        (
            "{inputs: [[0, 1]], targets: [[1]]}",
            "print: {every: 1, values: [0.wieght]}\n",
            "E607",
            "there is `0.weight`",
        ),
        ("{inputs: [[0, 1, 2]], targets: [[1]]}", "", "E610", "takes [N, 2], and the inputs of the data are [N, 3]"),
    ] {
        let text_of = format!(
            "model: line.cnn\ndata: {{format: inline, train: {data}}}\n{more}optimizer: sgd\nbatch_size: 1\nepochs: 1\n"
        );
        fs::write(&path, text_of).expect("a recipe");
        let err = refused(&["train", &text(&path)]);
        assert!(err.contains(&format!("error[{code}]")) && err.contains(words), "{data} {more}: {err}");
    }
}

/// Inner values that a spec gives as outputs do not keep it from being trained, and change nothing of it.
#[test]
fn a_spec_of_several_outputs_is_trained_by_the_one_that_the_recipe_names() {
    let folder = tempfile::tempdir().expect("a folder");
    let spec = "model Tapped {\n    input [N, 1, 6, 8]\n    Conv2d(1, kernel_size=(1, 2), bias=false)\n    output edges\n    \
        ReLU\n    output up\n}\n";
    fs::write(folder.path().join("tapped.cnn"), spec).expect("a spec");
    let plain = fs::read_to_string(format!("{MODELS}/recipes/learned_kernel.yaml")).expect("the recipe");
    let train = |model: &str| {
        let (path, run) = (folder.path().join("it.yaml"), folder.path().join("run"));
        fs::write(&path, plain.replace("../operators/learned_kernel.cnn", model)).expect("a recipe");
        let output = cnnc(&["train", &text(&path), "--output", &text(&run), "--force"]);
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let losses = || -> Vec<f64> {
        log(&folder.path().join("run")).iter().map(|line| line["train_loss"].as_f64().expect("a loss")).collect()
    };
    assert_eq!(train(&format!("{MODELS}/operators/learned_kernel.cnn")).0, Some(0));
    let of_one = losses();
    assert_eq!(train("{file: tapped.cnn, output: edges}"), (Some(0), String::new()));
    assert_eq!(losses(), of_one);
    let (code, err) = train("tapped.cnn");
    assert!(code == Some(1) && err.contains("gives 2 outputs, `edges` and `up`, and one is trained"), "{err}");
    assert!(err.contains("`model: {file: tapped.cnn, output: up}`"), "{err}");
    let (code, err) = train("{file: tapped.cnn, output: edge}");
    assert!(code == Some(1) && err.contains("error[E607]") && err.contains("there is `edges`"), "{err}");
}
