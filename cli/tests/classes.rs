//! Trainings of uneven classes and of pictures with several classes, as a process: what is learnt, measured and answered, and
//! that neither workers nor a resume change a bit.

#[path = "common/case.rs"]
mod case;

use case::Case;
use serde_json::Value;
use std::fs;

const SPEC: &str = "model M { input [N, 3, 8, 8]; Conv2d(4, kernel_size=3); ReLU; Flatten; fc: Linear(3) }";
const REST: &str = "optimizer: {name: adam, lr: 0.01}\nbatch_size: 4\nepochs: 3\noutput: out\n";

impl Case {
    fn new(spec: &str, recipe: &str) -> Case {
        let case = Case::empty();
        case.put("m.cnn", spec);
        case.put("r.yaml", recipe);
        case
    }

    fn put(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, content).expect("a file");
    }

    fn picture(&self, name: &str, colour: [u8; 3]) {
        self.put(name, cnnc_runtime::input::png(8, 8, &colour.repeat(64)).expect("a picture"));
    }

    /// Pictures of three classes, in the folders of both sets: many red, few green, one in ten blue.
    fn uneven(&self) {
        for set in ["train", "val"] {
            for number in 0..20u8 {
                let (class, colour) = match number {
                    0 | 10 => ("blue", [number, 0, 200]),
                    1..=5 => ("green", [0, 200, number]),
                    _ => ("red", [200, number, 0]),
                };
                self.picture(&format!("data/{set}/{class}/{number}.png"), colour);
            }
        }
    }

    /// Pictures whose colours are their classes: eight mixtures of three, in both forms of a list.
    fn mixtures(&self) {
        let (mut cells, mut columns) = (String::new(), "path,blue,green,red\n".to_owned());
        for number in 0..24u8 {
            let has = [4, 2, 1].map(|bit| number & bit > 0);
            self.picture(&format!("data/{number}.png"), has.map(|has| if has { 200 + number } else { number }));
            let names: Vec<&str> =
                ["red", "green", "blue"].into_iter().zip(has).filter(|one| one.1).map(|one| one.0).collect();
            cells += &format!("{number}.png,{}\n", names.join(";"));
            columns += &format!("{number}.png,{},{},{}\n", u8::from(has[2]), u8::from(has[1]), u8::from(has[0]));
        }
        self.put("data/train.csv", cells);
        self.put("data/validation.csv", columns);
    }

    /// The lines of the log without times.
    fn logged(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.path("out/log.jsonl")).expect("a log");
        let line = |line: &str| {
            let mut line: Value = serde_json::from_str(line).expect("JSON");
            let members = line.as_object_mut().expect("an object");
            for time in ["seconds", "images_per_second"] {
                members.remove(time);
            }
            line
        };
        text.lines().map(line).collect()
    }
}

#[test]
fn weights_of_classes_are_listed_named_or_counted_alike() {
    let case = Case::new(SPEC, &format!("model: m.cnn\ndata: {{format: folder, path: data}}\n{REST}"));
    case.uneven();
    let entropy = |more: &str| format!("--set loss.name=cross_entropy {more}").trim_end().to_owned();
    let trained = |more: &str| {
        case.ends(0, &format!("train r.yaml --force {}", entropy(more)), &[]);
        case.logged()
    };
    // 20 pictures, 2 blue, 5 green, 13 red: 20 / (3 n).
    let [blue, green, red] = ["3.3333333333333335", "1.3333333333333333", "0.5128205128205128"];
    let listed = trained(&format!("--set loss.weight=[{blue},{green},{red}]"));
    assert_eq!(listed, trained("--set loss.weight=balanced"));
    let by_name = [("red", red), ("blue", blue), ("green", green)];
    let by_name = by_name.map(|(name, weight)| format!("--set loss.weight.{name}={weight}"));
    assert_eq!(listed, trained(&by_name.join(" ")));
    assert_ne!(listed, trained(""));
    // What is counted is counted in the training set, whichever set is asked.
    let balanced = entropy("--set loss.weight=balanced");
    case.ends(0, &format!("train r.yaml --force {balanced}"), &[]);
    let report = case.ends(0, &format!("eval r.yaml --format json {balanced} --weights out/last.safetensors"), &[]);
    let asked = serde_json::from_str::<Value>(&report).expect("JSON")["loss"].as_f64().expect("a loss");
    let last = case.logged()[2]["val_loss"].as_f64().expect("a loss");
    assert!((asked - last).abs() < 1e-5, "{asked} and {last}");
    fs::remove_dir_all(case.path("data/train")).expect("gone");
    let words = ["E610", "`loss.weight` is counted from the training set: `--set loss.weight=null`"];
    case.ends(1, &format!("eval r.yaml {balanced}"), &words);
    case.ends(0, &format!("eval r.yaml {balanced} --set loss.weight=null"), &[]);
}

