//! Gradients by a command: those of a formula, those of PyTorch, and how they come through deep networks.

mod common;

use common::{MODELS, cnnc, done, refused, text};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// Writes an array of float32.
fn npy(path: &Path, shape: &[usize], values: impl Iterator<Item = f32>) -> String {
    let sizes: String = shape.iter().map(|size| format!("{size}, ")).collect();
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({sizes}), }}");
    while !(10 + header.len() + 1).is_multiple_of(64) {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(values.flat_map(f32::to_le_bytes));
    fs::write(path, bytes).expect("an array");
    text(path)
}

#[test]
fn a_gradient_is_absent_before_a_backward_pass_and_there_after_it() {
    let named = format!("{MODELS}/named_parameters.cnn");
    let absent = done(&["params", &named, "2.weight.grad"]);
    assert!(absent.starts_with("2.weight.grad: none, since there was no backward pass; `cnnc grad "), "{absent}");
    let folder = tempfile::tempdir().expect("a folder");
    let spec = text(&folder.path().join("line.cnn"));
    fs::write(&spec, "model Line { input [N, 2]; Linear(1) }").expect("a spec");
    let weights = text(&folder.path().join("w.safetensors"));
    let sets = ["0.weight[0, 0] = 2", "0.weight[0, 1] = -1", "0.bias = 0.5"];
    let sets: Vec<&str> = sets.iter().flat_map(|set| ["--set", set]).collect();
    done(&[&["params", &spec, "--save", &weights], sets.as_slice()].concat());
    let input = npy(&folder.path().join("x.npy"), &[1, 2], [3.0, 4.0].into_iter());
    let target = npy(&folder.path().join("t.npy"), &[1], [1.0].into_iter());
    let given = ["--weights", &weights, "--input", &input, "--target", &target];
    let grad = |more: &[&str]| done(&[&["grad", &spec], more, &given].concat());
    // y = 2.5, and the slope of (y - 1)² is 2 (y - 1) by y.
    assert_eq!(grad(&["0.weight"]), "loss 2.250000 (mean squared error)\n0.weight [1, 2]\n[[ 9., 12.]]\n");
    assert_eq!(grad(&["0.weight[0, 1]"]), "loss 2.250000 (mean squared error)\n0.weight[0, 1] []\n12.\n");
    assert_eq!(grad(&["input"]), "loss 2.250000 (mean squared error)\ninput [1, 2]\n[[ 6., -3.]]\n");
    let all: Value = serde_json::from_str(&grad(&["0", "--format", "json"])).expect("JSON");
    assert_eq!(
        (&all["chosen"][0]["values"], &all["chosen"][1]["values"]),
        (&serde_json::json!([9.0, 12.0]), &serde_json::json!([3.0]))
    );
    assert_eq!((&all["parameters"][0]["norm"], &all["inputs"][0]["largest"]), (&15.0.into(), &6.0.into()));
    assert!(!folder.path().join("x.npy.grad").exists() && fs::read_dir(folder.path()).expect("a folder").count() == 4);
}

