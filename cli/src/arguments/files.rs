//! The arguments of `cnnc convert`, `cnnc import` and `cnnc export`: files of other programs.

use super::{Model, Weights};
use clap::Args;
use cnnc_runtime::export::{OPERATOR_SETS, USUAL_SET};
use cnnc_runtime::{Clipping, Rename};
use std::path::PathBuf;

/// Which state of a file of weights is meant, and what its keys become.
#[derive(Debug, Args)]
pub struct FileKeys {
    /// Of several states in the file, the one under this key: ema, or model.net where it lies in another.
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,
    /// Take this off the front of every key that has it, with or without its dot.
    #[arg(long, default_value = "", value_name = "TEXT", hide_default_value = true)]
    pub prefix: String,
    /// Rename keys, in this order: every match of a regular expression becomes a text, in which $1 is its first group.
    #[arg(long, value_name = "REGEX=TEXT")]
    pub rename: Vec<Rename>,
}

/// Write weights of any form that is read, PyTorch's files too, as a safetensors file.
#[derive(Debug, Args)]
pub struct Convert {
    /// The weights.
    pub from: PathBuf,
    /// The safetensors file.
    #[arg(value_name = "OUT.safetensors")]
    pub to: PathBuf,
    #[command(flatten)]
    pub keys: FileKeys,
    /// Write over a file that is there.
    #[arg(long)]
    pub force: bool,
}

/// Make weights of bytes: what the network's values take is looked at on samples, and a run is computed in int8 from then on.
#[derive(Debug, Args)]
pub struct Quantize {
    /// The spec.
    pub file: PathBuf,
    #[command(flatten)]
    pub model: Model,
    #[command(flatten)]
    pub weights: Weights,
    /// What to look at: a recipe, whose data for training are taken without what is random, or a folder of pictures.
    #[arg(long, value_name = "RECIPE|FOLDER")]
    pub data: PathBuf,
    /// The file to write.
    #[arg(short, long, value_name = "OUT.safetensors")]
    pub output: PathBuf,
    /// How many samples to look at.
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub samples: u32,
    /// How much of a value's range is kept: min-max, percentile or mse.
    #[arg(long, default_value_t = Clipping::default(), value_parser = clipping)]
    pub clipping: Clipping,
    /// The most samples, in percent, whose likeliest class may change; layers that cost more stay in float32.
    #[arg(long, default_value_t = 0.5, value_name = "PERCENT", value_parser = percent)]
    pub max_drop: f64,
    /// Threads; 0 is one for each core.
    #[arg(long, default_value_t = 0, value_parser = super::threads)]
    pub threads: usize,
    /// Write over a file that is there.
    #[arg(long)]
    pub force: bool,
}

/// `min-max`, `percentile`, `mse`
fn clipping(text: &str) -> Result<Clipping, String> {
    let names = || Clipping::ALL.map(Clipping::name).join(", ");
    Clipping::ALL.into_iter().find(|one| one.name() == text).ok_or_else(|| format!("one of {}", names()))
}

/// A number from 0 to 100, with or without a sign for percent.
fn percent(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').unwrap_or(text).parse::<f64>().ok();
    number.filter(|number| (0.0..=100.0).contains(number)).ok_or_else(|| "a share from 0 to 100 percent".to_owned())
}

/// Make a spec of an ONNX file, of a cfg of Darknet or of a checkpoint of a known network, and its weights beside it.
#[derive(Debug, Args)]
pub struct Import {
    /// The file of another program.
    pub file: PathBuf,
    /// The spec to write; its weights get the same name with .safetensors. Without it, both are named after the file, in the
    /// folder where the command runs.
    #[arg(short, long, value_name = "NET.cnn")]
    pub output: Option<PathBuf>,
    /// The file of weights that belongs to a cfg of Darknet; without it the spec alone is written.
    #[arg(long, value_name = "NET.weights")]
    pub weights: Option<PathBuf>,
    #[command(flatten)]
    pub keys: FileKeys,
    /// Of several known specs that a checkpoint fits, the one of this name, or of a name that ends so: lenet/LeNet.
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// Names of the classes, which no file has: a file with a name a line, or a list that ships: imagenet, fashion_mnist. They
    /// are written beside the spec, with .txt.
    #[arg(long, value_name = "NAMES")]
    pub labels: Option<PathBuf>,
    /// Before anything is written, run both sides on a drawn input: the file's own layers, plainly and in float64, and the spec.
    /// Hold the spec to a stored pair too: a folder with input_0.pb and output_0.pb, or two files of arrays.
    #[arg(long, value_name = "PAIR", num_args = 0..=2)]
    pub check: Option<Vec<PathBuf>>,
    /// What a drawn input depends on.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Write out every layer instead of finding blocks and loops.
    #[arg(long)]
    pub flat: bool,
    /// Replace what is there.
    #[arg(long)]
    pub force: bool,
}

/// Write a spec and its weights as an ONNX file.
#[derive(Debug, Args)]
pub struct Export {
    /// The spec.
    pub file: PathBuf,
    /// The file to write; without it, it is named after the spec, in the folder where the command runs. Weights past 2 GB lie
    /// beside it, under the same name with .data.
    #[arg(short, long, value_name = "NET.onnx")]
    pub output: Option<PathBuf>,
    #[command(flatten)]
    pub weights: Weights,
    /// What drawn parameters depend on.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// The operator set of ONNX to write in.
    #[arg(long, value_name = "SET", default_value_t = USUAL_SET, value_parser = operator_set())]
    pub opset: i64,
    /// Write the kernels as they run, batch norms folded into weights, instead of a node a layer.
    #[arg(long)]
    pub fused: bool,
    /// Replace what is there.
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub model: Model,
}

fn operator_set() -> clap::builder::RangedI64ValueParser<i64> {
    clap::value_parser!(i64).range(OPERATOR_SETS)
}
