//! What the environment and the number of threads may do to a command: be followed, or be refused in a sentence; never a panic.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const LENET: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/lenet.cnn");

/// Runs `cnnc` with these variables.
fn cnnc(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cnnc"));
    command.args(arguments).envs(variables.iter().copied()).output().expect("a process")
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn instructions_that_are_none_are_an_error_of_every_command() {
    for arguments in
        [&["run"][..], &["check", LENET], &["bench", LENET, "--seconds", "0"], &["doctor"], &["summary", LENET]]
    {
        let output = cnnc(arguments, &[("CNNC_INSTRUCTIONS", "garbage")]);
        let text = errors(&output);
        assert_eq!(output.status.code(), Some(1), "cnnc {arguments:?}: {text}");
        assert!(
            text.contains("error[E507]: CNNC_INSTRUCTIONS is \"garbage\", and it can be avx512, avx2, portable"),
            "{text}"
        );
    }
    for right in ["portable", ""] {
        let output = cnnc(&["run"], &[("CNNC_INSTRUCTIONS", right)]);
        assert!(output.status.success() && output.stderr.is_empty(), "{}", errors(&output));
    }
}

#[test]
fn a_path_of_cuda_that_leads_nowhere_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let empty = folder.path().to_str().expect("a path of text");
    for (path, reason) in [("/no/such/folder", "there is no such file or folder"), (empty, "there is no libnvrtc.so")] {
        let output = cnnc(&["run", "--device", "cuda"], &[("CNNC_CUDA_PATH", path)]);
        let text = errors(&output);
        assert!(text.contains(&format!("error[E507]: CNNC_CUDA_PATH is `{path}`, and {reason}")), "{text}");
        assert_eq!(output.status.code(), Some(1));
    }
}

#[test]
fn what_is_passed_over_is_said_and_changes_nothing() {
    let plain = cnnc(&["run"], &[]);
    for (name, value, said) in [
        ("XDG_CACHE_HOME", "relative/cache", "XDG_CACHE_HOME is `relative/cache`, which is no absolute path"),
        ("COLUMNS", "wide", "COLUMNS is `wide`, which is no number"),
    ] {
        let output = cnnc(&["run"], &[(name, value)]);
        assert!(output.status.success() && output.stdout == plain.stdout, "{}", errors(&output));
        assert!(errors(&output).contains(said), "{}", errors(&output));
    }
}

/// They size stacks and pools of other libraries; cnnc's threads have sizes of their own.
#[test]
fn variables_of_threads_have_no_effect() {
    // Large enough that its weights are drawn by several threads.
    let folder = tempfile::tempdir().expect("a folder");
    let spec = folder.path().join("wide.cnn");
    fs::write(&spec, "model Wide {\n    input [1, 512]\n    Linear(512)\n}\n").expect("a file");
    let arguments = ["run", spec.to_str().expect("a path of text"), "--threads", "2"];
    let plain = cnnc(&arguments, &[]);
    assert!(plain.status.success(), "{}", errors(&plain));
    for (name, value) in [
        ("RUST_MIN_STACK", "garbage"),
        ("RUST_MIN_STACK", "1"),
        ("RUST_MIN_STACK", "18446744073709551615"),
        ("RAYON_NUM_THREADS", "garbage"),
        ("RAYON_NUM_THREADS", "1000000"),
    ] {
        let output = cnnc(&arguments, &[(name, value)]);
        assert!(output.status.success() && output.stdout == plain.stdout, "{name}={value}: {}", errors(&output));
    }
}

#[test]
fn more_threads_than_the_limit_are_refused_by_every_command() {
    let folder = tempfile::tempdir().expect("a folder");
    let recipe = folder.path().join("recipe.yaml");
    fs::write(&recipe, "threads: 100000\n").expect("a file");
    let recipe = recipe.to_str().expect("a path of text");
    for arguments in
        [&["run"][..], &["bench", LENET], &["summary", LENET], &["doctor"], &["train", recipe], &["eval", recipe]]
    {
        for count in ["100000", "1025", "18446744073709551615", "18446744073709551616", "-1", "many"] {
            let given = format!("--threads={count}");
            let output = cnnc(&[arguments, &[given.as_str()]].concat(), &[]);
            let text = errors(&output);
            assert_eq!(output.status.code(), Some(2), "cnnc {arguments:?} {given}: {text}");
            assert!(text.contains("from 0 to 1024"), "{text}");
        }
    }
    let output = cnnc(&["train", recipe], &[]);
    let text = errors(&output);
    assert!(text.contains("error[E607]: `threads` must be a whole number from 0 to 1024"), "{text}");
    assert_eq!(output.status.code(), Some(1));
}

/// A thousand stacks do not fit into the memory that the process may have.
#[cfg(target_os = "linux")]
#[test]
fn threads_that_the_system_does_not_start_are_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let recipe = folder.path().join("recipe.yaml");
    let models = Path::new(LENET).parent().expect("a folder").display();
    let data = format!("{{format: idx, path: {models}/fashion_mnist_small, workers: 256}}");
    let model = format!("model: {{file: {LENET}, name: LeNet}}");
    let rest = "optimizer: sgd\nbatch_size: 1\nepochs: 1\noutput: out\n";
    fs::write(&recipe, format!("{model}\ndata: {data}\n{rest}")).expect("a file");
    let recipe = recipe.to_str().expect("a path of text");
    for (arguments, kilobytes) in [
        (&["run", "--threads", "1000"][..], 1_000_000),
        (&["bench", LENET, "--threads", "1000"], 1_000_000),
        (&["doctor", "--threads", "1000"], 1_000_000),
        (&["train", recipe], 500_000),
    ] {
        let limited = &format!("ulimit -v {kilobytes}; exec \"$0\" \"$@\"");
        let ran = || {
            let mut command = Command::new("sh");
            command.arg("-c").arg(limited).arg(env!("CARGO_BIN_EXE_cnnc")).args(arguments).output().expect("a process")
        };
        // Where memory ends between a thread's stack and what the standard library lays beside it, that ends the process: tried
        // again.
        let unlucky = |output: &Output| errors(output).contains("stack_overflow.rs");
        let ended = (0..20).map(|_| ran()).find(|output| !unlucky(output));
        let output = ended.expect("a process whose memory ends elsewhere");
        let text = errors(&output);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(
            text.contains("error[E506]: ") && text.contains(" threads are wanted, and the system started "),
            "{text}"
        );
        assert!(text.contains("ask for fewer"), "{text}");
    }
}
