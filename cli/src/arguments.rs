//! The arguments of every command, as clap reads them; its help texts are the doc comments. Here is what commands share.

mod bench;
mod compare;
mod diff;
mod doctor;
mod explain;
mod files;
mod fmt;
mod grad;
mod graph;
mod params;
mod run;
mod spec;
mod train;

pub use bench::Bench;
pub use compare::Compare;
pub use diff::{Diff, DiffFormat};
pub use doctor::Doctor;
pub use explain::Explain;
pub use files::{Convert, Export, FileKeys, Import, Quantize};
pub use fmt::Fmt;
pub use grad::{Grad, LossName};
pub use graph::Graph;
pub use params::Params;
pub use run::{Answers, InputSource, Run, input_source};
pub use spec::{Check, CheckFormat, Dump, FixKind, Format, Solve, Stage, Summary, Target};
pub use train::{Eval, RecipeArguments, Split, Train};

use crate::device::precision;
use clap::builder::{PathBufValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use cnnc_runtime::{DeviceName, MOST_THREADS, Precision, Rename};
use std::path::PathBuf;

/// Compiles, checks and runs CNNs written as .cnn specs.
#[derive(Debug, Parser)]
#[command(name = "cnnc", version, max_term_width = 100)]
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
    Fmt(Fmt),
    Explain(Explain),
    Summary(Summary),
    Solve(Solve),
    Diff(Diff),
    Run(Run),
    Bench(Bench),
    Params(Params),
    Convert(Convert),
    Quantize(Box<Quantize>),
    Dump(Dump),
    Train(Train),
    Eval(Eval),
    Import(Import),
    Export(Export),
    Compare(Compare),
    Grad(Grad),
    Graph(Graph),
    Doctor(Doctor),
    /// Serve an editor on standard input and output, by the Language Server Protocol.
    Lsp,
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
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct GpuArguments {
    /// In what the products of convolutions and matrices are taken: on a GPU fp32, tf32, fp16 or bf16, with sums in fp32 always;
    /// on the processor fp32, or int8 with weights of `cnnc quantize`, which are computed so unless this says fp32.
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

/// `name=value`
fn setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() && !value.trim().is_empty() => {
            Ok((name.trim().into(), value.trim().into()))
        }
        _ => Err("expected NAME=VALUE".into()),
    }
}

/// `H=100`
fn symbol_sizes(text: &str) -> Result<(String, i64), String> {
    let (name, size) = text.split_once('=').ok_or_else(|| "expected NAME=SIZE, such as H=100".to_owned())?;
    let size = size.trim().parse().ok().filter(|&size: &i64| size > 0);
    size.map(|size| (name.trim().to_owned(), size)).ok_or_else(|| "a size is a whole number of at least 1".into())
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
