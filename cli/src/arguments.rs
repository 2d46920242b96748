//! The arguments of every command, as clap reads them; its help texts are the doc comments.

mod compare;
mod grad;
mod params;

pub use compare::Compare;
pub use grad::{Grad, LossName};
pub use params::Params;

use crate::device::precision;
use crate::run::{Element, Printed};
use clap::builder::{PathBufValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use cnnc_runtime::doctor::GRID;
use cnnc_runtime::train::recipe::MOST_EPOCHS;
use cnnc_runtime::{DeviceName, MOST_THREADS, Precision, Rename};
use std::path::{Path, PathBuf};

/// Compiles, checks and runs CNNs written as .cnn specs.
#[derive(Debug, Parser)]
#[command(name = "cnnc", version, max_term_width = 100, disable_help_subcommand = true)]
pub struct Arguments {
    /// Print the time of every stage on standard error.
    #[arg(short, long, global = true)]
    pub verbose: bool,
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    Check(Check),
    Summary(Summary),
    Run(Run),
    Bench(Bench),
    Params(Params),
    Convert(Convert),
    Dump(Dump),
    Train(Train),
    Eval(Eval),
    Import(Import),
    Compare(Compare),
    Grad(Grad),
    Doctor(Doctor),
}

/// Which network of a file.
#[derive(Debug, Default, Args)]
pub struct Model {
    /// The model; a file's last one is its default.
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// Set a parameter of the model, in the language's own syntax: --set num_classes=100.
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting)]
    pub set: Vec<(String, String)>,
    /// Sizes of the input instead of the spec's; once for each input.
    #[arg(long, value_name = "1,3,224,224", value_parser = sizes)]
    pub input_shape: Vec<Sizes>,
}

/// Sizes of one input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sizes(pub Vec<usize>);

/// Check specs: all errors of all files, or a line for each model.
#[derive(Debug, Args)]
pub struct Check {
    /// The specs.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    #[command(flatten)]
    pub model: Model,
}

/// Show every layer with its shape, parameters and cost.
#[derive(Debug, Args)]
pub struct Summary {
    /// The spec.
    pub file: PathBuf,
    /// How to write it.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// Fold what lies deeper into one row; 0 is the model as a whole.
    #[arg(long, value_name = "D")]
    pub depth: Option<usize>,
    /// Threads that memory is foretold for; 0 is one for each core.
    #[arg(long, default_value_t = 0, value_name = "COUNT", value_parser = threads)]
    pub threads: usize,
    /// Inputs at a time that memory is foretold for; 1 where the spec leaves it open.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub batch: Option<u32>,
    /// Foretell the memory of a training step too, with the cross-entropy and plain SGD.
    #[arg(long)]
    pub train: bool,
    /// Foretell it of a step that computes values again instead of keeping them.
    #[arg(long, requires = "train")]
    pub recompute: bool,
    #[command(flatten)]
    pub model: Model,
}

/// How a summary is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table with totals.
    Table,
    /// A line for each child of the model, as PyTorch prints shapes.
    Torch,
    /// Nested modules, as PyTorch prints a network.
    Tree,
    /// For programs; docs/json.md says what is in it.
    Json,
    /// The same as JSON.
    Yaml,
}

/// Run a model; without FILE, the LeNet that is built in, on the picture that is built in.
#[derive(Debug, Args)]
pub struct Run {
    /// The spec.
    pub file: Option<PathBuf>,
    #[command(flatten)]
    pub device: DeviceArguments,
    #[command(flatten)]
    pub weights: Weights,
    /// The input: a .npy array, a picture (PNG, JPEG), an IDX file, numbers as text or CSV, a folder of pictures, of which each
    /// is answered for itself, or numbers as they are: '[[0, 1], [2, 3]]', 'arange(9, 3, 3)', 'ones(6, 8)'; once for each input.
    #[arg(long, value_name = "FILE|NUMBERS", allow_hyphen_values = true, value_parser = input_source())]
    pub input: Vec<InputSource>,
    /// Print inner values too: paths of layers, blocks or groups, by commas, with * for any part of one: 0,2,7 or 'b2.*'; all
    /// for every layer.
    #[arg(long, value_name = "PATHS", value_delimiter = ',')]
    pub show: Vec<String>,
    /// Print all numbers, or those of a part, '[0, :, 3:5]': of the inner values where --show asks for some, else of the outputs.
    #[arg(long, value_name = "all|PART")]
    pub print: Option<Printed>,
    /// Write pictures to this folder: what the layers give as grids of maps, the kernels of convolutions as grids of tiles,
    /// and how the numbers of each layer are spread; of the layers that --show names, of all without it. With --explain: what
    /// the number sees of the input, its receptive field.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["print", "output"])]
    pub pictures: Option<PathBuf>,
    /// Print the arithmetic behind one number of an inner value: '0[0, 4, 5]', its path and its place.
    #[arg(long, value_name = "PATH[PLACE]", conflicts_with_all = ["show", "print", "output"])]
    pub explain: Option<Element>,
    /// How answers are written.
    #[arg(long, value_enum, default_value_t = Answers::Text)]
    pub format: Answers,
    /// Write the output as a .npy array.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// What drawn parameters and inputs depend on.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Threads; 0 is one for each core. The answer does not depend on it.
    #[arg(long, default_value_t = 0, value_name = "COUNT", value_parser = threads)]
    pub threads: usize,
    /// Convolve by the definition alone: no Winograd, which errs a little more and spreads an infinity over its tile.
    #[arg(long)]
    pub exact: bool,
    #[command(flatten)]
    pub model: Model,
}

