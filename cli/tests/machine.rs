//! The commands about this machine, as processes: the self-check, and measured methods that are kept from one command to the
//! next.

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A convolution that three methods can compute.
const SPEC: &str = "model Small {\n    input [N, 16, 12, 12]\n    Conv2d(16, kernel_size=3, padding=1)\n}\n";

fn cnnc(cache: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cnnc")).args(arguments).env("XDG_CACHE_HOME", cache).output().expect("a process")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// What a command that succeeds writes as JSON, and what it says on standard error.
#[track_caller]
fn report(cache: &Path, arguments: &[&str]) -> (Value, String) {
    let output = cnnc(cache, arguments);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    (serde_json::from_slice(&output.stdout).expect("JSON"), text(&output.stderr))
}

/// The one file of the cache, beside which there is its lock.
fn file_in(cache: &Path) -> PathBuf {
    let entries = fs::read_dir(cache.join("cnnc")).expect("a folder").map(|entry| entry.expect("a file").path());
    let (locks, mut files): (Vec<_>, Vec<_>) =
        entries.partition(|path| path.extension().is_some_and(|ending| ending == "lock"));
    assert_eq!((locks.len(), files.len()), (1, 1), "{locks:?} {files:?}");
    files.remove(0)
}

#[test]
fn the_doctor_finds_every_kernel_right() {
    let cache = tempfile::tempdir().expect("a folder");
    let (found, _) = report(cache.path(), &["doctor", "--format", "json"]);
    assert_eq!(found["right"], true);
    let kernels = found["kernels"].as_array().expect("kernels");
    assert!(kernels.len() > 15 && kernels.iter().all(|kernel| kernel["right"] == true), "{kernels:#?}");
    let sets = kernels[0]["errors"].as_object().expect("errors");
    assert!(sets["portable"].as_f64().is_some_and(|error| error > 0.0 && error < 1e-5), "{sets:?}");
    assert!(found["machine"]["bytes_per_second"].as_f64().is_some_and(|rate| rate > 1e8));
    let table = cnnc(cache.path(), &["doctor"]);
    assert!(text(&table.stdout).contains("all kernels are right"), "{}", text(&table.stdout));
}

#[test]
fn two_tunings_at_once_keep_the_choices_of_both() {
    let folder = tempfile::tempdir().expect("a folder");
    let cache = folder.path().join("cache");
    let command = |channels: usize| {
        let spec = folder.path().join(format!("{channels}.cnn"));
        let text =
            format!("model Small {{ input [1, {channels}, 24, 24]; Conv2d({channels}, kernel_size=3, padding=1) }}");
        fs::write(&spec, text).expect("a spec");
        let mut command = Command::new(env!("CARGO_BIN_EXE_cnnc"));
        command.arg("bench").arg(spec).args(["--seconds", "0", "--tune"]).env("XDG_CACHE_HOME", &cache);
        command.stdout(Stdio::null()).spawn().expect("a process")
    };
    let both = [command(16), command(32)];
    both.into_iter().for_each(|mut one| assert!(one.wait().expect("an end").success()));
    let content: Value = serde_json::from_slice(&fs::read(file_in(&cache)).expect("the file")).expect("JSON");
    assert_eq!(content["choices"].as_object().expect("choices").len(), 2, "{content}");
}

#[test]
fn measured_methods_are_kept_and_used_and_a_broken_file_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let (cache, spec) = (folder.path().join("cache"), folder.path().join("small.cnn"));
    fs::write(&spec, SPEC).expect("a spec");
    let spec = spec.to_str().expect("a path");
    let bench = ["bench", spec, "--seconds", "0", "--format", "json", "--profile"];
    let (tuned, _) = report(&cache, &[bench.as_slice(), &["--tune"]].concat());
    let measured = tuned["tuning"].as_array().expect("what was measured");
    assert_eq!((measured.len(), measured[0]["ms"].as_object().expect("times").len()), (1, 3));

    let kept = file_in(&cache);
    let content = fs::read_to_string(&kept).expect("the file");
    let after = measured[0]["after"].as_str().expect("a method");
    let used = |content: &str, more: &[&str]| {
        fs::write(&kept, content).expect("the file");
        let (found, said) = report(&cache, &[bench.as_slice(), more].concat());
        let steps = found["steps"].as_array().expect("steps").clone();
        (steps.iter().find_map(|step| step["method"].as_str().map(str::to_owned)).expect("a method"), said)
    };
    for method in ["direct", "winograd_2x2", "winograd_4x4"] {
        let content = content.replace(&format!("\"{after}\""), &format!("\"{method}\""));
        assert_eq!(used(&content, &[]), (method.into(), String::new()));
        assert_eq!(used(&content, &["--exact"]).0, "direct");
    }
    let (_, said) = used(&content[..content.len() / 2], &[]);
    assert!(said.contains("is damaged; `cnnc bench FILE --tune` measures anew"), "{said}");
    let (_, said) = used(&content.replace(" lanes\"", "0 lanes\""), &[]);
    assert!(said.contains("was measured on another machine"), "{said}");
    // What answers once counts its packing in, which a measurement of many runs does not.
    assert!(!text(&cnnc(&cache, &["run", spec]).stderr).contains("another machine"));
}
