//! The whole way to a GPU without one: driver and NVRTC are emulated on the processor (`tests/cuda`), and found as real ones are
//! found.
//!
//! Emulated threads are slow, so networks are small; what kernels compute is tested elsewhere. Without a C++ compiler the tests
//! pass, unless `CNNC_TEST_CUDA=required` demands that they run.

#![allow(clippy::print_stderr, reason = "a test that did nothing says so")]

use cnnc_runtime::{Device, Model, PrepareOptions, random};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// A network with a convolution, pooling, a normalisation and a fully connected layer.
const SPEC: &str = "model Small {\n    input [N, 1, 28, 28]\n    Conv2d(4, kernel_size=5, stride=2); BatchNorm2d; ReLU; MaxPool2d(2)\n    \
                    Flatten; Linear(10)\n    expect [N, 10]\n}\n";

/// A folder with the emulated libraries and a cache of their own; `None` without a C++ compiler.
fn emulated() -> Option<&'static Path> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOLDER.get_or_init(build).as_deref()
}

fn build() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("emulated_gpu");
    // What an earlier emulation compiled is not what this one compiles.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder");
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/cuda").canonicalize().expect("the emulation");
    let shim = format!("-DCNNC_SHIM=\"{}\"", sources.join("shim.h").display());
    let library = folder.join("libcuda.so");
    let built = Command::new("c++")
        .args(["-std=c++17", "-O1", "-w", "-shared", "-fPIC", &shim, "-o"])
        .args([&library, &sources.join("driver.cpp"), &sources.join("libraries.cpp")])
        .args(["-ldl"])
        .status();
    if !built.is_ok_and(|status| status.success()) {
        let demanded = std::env::var_os("CNNC_TEST_CUDA").is_some_and(|value| value == "required");
        assert!(!demanded, "the emulated driver cannot be built: is there a C++ compiler?");
        eprintln!("skipped: no C++ compiler");
        return None;
    }
    fs::copy(&library, folder.join("libnvrtc.so.13")).expect("a copy");
    // Not copies: they are of the driver that is open.
    for name in ["libcublasLt.so.13", "libcudnn.so.9"] {
        symlink(&library, folder.join(name)).expect("a link");
    }
    fs::write(folder.join("small.cnn"), SPEC).expect("a spec");
    Some(folder)
}

/// cnnc on the emulated GPU.
fn cnnc(folder: &Path, settings: &[(&str, &str)], arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cnnc"));
    // Real libraries are not what is tested.
    for name in ["VIRTUAL_ENV", "CONDA_PREFIX", "CUDA_HOME", "CUDA_PATH", "CUDA_ROOT"] {
        command.env_remove(name);
    }
    command.env("LD_LIBRARY_PATH", folder).env("CNNC_CUDA_PATH", folder).env("XDG_CACHE_HOME", folder);
    command.envs(settings.iter().copied()).args(arguments).current_dir(folder).output().expect("a process")
}

/// As [`cnnc`], of what succeeds: its standard output and error.
fn done(folder: &Path, settings: &[(&str, &str)], arguments: &[&str]) -> (String, String) {
    let output = cnnc(folder, settings, arguments);
    let [text, errors] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    assert!(output.status.success(), "cnnc {arguments:?}\n{text}{errors}");
    (text, errors)
}

/// The values of a `.npy` file of float32.
fn values(path: &Path) -> Vec<f32> {
    let bytes = fs::read(path).expect("an answer");
    let head = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    bytes[head..].chunks_exact(4).map(|value| f32::from_le_bytes([value[0], value[1], value[2], value[3]])).collect()
}

#[test]
fn a_network_answers_as_on_the_cpu() {
    let Some(folder) = emulated() else { return };
    let answer = |device: &str, settings: &[(&str, &str)]| {
        let output = format!("{device}-{}.npy", settings.len());
        let arguments = ["run", "small.cnn", "--input-shape", "3,1,28,28", "--device", device, "--output", &output];
        done(folder, settings, &arguments);
        values(&folder.join(output))
    };
    let expected = answer("cpu", &[]);
    let largest = expected.iter().fold(0f32, |largest, value| largest.max(value.abs()));
    for (device, settings) in [("cuda", &[][..]), ("cuda:1", &[]), ("cuda", &[("CNNC_EMULATED_NO_GRAPHS", "1")])] {
        let found = answer(device, settings);
        assert_eq!(found.len(), 30);
        for (a, b) in found.iter().zip(&expected) {
            assert!((a - b).abs() <= 1e-5 * largest, "{found:?} and {expected:?}");
        }
    }
    let third = cnnc(folder, &[], &["run", "small.cnn", "--device", "cuda:2"]);
    let text = String::from_utf8_lossy(&third.stderr);
    assert!(text.contains("E501") && text.contains("the driver has 2 GPUs"), "{text}");
}

