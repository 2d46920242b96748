//! `cnnc check --fix` as a process: what it changes, what it leaves and what it says.

mod common;
use common::{MODELS, cnnc, done, refused, text};

use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

/// A spec and its import, each with what leaves no doubt; comments and spelling are people's own.
const NET: &str = "import \"blocks.cnn\"\n\nmodel Net {  # mine\n  input [N, 3, 8, 8]\n  Conv2d(8, kernel_size=3, bias=False)\n  \
                   BatchNorm2d(8); Head(classes=2×5)\n}\n";
const BLOCKS: &str = "block Head(classes: int) {\n    Flatten\n    Linear(288, classes)\n}\n";

struct Case(TempDir);

impl Case {
    fn new(files: &[(&str, &str)]) -> Case {
        let case = Case(tempfile::tempdir().expect("a folder"));
        files.iter().for_each(|(name, content)| fs::write(case.at(name), content).expect("a file"));
        case
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn name(&self, name: &str) -> String {
        text(&self.at(name))
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.at(name)).expect("a file")
    }
}

#[test]
fn what_leaves_no_doubt_is_mended_across_files() {
    let case = Case::new(&[("net.cnn", NET), ("blocks.cnn", BLOCKS)]);
    let net = case.name("net.cnn");
    let output = cnnc(&["check", "--fix", &net]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    assert_eq!(said, format!("{}: 1 change made\n{net}: 3 changes made\n", case.name("blocks.cnn")));
    let mended = NET.replace("False", "false").replace("BatchNorm2d(8)", "BatchNorm2d").replace('×', "*");
    assert_eq!(case.read("net.cnn"), mended);
    assert_eq!(case.read("blocks.cnn"), BLOCKS.replace("288, ", ""));
    let again = cnnc(&["check", "--fix", &net]);
    assert_eq!((again.status.code(), String::from_utf8_lossy(&again.stderr).as_ref()), (Some(0), ""));
}

#[test]
fn a_dry_run_shows_what_would_change() {
    let case = Case::new(&[("net.cnn", NET), ("blocks.cnn", BLOCKS)]);
    let shown = done(&["check", "--fix", "--dry-run", &case.name("net.cnn")]);
    assert_eq!((case.read("net.cnn").as_str(), case.read("blocks.cnn").as_str()), (NET, BLOCKS));
    for line in [
        "-    Linear(288, classes)",
        "+    Linear(classes)",
        "-  BatchNorm2d(8); Head(classes=2×5)",
        "+  BatchNorm2d; Head(classes=2*5)",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line} in\n{shown}");
    }
    assert!(shown.contains(": Net: ") && shown.contains("output [N, 10]"), "what is right then:\n{shown}");
}

#[test]
fn guesses_are_made_for_those_who_ask() {
    const GUESSED: &str = "model M {\n    input [N, 3, 8, 8]\n    Conv2d(8, kernel_size=3, strides=2)\n    Relu\n}\n";
    let case = Case::new(&[("net.cnn", GUESSED)]);
    let net = case.name("net.cnn");
    let said = refused(&["check", "--fix", &net]);
    assert!(said.contains("E203") && said.contains("E201"), "{said}");
    assert!(
        said.ends_with("2 more can be mended by guesses: --fix=all makes the likeliest, --dry-run shows it\n"),
        "{said}"
    );
    assert_eq!(case.read("net.cnn"), GUESSED);
    done(&["check", "--fix=all", &net]);
    assert_eq!(case.read("net.cnn"), GUESSED.replace("strides", "stride").replace("Relu", "ReLU"));
}

#[test]
fn what_no_change_mends_is_left_and_told() {
    const LEFT: &str = "model M {\n    input [N, 3, 8, 8]\n    Conv2d(8, kernel_size=9)\n    BatchNorm2d(8)\n}\n";
    let case = Case::new(&[("net.cnn", LEFT)]);
    let said = refused(&["check", "--fix", &case.name("net.cnn")]);
    assert!(said.contains("E302") && !said.contains("for more: cnnc explain"), "{said}");
    let settings = refused(&["check", "--fix", &case.name("net.cnn"), "--set", "width=True"]);
    assert!(settings.contains("--set"), "{settings}");
}

#[test]
fn what_is_right_is_left() {
    let lenet = format!("{MODELS}/lenet.cnn");
    assert_eq!(done(&["check", "--fix", "--dry-run", &lenet]), done(&["check", &lenet]));
}

#[test]
fn options_that_do_not_go_together_are_refused() {
    for arguments in [["--fix", "--format", "json"].as_slice(), &["--dry-run"], &["--fix=some"]] {
        let output = cnnc(&[&["check", "net.cnn"], arguments].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
}