/// At a learning rate of 0 on sets that are alike: the mean over all samples, whatever batches they come in.
#[test]
fn an_epoch_s_loss_is_the_same_measure_in_training_and_validation_for_any_batches() {
    let case = Case::new(SPEC, &format!("model: m.cnn\ndata: {{format: folder, path: data}}\n{REST}"));
    case.uneven();
    for loss in [
        "loss=cross_entropy",
        "loss.name=cross_entropy --set loss.weight=[0.5,3,0.25] --set loss.label_smoothing=0.1",
        "loss.name=focal --set loss.alpha=balanced",
        "loss=mse",
        "loss.name=mse --set loss.reduction=sum",
    ] {
        let mut all = Vec::new();
        for batch in [20, 7, 3, 1] {
            let settings = format!("--epochs 1 --set lr=0 --set batch_size={batch} --set {loss}");
            case.ends(0, &format!("train r.yaml --force {settings}"), &[]);
            let line = case.logged().remove(0);
            all.extend(["train_loss", "val_loss"].map(|key| line[key].as_f64().expect("a loss")));
        }
        assert!(all.iter().all(|loss| (loss - all[1]).abs() < 1e-5 * all[1]), "{loss}: {all:?}");
    }
}

#[test]
fn weights_that_do_not_fit_are_told_with_a_mend() {
    let case = Case::new(SPEC, &format!("model: m.cnn\ndata: {{format: folder, path: data}}\n{REST}"));
    case.uneven();
    let weight = |weight: &str| format!("train r.yaml --set loss.name=cross_entropy --set loss.weight{weight}");
    case.ends(1, &weight("=[1,2]"), &["E610", "`loss.weight` has 2 numbers, and the model tells 3 classes apart"]);
    case.ends(1, &weight(".azure=2"), &["E607", "names the class `azure`", "they are `blue` to `red`"]);
    case.ends(1, &weight(".gren=2"), &["E607", "there is `green`"]);
    case.put("m.cnn", SPEC.replace("Linear(3)", "Linear(4)"));
    let words = ["E610", "the training set has no picture of the class `3`", "`weight: {3: 1}`"];
    case.ends(1, &weight("=balanced"), &words);
    assert!(!case.path("out").exists(), "nothing was begun");
}

#[test]
fn a_balanced_epoch_is_the_same_for_any_workers_and_after_a_resume() {
    let recipe = format!(
        "model: m.cnn\ndata: {{format: folder, path: data, sampler: balanced, train: [random_horizontal_flip]}}\n{REST}"
    );
    let case = Case::new(SPEC, &recipe);
    case.uneven();
    case.ends(0, "train r.yaml", &[]);
    let whole = case.logged();
    assert_eq!(whole.len(), 3);
    case.ends(0, "train r.yaml --force --set data.workers=3", &[]);
    assert_eq!(case.logged(), whole);
    case.ends(0, "train r.yaml --force --epochs 1", &[]);
    case.ends(0, "train r.yaml --resume", &[]);
    assert_eq!(case.logged(), whole);
    case.ends(
        1,
        "train r.yaml --resume --epochs 4 --set data.sampler=shuffle",
        &["E611", "`data.sampler` was balanced and is shuffle"],
    );
}

