//! Training on data as they lie, as a process: folders that are split, lists, sets that are asked alone, names of classes that go
//! with the weights, and what is said of data that do not fit.

#[path = "common/case.rs"]
mod case;

use case::Case;
use std::fs;

const SPEC: &str = "model M { input [N, 3, 8, 8]; Conv2d(4, kernel_size=3); ReLU; Flatten; fc: Linear(2) }";
const REST: &str = "optimizer: {name: adam, lr: 0.01}\nbatch_size: 4\nepochs: 8\noutput: out\n";

impl Case {
    fn new(spec: &str, recipe: &str) -> Case {
        let case = Case::empty();
        case.put("m.cnn", spec.as_bytes());
        case.put("r.yaml", recipe.as_bytes());
        case
    }

    fn put(&self, name: &str, content: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, content).expect("a file");
    }

    /// A picture of one colour.
    fn picture(&self, name: &str, side: usize, colour: [u8; 3]) {
        let pixels = colour.repeat(side * side);
        self.put(name, &cnnc_runtime::input::png(side, side, &pixels).expect("a picture"));
    }

    /// Bright cats and dark dogs, so many of each, in the folders of a set.
    fn animals(&self, set: &str, count: u8) {
        for number in 0..count {
            self.picture(&format!("{set}/dog/{number}.png"), 8, [number, 10, 0]);
            self.picture(&format!("{set}/cat/{number}.png"), 8, [255 - number, 250, 240]);
        }
    }
}

#[test]
fn a_flat_folder_is_split_and_its_names_go_with_the_weights() {
    let recipe = format!("model: m.cnn\ndata: {{format: folder, path: animals, split: 0.25}}\n{REST}");
    let case = Case::new(SPEC, &recipe);
    case.animals("animals", 8);
    case.put("animals/cat/.DS_Store", b"rubbish");
    case.put("animals/readme.txt", b"words");
    let output = case.ends(0, "train r.yaml", &["2 entries of `animals` are no pictures", "`.DS_Store`, `readme.txt`"]);
    assert!(output.contains("12 + 4 pictures in 2 classes"), "{output}");
    assert!(output.contains("all goes to out"), "{output}");

    let rows = case.ends(0, "run m.cnn --weights out/best.safetensors --input animals --format csv", &[]);
    assert_eq!(rows.lines().count(), 17, "{rows}");
    assert!(rows.lines().skip(1).all(|row| row.contains("cat/") == row.contains(",cat,")), "{rows}");
    assert!(rows.lines().skip(1).all(|row| row.contains("dog/") == row.contains(",dog,")), "{rows}");

    // Another order of the same names, and a set that lacks a class: nothing but the weights says which is which.
    case.animals("other/test", 3);
    fs::remove_dir_all(case.path("other/test/cat")).expect("gone");
    let eval = "eval r.yaml --data other --split test --set data.split=null";
    let table = case.ends(0, eval, &["the classes that the weights were trained with", "no picture of `cat`"]);
    assert!(table.contains("100.00 %  (3 of 3)"), "{table}");
    case.ends(1, "eval r.yaml --split test", &["E610", "lacks a folder `test`"]);

    let labelled = SPEC.replace("model M {", "model M { labels [\"dog\", \"cat\"];");
    case.put("labelled.cnn", labelled.as_bytes());
    case.ends(
        0,
        "run labelled.cnn --weights out/best.safetensors --input animals/cat/0.png",
        &["was trained with other names", "class 0 is `cat` there, and `dog` here"],
    );
    let on = "train r.yaml --output on --set weights=out/best.safetensors --epochs 1";
    case.ends(0, on, &[]);
    case.animals("birds/robin", 3);
    case.ends(1, &format!("{on} --force --data birds/robin/.."), &["E610", "`robin`"]);
}