/// By the norm, mean and largest absolute value of every gradient, against those of PyTorch's in float64.
#[test]
fn gradients_of_twelve_networks_are_pytorch_s() {
    let reference = include_str!("../../tests/reference/grad_command.json");
    let reference: Value = serde_json::from_str(reference).expect("JSON");
    let folder = tempfile::tempdir().expect("a folder");
    let cases = reference["cases"].as_object().expect("cases");
    let mut compared = 0;
    for (name, case) in cases {
        let sizes = |key: &str| -> Vec<usize> {
            case[key].as_array().expect("sizes").iter().map(|size| size.as_u64().expect("a size") as usize).collect()
        };
        let (shape, target) = (sizes("input"), sizes("target"));
        let values = (0..shape.iter().product::<usize>()).map(|i| ((37 * i % 101) as f64 / 50.0 - 1.0) as f32);
        let input = npy(&folder.path().join("x.npy"), &shape, values);
        // Of the others the target is the answer's shape.
        let is_classifier = target[0] == 0;
        let wanted = match is_classifier {
            true => target.iter().map(usize::to_string).collect::<Vec<String>>().join(","),
            false => npy(&folder.path().join("t.npy"), &target, std::iter::repeat_n(0.0, target.iter().product())),
        };
        let spec = format!("{MODELS}/{}", case["file"].as_str().expect("a file"));
        let mut arguments = vec!["grad", &spec, "--input", &input, "--target", &wanted, "--format", "json"];
        let model = case["model"].as_str().expect("a model");
        if !model.is_empty() {
            arguments.extend(["--model", model]);
        }
        if !is_classifier {
            arguments.extend(["--loss", "mse-sum"]);
        }
        let found: Value = serde_json::from_str(&done(&arguments)).expect("JSON");
        let close = |found: &Value, expected: f64, size: f64| {
            let found = found.as_f64().expect("a number");
            (found - expected).abs() <= 2e-5 * size
        };
        let loss = case["loss"].as_f64().expect("a loss");
        assert!(close(&found["loss"], loss, loss.abs()), "{name}: {} and not {loss}", found["loss"]);
        let expected = case["gradients"].as_object().expect("gradients");
        let number = |key: &str, which: usize| expected[key][which].as_f64().expect("a number");
        // A gradient that is truly zero, as that of a bias before a normalisation, is held against the others.
        let most = expected.keys().map(|key| number(key, 2)).fold(0.0, f64::max);
        let all = found["parameters"].as_array().into_iter().chain(found["inputs"].as_array()).flatten();
        let mut seen = 0;
        for one in all {
            let key = one["name"].as_str().expect("a name");
            let [norm, mean, largest] = [0, 1, 2].map(|which| number(key, which));
            if largest <= 1e-9 * most {
                let none_or_small = one["largest"].as_f64().is_none_or(|found| found <= 1e-4 * most);
                assert!(none_or_small, "{name}: `{key}` is nothing, and {one}");
            } else {
                let right = close(&one["norm"], norm, norm)
                    && close(&one["mean"], mean, largest)
                    && close(&one["largest"], largest, largest);
                assert!(right, "{name}: `{key}` is {one}, and not {norm}, {mean}, {largest}");
            }
            seen += 1;
        }
        assert_eq!(seen, expected.len(), "{name}");
        compared += seen;
    }
    assert!(cases.len() == 12 && compared > 100, "{compared}");
}

/// A chain of sigmoids loses its gradient towards the input; where each is added to its input, it stays.
#[test]
fn sigmoids_vanish_and_residuals_do_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let layers = |body: &str| format!("model Deep {{ input [N, 16]; for i in 0..12 {{ {body} }}; Linear(10) }}");
    let norms = |name: &str, body: &str| -> (Vec<f64>, String) {
        let spec = text(&folder.path().join(name));
        fs::write(&spec, layers(body)).expect("a spec");
        let table = done(&["grad", &spec, "--target", "3"]);
        let found: Value =
            serde_json::from_str(&done(&["grad", &spec, "--target", "3", "--format", "json"])).expect("JSON");
        let all = found["parameters"].as_array().expect("parameters");
        let weights = all.iter().filter(|one| one["shape"].as_array().is_some_and(|shape| shape.len() == 2));
        (weights.map(|one| one["root_mean_square"].as_f64().expect("a number")).collect(), table)
    };
    let (plain, table) = norms("plain.cnn", "Linear(16); Sigmoid");
    assert_eq!(plain.len(), 13);
    assert!(plain[0] < 1e-8 * plain[11], "{plain:?}");
    // The bars shorten towards the input.
    let bars: Vec<usize> =
        table.lines().filter(|line| line.contains(".weight")).map(|line| line.matches('█').count()).collect();
    assert!(bars.is_sorted() && bars[0] < 5 && bars[12] > 25, "{table}");
    assert!(table.lines().nth(1).is_some_and(|head| head.starts_with("by ") && head.contains("1e")), "{table}");
    let (residual, table) = norms("residual.cnn", "sum { Identity; { Linear(16); Sigmoid } }");
    assert!(residual[0] > 0.05 * residual[11], "{residual:?}\n{table}");
}

