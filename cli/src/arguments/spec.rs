//! The arguments of `cnnc check`, `cnnc summary`, `cnnc solve` and `cnnc dump`: what is said of a spec without running it.

use super::{Model, Report, symbol_sizes, threads};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Check specs: all errors of all files, or a line for each model.
#[derive(Debug, Args)]
pub struct Check {
    /// The specs.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// How to write what is found.
    #[arg(long, value_enum, default_value_t = CheckFormat::Text, conflicts_with = "fix")]
    pub format: CheckFormat,
    /// Mend what leaves no doubt, in the specs and in what they import; --fix=all makes the likeliest guesses too.
    #[arg(long, value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "safe", value_name = "WHICH")]
    pub fix: Option<FixKind>,
    /// Show what --fix would change, and change nothing.
    #[arg(long, requires = "fix")]
    pub dry_run: bool,
    #[command(flatten)]
    pub model: Model,
}

/// How what a check finds is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CheckFormat {
    /// For people, on standard error.
    Text,
    /// For programs; docs/json.md says what is in it.
    Json,
    /// SARIF 2.1, as code hosts and editors take it.
    Sarif,
    /// Commands that GitHub's workflows show beside the lines of a change.
    Github,
}

/// Which fixes are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FixKind {
    /// Those that leave no doubt.
    Safe,
    /// Guesses too, of each error the likeliest.
    All,
}

/// Show every layer with its shape, parameters and cost.
#[derive(Debug, Args)]
pub struct Summary {
    /// The spec.
    pub file: PathBuf,
    /// How to write it.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// Open what lies down to this level, and fold what lies deeper into one row; 0 is the model as a whole. Without it a table
    /// opens what fits a screen, and folds neighbours that are alike.
    #[arg(long, value_name = "D")]
    pub depth: Option<usize>,
    /// Shapes, parameters, MACs and activation bytes as closed forms, in open sizes and in the model's own whole numbers; as a
    /// table or as JSON.
    #[arg(long, conflicts_with_all = ["batch", "train"])]
    pub symbolic: bool,
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

/// Say which sizes a model accepts; with --at, why given ones do not fit and which are next, or what they leave unread.
#[derive(Debug, Args)]
pub struct Solve {
    /// The spec.
    pub file: PathBuf,
    /// Sizes by the names of the open ones: --at H=100,W=100. Those that are not given are the spec's, or the smallest.
    #[arg(long, value_name = "H=100,W=100", value_delimiter = ',', value_parser = symbol_sizes)]
    pub at: Vec<(String, i64)>,
    /// How to write it.
    #[arg(long, value_enum, default_value_t = Report::Table)]
    pub format: Report,
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
    /// A page: the table, with blocks that open, a search, and sizes that can be changed.
    Html,
}

/// Print what a stage of the compiler made.
#[derive(Debug, Args)]
pub struct Dump {
    /// The spec.
    pub file: PathBuf,
    /// The stage; the plan is that of this machine's CPU.
    #[arg(long, value_enum, required_unless_present_any = ["target", "prove"])]
    pub stage: Option<Stage>,
    /// The plan for something else than this machine.
    #[arg(long, value_enum, conflicts_with = "stage")]
    pub target: Option<Target>,
    /// Say why a fusion happened and what it saves, or why it did not; for the fused stage and the plan.
    #[arg(long)]
    pub explain: bool,
    /// Run the network fused and not, on random inputs and parameters, and say how far they are apart layer by layer.
    #[arg(long, conflicts_with_all = ["stage", "target", "explain", "train"])]
    pub prove: bool,
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
