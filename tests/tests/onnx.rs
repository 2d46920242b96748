//! Small ONNX files are imported, rolled and flat, and give the numbers of ONNX Runtime, which `tests/onnx/cases.py` wrote beside
//! them.

use cnnc_runtime::import::{Form, Options, import};
use cnnc_runtime::{Device, Model, PrepareOptions, Tensor, Weights};
use cnnc_tests::{Ran, cnnc, difference, imported, stored_tensor};
use safetensors::SafeTensors;
use std::fs;
use std::path::{Path, PathBuf};

/// DESIGN section 10's measure of a kernel in float32.
const MOST: f64 = 1e-5;

fn cases() -> Vec<PathBuf> {
    let files = fs::read_dir("onnx/cases").expect("the cases").map(|entry| entry.expect("a file").path());
    let mut cases: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|ending| ending == "onnx")).collect();
    cases.sort();
    cases
}

/// What a spec answers on an input.
fn answer(spec: &Path, weights: Option<&Path>, input: Tensor) -> Tensor {
    let model = Model::from_file(spec).unwrap_or_else(|error| panic!("{error}"));
    let weights = match weights {
        Some(path) => Weights::from_file(path, &model).unwrap_or_else(|error| panic!("{error}")),
        None => model.init(0).unwrap_or_else(|error| panic!("{error}")),
    };
    let prepared = model.prepare(&weights, &Device::cpu(1), PrepareOptions::default());
    let mut session = prepared.unwrap_or_else(|error| panic!("{error}")).session();
    let outputs = session.run(&[input]).unwrap_or_else(|error| panic!("{error}"));
    outputs.at(0).clone()
}

#[test]
fn imported_files_give_the_numbers_of_onnx_runtime() {
    let cases = cases();
    assert!(cases.len() > 50, "only {} cases were found", cases.len());
    let mut wrong = Vec::new();
    for case in cases {
        let name = case.file_stem().expect("a name").to_string_lossy().into_owned();
        for form in [Form::Rolled, Form::Flat] {
            let folder = tempfile::tempdir().expect("a folder");
            let made = match import(&case, &folder.path().join("net.cnn"), &Options { form, ..Options::default() }) {
                Ok(made) => made,
                Err(error) => {
                    wrong.push(format!("{name}: {error}"));
                    continue;
                }
            };
            let bytes = fs::read(case.with_extension("safetensors")).expect("its values");
            let stored = SafeTensors::deserialize(&bytes).expect("a safetensors file");
            let ours = answer(&made.spec, made.weights.as_deref(), stored_tensor(&stored, "input"));
            let theirs = stored_tensor(&stored, "output");
            let text = fs::read_to_string(&made.spec).expect("the spec");
            if ours.shape() != theirs.shape() {
                wrong.push(format!("{name}: {:?}, and {:?} is wanted\n{text}", ours.shape(), theirs.shape()));
            } else {
                let far = difference(ours.data(), theirs.data());
                if far > MOST {
                    wrong.push(format!("{name}: {far:e}\n{text}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_command_says_what_it_made_and_replaces_nothing_unasked() {
    let folder = tempfile::tempdir().expect("a folder");
    let spec = folder.path().join("net.cnn");
    let spec = spec.to_str().expect("text");
    let facts = [
        "net.safetensors",
        "holds     8 layers, 608 parameters, MACs open",
        "input     [N, 8, H, W] is `x`",
        "output    [N, 8, H, W] is `y`",
        "operator set 13",
        "proved    the spec's kernels are those of the file",
    ];
    imported(&["onnx/cases/squeeze_and_excite.onnx", "-o", spec], &facts);
    let before = fs::read_to_string(spec).expect("the spec");
    let Ran { code, errors, .. } = cnnc(&["import", "onnx/cases/conv1d.onnx", "-o", spec]);
    assert!(code == 1 && errors.contains("E617") && errors.contains("--force"), "{errors}");
    assert_eq!(fs::read_to_string(spec).expect("the spec"), before);
    imported(&["onnx/cases/conv1d.onnx", "-o", spec, "--force", "--flat"], &[]);
    assert_ne!(fs::read_to_string(spec).expect("the spec"), before);
}

#[test]
fn what_cannot_be_said_is_named_and_nothing_is_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let spec = folder.path().join("net.cnn");
    let spec = spec.to_str().expect("text");
    for (file, reasons) in [
        ("onnx/refused/two_nodes.onnx", &["E616", "`Sin` (set 13)", "`Round` (set 13)"][..]),
        ("onnx/refused/training.onnx", &["E616", "it drops, as in training"]),
        ("onnx/cases.py", &["E603", "is neither an ONNX file nor a checkpoint nor a cfg of Darknet"]),
        ("onnx/cases/nowhere.onnx", &["E601", "there is no such file"]),
    ] {
        let Ran { code, output, errors } = cnnc(&["import", file, "-o", spec]);
        assert_eq!((code, output.as_str()), (1, ""), "{file}");
        assert!(reasons.iter().all(|reason| errors.contains(reason)), "{file}: {errors}");
    }
    assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 0);
}