#[test]
fn the_gradient_of_the_input_is_a_picture() {
    let folder = tempfile::tempdir().expect("a folder");
    let picture = text(&folder.path().join("g.png"));
    let (lenet, weights, sample) =
        (format!("{MODELS}/lenet.cnn"), format!("{MODELS}/lenet.safetensors"), format!("{MODELS}/sample.png"));
    let given = ["--weights", &weights, "--input", &sample];
    let out = done(&[&["grad", &lenet, "--target", "9", "--picture", &picture][..], &given].concat());
    assert!(out.ends_with(&format!("picture: {picture}\n")) && out.starts_with("loss 0.0"), "{out}");
    let bytes = fs::read(&picture).expect("a picture");
    let size = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    // 28 pixels of 8 and what parts them, in a margin, under two lines.
    assert!(bytes.starts_with(b"\x89PNG") && size(20) == 8 + 2 * 12 + 226 + 8 && size(16) >= 226 + 16, "{out}");
    let named = done(&[&["grad", &lenet, "--target", "ankle boot", "--picture", &picture][..], &given].concat());
    assert_eq!(named, out, "a class by its label");
    let other = cnnc(&[&["grad", &lenet, "--target", "9", "--picture", "g.jpg"][..], &given].concat());
    assert!(String::from_utf8_lossy(&other.stderr).contains("name it `g.png`") && other.status.code() == Some(2));
    let err = refused(&[&["grad", &lenet, "--target", "9", "--picture", &sample][..], &given].concat());
    assert!(err.contains("an input that this command reads"), "{err}");
}

#[test]
fn numbers_are_written_where_files_are() {
    let folder = tempfile::tempdir().expect("a folder");
    let spec = text(&folder.path().join("line.cnn"));
    fs::write(&spec, "model Line {\n    input [1, 2]\n    Linear(1)\n}\n").expect("a spec");
    let bias = |target: &str| {
        let set = ["--set", "0.weight = 0", "--set", "0.bias = 1.5"];
        let weights = text(&folder.path().join("line.safetensors"));
        done(&[&["params", &spec, "--save", &weights, "--force"][..], &set].concat());
        done(&["grad", &spec, "0.bias", "--weights", &weights, "--input", "[[1, 2]]", "--target", target])
    };
    // (1.5 − 0.5)², whose slope is 2 × 1.
    let out = bias("[[0.5]]");
    assert!(out.starts_with("loss 1.000000 (mean squared error)") && out.trim_end().ends_with("[2.]"), "{out}");
    assert_eq!(out, bias("[0.5]"), "axes that are missing in front are added");
}

#[test]
fn what_does_not_fit_is_told() {
    let lenet = format!("{MODELS}/lenet.cnn");
    let folder = tempfile::tempdir().expect("a folder");
    let array = npy(&folder.path().join("t.npy"), &[1, 3], [1.0, 2.0, 3.0].into_iter());
    for (arguments, code, words) in [
        (vec!["--target", "nothing.npy"], "E604", "no class, such as 3 or 3,0,7, no numbers, and no file"),
        (vec!["--target", "snaker"], "E604", "there is the label `sneaker`"),
        (vec!["--target", "10"], "E604", "a class is a whole number from 0 to 9"),
        (vec!["--target", "1,2"], "E604", "1 samples has 2 labels"),
        (vec!["--target", &array], "E604", "[1, 3]"),
        (vec!["--target", "[[1, 2]"], "E1", "--target"),
        (vec!["--target", "1", "0.wieght"], "E202", "there is `0.weight`"),
        (vec!["--target", "1", "0.weight[6]"], "E205", "there is no 6 on axis 0"),
    ] {
        let err = refused(&[&["grad", &lenet], arguments.as_slice()].concat());
        assert!(err.contains(&format!("error[{code}")) && err.contains(words), "{arguments:?}: {err}");
    }
    assert_eq!(cnnc(&["grad", &lenet]).status.code(), Some(2), "a target is needed");
}
