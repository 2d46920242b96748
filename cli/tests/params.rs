//! Parameters by hand, as people do it: printed by key and part, changed, saved.

use std::fs;
use std::process::{Command, Output};

const MODELS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../models");

fn cnnc(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cnnc")).arg("params").args(arguments).output().expect("a process")
}

fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
    (text(&output.stdout), text(&output.stderr))
}

/// What a command that succeeds prints, and says.
#[track_caller]
fn done(arguments: &[&str]) -> (String, String) {
    let output = cnnc(arguments);
    let (out, err) = texts(&output);
    assert_eq!(output.status.code(), Some(0), "cnnc params {arguments:?}\n{err}");
    (out, err)
}

/// What a command that is refused says.
#[track_caller]
fn refused(arguments: &[&str]) -> String {
    let output = cnnc(arguments);
    let (out, err) = texts(&output);
    assert_eq!((output.status.code(), out.as_str()), (Some(1), ""), "cnnc params {arguments:?}\n{err}");
    err
}

fn model(name: &str) -> String {
    format!("{MODELS}/{name}")
}

/// The course's cell: one layer in two places, changed at one and seen at both.
#[test]
fn a_tied_parameter_changes_at_both_places() {
    let folder = tempfile::tempdir().expect("a folder");
    let new = folder.path().join("new.safetensors").to_string_lossy().into_owned();
    let tied = model("tied.cnn");
    let (out, err) = done(&[&tied, "4.weight[0]", "--set", "2.weight[0, 0] = 100", "--save", &new]);
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines[0].starts_with("2.weight[0, 0] is 100, and so is 4.weight[0, 0]: 1 of 64, was "), "{out}");
    assert_eq!(lines[1], "2.weight[0] [8]  also 4.weight[0]", "{out}");
    assert!(lines[2].starts_with("[ 1.0000e+02, "), "{out}");
    assert_eq!(lines.last(), Some(&&*format!("saved 6 tensors: {new}")), "{out}");
    assert!(err.contains("parameters are drawn"), "{err}");
    for key in ["2.weight[0, 0]", "4.weight[0, 0]", "[2].weight[0][0]", "[4].weight[0, 0]", "4.weight[-8, ...][0]"] {
        let (out, err) = done(&[&tied, key, "--weights", &new]);
        assert_eq!((out.lines().nth(1), err.as_str()), (Some("100."), ""), "{key}: {out}");
    }
    let (drawn, _) = done(&[&tied, "2.weight[1:]"]);
    let (loaded, _) = done(&[&tied, "2.weight[1:]", "--weights", &new]);
    assert_eq!(drawn, loaded, "the others are as they were drawn");
}

#[test]
fn parts_and_whole_parameters_are_set_by_one_number() {
    let folder = tempfile::tempdir().expect("a folder");
    let new = folder.path().join("new.safetensors").to_string_lossy().into_owned();
    let named = model("named_parameters.cnn");
    let sets = ["0.weight[0, :] = -1.5", "0.weight[1:3, ::2]=2e-3", "0.bias = 0", "2.weight[...] = 1"];
    let mut arguments = vec![&*named, "--save", &new, "--seed", "3"];
    sets.iter().for_each(|set| arguments.extend(["--set", set]));
    let (out, _) = done(&arguments);
    let heads: Vec<&str> = out.lines().map(|line| line.split(", w").next().unwrap_or_default()).collect();
    let expected = [
        "0.weight[0, :] is -1.5: 4 of 32",
        "0.weight[1:3, ::2] is 0.002: 4 of 32",
        "0.bias is 0: 8 of 8",
        "2.weight[...] is 1: 8 of 8",
    ];
    assert_eq!(heads[..4], expected, "{out}");
    let (rows, _) = done(&[&named, "0.weight[:2]", "--weights", &new]);
    assert!(rows.starts_with("0.weight[:2] [2, 4]\n[[-1.5000, -1.5000, -1.5000, -1.5000],\n [ 0.0020, "), "{rows}");
    assert_eq!(done(&[&named, "0.weight[2, 2]", "--weights", &new]).0, "0.weight[2, 2] []\n0.0020\n");
    assert_eq!(
        done(&[&named, "2.weight", "--weights", &new]).0,
        "2.weight [1, 8]\n[[1., 1., 1., 1., 1., 1., 1., 1.]]\n"
    );
    // What is set last stays.
    let twice = ["--set", "0.bias = 1", "--set", "0.bias[0] = 2"];
    let (out, err) = done(&[&[&*named, "0.bias"], &twice[..]].concat());
    assert!(out.ends_with("0.bias [8]\n[2., 1., 1., 1., 1., 1., 1., 1.]\n"), "{out}");
    assert!(err.contains("kept nowhere"), "{err}");
}

