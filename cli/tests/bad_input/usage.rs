//! Commands that cannot do what is asked, and outputs that take nothing.

use super::{Folder, LENET, cnnc, raw, refused, text};
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;

#[test]
fn a_closed_pipe_ends_quietly() {
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/torchvision/resnet152.cnn");
    let mut child = Command::new(env!("CARGO_BIN_EXE_cnnc"))
        .args(["summary", model])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a process");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("an end");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn wrong_usage() {
    for arguments in [
        &["check"][..],
        &["no-such-command"],
        &["summary", LENET, "--format", "pdf"],
        &["dump", LENET, "--stage", "sass"],
        &["run", "--set", "width"],
        &["run", "--input-shape", "1,x"],
        &["summary"],
        &[],
    ] {
        let output = cnnc(arguments);
        assert_eq!(output.status.code(), Some(2), "cnnc {arguments:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "cnnc {arguments:?}");
    }
    let stages = String::from_utf8_lossy(&cnnc(&["dump", LENET, "--stage", "sass"]).stderr).into_owned();
    assert!(stages.contains("ast, graph, shapes, kernels, fused, plan, cuda"), "{stages}");
    let help = cnnc(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    for command in
        ["check", "summary", "graph", "run", "params", "dump", "bench", "train", "eval", "import", "export", "doctor"]
    {
        assert!(help.contains(&format!("\n  {command} ")), "{help}");
    }
}

#[test]
fn no_driver_is_one_clear_error() {
    refused(&["run", "--device", "cuda"], "E501", "");
}

#[test]
fn output_that_cannot_be_written() {
    if !Path::new("/dev/full").exists() {
        return;
    }
    let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("the device");
    let mut command = Command::new(env!("CARGO_BIN_EXE_cnnc"));
    let output = command.args(["summary", LENET]).stdout(full).stderr(Stdio::piped()).output().expect("a process");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && errors.contains("E601"), "{errors}");
}

#[test]
fn a_full_device_is_an_error_of_every_command() {
    if !Path::new("/dev/full").exists() {
        return;
    }
    let forms = ["table", "torch", "tree", "json", "yaml"].map(|form| vec!["summary", LENET, "--format", form]);
    let stages = ["ast", "graph", "shapes", "kernels", "plan"].map(|stage| vec!["dump", LENET, "--stage", stage]);
    let others = [
        vec!["--help"],
        vec!["--version"],
        vec!["run", "--help"],
        vec!["check", LENET],
        vec!["params", LENET],
        vec!["params", LENET, "0.bias"],
        vec!["run"],
    ];
    for arguments in forms.into_iter().chain(stages).chain(others) {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("the device");
        let words: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
        let (code, _, errors) = raw(&words, Some(full));
        assert!(code == Some(1) && errors.contains("error[E601]: cannot write the output"), "{arguments:?}: {errors}");
    }
}

#[test]
fn control_characters_of_others_reach_no_terminal() {
    let folder = Folder::new();
    folder.file("labels.txt", "\u{1b}[31mred\n\u{1b}]0;title\u{7}\nback\u{8}\u{9b}2J\n\u{202e}drow\n");
    let spec = "model A { input [N, 2]; labels \"labels.txt\"; Linear(4) }";
    let path = folder.file("evil\u{1b}[2J.cnn", spec);
    let broken = folder.file("broken\u{1b}[2J.cnn", "model A { input [N, 2]; \"\u{1b}[5mx\": Nothing(\"\u{7}\") }");
    let rare = |character: char| character != '\n' && (character.is_control() || character == '\u{202e}');
    let runs: [&[&str]; 7] = [
        &["check", text(&path)],
        &["check", text(&broken)],
        &["check", "no\u{1b}[31msuch\rfile"],
        &["run", text(&path)],
        &["dump", "--stage", "graph", text(&path)],
        &["params", text(&path), "\u{1b}[31m"],
        &["summary", "\u{1b}[31m", "--format", "\u{1b}[31m"],
    ];
    for arguments in runs {
        let words: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
        let (_, output, errors) = raw(&words, None);
        let found = output.chars().chain(errors.chars()).find(|&character| rare(character));
        assert_eq!(found, None, "{arguments:?}\n{output:?}\n{errors:?}");
    }
}
