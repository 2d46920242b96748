//! A stored pair: inputs and the outputs that belong to them, as ONNX's tests keep them in a folder, or as two files.

use crate::failure::{Result, broken_file, failure};
use crate::input::npy;
use crate::{Tensor, files};
use cnnc_compiler::diagnostic::Code;
use cnnc_formats::onnx;
use std::path::{Path, PathBuf};

/// Inputs, and what is expected of them.
pub struct Pair {
    /// The inputs in order.
    pub inputs: Vec<Tensor>,
    /// The outputs in order.
    pub outputs: Vec<Tensor>,
}

/// Files of one kind that are looked for in a folder.
const MOST: usize = 1000;

impl Pair {
    /// Of no path, none; of a folder what lies in it; of two files an input and its output.
    ///
    /// # Errors
    /// E601 and E603 when a file cannot be read, E610 when it is no pair.
    pub fn of(paths: &[PathBuf]) -> Result<Option<Pair>> {
        match paths {
            [] => Ok(None),
            [folder] if folder.is_dir() => {
                let (inputs, outputs) = (numbered(folder, "input")?, numbered(folder, "output")?);
                if inputs.is_empty() || outputs.is_empty() {
                    let message = format!("`{}` holds no pair", folder.display());
                    let help =
                        "a pair is input_0.pb and output_0.pb, further ones by their numbers, or the same as .npy";
                    return Err(failure(Code::E610, message).help(help));
                }
                Ok(Some(Pair { inputs, outputs }))
            }
            [file] => {
                let message = format!("`{}` is no folder, and one file is no pair", file.display());
                Err(failure(Code::E610, message).help("--check takes a folder, or an input and its output"))
            }
            [input, output, ..] => Ok(Some(Pair { inputs: vec![tensor(input)?], outputs: vec![tensor(output)?] })),
        }
    }
}

/// The tensors of a folder by their numbers: `input_0.pb`, `input_1.npy`.
fn numbered(folder: &Path, word: &str) -> Result<Vec<Tensor>> {
    let path = |number: usize| {
        let endings = ["pb", "npy"].iter().map(|ending| folder.join(format!("{word}_{number}.{ending}")));
        endings.into_iter().find(|path| path.is_file())
    };
    (0..MOST).map_while(path).map(|path| tensor(&path)).collect()
}

/// The tensor of a file: NumPy's array, told by its first bytes, or else ONNX's.
fn tensor(path: &Path) -> Result<Tensor> {
    let bytes = super::read_whole(path)?;
    if files::kinds::name(&bytes) == Some("a NumPy array") {
        return npy::read_any(path);
    }
    let (shape, values) = onnx::stored_tensor(&bytes).map_err(|reason| broken_file(path, reason))?;
    Tensor::new(&shape, values).ok_or_else(|| broken_file(path, "holds a tensor that is not of its sizes"))
}
