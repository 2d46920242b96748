//! `cnnc import --check`: both sides of an import are run, and a stored pair is held to what was written.

use cnnc_tests::{cnnc, imported, stored_tensor};
use safetensors::SafeTensors;
use std::fs;
use std::path::Path;

/// A tensor of float32 as ONNX stores it.
fn onnx_tensor(shape: &[usize], values: &[f32]) -> Vec<u8> {
    let mut bytes = Vec::new();
    shape.iter().for_each(|&size| bytes.extend([0x08, u8::try_from(size).expect("a small size")]));
    bytes.extend([0x10, 1, 0x4a]);
    let (mut length, values) = (values.len() * 4, values.iter().flat_map(|value| value.to_le_bytes()));
    while length >= 0x80 {
        bytes.push((length % 0x80) as u8 | 0x80);
        length /= 0x80;
    }
    bytes.push(length as u8);
    bytes.extend(values);
    bytes
}

#[test]
fn both_sides_are_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let spec = folder.path().join("net.cnn");
    let spec = spec.to_str().expect("text");
    let weights = ["--weights", "reference/darknet/detector.weights"];
    let checked = ["from the file's layers in float64, on a drawn [1, 3, 24, 32]\n"];
    imported(&[&["reference/darknet/detector.cfg", "-o", spec, "--check"], &weights[..]].concat(), &checked);
    let drawn = ["from the file's layers in float64, on a drawn [1, 3, 24, 32] and drawn parameters"];
    imported(&["reference/darknet/detector.cfg", "-o", spec, "--force", "--check"], &drawn);
    let open = ["from the file's layers in float64, on a drawn [1, 2, 32, 32]"];
    imported(&["onnx/cases/unet.onnx", "-o", spec, "--force", "--check"], &open);
}

#[test]
fn a_stored_pair_is_held_to_the_spec() {
    let folder = tempfile::tempdir().expect("a folder");
    let pair = folder.path().join("test_data_set_0");
    fs::create_dir(&pair).expect("a folder");
    let bytes = fs::read("onnx/cases/squeeze_and_excite.safetensors").expect("its values");
    let stored = SafeTensors::deserialize(&bytes).expect("a safetensors file");
    let put = |name: &str, key: &str, change: f32| {
        let tensor = stored_tensor(&stored, key);
        let values: Vec<f32> = tensor.data().iter().map(|value| value + change).collect();
        fs::write(pair.join(name), onnx_tensor(tensor.shape(), &values)).expect("a file");
    };
    let spec = folder.path().join("net.cnn");
    let (spec, pair_text) = (spec.to_str().expect("text"), pair.to_str().expect("text"));
    let arguments = ["import", "onnx/cases/squeeze_and_excite.onnx", "-o", spec, "--check", pair_text];
    let refused = |reasons: &[&str]| {
        let ran = cnnc(&arguments);
        assert_eq!((ran.code, ran.output.as_str()), (1, ""));
        assert!(reasons.iter().all(|reason| ran.errors.contains(reason)), "{reasons:?} in\n{}", ran.errors);
        assert!(!Path::new(spec).exists());
    };
    refused(&["E610", "holds no pair", "input_0.pb"]);
    put("input_0.pb", "input", 0.0);
    fs::write(pair.join("output_0.pb"), [0x08, 200, 1, 0x10, 1, 0x4a, 4, 0, 0, 0, 0]).expect("a file");
    refused(&["E603", "output_0.pb"]);
    put("output_0.pb", "output", 0.01);
    refused(&["E610", "the stored output is"]);
    put("output_1.pb", "output", 0.0);
    refused(&["E610", "1 inputs and 2 outputs"]);
    fs::remove_file(pair.join("output_1.pb")).expect("a file");
    put("output_0.pb", "output", 0.0);
    imported(&arguments[1..], &["from the file's layers in float64", "from the stored output"]);
}
