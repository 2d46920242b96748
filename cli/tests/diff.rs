//! `cnnc diff` as a person uses it: two files, a model of a file, a revision of git; in a terminal, in a review, for programs.

mod common;

use common::{MODELS, cnnc, done, refused, text};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

const BEFORE: &str = "import \"blocks.cnn\"
model Net {
    input [N, 3, 32, 32]
    stem: Conv2d(16, kernel_size=3, padding=1); ReLU
    body: Pair(16)
    AdaptiveAvgPool2d(1); Flatten
    fc: Linear(10)
}
";

const BLOCKS: &str = "block Pair(channels: int) { conv1: Conv2d(channels, kernel_size=3, padding=1); ReLU; conv2: Conv2d(channels, kernel_size=1) }\n";

fn git(folder: &Path, arguments: &[&str]) {
    let identity = ["-c", "user.name=cnnc", "-c", "user.email=cnnc@localhost", "-c", "commit.gpgsign=false"];
    let ran =
        Command::new("git").args(identity).args(arguments).current_dir(folder).output().expect("git is installed");
    assert!(ran.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
}

/// A folder with the spec before, and a file with the spec after the change.
fn folder(change: impl Fn(&str) -> String) -> (tempfile::TempDir, String, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).expect("a file");
        text(&path)
    };
    write("blocks.cnn", BLOCKS);
    let (before, after) = (write("before.cnn", BEFORE), write("after.cnn", &change(BEFORE)));
    (folder, before, after)
}

fn json(arguments: &[&str]) -> Value {
    let out = done(&[&["diff"], arguments, &["--format", "json"]].concat());
    serde_json::from_str(&out).expect("JSON")
}

#[test]
fn a_renamed_block_and_a_wider_stem() {
    let (_folder, before, after) =
        folder(|text| text.replace("body: Pair", "trunk: Pair").replace("Conv2d(16, ", "Conv2d(24, "));
    let data = json(&[&before, &after]);
    let changes = data["changes"].as_array().expect("changes");
    let told: Vec<(&str, &str)> = changes
        .iter()
        .map(|change| (change["kind"].as_str().expect("a kind"), change["after"]["path"].as_str().expect("a path")))
        .collect();
    assert_eq!(told, [("changed", "stem"), ("renamed", "trunk")]);
    // 3·3·3·8 + 8 in the stem, 3·3·8·16 in the block.
    let parameters = |side: &str| data[side]["totals"]["params"].as_u64().expect("a number");
    assert_eq!(parameters("after") - parameters("before"), 224 + 1152);
    let fates: Vec<&str> =
        data["tensors"].as_array().expect("tensors").iter().filter_map(|tensor| tensor["fate"].as_str()).collect();
    assert_eq!(fates.iter().filter(|fate| **fate == "reshaped").count(), 3, "{fates:?}");
    assert_eq!(fates.iter().filter(|fate| **fate == "renamed").count(), 3, "{fates:?}");
    assert_eq!(fates.iter().filter(|fate| **fate == "kept").count(), 2, "{fates:?}");
    let told = done(&["diff", &before, &after]);
    assert!(told.contains("~ stem") && told.contains("> body → trunk") && told.contains("reshaped"), "{told}");
    let markdown = done(&["diff", &before, &after, "--format", "markdown"]);
    assert!(markdown.contains("- renamed: `body → trunk`") && markdown.contains("| parameters |"), "{markdown}");
}

#[test]
fn weights_are_tried_on_both() {
    let (folder, before, after) = folder(|text| text.replace("Linear(10)", "Linear(12)"));
    let weights = &text(&folder.path().join("w.safetensors"));
    done(&["params", &before, "--save", weights]);
    let data = json(&[&before, &after, "--weights", weights]);
    assert_eq!(data["weights"]["load"], Value::Bool(false));
    assert!(data["weights"]["reason"].as_str().expect("a reason").contains("do not fit"), "{}", data["weights"]);
    let same = json(&[&before, &before, "--weights", weights]);
    assert_eq!(same["weights"]["load"], Value::Bool(true));
    assert!(same["changes"].as_array().expect("changes").is_empty());
    assert!(refused(&["diff", &after, &before, "--weights", weights]).contains("do not fit"));
}

#[test]
fn models_of_one_file_and_revisions_of_one_file() {
    let (folder, before, _) = folder(str::to_owned);
    let two = format!("{BEFORE}model Wide = Net()\n").replace("model Net {", "model Net(classes: int = 10) {");
    let two = two.replace("Linear(10)", "Linear(classes)").replace("Wide = Net()", "Wide = Net(classes=100)");
    std::fs::write(&before, two).expect("a file");
    let data = json(&[&format!("{before}:Net"), &format!("{before}:Wide")]);
    assert_eq!(data["changes"][0]["after"]["path"], "fc");
    git(folder.path(), &["init", "-q"]);
    git(folder.path(), &["add", "."]);
    git(folder.path(), &["commit", "-q", "-m", "first"]);
    let committed = std::fs::read_to_string(&before).expect("a text");
    std::fs::write(&before, committed.replace("ReLU\n    body", "SiLU\n    body")).expect("a file");
    let run = |arguments: &[&str]| {
        let program = env!("CARGO_BIN_EXE_cnnc");
        let ran = Command::new(program).args(arguments).current_dir(folder.path()).output().expect("cnnc runs");
        (
            ran.status.code(),
            String::from_utf8_lossy(&ran.stdout).into_owned(),
            String::from_utf8_lossy(&ran.stderr).into_owned(),
        )
    };
    for old in ["HEAD:before.cnn", "HEAD:./before.cnn", "HEAD:before.cnn:Wide"] {
        let (code, out, errors) = run(&["diff", old, "before.cnn"]);
        assert!(code == Some(0) && out.contains("- 1") && out.contains("+ 1"), "{old}: {out}{errors}");
    }
    let (code, _, errors) = run(&["diff", "HEAD:gone.cnn", "before.cnn"]);
    assert!(code == Some(1) && errors.contains("gone.cnn") && errors.contains("git"), "{errors}");
    let (code, _, errors) = run(&["diff", "--", "--help:before.cnn", "before.cnn"]);
    assert!(code == Some(1) && errors.contains("no revision"), "{errors}");
    let (code, _, errors) = run(&["diff", "before.cnn"]);
    assert!(code == Some(2) && errors.contains("AFTER"), "{errors}");
}

#[test]
fn a_deeper_network_of_the_same_family() {
    let [shallow, deep] = ["resnet18", "resnet34"].map(|name| format!("{MODELS}/torchvision/{name}.cnn"));
    let data = json(&[&shallow, &deep]);
    let changes = data["changes"].as_array().expect("changes");
    assert!(changes.iter().all(|change| change["kind"] == "added" && change["after"]["layer"] == "BasicBlock"));
    let paths: Vec<&str> = changes.iter().filter_map(|change| change["after"]["path"].as_str()).collect();
    assert_eq!(paths, ["layer1.2", "layer2.2", "layer2.3", "layer3.2", "layer3.3", "layer3.4", "layer3.5", "layer4.2"]);
    assert!(
        data["tensors"]
            .as_array()
            .expect("tensors")
            .iter()
            .all(|tensor| { tensor["fate"] == "kept" || tensor["fate"] == "new" })
    );
    assert!(!cnnc(&["diff", &shallow]).status.success());
}