#[test]
fn lists_name_pictures_and_their_classes() {
    let recipe = format!("model: m.cnn\ndata: {{format: list, path: .}}\n{REST}");
    let case = Case::new(SPEC, &recipe);
    case.animals("pictures", 4);
    let lines = |numbers: std::ops::Range<u8>| -> String {
        numbers.flat_map(|n| [format!("pictures/cat/{n}.png,cat\n"), format!("pictures/dog/{n}.png,dog\n")]).collect()
    };
    case.put("train.csv", format!("path,label\n{}", lines(0..3)).as_bytes());
    case.put("test.csv", lines(3..4).as_bytes());
    let output = case.ends(0, "train r.yaml", &[]);
    assert!(output.contains("6 + 2 pictures in 2 classes"), "{output}");
    fs::remove_file(case.path("train.csv")).expect("gone");
    let table = case.ends(0, "eval r.yaml --split test", &[]);
    assert!(table.contains("(2 of 2)"), "{table}");
}

#[test]
fn broken_files_are_named_before_anything_is_trained() {
    let recipe = format!("model: m.cnn\ndata: {{format: folder, path: animals, split: 0.25, check: true}}\n{REST}");
    let case = Case::new(SPEC, &recipe);
    case.animals("animals", 8);
    let whole = fs::read(case.path("animals/cat/1.png")).expect("a picture");
    case.put("animals/cat/1.png", &whole[..whole.len() / 2]);
    case.put("animals/dog/2.webp", b"RIFF");
    let words = ["E610", "pictures cannot be read", "cat/1.png", "`corrupt: skip`"];
    case.ends(1, "train r.yaml", &words);
    assert!(!case.path("out").exists(), "nothing was begun");
    let output = case.ends(0, "train r.yaml --set data.corrupt=skip", &["left out: ", "cat/1.png", "dog/2.webp"]);
    assert!(output.contains("11 + 4 pictures") || output.contains("12 + 3 pictures"), "{output}");
}

#[test]
fn sizes_that_a_spec_leaves_open_are_those_of_the_recipe() {
    let spec =
        "model M { input [N, 3, H, W]; Conv2d(4, kernel_size=3); ReLU; AdaptiveAvgPool2d(1); Flatten; Linear(2) }";
    let case = Case::new(spec, &format!("model: m.cnn\ndata: {{format: folder, path: animals, split: 0.25}}\n{REST}"));
    case.animals("animals", 4);
    case.ends(1, "train r.yaml", &["E610", "`- resize: [32, 32]`"]);
    let sized = "split: 0.25, train: [{resize: [12, 10]}], validation: [{resize: 20}, {center_crop: 16}]";
    let recipe = format!("model: m.cnn\ndata: {{format: folder, path: animals, {sized}}}\n{REST}");
    case.put("r.yaml", recipe.as_bytes());
    case.ends(0, "train r.yaml", &[]);
    case.ends(0, "eval r.yaml", &[]);
}

#[test]
fn what_nobody_named_lies_under_the_current_folder() {
    let recipe = "model: ../m.cnn\ndata: {format: folder, path: ../animals, split: 0.25}\noptimizer: sgd\nbatch_size: 4\nepochs: 1\n";
    let case = Case::new(SPEC, "");
    case.put("came/with/../deep.yaml", recipe.as_bytes());
    case.animals("animals", 2);
    let output = case.ends(0, "train came/deep.yaml", &[]);
    assert!(output.contains("all goes to runs/deep"), "{output}");
    assert!(case.path("runs/deep/best.safetensors").exists() && !case.path("came/runs").exists());
    case.ends(0, "eval came/deep.yaml", &[]);
}

#[test]
fn answers_that_are_no_numbers_are_an_error() {
    let case = Case::new(SPEC, &format!("model: m.cnn\ndata: {{format: folder, path: animals}}\n{REST}"));
    case.animals("animals/val", 2);
    case.ends(0, "params m.cnn --set fc.bias[0]=nan --save nan.safetensors", &[]);
    case.ends(1, "eval r.yaml --weights nan.safetensors", &["E612", "the answers to 4 of 4 samples are no numbers"]);
}

