//! Ten exports and ten imports, held to ONNX Runtime by the scripts that hold any number of them, where the machine has a Python
//! with it; elsewhere the test says that it is skipped, unless `CNNC_TEST_ONNX=required`.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A Python that has what the scripts need: the environment's own, or the one on PATH.
fn python() -> Option<PathBuf> {
    let environment = std::env::var_os("VIRTUAL_ENV").map(|folder| Path::new(&folder).join("bin/python"));
    let has_all = |python: &PathBuf| {
        let asked = Command::new(python).args(["-c", "import numpy, onnx, onnxruntime"]).output();
        asked.is_ok_and(|output| output.status.success())
    };
    environment.into_iter().chain(["python3".into()]).find(has_all)
}

/// Runs a script of `tests/onnx/` on files of the repository.
fn held(python: &Path, script: &str, files: &[String]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut command = Command::new(python);
    command.current_dir(root).arg(script).args(["--cnnc", env!("CARGO_BIN_EXE_cnnc")]).args(files);
    let output = command.output().expect("a process");
    let (table, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{script}\n{table}\n{errors}");
    assert!(table.contains("\n10 of 10,"), "{table}");
}

#[test]
#[allow(clippy::print_stderr, reason = "what is skipped must be seen")]
fn exports_and_imports_give_the_numbers_of_onnx_runtime() {
    let Some(python) = python() else {
        let required = std::env::var("CNNC_TEST_ONNX").is_ok_and(|value| value == "required");
        assert!(!required, "no Python with numpy, onnx and onnxruntime");
        eprintln!("skipped: no Python with numpy, onnx and onnxruntime");
        return;
    };
    let models =
        ["attention_pooling", "dcgan", "lenet", "m5", "mobile_vit_xxs", "resnext_block", "tied", "residual_block"];
    let more = ["models/operators/softmax_pooling.cnn", "models/course/strides.cnn"].map(str::to_owned);
    let models: Vec<String> = models.iter().map(|name| format!("models/{name}.cnn")).chain(more).collect();
    held(&python, "tests/onnx/exports.py", &models);
    let cases = [
        "average_counts",
        "batch_norm",
        "conv_asymmetric",
        "conv_pads",
        "gemm_factors",
        "layer_norm",
        "resize_twice",
        "shuffle",
        "squeeze_and_excite",
        "transposed",
    ];
    let cases: Vec<String> = cases.iter().map(|name| format!("tests/onnx/cases/{name}.onnx")).collect();
    held(&python, "tests/onnx/imports.py", &cases);
}