/// Where an input comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputSource {
    /// A file or a folder.
    File(PathBuf),
    /// Numbers that are written out.
    Numbers(String),
}

impl InputSource {
    /// Numbers, where the text can be some and no file is called so.
    pub fn of(path: PathBuf) -> InputSource {
        match path.to_str().filter(|text| is_numbers(text) && !path.exists()) {
            Some(text) => InputSource::Numbers(text.to_owned()),
            None => InputSource::File(path),
        }
    }

    /// The file, if it is one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            InputSource::File(path) => Some(path),
            InputSource::Numbers(_) => None,
        }
    }

    /// What it is called in rows of answers.
    pub fn name(&self) -> String {
        match self {
            InputSource::File(path) => path.display().to_string(),
            InputSource::Numbers(text) => text.clone(),
        }
    }
}

/// Whether a text is written as numbers are: in brackets, a number, or a call.
fn is_numbers(text: &str) -> bool {
    let text = text.trim();
    let call = text.split_once('(').map(|(word, _)| word.trim());
    let is_call =
        call.is_some_and(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphabetic() || c == '_'));
    let begins = text.starts_with(['[', '(', '-']) || text.starts_with(|first: char| first.is_ascii_digit());
    let is_named =
        Path::new(text).extension().is_some_and(|end| end.to_string_lossy().chars().all(|c| c.is_ascii_lowercase()));
    (is_call || text.starts_with(['[', '(']) || (begins && (text.ends_with([')', ']']) || text.parse::<f64>().is_ok())))
        && !is_named
}

fn input_source() -> impl TypedValueParser<Value = InputSource> {
    PathBufValueParser::new().map(InputSource::of)
}

/// A file that a picture is written to; pictures are PNG, and a name that says otherwise would mislead.
fn png_file() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|path| {
        let is_png = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("png"));
        if is_png {
            Ok(path)
        } else {
            Err(format!("a picture is written as PNG: name it `{}`", path.with_extension("png").display()))
        }
    })
}

/// How a run's answers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Answers {
    /// For people.
    Text,
    /// A line for each input of the batch: its likeliest class, or all its numbers.
    Csv,
    /// An object for each input of the batch; docs/json.md says what is in it.
    Json,
}

/// Time a model: the median of many runs, and where the time goes.
#[derive(Debug, Args)]
pub struct Bench {
    /// The spec.
    pub file: PathBuf,
    /// Inputs at a time; 1 where the spec leaves it open.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub batch: Option<u32>,
    /// Time a training step, with the cross-entropy and plain SGD, instead of an inference.
    #[arg(long)]
    pub train: bool,
    /// Threads; 0 is one for each core.
    #[arg(long, default_value_t = 0, value_name = "COUNT", value_parser = threads)]
    pub threads: usize,
    #[command(flatten)]
    pub device: DeviceArguments,
    /// Show every step: kernel, time, rate, share of what the machine can do, and what holds it back.
    #[arg(long)]
    pub profile: bool,
    /// First measure every way to compute what is computed most, and keep the best for this machine: on the CPU the methods of
    /// convolutions, on a GPU the tiles of products, cuBLASLt and cuDNN.
    #[arg(long)]
    pub tune: bool,
    /// How to write it.
    #[arg(long, value_enum, default_value_t = Report::Table)]
    pub format: Report,
    /// Seconds to measure for.
    #[arg(long, default_value_t = 2.0, value_name = "SECONDS", value_parser = seconds)]
    pub seconds: f64,
    /// The seed that parameters and input are drawn from.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Convolve by the definition alone: no Winograd, which errs a little more and spreads an infinity over its tile.
    #[arg(long)]
    pub exact: bool,
    #[command(flatten)]
    pub model: Model,
}

