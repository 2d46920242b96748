//! The folder of a run: who may write to it, what ends a training and what does not, and that errors say where.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

/// Pictures for training, for validation, and how many of either are of class 0, the class of every answer: a share that a
/// careless reader of JSON takes for another.
const TRAIN: usize = 12;
const VALIDATION: usize = 49;
const RIGHT: usize = 5;

/// A folder with a network whose answers never change, while its running statistics do, and a recipe for it.
struct Case {
    folder: tempfile::TempDir,
}

impl Case {
    fn new() -> Case {
        let case = Case { folder: tempfile::tempdir().expect("a folder") };
        fs::create_dir(case.path("d")).expect("a folder");
        for (part, count) in [("train", TRAIN), ("t10k", VALIDATION)] {
            let pixels = (0..16 * count).map(|pixel| (pixel * 37 % 251) as u8).collect::<Vec<u8>>();
            case.idx(&format!("{part}-images-idx3-ubyte"), &[count, 4, 4], &pixels);
            let labels = (0..count).map(|sample| u8::from(sample >= RIGHT)).collect::<Vec<u8>>();
            case.idx(&format!("{part}-labels-idx1-ubyte"), &[count], &labels);
        }
        let spec = "model M { input [N, 1, 4, 4]; BatchNorm2d; Flatten; Linear(2)\n init Linear: constant(0, bias=0) }";
        fs::write(case.path("m.cnn"), spec).expect("the spec");
        case.write("");
        case
    }

    fn idx(&self, name: &str, sizes: &[usize], bytes: &[u8]) {
        let sizes = sizes.iter().flat_map(|&size| (size as u32).to_be_bytes());
        let rank = [0, 0, 8, if name.contains("images") { 3 } else { 1 }];
        let file: Vec<u8> = rank.into_iter().chain(sizes).chain(bytes.iter().copied()).collect();
        fs::write(self.path("d").join(name), file).expect("the data");
    }

    /// Writes the recipe, with more keys.
    fn write(&self, more: &str) {
        let recipe = format!(
            "model: m.cnn\ndata: {{format: idx, path: d}}\noptimizer: {{name: sgd, lr: 0}}\nbatch_size: 12\nepochs: 2\n{more}"
        );
        fs::write(self.path("r.yaml"), recipe).expect("the recipe");
    }

    /// Changes the recipe.
    fn change(&self, from: &str, to: &str) {
        let text = fs::read_to_string(self.path("r.yaml")).expect("the recipe");
        assert!(text.contains(from), "{from}");
        fs::write(self.path("r.yaml"), text.replace(from, to)).expect("the recipe");
    }

    fn command(&self, output: &str, more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cnnc"));
        command.arg("train").arg(self.path("r.yaml")).arg("--output").arg(self.path(output)).args(more);
        command
    }

    #[track_caller]
    fn done(&self, output: &str, more: &[&str]) -> (String, String) {
        let output = self.command(output, more).output().expect("a process");
        assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
        (String::from_utf8_lossy(&output.stdout).into_owned(), errors(&output))
    }

    #[track_caller]
    fn refused(&self, output: &str, more: &[&str]) -> String {
        let output = self.command(output, more).output().expect("a process");
        assert_eq!(output.status.code(), Some(1), "{}", errors(&output));
        errors(&output)
    }

    /// A training that goes on until somebody ends it, past its first epochs.
    fn endless(&self, output: &str, mut command: Command) -> Child {
        let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("a process");
        self.await_epochs(output, 2);
        child
    }

    fn await_epochs(&self, output: &str, count: usize) {
        let log = self.path(output).join("log.jsonl");
        for _ in 0..3000 {
            if fs::read_to_string(&log).is_ok_and(|log| log.lines().count() >= count) {
                return;
            }
            sleep(Duration::from_millis(10));
        }
        panic!("no epochs in {}", log.display());
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).expect("a file")
    }

    /// The lines of the log without their times.
    fn log(&self, output: &str) -> Vec<String> {
        let text = fs::read_to_string(self.path(output).join("log.jsonl")).expect("the log");
        let line = |line: &str| {
            let mut line: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
            let members = line.as_object_mut().expect("an object");
            assert!(members.remove("seconds").is_some() && members.remove("images_per_second").is_some());
            line.to_string()
        };
        text.lines().map(line).collect()
    }
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").arg(name).arg(child.id().to_string()).status().expect("a signal");
    assert!(status.success());
}