#[test]
fn counters_are_whole_numbers_and_the_models_own_parameters_are_set_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let spec = folder.path().join("counted.cnn").to_string_lossy().into_owned();
    fs::write(&spec, "model Counted(width: int = 2) { input [N, 3]; Linear(width); BatchNorm1d }").expect("a spec");
    let (out, _) = done(&[&spec, "1.num_batches_tracked", "--set", "1.num_batches_tracked = 7", "--set", "width=4"]);
    assert!(out.starts_with("1.num_batches_tracked is 7: 1 of 1, was 0\n1.num_batches_tracked []\n7\n"), "{out}");
    assert!(refused(&[&spec, "--set", "1.num_batches_tracked = 1.5"]).contains("a whole number from 0"));
    assert!(done(&[&spec, "--set", "width=4"]).0.contains("0.weight               [4, 3]"));
}

#[test]
fn what_is_not_there_is_told_with_its_place_and_what_is() {
    let named = model("named_parameters.cnn");
    for (set, code, words) in [
        ("0.wieght[0, 0] = 1", "E202", "there is `0.weight`"),
        ("0 = 1", "E202", "its parameters are 0.weight, 0.bias"),
        ("0[1] = 1", "E202", "indices take a part of one"),
        ("0.weight[8, 0] = 1", "E205", "there is no 8 on axis 0, which has indices from 0 to 7, or from -8 to -1"),
        ("0.weight[0, 0, 0] = 1", "E205", "here are 3 indices, and 2 axes: [8, 4]"),
        ("0.weight[0, = 1", "E205", "a bracket is not closed"),
        ("0.weight[x] = 1", "E205", "`x` is no index"),
        ("[7].weight = 1", "E205", "NamedParameters has children from 0 to 2, and none at `7`"),
        ("0.weight[5:2] = 1", "E205", "has no values"),
        ("0.weight = one", "E205", "`0.weight` is set to one number, such as `100`"),
        ("0.weight = 1e39", "E205", "a number of float32"),
        ("0.weight = ", "E205", "one number"),
    ] {
        let err = refused(&[&named, "--set", set]);
        assert!(err.starts_with(&format!("error[{code}]")) && err.contains(words), "{set}: {err}");
        assert!(err.contains("┌─ --set:1:"), "{set}: {err}");
    }
    let err = refused(&[&named, "--set", "0.bais = 1", "--set", "0.bias[9] = 1"]);
    assert_eq!(err.matches("error[").count(), 2, "all of them in one run: {err}");
    assert!(refused(&[&named, "0.weight[8]"]).contains("`0.weight` is [8, 4]; indices count from 0"));
    assert_eq!(cnnc(&[&named, "--force"]).status.code(), Some(2));
}

#[test]
fn drawn_parameters_are_saved_and_nothing_that_is_read_is_written_over_unasked() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let (lenet, first, link) = (model("lenet.cnn"), path("first.safetensors"), path("link.safetensors"));
    let (out, err) = done(&[&lenet, "--save", &first, "--seed", "5"]);
    assert_eq!(out, format!("saved 10 tensors: {first}\n"));
    assert!(err.contains("from seed 5"), "{err}");
    assert_eq!(done(&[&lenet, "0.bias", "--weights", &first]).0, done(&[&lenet, "0.bias", "--seed", "5"]).0);
    let before = fs::read(&first).expect("the weights");
    std::os::unix::fs::symlink(&first, &link).expect("a link");
    for same in [&first, &link] {
        let err = refused(&[&lenet, "--weights", &first, "--save", same]);
        assert!(err.starts_with("error[E601]") && err.contains("--force"), "{err}");
    }
    assert_eq!(fs::read(&first).expect("the weights"), before);
    let spec = path("own.cnn");
    fs::copy(&lenet, &spec).expect("a spec");
    assert!(refused(&[&spec, "--save", &spec, "--force"]).contains("a source that this command reads"));
    done(&[&lenet, "--weights", &first, "--set", "0.bias = 1", "--save", &first, "--force"]);
    assert_eq!(done(&[&lenet, "0.bias", "--weights", &first]).0, "0.bias [6]\n[1., 1., 1., 1., 1., 1.]\n");
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 3, "no other file is left");
}

#[test]
fn a_parameter_is_drawn_as_a_picture() {
    let folder = tempfile::tempdir().expect("a folder");
    let picture = folder.path().join("kernels.png").to_string_lossy().into_owned();
    let lenet = model("lenet.cnn");
    for key in ["0.weight", "0.weight[2]", "7.weight", "0.bias"] {
        let (out, _) = done(&[&lenet, key, "--picture", &picture]);
        assert!(out.ends_with(&format!("picture: {picture}\n")), "{out}");
        assert!(fs::read(&picture).expect("a picture").starts_with(b"\x89PNG"), "{key}");
    }
    let err = refused(&[&lenet, "0", "--picture", &picture]);
    assert!(err.contains("PATH names `0.weight`, `0.bias`"), "{err}");
    let err = refused(&[&model("resnet18.cnn"), "0.1.num_batches_tracked", "--picture", &picture]);
    assert!(err.contains("a count has no picture"), "{err}");
    let (_, err) = texts(&cnnc(&[&lenet, "0.weight", "--picture", &lenet]));
    assert!(err.contains("a picture is written as PNG"), "{err}");
    assert_eq!(cnnc(&[&lenet, "--picture", &picture]).status.code(), Some(2), "of which parameter?");
}