/// Products of matrices stand for the grid, whose compilation takes minutes here: on tensor cores in every precision.
#[test]
fn the_doctor_finds_products_right_in_every_precision() {
    let Some(folder) = emulated() else { return };
    for (precision, least, most) in [("tf32", 1e-6, 2e-3), ("fp16", 1e-6, 2e-3), ("bf16", 1e-5, 1e-2)] {
        let arguments = ["doctor", "--device", "cuda", "--only", "gemm", "--no-libraries", "--format", "json"];
        let (text, _) = done(folder, &[], &[&arguments[..], &["--precision", precision]].concat());
        let report: Value = serde_json::from_str(&text).expect("JSON");
        let kernels = report["kernels"].as_array().expect("kernels");
        assert_eq!(kernels.len(), 1, "{text}");
        let error = kernels[0]["error"].as_f64().expect("an error");
        assert!(error > least && error <= most, "{precision}: products round, and no more than they may: {error}");
    }
    let unknown = cnnc(folder, &[], &["doctor", "--only", "geem"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("there are: conv direct"), "{unknown:?}");
}

#[test]
fn the_doctor_examines_libraries_as_it_does_kernels() {
    let Some(folder) = emulated() else { return };
    // Products of matrices, and all three parts of convolutions: strided, dilated, grouped, transposed, with images that lie
    // apart.
    for (only, library) in [("gemm", "cuBLASLt"), ("conv transposed", "cuDNN"), ("gradients of convolutions", "cuDNN")]
    {
        let arguments = ["doctor", "--device", "cuda", "--only", only, "--format", "json"];
        let report: Value = serde_json::from_str(&done(folder, &[], &arguments).0).expect("JSON");
        let kernels = report["kernels"].as_array().expect("kernels");
        let by_library: Vec<&Value> = kernels.iter().filter(|kernel| kernel["library"] == library).collect();
        assert_eq!((kernels.len(), by_library.len()), (2, 1), "{report}");
        assert!(by_library[0]["error"].as_f64() > Some(0.0) && by_library[0]["right"] == true, "{report}");
        assert_ne!(kernels[0]["error"], kernels[1]["error"], "they sum otherwise");
    }
}

#[test]
fn a_bench_tells_of_every_step() {
    let Some(folder) = emulated() else { return };
    let arguments = ["bench", "small.cnn", "--device", "cuda", "--batch", "2", "--seconds", "0", "--profile"];
    let json = |train: &[&str]| {
        let (text, errors) = done(folder, &[], &[&arguments[..], &["--format", "json"], train].concat());
        assert_eq!(errors, "");
        serde_json::from_str::<Value>(&text).expect("JSON")
    };
    for report in [json(&[]), json(&["--train"])] {
        assert_eq!((report["device"].as_str(), report["precision"].as_str()), (Some("cuda"), Some("fp32")));
        assert!(report["median_ms"].as_f64() > Some(0.0) && report["median_ms_with_transfers"].as_f64() > Some(0.0));
        let steps = report["steps"].as_array().expect("steps");
        assert!(steps.len() > 2 && steps.iter().all(|step| step["ms"].as_f64() > Some(0.0)), "{steps:?}");
    }
    let (text, errors) = done(folder, &[("CNNC_EMULATED_NO_GRAPHS", "1")], &arguments);
    assert!(text.contains("emulated GPU, fp32") && text.contains("from the host's memory and back"), "{text}");
    assert!(errors.contains("launched singly"), "{errors}");
}

#[test]
fn a_training_learns_as_on_the_cpu_and_goes_on() {
    let Some(folder) = emulated() else { return };
    let recipe = recipe(folder);
    let train = |device: &str, output: &str, more: &[&str]| {
        done(folder, &[], &[&["train", recipe, "--device", device, "--output", output], more].concat());
        log(folder, output)
    };
    let (there, here) = (train("cuda", "there", &[]), train("cpu", "here", &[]));
    assert!(there.len() == 2 && is_alike(&there, &here), "{there:?} and {here:?}");
    train("cuda", "resumed", &["--epochs", "1"]);
    assert_eq!(train("cuda", "resumed", &["--resume"]), there, "the same bits after a break");
    let worth = |device: &str| -> Value {
        let arguments = ["eval", recipe, "--output", "there", "--device", device, "--format", "json"];
        serde_json::from_str(&done(folder, &[], &arguments).0).expect("JSON")
    };
    let (by_gpu, by_cpu) = (worth("cuda"), worth("cpu"));
    let loss = |worth: &Value| worth["loss"].as_f64().expect("a loss");
    assert!(
        (loss(&by_gpu) - loss(&by_cpu)).abs() < 1e-4 * loss(&by_cpu),
        "each batch is scored, while the next travels"
    );
    let foreign = cnnc(folder, &[], &["train", recipe, "--device", "cpu", "--output", "there", "--resume"]);
    assert!(String::from_utf8_lossy(&foreign.stderr).contains("E611"), "another device rounds otherwise");
}

/// Gradients that are gathered on the device, a momentum that changes, norms of each parameter.
#[test]
fn batches_in_parts_are_learnt_from_as_on_the_cpu() {
    let Some(folder) = emulated() else { return };
    let recipe = recipe(folder);
    let train = |device: &str, output: &str, more: &[&str]| {
        let arguments = ["train", recipe, "--device", device, "--output", output, "--set", "accumulate=3"];
        let learning = ["optimizer={name: lamb, lr: 0.01}", "schedule={name: one_cycle, total_steps: 10}"];
        let learning = learning.map(|set| ["--set", set]).concat();
        done(folder, &[], &[&arguments[..], &learning, more].concat());
        log(folder, output)
    };
    let (there, here) = (train("cuda", "parts_there", &[]), train("cpu", "parts_here", &[]));
    assert!(there.len() == 2 && is_alike(&there, &here), "{there:?} and {here:?}");
    train("cuda", "parts_again", &["--epochs", "1"]);
    assert_eq!(train("cuda", "parts_again", &["--resume"]), there, "the same bits after a break");
}

/// A recipe that trains the small network on a few pictures, in the folder.
fn recipe(folder: &Path) -> &'static str {
    let data =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/fashion_mnist_small").canonicalize().expect("pictures");
    let recipe = format!(
        "model: small.cnn\ndata: {{format: idx, path: {}}}\noptimizer: {{name: sgd, lr: 0.05, momentum: 0.9}}\nbatch_size: 130\nepochs: 2\n",
        data.display()
    );
    fs::write(folder.join("recipe.yaml"), recipe).expect("a recipe");
    "recipe.yaml"
}