#[test]
fn an_epoch_that_is_only_as_good_is_not_the_best_however_often_a_run_goes_on() {
    let case = Case::new();
    case.done("whole", &["--epochs", "6"]);
    for epochs in ["1", "2", "3", "4", "5", "6"] {
        case.done("parts", &["--epochs", epochs, "--resume"]);
    }
    assert_eq!(case.log("parts"), case.log("whole"));
    assert_eq!(case.bytes("parts/best.safetensors"), case.bytes("whole/best.safetensors"));
}

#[test]
fn a_run_is_written_over_when_asked_alone_and_foreign_files_never() {
    let case = Case::new();
    let foreign = [".mine.tmp", ".last.safetensors.swp", "notes.txt", "x.tmp"];
    fs::create_dir(case.path("out")).expect("a folder");
    for name in foreign {
        fs::write(case.path("out").join(name), "mine").expect("a file");
    }
    case.done("out", &[]);
    let before = ["last.safetensors", "best.safetensors", "log.jsonl"].map(|name| case.bytes(&format!("out/{name}")));
    let said = case.refused("out", &["--epochs", "1"]);
    assert!(said.starts_with("error[E613]") && said.contains("out` holds a run already"), "{said}");
    assert!(said.contains("after epoch 2 and 0 batches"), "{said}");
    for way in ["`--resume`", "`--force`", "`--output FOLDER`"] {
        assert!(said.contains(way), "{said}");
    }
    let after = ["last.safetensors", "best.safetensors", "log.jsonl"].map(|name| case.bytes(&format!("out/{name}")));
    assert!(before == after, "a refusal changes nothing");
    // The three ways out, as they are offered.
    case.done("out", &["--epochs", "3", "--resume"]);
    assert_eq!(case.log("out").len(), 3);
    case.done("other", &["--epochs", "1"]);
    case.done("out", &["--epochs", "1", "--force"]);
    assert_eq!(case.log("out").len(), 1);
    for name in foreign {
        assert_eq!(case.bytes(&format!("out/{name}")), b"mine", "{name}");
    }
    // A checkpoint of one folder does not go on over the run of another.
    let last = format!("--resume={}", case.path("other/last.safetensors").display());
    assert!(case.refused("out", &["--epochs", "2", &last]).contains("E613"));
    case.done("out", &["--epochs", "1", &last, "--force"]);
    assert!(case.path("out/last.safetensors").exists() && case.log("out").len() == 1, "though nothing was left to do");
    case.done("out", &["--epochs", "2", "--resume"]);
    assert_eq!(case.log("out").len(), 2);
}

#[test]
fn two_trainings_do_not_share_a_folder_and_a_killed_one_does_not_keep_it() {
    let case = Case::new();
    let long = ["--epochs", "1000000"];
    let mut first = case.endless("out", case.command("out", &long));
    for way in ["--resume", "--force"] {
        let said = case.refused("out", &[long[0], long[1], way]);
        assert!(said.starts_with("error[E613]: another training writes to") && said.contains("--output"), "{said}");
    }
    assert!(first.try_wait().expect("a process").is_none(), "the first goes on");
    first.kill().expect("killed");
    first.wait().expect("an end");
    let done = case.log("out").len();
    case.done("out", &["--epochs", &(done + 2).to_string(), "--resume"]);
    assert_eq!(case.log("out").len(), done + 2);
    assert!(!case.path("out/train.lock").exists());
}

#[test]
fn a_terminal_that_is_closed_leaves_a_checkpoint_unless_the_training_is_to_outlive_it() {
    let case = Case::new();
    let long = ["--epochs", "1000000"];
    // Whoever runs the tests behind a `nohup` hands its deaf ear on.
    let told = case.command("out", &long);
    let mut hearing = Command::new("env");
    hearing.arg("--default-signal=HUP").arg(told.get_program()).args(told.get_args());
    let child = case.endless("out", hearing);
    // The system and the shell may both say it.
    signal(&child, "-HUP");
    signal(&child, "-HUP");
    let output = child.wait_with_output().expect("an end");
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    assert!(errors(&output).contains("stopped after epoch "), "{}", errors(&output));
    let done = case.log("out").len();
    case.done("out", &["--epochs", &(done + 1).to_string(), "--resume"]);

    let told = case.command("nohup", &long);
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' HUP; exec \"$0\" \"$@\""]).arg(told.get_program()).args(told.get_args());
    let child = case.endless("nohup", command);
    signal(&child, "-HUP");
    case.await_epochs("nohup", case.log("nohup").len() + 3);
    signal(&child, "-TERM");
    let output = child.wait_with_output().expect("an end");
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
}

