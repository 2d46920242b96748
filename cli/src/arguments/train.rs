//! The arguments of `cnnc train` and `cnnc eval`.

use super::{GpuArguments, Keys, Report, threads};
use clap::{Args, ValueEnum};
use cnnc_runtime::DeviceName;
use cnnc_runtime::data::SetName;
use cnnc_runtime::train::recipe::MOST_EPOCHS;
use std::path::PathBuf;

/// A recipe, and what the command line changes of it.
#[derive(Debug, Default, Args)]
pub struct RecipeArguments {
    /// The recipe; docs/recipes.md lists its keys.
    #[arg(value_name = "RECIPE.yaml")]
    pub recipe: PathBuf,
    /// The folder of the data set, instead of the recipe's.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Set any key of the recipe, by its dotted path and in YAML: --set optimizer.lr=0.9, --set 'schedule={name: cosine}'; keys
    /// of the optimiser may be named alone: --set lr=0.9. Paths are relative to the recipe, as if they stood there.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// The folder of the run, instead of the recipe's.
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// Threads that compute; 0 is one for each core. No number depends on it.
    #[arg(long, value_name = "COUNT", value_parser = threads)]
    pub threads: Option<usize>,
    /// Where to compute, instead of the recipe's device: cpu, cuda or cuda:N.
    #[arg(long, value_name = "DEVICE")]
    pub device: Option<DeviceName>,
    #[command(flatten)]
    pub gpu: GpuArguments,
}

/// Train a model by a recipe. Ctrl-C ends after the step and leaves a checkpoint.
#[derive(Debug, Args)]
pub struct Train {
    #[command(flatten)]
    pub recipe: RecipeArguments,
    /// Epochs, instead of the recipe's.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=MOST_EPOCHS as i64))]
    pub epochs: Option<u32>,
    /// Go on from the run's newest checkpoint, or from this one, to the same numbers, bit for bit.
    #[arg(long, value_name = "CHECKPOINT", num_args = 0..=1, require_equals = true)]
    pub resume: Option<Option<PathBuf>>,
    /// Draw a sheet of the first N pictures as the network will see them, and train nothing.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub show: Option<u16>,
    /// Try rising learning rates for a hundred steps, draw the loss at each, propose one, and train nothing.
    #[arg(long, conflicts_with_all = ["show", "resume"])]
    pub find_lr: bool,
    /// Write over the run that the output folder holds.
    #[arg(long)]
    pub force: bool,
    /// Keep less of the forward half and compute it again: the same numbers in less memory and more time.
    #[arg(long)]
    pub recompute: bool,
    /// Write what is measured for TensorBoard too: `tensorboard --logdir` and the run's folder.
    #[arg(long)]
    pub tensorboard: bool,
}

/// A set of a recipe's data.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Split {
    Train,
    Validation,
    Test,
}

impl From<Split> for SetName {
    fn from(split: Split) -> SetName {
        match split {
            Split::Train => SetName::Train,
            Split::Validation => SetName::Validation,
            Split::Test => SetName::Test,
        }
    }
}

/// Evaluate a trained model: accuracy, the five likeliest, every class, and which is taken for which.
#[derive(Debug, Args)]
pub struct Eval {
    #[command(flatten)]
    pub recipe: RecipeArguments,
    /// The set that is asked; no other has to be there.
    #[arg(long, value_enum, default_value_t = Split::Validation)]
    pub split: Split,
    /// The weights, instead of the run's best.
    #[arg(long, value_name = "FILE")]
    pub weights: Option<PathBuf>,
    #[command(flatten)]
    pub keys: Keys,
    /// How to write it.
    #[arg(long, value_enum, default_value_t = Report::Table)]
    pub format: Report,
}
