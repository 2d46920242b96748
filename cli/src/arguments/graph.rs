//! The arguments of `cnnc graph`.

use super::Model;
use clap::Args;
use std::path::PathBuf;

/// Draw a network: blocks, layers and what passes between them, in the terminal or as a file.
#[derive(Debug, Args)]
pub struct Graph {
    /// The spec.
    pub file: PathBuf,
    /// The file to write, by its ending an SVG, a page whose blocks open (.html), or a text for Graphviz (.dot).
    #[arg(short, long, value_name = "NET.svg")]
    pub output: Option<PathBuf>,
    /// Close the blocks that lie so deep; 1 is the model's own. Without it a picture has as many open as fit a page, and a page
    /// none.
    #[arg(long, value_name = "D", value_parser = depth)]
    pub depth: Option<usize>,
    #[command(flatten)]
    pub model: Model,
}

/// A number of blocks within each other.
fn depth(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|&depth| depth > 0).ok_or_else(|| "a whole number of at least 1".into())
}
