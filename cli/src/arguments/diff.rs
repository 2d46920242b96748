//! The arguments of `cnnc diff`.

use super::{Model, Weights};
use clap::{Args, ValueEnum};

/// Compare two networks: layers, shapes, costs, and which tensors of the first one's weights still load.
#[derive(Debug, Args)]
pub struct Diff {
    /// The first: FILE, FILE:MODEL, or REVISION:FILE of git, with :MODEL behind it too.
    #[arg(value_name = "BEFORE")]
    pub before: String,
    /// The second, in the same forms.
    #[arg(value_name = "AFTER")]
    pub after: String,
    /// How to write what differs.
    #[arg(long, value_enum, default_value_t = DiffFormat::Table)]
    pub format: DiffFormat,
    /// Weights of the first: whether they load into the second, and what does not.
    #[command(flatten)]
    pub weights: Weights,
    #[command(flatten)]
    pub model: Model,
}

/// How differences are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DiffFormat {
    /// For people, in a terminal.
    Table,
    /// For people, in a review.
    Markdown,
    /// For programs; docs/json.md says what is in it.
    Json,
}
