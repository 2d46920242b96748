//! A small training as a process: a folder with a network and a recipe, what a run of it leaves, and what it says.

#[path = "tensors.rs"]
mod tensors;

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

/// The folder of the models.
pub const MODELS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../models");

/// A folder with a small network that has running statistics and dropout, and a recipe with momentum and random transforms.
pub struct Case {
    folder: tempfile::TempDir,
}

impl Case {
    /// A folder with both.
    pub fn new() -> Case {
        let folder = tempfile::tempdir().expect("a folder");
        let spec = "model Small { input [N, 1, 28, 28]; Conv2d(4, kernel_size=5, stride=2); BatchNorm2d; ReLU
            MaxPool2d(4); Flatten; Dropout(0.3); Linear(10) }";
        let recipe = format!(
            "model: small.cnn
data:
  format: idx
  path: {MODELS}/fashion_mnist_small
  train: [{{random_crop: {{size: 28, padding: 2}}}}, random_horizontal_flip]
optimizer: {{name: sgd, lr: 0.05, momentum: 0.9}}
batch_size: 64
epochs: 3
checkpoint_every: 2
output: out
"
        );
        fs::write(folder.path().join("small.cnn"), spec).expect("the spec");
        fs::write(folder.path().join("small.yaml"), recipe).expect("the recipe");
        Case { folder }
    }

    /// Its training into a folder of it, with more arguments.
    pub fn command(&self, output: &str, more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cnnc"));
        command.arg("train").arg(self.folder.path().join("small.yaml"));
        command.arg("--output").arg(self.path(output)).args(more);
        command
    }

    /// The same, begun.
    pub fn start(&self, output: &str, more: &[&str]) -> Child {
        let mut command = self.command(output, more);
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("a process")
    }

    /// What it says where it comes to its end.
    #[track_caller]
    pub fn done(&self, output: &str, more: &[&str]) -> String {
        let output = self.command(output, more).output().expect("a process");
        assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// A file of the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The tensors of a run's last checkpoint: kinds, shapes, bytes.
    pub fn tensors(&self, output: &str) -> tensors::Tensors {
        tensors::of_file(&self.path(output).join("last.safetensors"))
    }

    /// The weights of the best epoch, as they lie in their file.
    pub fn best(&self, output: &str) -> Vec<u8> {
        fs::read(self.path(output).join("best.safetensors")).expect("the best weights")
    }

    /// The log without what depends on the clock.
    pub fn log(&self, output: &str) -> Vec<String> {
        let text = fs::read_to_string(self.path(output).join("log.jsonl")).expect("the log");
        let line = |line: &str| {
            let mut line: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line).expect("JSON");
            for time in ["seconds", "images_per_second"] {
                assert!(line.remove(time).is_some_and(|time| time.as_f64() > Some(0.0)), "{time} of {line:?}");
            }
            let keys: Vec<&str> = line.keys().map(String::as_str).collect();
            assert_eq!(keys, ["epoch", "learning_rate", "train_accuracy", "train_loss", "val_accuracy", "val_loss"]);
            serde_json::to_string(&line).expect("JSON")
        };
        text.lines().map(line).collect()
    }
}

/// What a process said on standard error.
pub fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
