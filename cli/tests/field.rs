//! Small inputs from practice that once went wrong without a word (`tests/cases/field/`, a folder each): what the command says of
//! each now, and the right value where there is one.

#[path = "common/case.rs"]
mod case;

use case::Case;
use cnnc_runtime::input::{Wanted, read};
use std::path::Path;

impl Case {
    /// A case's folder, as a copy, since a command may write beside what it reads.
    fn new(name: &str) -> Case {
        let case = Case::empty();
        copied(&Path::new("../tests/cases/field").join(name), &case.path(""));
        case
    }

    /// The values of an array.
    fn array(&self, name: &str, shape: &[usize]) -> Vec<f32> {
        let shape = shape.iter().map(|&size| Some(size)).collect();
        let wanted = Wanted { name: "array".into(), shape, text: String::new(), image: None };
        read(&self.path(name), &wanted).expect("an array").tensor.data().to_vec()
    }

    fn change(&self, name: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.path(name)).expect("a text");
        assert!(text.contains(from), "{text}");
        std::fs::write(self.path(name), text.replace(from, to)).expect("a file");
    }
}

fn copied(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).expect("the case") {
        let (path, to) = {
            let entry = entry.expect("a file");
            (entry.path(), to.join(entry.file_name()))
        };
        if path.is_dir() {
            std::fs::create_dir(&to).expect("a folder");
            copied(&path, &to);
        } else {
            std::fs::copy(&path, &to).expect("a copy");
        }
    }
}

#[test]
fn features_of_a_batch_norm_are_no_eps() {
    let case = Case::new("bn_num_features");
    case.ends(1, "check m.cnn", &["E207", "PyTorch's `num_features`", "write `BatchNorm2d`"]);
    case.change("m.cnn", "BatchNorm2d(64)", "BatchNorm2d");
    case.ends(0, "run m.cnn --weights w.safetensors --input in0.npy --output out.npy", &[]);
    let (found, expected) = (case.array("out.npy", &[1, 64, 8, 8]), case.array("expected.npy", &[1, 64, 8, 8]));
    let error = found.iter().zip(&expected).map(|(found, expected)| (found - expected).abs()).fold(0.0, f32::max);
    assert!(error < 1e-5, "{error}");
}

#[test]
fn positions_of_pytorch_are_told() {
    let case = Case::new("positional");
    for (spec, words) in [
        ("bn.cnn", ["E207", "write `BatchNorm2d`"]),
        ("bn1.cnn", ["E207", "write `BatchNorm1d`"]),
        ("conv.cnn", ["E225", "Conv2d(6, kernel_size=5)"]),
        ("conv33.cnn", ["E225", "Conv2d(16, kernel_size=3)"]),
        ("conv3313.cnn", ["E225", "Conv2d(16, kernel_size=3, padding=1)"]),
        ("conv6464.cnn", ["E207", "write `Conv2d(64, kernel_size=3, padding=1)`"]),
        ("ct.cnn", ["E207", "ConvTranspose2d(32, kernel_size=2, stride=2)"]),
        ("ct2.cnn", ["E225", "ConvTranspose2d(32, kernel_size=2, stride=2)"]),
        ("eps64.cnn", ["E207", "write `BatchNorm2d`"]),
        ("gn_swapped.cnn", ["E203", "what comes in is inferred"]),
        ("in.cnn", ["E203", "what comes in is inferred"]),
        ("lenet_pytorch.cnn", ["E225", "Conv2d(6, kernel_size=5)"]),
        ("lin.cnn", ["E207", "write `Linear(10)`"]),
        ("lin1.cnn", ["E207", "write `Linear(1)`"]),
        ("linbool.cnn", ["E207", "write `Linear(10, bias=false)`"]),
        ("ln2d.cnn", ["E207", "write `LayerNorm2d`"]),
        ("nf.cnn", ["E203", "what comes in is inferred"]),
        ("drop.cnn", ["E205", "from 0 to 1"]),
        ("softmaxnodim.cnn", ["E204", "dim"]),
    ] {
        case.ends(1, &format!("check {spec}"), &words);
    }
}

#[test]
fn means_are_as_many_as_channels() {
    let case = Case::new("mean_len");
    case.ends(1, "check m.cnn", &["E223", "`mean` has 2 numbers, and the input has 3 channels"]);
    case.ends(1, "check gray.cnn", &["E223", "`mean` has 3 numbers, and the input has 1 channel"]);
    let case = Case::new("image");
    case.ends(1, "check mean2_rgb.cnn", &["E223", "`mean` has 2 numbers", "`std=0.2` is for every channel"]);
    case.ends(1, "check mean3_gray.cnn", &["E223"]);
}

#[test]
fn pictures_that_do_not_fit_are_refused() {
    let case = Case::new("image");
    for spec in ["noresize.cnn", "noresize_small.cnn", "onlymean.cnn"] {
        let words = ["E604", "holds a picture of 37×53", "resize="];
        case.ends(1, &format!("run {spec} --input rgb.png"), &words);
    }
    assert!(case.ends(0, "run open.cnn --input rgb.png", &[]).starts_with("output [1, 3, 37, 53]"));
}

#[test]
fn photographs_stand_upright() {
    let output = Case::new("exif").ends(0, "run m.cnn --input exif6.jpg", &[]);
    assert!(output.starts_with("output [1, 3, 53, 37]"), "{output}");
}

