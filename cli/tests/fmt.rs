//! `cnnc fmt` as a process: what it writes, what it leaves, what it says and how it ends.

mod common;
use common::{MODELS, cnnc, done, refused, text};

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

const ODD: &str = "# Of two.\nmodel M{ # here\n input [N,3]\n  Dropout( 0.50 )\n}";
const FORMATTED: &str = "# Of two.\nmodel M {  # here\n    input [N, 3]\n    Dropout(0.50)\n}\n";

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, content).expect("a file");
    }
    folder
}

/// The command with this on standard input.
fn given(input: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cnnc"));
    let command = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().expect("a process");
    process.stdin.take().expect("its input").write_all(input.as_bytes()).expect("a reader");
    process.wait_with_output().expect("its output")
}

fn at(folder: &TempDir, name: &str) -> (PathBuf, String) {
    let path = folder.path().join(name);
    let name = text(&path);
    (path, name)
}

#[test]
fn what_is_not_in_the_style_is_written_and_named() {
    let folder = folder(&[
        ("odd.cnn", ODD),
        ("good.cnn", FORMATTED),
        ("deep/odd.cnn", ODD),
        (".hidden/odd.cnn", ODD),
        ("odd.txt", ODD),
    ]);
    let here = text(folder.path());
    let (odd, odd_name) = at(&folder, "odd.cnn");
    let (deep, deep_name) = at(&folder, "deep/odd.cnn");
    let named = format!("{deep_name}\n{odd_name}\n");
    let checked = cnnc(&["fmt", "--check", &here]);
    assert_eq!((checked.status.code(), String::from_utf8_lossy(&checked.stdout).as_ref()), (Some(1), named.as_str()));
    assert_eq!(String::from_utf8_lossy(&checked.stderr), "2 of 3 specs would be formatted\n");
    assert_eq!(fs::read_to_string(&odd).expect("the spec"), ODD);
    assert_eq!(done(&["fmt", &here]), named);
    assert_eq!([&odd, &deep].map(|path| fs::read_to_string(path).expect("the spec")), [FORMATTED, FORMATTED]);
    assert_eq!(
        [".hidden/odd.cnn", "odd.txt"].map(|name| fs::read_to_string(at(&folder, name).0).expect("a file")),
        [ODD, ODD]
    );
    assert_eq!((done(&["fmt", &here]), done(&["fmt", "--check", &here])), (String::new(), String::new()));
}

#[test]
fn what_ships_is_in_the_style() {
    assert_eq!(done(&["fmt", "--check", MODELS]), "");
}

#[test]
fn a_difference_is_shown_and_nothing_written() {
    let folder = folder(&[("odd.cnn", ODD)]);
    let (odd, name) = at(&folder, "odd.cnn");
    let difference = done(&["fmt", "--diff", &name]);
    assert_eq!(
        difference,
        format!(
            "--- {name}\n+++ {name}\n@@ -1,5 +1,5 @@\n # Of two.\n-model M{{ # here\n- input [N,3]\n-  Dropout( 0.50 )\n-}}\n\
             \\ No newline at end of file\n+model M {{  # here\n+    input [N, 3]\n+    Dropout(0.50)\n+}}\n"
        )
    );
    assert_eq!(fs::read_to_string(&odd).expect("the spec"), ODD);
    assert_eq!(cnnc(&["fmt", "--diff", "--check", &name]).status.code(), Some(1));
}

#[test]
fn standard_input_goes_to_standard_output() {
    let output = given(ODD, &["fmt", "-"]);
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stdout).as_ref()), (Some(0), FORMATTED));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let checked = given(ODD, &["fmt", "--check", "-"]);
    assert_eq!((checked.status.code(), String::from_utf8_lossy(&checked.stdout).as_ref()), (Some(1), "<stdin>\n"));
    let broken = given("model M {\n    Conv2d(3\n", &["fmt", "-"]);
    assert_eq!((broken.status.code(), broken.stdout.as_slice()), (Some(1), b"".as_slice()));
    assert!(String::from_utf8_lossy(&broken.stderr).contains("<stdin>:2:11"), "{broken:?}");
}

#[test]
fn a_broken_file_is_left_and_the_others_are_formatted() {
    const BROKEN: &str = "model M{\n Conv2d( 3\n";
    let folder = folder(&[("a.cnn", BROKEN), ("b.cnn", ODD)]);
    let said = refused(&["fmt", &text(folder.path())]);
    assert!(said.contains("error[E102]") && said.ends_with("1 of 1 spec formatted\n"), "{said}");
    assert_eq!(fs::read_to_string(at(&folder, "a.cnn").0).expect("the spec"), BROKEN);
    assert_eq!(fs::read_to_string(at(&folder, "b.cnn").0).expect("the spec"), FORMATTED);
}

#[test]
fn line_ends_of_windows_stay_and_a_byte_order_mark_goes() {
    let windows = ODD.replace('\n', "\r\n");
    let folder = folder(&[("windows.cnn", &windows), ("marked.cnn", &format!("\u{feff}{ODD}"))]);
    done(&["fmt", &text(folder.path())]);
    let read = |name| fs::read_to_string(at(&folder, name).0).expect("the spec");
    assert_eq!(read("windows.cnn"), FORMATTED.replace('\n', "\r\n"));
    assert_eq!(read("marked.cnn"), FORMATTED);
}

#[test]
fn what_is_no_spec_is_told() {
    let folder = folder(&[("empty/readme.txt", ""), ("noise.cnn", "")]);
    fs::write(at(&folder, "noise.cnn").0, b"model\n\xff\xfe").expect("a file");
    assert!(refused(&["fmt", &at(&folder, "empty").1]).contains("holds no spec"));
    assert!(refused(&["fmt", &at(&folder, "nothing.cnn").1]).contains("there is no such file"));
    assert!(refused(&["fmt", &at(&folder, "noise.cnn").1]).contains("it is not UTF-8 text (line 2)"));
}