#[test]
fn pictures_of_several_classes_are_learnt_measured_and_answered() {
    let recipe = format!("model: m.cnn\ndata: {{format: multi_label, path: data}}\n{REST}");
    let case = Case::new(SPEC, &recipe);
    case.mixtures();
    let output = case.ends(0, "train r.yaml --epochs 30", &[]);
    assert!(output.contains("24 + 24 pictures in any of 3 classes"), "{output}");
    assert!(output.contains("val mAP 100.00 %") && output.contains("best: epoch"), "{output}");
    let log = case.logged();
    let last = log.last().expect("epochs");
    assert!(last["val_map"] == 1.0 && last["val_accuracy"] == 1.0 && last["train_accuracy"].is_f64(), "{last}");
    assert!(fs::read_to_string(case.path("out/curves.svg")).expect("curves").contains("mAP, %"));

    let table = case.ends(0, "eval r.yaml --weights out/last.safetensors", &[]);
    assert!(table.contains("mean average precision  100.00 %") && table.contains("24 of 24 pictures"), "{table}");
    let report = case.ends(0, "eval r.yaml --weights out/last.safetensors --format json", &[]);
    let report: Value = serde_json::from_str(&report).expect("JSON");
    assert_eq!((&report["f1"], &report["classes"][1]["name"]), (&1.0.into(), &"green".into()));
    assert_eq!(report["classes"][2]["pictures"], 12);

    // 7 is all three, 8 none of them.
    let run = |more: &str| case.ends(0, &format!("run m.cnn --weights out/last.safetensors --input {more}"), &[]);
    let all = run("data/7.png");
    assert!(all.lines().take(3).all(|line| line.contains('█')) && all.contains("above 50 % it is there"), "{all}");
    let rows = run("data --format csv");
    assert!(rows.starts_with("input,classes,blue,green,red\n") && rows.contains("\n8.png,,0."), "{rows}");
    assert!(rows.lines().any(|row| row.starts_with("7.png,") && row.matches(';').count() == 2), "{rows}");
    assert!(run("data").contains("8.png   no class"), "{}", run("data"));
    // A model that ends in Sigmoid gives the same chances itself.
    case.put("sigmoid.cnn", SPEC.replace("fc: Linear(3)", "fc: Linear(3); Sigmoid"));
    let same = case.ends(0, "run sigmoid.cnn --weights out/last.safetensors --input data --format csv", &[]);
    assert_eq!(same, rows);
    case.ends(
        0,
        "train r.yaml --force --epochs 1 --set model=sigmoid.cnn",
        &["E609", "takes a sigmoid of the answer once more"],
    );
}

#[test]
fn options_of_several_classes_train_and_resume_to_the_same_bits() {
    let recipe = format!(
        "model: m.cnn\ndata: {{format: multi_label, path: data, split: 0.25, mixup: 0.3}}\n{REST}\
         loss: {{name: binary_cross_entropy, pos_weight: balanced, label_smoothing: 0.1}}\n"
    );
    let case = Case::new(SPEC, &recipe);
    case.mixtures();
    case.ends(0, "train r.yaml", &[]);
    let whole = case.logged();
    assert!(whole[0].get("train_accuracy").is_none(), "no class is right where they are mixed");
    case.ends(0, "train r.yaml --force --epochs 2 --set data.workers=2", &[]);
    case.ends(0, "train r.yaml --resume", &[]);
    assert_eq!(case.logged(), whole);
    case.ends(0, "train r.yaml --force --set data.mixup=null --set loss=focal", &[]);
    assert!(case.logged()[0]["train_accuracy"].is_f64());
    case.ends(0, "train r.yaml --show 4 --force", &[]);
    case.put("data/train.csv", "0.png,\n1.png,lion\n");
    case.ends(1, "train r.yaml --force --set data.split=null", &["E610", "classes that the training set lacks"]);
}