#[test]
fn a_softmax_before_cross_entropy_is_a_warning() {
    let spec = SPEC.replace("Linear(2)", "Linear(2); Softmax(dim=1)");
    let case = Case::new(&spec, &format!("model: m.cnn\ndata: {{format: folder, path: animals, split: 0.5}}\n{REST}"));
    case.animals("animals", 2);
    let words = ["warning[E609]", "ends in `Softmax`", "leave `Softmax` out of the spec"];
    case.ends(0, "train r.yaml --epochs 1", &words);
    let (_, _, errors) = case.said("train r.yaml --epochs 1 --output other --set loss=mse");
    assert!(!errors.contains("E609"), "{errors}");
}

/// The same set for training and validation, at a rate of 0: one loss, whichever way it is reduced.
#[test]
fn a_loss_is_the_same_for_training_and_validation() {
    let recipe = format!("model: m.cnn\ndata: {{format: folder, path: animals}}\n{REST}");
    let case = Case::new(SPEC, &recipe);
    case.animals("animals/train", 3);
    case.animals("animals/val", 3);
    for (number, loss) in ["cross_entropy", "mse", r#"{"name":"mse","reduction":"sum"}"#].into_iter().enumerate() {
        let output = format!("out{number}");
        let set = format!("--set loss={loss} --set lr=0 --set batch_size=2 --epochs 1");
        case.ends(0, &format!("train r.yaml --output {output} {set}"), &[]);
        let log = fs::read_to_string(case.path(&output).join("log.jsonl")).expect("a log");
        let line: serde_json::Value = serde_json::from_str(log.lines().next().expect("a line")).expect("JSON");
        let of = |key: &str| line[key].as_f64().expect("a number");
        assert!((of("train_loss") - of("val_loss")).abs() <= 1e-5 * of("val_loss"), "{loss}: {line}");
    }
}

/// EMNIST counts its letters from 1, and its pictures lie transposed.
#[test]
fn labels_that_count_from_one_are_told_and_mended() {
    let spec = "model M { input [N, 1, 3, 2]; Flatten; Linear(2) }";
    let case = Case::new(spec, &format!("model: m.cnn\ndata: {{format: idx, path: emnist-letters}}\n{REST}"));
    let idx = |sizes: &[u32], bytes: &[u8]| {
        let sizes: Vec<u8> = sizes.iter().flat_map(|size| size.to_be_bytes()).collect();
        [&[0, 0, 8, (sizes.len() / 4) as u8], sizes.as_slice(), bytes].concat()
    };
    for part in ["train", "test"] {
        case.put(&format!("emnist-letters-{part}-images-idx3-ubyte"), &idx(&[2, 2, 3], &[7; 12]));
        case.put(&format!("emnist-letters-{part}-labels-idx1-ubyte"), &idx(&[2], &[1, 2]));
    }
    let words = ["E610", "their labels count from 1, to 2", "`first_label: 1`"];
    case.ends(1, "train r.yaml", &words);
    let first = "--set data.first_label=1 --epochs 1";
    case.ends(1, &format!("train r.yaml {first}"), &["comes to 2×3", "lie transposed", "`transpose`"]);
    let mended = format!("{first} --set data.train=[transpose] --set data.validation=[transpose]");
    let (status, _, errors) = case.said(&format!("train r.yaml {mended} --force"));
    assert!(status == 0 && !errors.contains("transpose"), "{errors}");
}

const AUGMENTED: &str = "split: 0.25, train: [{random_resized_crop: 8}, random_horizontal_flip, random_vertical_flip,
  {random_rotation: 20}, {random_affine: {degrees: 5, translate: [0.1, 0.1]}}, random_perspective, {gaussian_blur: 3},
  {color_jitter: {brightness: 0.2, contrast: 0.2, saturation: 0.2, hue: 0.05}}, random_grayscale, rand_augment,
  trivial_augment_wide, auto_augment, {normalize: {mean: 0.5, std: 0.5}}, random_erasing],
  validation: [{letterbox: 8}, {normalize: {mean: 0.5, std: 0.5}}], mixup: 0.2, cutmix: 1.0";

/// What is besides in the recipe of an augmented training.
const AVERAGED: &str = "ema: 0.9\nschedule: {name: cosine_warm_restarts, t_0: 2}\n";