/// A time to measure for.
fn seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    if (0.0..=3600.0).contains(&seconds) { Ok(seconds) } else { Err("between 0 and 3600 seconds".into()) }
}

/// A number of threads.
fn threads(text: &str) -> Result<usize, String> {
    let refused = || format!("a whole number of threads from 0 to {MOST_THREADS}; 0 is one for each core");
    text.parse().ok().filter(|&threads| threads <= MOST_THREADS).ok_or_else(refused)
}

/// How measurements are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Report {
    /// For people.
    Table,
    /// For programs; docs/json.md says what is in it.
    Json,
}

/// Which device, and how a GPU computes.
#[derive(Debug, Args)]
pub struct DeviceArguments {
    /// Where to compute: cpu, cuda, which is the first NVIDIA GPU, or cuda:N.
    #[arg(long, default_value_t = DeviceName::Cpu)]
    pub device: DeviceName,
    #[command(flatten)]
    pub gpu: GpuArguments,
}

/// How a GPU computes.
#[derive(Clone, Copy, Debug, Args)]
pub struct GpuArguments {
    /// In what a GPU takes the products of convolutions and matrices: fp32, tf32, fp16 or bf16; sums are fp32 always.
    #[arg(long, value_name = "PRECISION", value_parser = precision)]
    pub precision: Option<Precision>,
    /// On a GPU, compute everything by generated kernels: cuBLASLt and cuDNN are neither measured nor used.
    #[arg(long)]
    pub no_libraries: bool,
}

/// Where parameters come from.
#[derive(Debug, Default, Args)]
pub struct Weights {
    /// Load the parameters from a file under PyTorch's keys, safetensors or what torch.save wrote (.pth, .pt, .bin); without it
    /// they are drawn.
    #[arg(long, value_name = "FILE")]
    pub weights: Option<PathBuf>,
    #[command(flatten)]
    pub keys: Keys,
}

/// Which tensors of a file of weights are meant.
#[derive(Debug, Default, Args)]
pub struct Keys {
    /// Of several states in that file, the one under this key: ema, or model.net where it lies in another.
    #[arg(long, value_name = "KEY", requires = "weights")]
    pub key: Option<String>,
    /// What the keys of that file begin with and the model's do not, such as `net`, with or without its dot.
    #[arg(long, default_value = "", value_name = "TEXT", hide_default_value = true, requires = "weights")]
    pub prefix: String,
    /// Rename its keys, in this order: every match of a regular expression becomes a text, in which $1 is its first group.
    #[arg(long, value_name = "REGEX=TEXT", requires = "weights")]
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
    /// Of several states in the file, the one under this key: ema, or model.net where it lies in another.
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,
    /// Take this off the front of every key that has it, with or without its dot.
    #[arg(long, default_value = "", value_name = "TEXT", hide_default_value = true)]
    pub prefix: String,
    /// Rename keys, in this order: every match of a regular expression becomes a text, in which $1 is its first group.
    #[arg(long, value_name = "REGEX=TEXT")]
    pub rename: Vec<Rename>,
    /// Write over a file that is there.
    #[arg(long)]
    pub force: bool,
}

/// Print what a stage of the compiler made.
#[derive(Debug, Args)]
pub struct Dump {
    /// The spec.
    pub file: PathBuf,
    /// The stage; the plan is that of this machine's CPU.
    #[arg(long, value_enum, required_unless_present = "target")]
    pub stage: Option<Stage>,
    /// The plan for something else than this machine.
    #[arg(long, value_enum, conflicts_with = "stage")]
    pub target: Option<Target>,
    /// Say why a fusion happened, or did not; for the fused stage and the plan.
    #[arg(long)]
    pub explain: bool,
    /// A training step instead of inference, from the kernels on: cross-entropy and plain SGD.
    #[arg(long)]
    pub train: bool,
    /// One that computes values again instead of keeping them; from the fused stage on.
    #[arg(long, requires = "train")]
    pub recompute: bool,
    #[command(flatten)]
    pub model: Model,
}

