//! The arguments of `cnnc bench`.

use super::{DeviceArguments, Model, Report, threads};
use clap::Args;
use std::path::PathBuf;

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
