//! The arguments of `cnnc compare`.

use super::Report;
use clap::Args;
use std::path::PathBuf;

/// Put runs of `cnnc train` beside each other: one table, one chart, and what their recipes differ in.
#[derive(Debug, Args)]
pub struct Compare {
    /// Folders of runs, or logs: lines of JSON with epochs and losses; at most eight.
    #[arg(required = true, num_args = 1..=8, value_name = "RUN")]
    pub runs: Vec<PathBuf>,
    /// Draw all of them as one chart: an SVG.
    #[arg(short, long, value_name = "FILE.svg")]
    pub output: Option<PathBuf>,
    /// How to write it.
    #[arg(long, value_enum, default_value_t = Report::Table)]
    pub format: Report,
}
