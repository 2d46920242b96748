//! The arguments of `cnnc run`, and what an input may be.

use super::{DeviceArguments, Model, Weights, threads};
use crate::run::{Element, Printed};
use clap::builder::{PathBufValueParser, TypedValueParser};
use clap::{Args, ValueEnum};
use std::path::{Path, PathBuf};

/// Run a model; without FILE, the LeNet that is built in, on the picture that is built in.
#[derive(Debug, Args)]
pub struct Run {
    /// The spec.
    pub file: Option<PathBuf>,
    #[command(flatten)]
    pub device: DeviceArguments,
    #[command(flatten)]
    pub weights: Weights,
    /// The input: a .npy array, a picture (PNG, JPEG, WebP, GIF, BMP, TIFF), an IDX file, numbers as text or CSV, a folder of
    /// pictures, of which each is answered for itself, or numbers as they are: '[[0, 1], [2, 3]]', 'arange(9, 3, 3)', 'ones(6,
    /// 8)'; once for each input.
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
    // `torch.arange(…)` too: what is wrong with it is said as of an expression.
    let is_call =
        call.is_some_and(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphabetic() || "_.".contains(c)));
    let begins = text.starts_with(['[', '(', '-']) || text.starts_with(|first: char| first.is_ascii_digit());
    let is_named =
        Path::new(text).extension().is_some_and(|end| end.to_string_lossy().chars().all(|c| c.is_ascii_lowercase()));
    (is_call || text.starts_with(['[', '(']) || (begins && (text.ends_with([')', ']']) || text.parse::<f64>().is_ok())))
        && !is_named
}

/// Where an input comes from, as clap reads it.
pub fn input_source() -> impl TypedValueParser<Value = InputSource> {
    PathBufValueParser::new().map(InputSource::of)
}
