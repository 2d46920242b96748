//! Bad input at the level of the process: an exit code of 1 and a sentence that names the file, in bounded time and memory, never
//! a panic.

mod files;
mod specs;
mod usage;

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;
use tempfile::TempDir;

/// The most that any of these may take, in a debug build on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// The memory that a process gets, in kB: an attempt to take what a lying header asks for fails here.
const MEMORY_KB: u64 = 4_000_000;

const LENET: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/lenet.cnn");
const WEIGHTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/lenet.safetensors");

/// A folder for the files of one test.
struct Folder(TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().expect("a folder"))
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, content).expect("a file");
        path
    }
}

/// Runs `cnnc` with little memory.
fn cnnc(arguments: &[&str]) -> Output {
    let limited = format!("ulimit -v {MEMORY_KB}; exec \"$0\" \"$@\"");
    let started = Instant::now();
    let mut command = Command::new("sh");
    command.arg("-c").arg(limited).arg(env!("CARGO_BIN_EXE_cnnc")).args(arguments);
    let output = command.output().expect("a process");
    assert!(started.elapsed() < PATIENCE, "cnnc {arguments:?} took {:?}", started.elapsed());
    output
}

/// That the command fails with that code and a message that names the file; gives the message.
#[track_caller]
fn refused(arguments: &[&str], code: &str, names: &str) -> String {
    let output = cnnc(arguments);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let shown: String = errors.chars().take(2000).collect();
    assert_eq!(output.status.code(), Some(1), "cnnc {arguments:?}\n{shown}");
    assert!(errors.contains(&format!("error[{code}]")), "cnnc {arguments:?}: no {code} in\n{shown}");
    assert!(errors.contains(names), "cnnc {arguments:?}: `{names}` is not named in\n{shown}");
    assert!(!errors.contains("panicked") && !errors.contains("E499"), "{shown}");
    errors
}

/// That `check` and `run` refuse a spec with that code.
#[track_caller]
fn refused_spec(spec: &str, code: &str) {
    let folder = Folder::new();
    let path = folder.file("spec.cnn", spec);
    refused(&["check", text(&path)], code, "spec.cnn");
    refused(&["run", text(&path)], code, "spec.cnn");
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of text")
}

/// Runs `cnnc` with arguments that need not be text, and gives its exit code, output and errors.
fn raw(arguments: &[&OsStr], output: Option<fs::File>) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cnnc"));
    command.args(arguments).stderr(Stdio::piped()).stdout(output.map_or_else(Stdio::piped, Stdio::from));
    let output = command.output().expect("a process");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}