/// A stage of the compiler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Stage {
    /// The file as it was read.
    Ast,
    /// Layers, once loops are written out and arguments bound.
    Graph,
    /// Layers with the shapes of their outputs.
    Shapes,
    /// Kernels, before any pass.
    Kernels,
    /// Kernels after all passes.
    Fused,
    /// Kernel calls in order, with their memory.
    Plan,
    /// What is written for an NVIDIA GPU: CUDA C and its launches, in exact float32.
    Cuda,
}

/// What a plan can be made for, whatever this machine is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Target {
    /// A CPU with AVX-512: channels in blocks of 16.
    Avx512,
    /// A CPU with AVX2 and FMA: channels in blocks of 8.
    Avx2,
    /// Any CPU: channels in blocks of 8, without vector instructions of its own.
    Portable,
    /// The plain loops that say what every kernel means.
    Reference,
    /// An NVIDIA GPU.
    Cuda,
}

/// A recipe, and what the command line changes of it.
#[derive(Debug, Args)]
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
    /// Write over the run that the output folder holds.
    #[arg(long)]
    pub force: bool,
    /// Keep less of the forward half and compute it again: the same numbers in less memory and more time.
    #[arg(long)]
    pub recompute: bool,
}

/// Evaluate a trained model: accuracy, the five likeliest, every class, and which is taken for which.
#[derive(Debug, Args)]
pub struct Eval {
    #[command(flatten)]
    pub recipe: RecipeArguments,
    /// The weights, instead of the run's best.
    #[arg(long, value_name = "FILE")]
    pub weights: Option<PathBuf>,
    #[command(flatten)]
    pub keys: Keys,
    /// How to write it.
    #[arg(long, value_enum, default_value_t = EvalFormat::Table)]
    pub format: EvalFormat,
}

/// Make a spec of an ONNX file or of a cfg of Darknet, and its weights beside it.
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
    /// Write out every layer instead of finding blocks and loops.
    #[arg(long)]
    pub flat: bool,
    /// Replace what is there.
    #[arg(long)]
    pub force: bool,
}

/// Examine this machine: what it can do, and every kernel against the reference.
#[derive(Debug, Args)]
pub struct Doctor {
    #[command(flatten)]
    pub device: DeviceArguments,
    /// Threads; 0 is one for each core.
    #[arg(long, default_value_t = 0, value_name = "COUNT", value_parser = threads)]
    pub threads: usize,
    /// Examine only the kernels whose name has this in it: `gemm`.
    #[arg(long, value_name = "NAME", value_parser = kernel_name)]
    pub only: Option<String>,
    /// How to write it.
    #[arg(long, value_enum, default_value_t = Report::Table)]
    pub format: Report,
}

/// How an evaluation is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EvalFormat {
    /// Tables for people.
    Table,
    /// For programs; docs/json.md says what is in it.
    Json,
}

/// What a kernel of the self-check is called, or a part of it.
fn kernel_name(text: &str) -> Result<String, String> {
    let names: Vec<&str> = GRID.iter().map(|subject| subject.name).collect();
    match names.iter().any(|name| name.contains(text)) {
        true => Ok(text.to_owned()),
        false => Err(format!("no kernel is called so; there are: {}", names.join(", "))),
    }
}

/// `name=value`
fn setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() && !value.trim().is_empty() => {
            Ok((name.trim().into(), value.trim().into()))
        }
        _ => Err("expected NAME=VALUE".into()),
    }
}

/// `1,3,224,224`
fn sizes(text: &str) -> Result<Sizes, String> {
    let size = |part: &str| part.trim().parse().ok().filter(|&size: &usize| size > 0);
    let sizes: Option<Vec<usize>> = text.trim_matches(['[', ']']).split(',').map(size).collect();
    sizes.map(Sizes).ok_or_else(|| "expected sizes of at least 1, such as 1,3,224,224".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn settings_and_sizes() {
        assert_eq!(setting("arch=[(1, 2)]"), Ok(("arch".into(), "[(1, 2)]".into())));
        assert!(setting("arch").is_err() && setting("=1").is_err() && setting("a=").is_err());
        assert_eq!(sizes("1, 3,224,224"), Ok(Sizes(vec![1, 3, 224, 224])));
        assert!(sizes("1,x").is_err() && sizes("").is_err() && sizes("0,3").is_err());
    }
}
