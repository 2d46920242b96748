//! The arguments of `cnnc fmt`.

use clap::Args;
use std::path::PathBuf;

/// Write specs in the one style: blanks, line ends and commas change, and nothing else does.
#[derive(Debug, Args)]
pub struct Fmt {
    /// The specs; of a folder all files in it that end in .cnn; - is standard input, which goes to standard output.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Change nothing, name the files that are not in the style, and end with 1 if there are any.
    #[arg(long)]
    pub check: bool,
    /// Change nothing, and show what would be changed.
    #[arg(long)]
    pub diff: bool,
}