/// All that is random is a function of seed, epoch and sample: any number of loaders, and a run that was broken off, come to the
/// same bits.
#[test]
fn augmented_trainings_are_the_same_by_any_loaders_and_after_a_resume() {
    let recipe = format!("model: m.cnn\ndata: {{format: folder, path: animals, {AUGMENTED}}}\n{AVERAGED}{REST}");
    let case = Case::new(SPEC, &recipe);
    case.animals("animals", 8);
    let weights = |output: &str| fs::read(case.path(output).join("best.safetensors")).expect("weights");
    case.ends(0, "train r.yaml --output one", &[]);
    case.ends(0, "train r.yaml --output three --set data.workers=3", &[]);
    assert!(weights("one") == weights("three"), "loaders change numbers");
    case.ends(0, "train r.yaml --output half --epochs 3", &[]);
    case.ends(0, "train r.yaml --output half --resume", &[]);
    assert!(weights("one") == weights("half"), "a resume changes numbers");
    let last = fs::read(case.path("one/last.safetensors")).expect("a checkpoint");
    assert!(last.windows(14).any(|text| text == b".ema.fc.weight"), "the means are kept");
    let log = fs::read_to_string(case.path("one/log.jsonl")).expect("a log");
    assert!(log.contains("val_accuracy") && !log.contains("train_accuracy\":0"), "{log}");
}

#[test]
fn a_sheet_shows_what_the_network_will_see_and_nothing_is_trained() {
    let recipe = format!("model: m.cnn\ndata: {{format: folder, path: animals, {AUGMENTED}}}\n{REST}");
    let case = Case::new(SPEC, &recipe);
    case.animals("animals", 8);
    let output = case.ends(0, "train r.yaml --show 6", &[]);
    assert_eq!(output, "out/sheet.png\n");
    let sheet = fs::read(case.path("out/sheet.png")).expect("a sheet");
    assert!(sheet.starts_with(b"\x89PNG") && !case.path("out/log.jsonl").exists());
    case.ends(0, "train r.yaml --show 6", &[]);
    assert!(fs::read(case.path("out/sheet.png")).expect("a sheet") == sheet, "the same again");
    let (status, _, errors) = case.said("train r.yaml --show 0");
    assert_eq!(status, 2, "{errors}");
}

/// `docs/own-pictures.md`: its spec, its recipe, and every command as it is typed, on a small folder that is made for it.
#[test]
fn the_page_for_newcomers_works_as_it_is_typed() {
    let page = include_str!("../../docs/own-pictures.md");
    let block = |kind: &str| {
        let (_, rest) = page.split_once(&format!("```{kind}\n")).expect("a block");
        rest.split("```").next().unwrap_or_default()
    };
    let case = Case::new("", "");
    case.put("pets.cnn", block("cnn").as_bytes());
    case.put("pets.yaml", block("yaml").as_bytes());
    for number in 0..10u8 {
        case.picture(&format!("pictures/cat/{number}.png"), 70, [250 - number, 240, 230]);
        case.picture(&format!("pictures/dog/{number}.png"), 80, [20 + number, 10, 0]);
    }
    let commands: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("    cnnc ")).collect();
    assert_eq!(commands.len(), 5);
    let outputs: Vec<String> = commands.iter().map(|command| case.ends(0, command, &[])).collect();
    assert!(case.path("runs/pets/sheet.png").exists() && outputs[1].ends_with("sheet.png\n"), "{outputs:?}");
    assert!(
        outputs[2].contains("16 + 4 pictures in 2 classes") && outputs[2].contains("epoch 20/20"),
        "{}",
        outputs[2]
    );
    assert!(outputs[3].contains("of 4)") && outputs[3].contains("cat"), "{}", outputs[3]);
    let head = outputs[4].lines().next().unwrap_or_default();
    assert!(head.starts_with("input,") && page.contains(&format!("```text\n{head}\n")), "{head}");
    assert_eq!(outputs[4].lines().count(), 21);
}
