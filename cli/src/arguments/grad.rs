//! The arguments of `cnnc grad`.

use super::{DeviceArguments, InputSource, Model, Report, Weights, input_source, png_file, threads};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Do one backward pass: the gradients of parameters and inputs, by layer; nothing is changed.
#[derive(Debug, Args)]
pub struct Grad {
    /// The spec.
    pub file: PathBuf,
    /// A parameter, a layer or an input, and indices, whose gradients are printed whole: 2.weight, "0.weight[0, :]", input.
    pub path: Option<String>,
    /// The input, as `run` takes it; drawn from the seed where it is not given; once for each input.
    #[arg(long, value_name = "FILE|NUMBERS", allow_hyphen_values = true, value_parser = input_source())]
    pub input: Vec<InputSource>,
    /// What should be answered: a class by its number or label, one for each sample (3 or 3,0,7), or a .npy array of the
    /// answer's shape, or numbers as they are.
    #[arg(long, value_name = "CLASS|FILE|NUMBERS")]
    pub target: String,
    /// The loss; the cross-entropy of classes and the mean squared error of arrays where it is not given.
    #[arg(long, value_enum)]
    pub loss: Option<LossName>,
    /// Draw the gradient of the input as a picture (PNG): blue where more would lessen the loss, red where it would raise it.
    #[arg(long, value_name = "FILE.png", value_parser = png_file())]
    pub picture: Option<PathBuf>,
    #[command(flatten)]
    pub weights: Weights,
    /// What drawn parameters and inputs, and dropout, depend on.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    #[command(flatten)]
    pub device: DeviceArguments,
    /// Threads; 0 is one for each core. The gradients do not depend on it.
    #[arg(long, default_value_t = 0, value_name = "COUNT", value_parser = threads)]
    pub threads: usize,
    /// How to write it.
    #[arg(long, value_enum, default_value_t = Report::Table)]
    pub format: Report,
    #[command(flatten)]
    pub model: Model,
}

/// A loss by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LossName {
    /// nn.CrossEntropyLoss.
    CrossEntropy,
    /// nn.MSELoss.
    Mse,
    /// nn.MSELoss(reduction="sum").
    MseSum,
}
