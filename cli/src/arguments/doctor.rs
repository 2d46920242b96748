//! The arguments of `cnnc doctor`.

use super::{DeviceArguments, Report, threads};
use clap::Args;
use cnnc_runtime::doctor::GRID;

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

/// What a kernel of the self-check is called, or a part of it.
fn kernel_name(text: &str) -> Result<String, String> {
    let names: Vec<&str> = GRID.iter().map(|subject| subject.name).collect();
    match names.iter().any(|name| name.contains(text)) {
        true => Ok(text.to_owned()),
        false => Err(format!("no kernel is called so; there are: {}", names.join(", "))),
    }
}