#[test]
fn curves_that_cannot_be_written_are_said_once_and_end_nothing() {
    let case = Case::new();
    fs::create_dir_all(case.path("out/curves.svg")).expect("a folder");
    let (said, notes) = case.done("out", &["--epochs", "4"]);
    assert_eq!(notes.matches("no curves are drawn").count(), 1, "{notes}");
    assert!(notes.contains("curves.svg") && !notes.contains("error"), "{notes}");
    assert_eq!(case.log("out").len(), 4);
    assert!(said.contains("best: epoch 1") && !said.contains("curves: "), "{said}");
    // Nor does the picture of an evaluation.
    fs::create_dir_all(case.path("out/confusion.svg")).expect("a folder");
    let mut eval = Command::new(env!("CARGO_BIN_EXE_cnnc"));
    let output = eval.arg("eval").arg(case.path("r.yaml")).arg("--output").arg(case.path("out")).output();
    let output = output.expect("a process");
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    assert!(errors(&output).contains("no picture is drawn") && !output.stdout.is_empty(), "{}", errors(&output));
}

#[test]
fn a_folder_that_is_taken_away_is_made_again() {
    let case = Case::new();
    let child = case.endless("out", case.command("out", &["--epochs", "1000000"]));
    let before = case.log("out").len();
    fs::rename(case.path("out"), case.path("away")).expect("a folder");
    case.await_epochs("out", before + 2);
    signal(&child, "-TERM");
    let output = child.wait_with_output().expect("an end");
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    let done = case.log("out").len();
    case.done("out", &["--epochs", &(done + 1).to_string(), "--resume"]);
    assert_eq!(case.log("out").len(), done + 1);
}

#[test]
fn errors_of_recipe_and_data_say_where() {
    let case = Case::new();
    let said_at = |place: &str, code: &str| {
        let said = case.refused("out", &["--force"]);
        let place = format!("r.yaml:{place}");
        assert!(said.starts_with(&format!("error[{code}]")) && said.contains(&place), "{place} in\n{said}");
        said
    };
    case.change("lr: 0", "lr: 1e38");
    fs::write(case.path("m.cnn"), "model M { input [N, 1, 4, 4]; Flatten; Linear(2); Linear(2) }").expect("the spec");
    let said = said_at("3:12", "E612");
    assert!(said.contains("last.safetensors` is from after epoch 1 and batch 0"), "{said}");
    case.write("");
    fs::write(case.path("m.cnn"), "model M { input [N, 1, 4, 4]; Flatten; Linear(1) }").expect("the spec");
    assert!(said_at("1:8", "E610").contains("/d` have 2"));
    fs::write(case.path("m.cnn"), "model M { input [N, 2, 4, 4]; Flatten; Linear(2) }").expect("the spec");
    said_at("1:8", "E610");
    let most = "Conv2d(1000000, kernel_size=1); Upsample(scale_factor=100)";
    for (layers, place) in [("Conv2d(40000000000, kernel_size=1)", "1:8"), (most, "4:13")] {
        let large = format!("model M {{ input [N, 1, 4, 4]; {layers}; AdaptiveAvgPool2d(1); Flatten; Linear(2) }}");
        fs::write(case.path("m.cnn"), large).expect("the spec");
        said_at(place, "E401");
    }
    fs::write(case.path("m.cnn"), "model M { input [N, 1, 4, 4]; Flatten; Linear(2) }").expect("the spec");
    case.change("path: d", "path: d, drop_last: true");
    case.change("batch_size: 12", "batch_size: 13");
    assert!(said_at("4:13", "E610").contains("/d` has 12 pictures"));
    case.change("batch_size: 13", "batch_size: 1000001");
    said_at("4:13", "E607");
    case.change("batch_size: 1000001", "batch_size: 12");
    case.change("drop_last: true", "workers: 5000");
    assert!(said_at("2:39", "E607").contains("at most 256"));
}