#[test]
fn a_prefix_needs_no_dot_and_is_proposed() {
    let case = Case::new("module_prefix");
    let run = "run m.cnn --weights w.safetensors --input in0.npy";
    case.ends(1, run, &["E602", "`--prefix module.`"]);
    let answers = ["module.", "module"].map(|prefix| case.ends(0, &format!("{run} --prefix {prefix}"), &[]));
    assert_eq!(answers[0], answers[1]);
}

#[test]
fn byte_order_marks_are_no_text() {
    let case = Case::new("bom");
    case.ends(0, "train r.yaml", &[]);
    let case = Case::new("labels");
    let answer = case.ends(0, "run bom.cnn --input rgb.png", &[]);
    assert!(!answer.contains('\u{feff}') && answer.contains("cat"), "{answer}");
}

#[test]
fn what_is_gated_by_nothing_vanishes() {
    let case = Case::new("silu_big");
    case.ends(0, "run m.cnn --input in0.npy --output out.npy", &[]);
    assert_eq!(case.array("out.npy", &[1, 1]), [0.0]);
}

#[test]
fn an_infinity_reaches_three_by_three_by_the_definition() {
    let case = Case::new("wino_inf");
    case.ends(0, "run m.cnn --weights w.safetensors --input in0.npy --exact --output out.npy", &[]);
    let spoilt = case.array("out.npy", &[1, 16, 20, 20]).iter().filter(|value| !value.is_finite()).count();
    assert_eq!(spoilt, 9 * 16);
}

#[test]
fn classes_are_the_model_s_labels_by_name() {
    let case = Case::new("label_order");
    case.ends(0, "train r.yaml", &[]);
    for (class, name) in [("cat", "cat"), ("dog", "dog")] {
        let answer =
            case.ends(0, &format!("run m.cnn --weights out/best.safetensors --input data/val/{class}/0.png"), &[]);
        let first = answer.lines().find(|line| line.contains('%')).unwrap_or_default();
        assert!(first.contains(name), "{answer}");
    }
    case.change("m.cnn", r#"["dog", "cat"]"#, r#"["dogs", "cat"]"#);
    case.ends(
        1,
        "train r.yaml --output other",
        &[
            "E610",
            "the class `dog` of",
            "the data have `cat`, `dog`",
            "`labels` are `dogs`, `cat`",
            "`dog` may be `dogs`",
        ],
    );
}

#[test]
fn a_data_folder_says_what_is_in_it_and_what_is_missing() {
    Case::new("none").ends(1, "train r.yaml", &["E610", "lacks a folder `validation` (or `val`", "in it are `train`"]);
}

#[test]
fn what_systems_leave_beside_the_classes_is_no_class() {
    let case = Case::new("dsstore_dir");
    for folder in ["data/train/__MACOSX", "data/val/__MACOSX", "data/train/.DS_Store"] {
        std::fs::create_dir_all(case.path(folder)).expect("a folder");
        std::fs::write(case.path(folder).join("._0.png"), "rubbish").expect("a file");
    }
    case.ends(0, "train r.yaml", &[]);
}

#[test]
fn pictures_of_all_kinds_are_read_and_what_cannot_be_is_named() {
    let case = Case::new("ext");
    let output = case.ends(0, "train r.yaml", &[]);
    assert!(output.contains("15 + 6 pictures in 2 classes"), "{output}");
    std::fs::write(case.path("data/train/cat/f.webp"), "RIFF no picture").expect("a file");
    case.ends(1, "train r.yaml --output other", &["E603", "f.webp` is no picture of a kind that is read"]);
}

/// What is normalised twice is no pixel the second time: twice by 0.5 and 0.25 is once by 0.625 and 0.0625.
#[test]
fn normalising_twice_is_exact() {
    let case = Case::new("twice");
    let loss = |output: &str| {
        let log = std::fs::read_to_string(case.path(output).join("log.jsonl")).expect("a log");
        let line: serde_json::Value = serde_json::from_str(log.lines().next().expect("a line")).expect("JSON");
        line["train_loss"].as_f64().expect("a loss")
    };
    case.ends(0, "train r.yaml", &[]);
    let one = "{normalize: {mean: 0.5, std: 0.25}}";
    case.change("r.yaml", &format!("[{one}, {one}]"), "[{normalize: {mean: 0.625, std: 0.0625}}]");
    case.ends(0, "train r.yaml --output once", &[]);
    assert!((loss("out") - loss("once")).abs() < 1e-5 * loss("once"), "{} and {}", loss("out"), loss("once"));
}

#[test]
fn a_class_without_pictures_is_named() {
    let case = Case::new("none");
    std::fs::create_dir_all(case.path("data/val/cat")).expect("a folder");
    std::fs::create_dir_all(case.path("data/train/bird")).expect("a folder");
    std::fs::copy(case.path("data/train/cat/0.png"), case.path("data/val/cat/0.png")).expect("a picture");
    case.ends(1, "train r.yaml", &["E610", "the class `bird` has no picture"]);
}

#[test]
fn a_last_batch_that_cannot_be_trained_with_is_named() {
    let case = Case::new("lastbatch1");
    case.change("r.yaml", "batch_size: 1", "batch_size: 4");
    case.ends(1, "train r.yaml", &["E403", "it is the last batch of an epoch, of 1 sample", "`drop_last: true`"]);
    case.ends(0, "train r.yaml --output other --set data.drop_last=true", &[]);
}