/// The training loss and validation accuracy of every epoch.
fn log(folder: &Path, output: &str) -> Vec<(f64, f64)> {
    let text = fs::read_to_string(folder.join(output).join("log.jsonl")).expect("a log");
    let line = |line| serde_json::from_str::<Value>(line).expect("JSON");
    let number = |line: &Value, key: &str| line[key].as_f64().expect("a number");
    text.lines().map(line).map(|line| (number(&line, "train_loss"), number(&line, "val_accuracy"))).collect()
}

/// Whether a training went as another one, but for rounding.
fn is_alike(one: &[(f64, f64)], other: &[(f64, f64)]) -> bool {
    let alike = |((loss, accuracy), (expected, of_other)): (&(f64, f64), &(f64, f64))| {
        (loss - expected).abs() < 1e-3 * expected && (accuracy - of_other).abs() < 0.02
    };
    one.len() == other.len() && one.iter().zip(other).all(alike)
}

#[test]
fn libraries_are_measured_kept_and_used() {
    let Some(folder) = emulated() else { return };
    let recipe = recipe(folder);
    let cache = folder.join("tuned");
    let settings = [("XDG_CACHE_HOME", cache.to_str().expect("a path"))];
    let tune = |more: &[&str]| {
        let arguments = ["bench", "small.cnn", "--device", "cuda", "--batch", "130", "--train", "--seconds", "0"];
        let all = [&arguments[..], &["--tune", "--format", "json"], more].concat();
        let (text, errors) = done(folder, &settings, &all);
        assert_eq!(errors, "");
        serde_json::from_str::<Value>(&text).expect("JSON")["tuning"].as_array().expect("what was measured").clone()
    };
    let of = |measured: &[Value], library: &str| -> usize {
        measured.iter().filter(|one| one["ms"][library].as_f64() > Some(0.0)).count()
    };
    let alone = tune(&["--no-libraries"]);
    assert!(alone.len() > 3 && of(&alone, "cudnn") + of(&alone, "cublaslt") == 0, "{alone:?}");
    let train = |output: &str, more: &[&str]| {
        let output = [&["train", recipe, "--device", "cuda", "--output", output], more].concat();
        cnnc(folder, &settings, &output)
    };
    assert!(train("alone", &["--epochs", "1"]).status.success());
    // The image has no gradient; the convolution has two, the linear layer three products.
    let measured = tune(&[]);
    assert_eq!((of(&measured, "cudnn"), of(&measured, "cublaslt")), (2, 3), "{measured:?}");
    let kept = fs::read_to_string(cache.join("cnnc/tuning-cuda.json")).expect("what was chosen");
    assert!(kept.contains("emulated GPU, compute capability 9.0") && kept.contains("cudnn"), "{kept}");

    assert!(train("by_libraries", &[]).status.success());
    done(folder, &[], &["train", recipe, "--device", "cpu", "--output", "by_cpu"]);
    let (there, here) = (log(folder, "by_libraries"), log(folder, "by_cpu"));
    assert!(is_alike(&there, &here), "{there:?} and {here:?}");
    let other = train("alone", &["--resume"]);
    assert!(String::from_utf8_lossy(&other.stderr).contains("measured ways"), "other ways round otherwise");

    let elsewhere = folder.join("elsewhere");
    fs::create_dir_all(&elsewhere).expect("a folder");
    for name in ["libcuda.so", "libnvrtc.so.13"] {
        fs::copy(folder.join(name), elsewhere.join(name)).expect("a copy");
    }
    let place = elsewhere.to_str().expect("a path");
    let without = [settings[0], ("LD_LIBRARY_PATH", place), ("CNNC_CUDA_PATH", place)];
    let arguments = ["bench", "small.cnn", "--device", "cuda", "--batch", "130", "--train", "--seconds", "0"];
    let (_, errors) = done(folder, &without, &arguments);
    assert!(errors.contains("cuDNN was measured on this machine and is not found any more"), "{errors}");
}

/// Says in a child process of a test in which folder the emulated libraries are.
const CHILD: &str = "CNNC_TEST_EMULATED_IN";

/// Runs a test of this file again, in a process that finds the emulated libraries.
fn in_a_process(folder: &Path, test: &str) {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", test, "--nocapture"]).env(CHILD, folder);
    command.env("LD_LIBRARY_PATH", folder).env("CNNC_CUDA_PATH", folder).env("XDG_CACHE_HOME", folder);
    let output = command.output().expect("a process");
    let texts = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    assert!(output.status.success(), "{}{}", texts[0], texts[1]);
}

#[test]
fn plans_for_several_batches_share_what_is_prepared() {
    match std::env::var_os(CHILD) {
        Some(folder) => share(Path::new(&folder)),
        None => {
            let Some(folder) = emulated() else { return };
            in_a_process(folder, "plans_for_several_batches_share_what_is_prepared");
        }
    }
}

/// The second plan takes neither parameters nor what is made of them, and neither does a second session.
fn share(folder: &Path) {
    let model = Model::from_file(folder.join("small.cnn")).expect("a model");
    let weights = model.init(0).expect("weights");
    let (device, processor) = (Device::cuda(0).expect("the emulated GPU"), Device::default());
    let gpu = device.as_cuda().expect("a GPU").device();
    let taken = |work: &mut dyn FnMut()| {
        let before = gpu.free_bytes().expect("the free memory");
        work();
        before - gpu.free_bytes().expect("the free memory")
    };
    let input = |batch: usize| random::input("input", &[batch, 1, 28, 28], batch as u64);
    let prepared = |device: &Device, batch: usize| {
        let options = PrepareOptions::default().sizes_of(&[input(batch)]);
        model.prepare(&weights, device, options).expect("packed weights")
    };
    let mut three = None;
    let alone = taken(&mut || three = Some(prepared(&device, 3)));
    drop(three);
    let one = prepared(&device, 1);
    let mut plan = None;
    let beside = taken(&mut || plan = Some(one.plan(&[&[3, 1, 28, 28]]).expect("a plan")));
    let of_weights = plan.expect("a plan").prepared_bytes();
    assert!(of_weights > 0 && alone - beside >= of_weights, "{alone} alone, {beside} beside, {of_weights} of weights");

    let mut sessions = [one.session(), one.session()];
    let mut expected = prepared(&processor, 1).session();
    for batch in [1, 3, 1, 3] {
        let expected = expected.run(&[input(batch)]).expect("an answer").at(0).clone();
        for session in &mut sessions {
            let found = session.run(&[input(batch)]).expect("an answer").at(0).clone();
            let largest = expected.data().iter().fold(0f32, |largest, value| largest.max(value.abs()));
            let mut pairs = found.data().iter().zip(expected.data());
            assert!(pairs.all(|(a, b)| (a - b).abs() <= 1e-5 * largest), "{found:?} and {expected:?}");
        }
    }
}

#[test]
fn too_little_memory_is_one_error_that_says_what_would_fit() {
    let Some(folder) = emulated() else { return };
    let little = [("CNNC_EMULATED_BYTES", "200000")];
    let output = cnnc(folder, &little, &["bench", "small.cnn", "--device", "cuda", "--batch", "64"]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(errors.contains("error[E504]") && errors.contains("of a batch of 64, "), "{errors}");
}
