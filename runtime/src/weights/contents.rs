//! What a file of weights holds, whichever program wrote it: told by its first bytes, never by its name.

use super::pytorch;
use super::safetensors_file::{self, LENGTH_BYTES, MOST_HEADER_BYTES};
use super::source::{Foreign, Source};
use super::stored::StoredTensor;
use crate::failure::{Error, Result, broken_file, failure};
use cnnc_compiler::diagnostic::{Code, Diagnostic};
use cnnc_formats::pytorch::form;
use std::collections::HashMap;
use std::path::Path;

/// What a file holds.
#[derive(Default)]
pub struct Contents {
    /// Tensors by key, in the file's order.
    pub entries: Vec<(String, StoredTensor)>,
    /// Text about the file.
    pub about: HashMap<String, String>,
    /// Keys of the state that have no values which are read, and what they are.
    pub left_out: Vec<(String, String)>,
    /// Keys beside the state, and what they are.
    pub beside: Vec<(String, String)>,
    /// The keys under which the state lies in a checkpoint.
    pub under: Vec<String>,
    /// The class of the module that was saved, where it was a whole one.
    pub module: Option<String>,
    /// What was found and chosen, to be said.
    pub notes: Vec<Diagnostic>,
    /// It is a checkpoint of PyTorch.
    pub is_pytorch: bool,
}

/// What a file holds; of several states in it, `key` says which.
///
/// # Errors
/// E601 when it cannot be read, E602 when it has no state, or several and none is chosen, E603 when it is no file of weights.
pub fn contents(source: &dyn Source, key: Option<&str>) -> Result<Contents> {
    let form = form(&Foreign(source)).map_err(|failure| pytorch::error(source.path(), failure))?;
    if let Some(form) = form {
        return pytorch::contents(source, form, key);
    }
    if let Some(foreign) = foreign(source)? {
        return Err(foreign);
    }
    if let Some(key) = key {
        let message =
            format!("`{}` has nothing under the key `{key}`: it is a safetensors file", source.path().display());
        return Err(failure(Code::E602, message).help("leave `--key` out; `--prefix` chooses by what keys begin with"));
    }
    safetensors_file::contents(source)
}

/// Whether a file is one of weights, by its first bytes.
///
/// # Errors
/// E601 when it cannot be read.
pub fn is_weights(source: &dyn Source) -> Result<bool> {
    if form(&Foreign(source)).map_err(|failure| pytorch::error(source.path(), failure))?.is_some() {
        return Ok(true);
    }
    let mut first = vec![0; source.length().min(FIRST as u64) as usize];
    source.read(0, &mut first)?;
    Ok(is_safetensors(&first) || matches!(first.as_slice(), [0x80, 2..=5, ..]))
}

/// Whether a header begins there; its first brace may stand behind any length.
fn is_safetensors(first: &[u8]) -> bool {
    let header = first.split_first_chunk::<{ LENGTH_BYTES as usize }>();
    header.is_some_and(|(length, rest)| u64::from_le_bytes(*length) <= MOST_HEADER_BYTES && rest.first() == Some(&b'{'))
}

/// Bytes by which other files are told.
const FIRST: usize = 32;

/// Weights as other programs write them, and what is downloaded in their place.
fn foreign(source: &dyn Source) -> Result<Option<Error>> {
    let mut first = vec![0; source.length().min(FIRST as u64) as usize];
    source.read(0, &mut first)?;
    let Some((length, _)) = first.split_first_chunk::<{ LENGTH_BYTES as usize }>() else { return Ok(None) };
    if is_safetensors(&first) {
        return Ok(None);
    }
    let (what, help) = match first.as_slice() {
        [b'<', ..] => (
            "a web page, and no weights: what was downloaded is a page about the file, or an error",
            "download the file itself; a browser shows which address that is",
        ),
        start if start.starts_with(b"version https://git-lfs") => (
            "a pointer of Git LFS, and no weights: those were not fetched",
            "`git lfs pull` in the folder that it is from fetches them",
        ),
        [0x80, 2..=5, ..] => (
            "a pickle that torch.save did not write, and weights are read from its files and from safetensors",
            "in Python: `torch.save` or `safetensors.torch.save_file` writes a dictionary of tensors",
        ),
        [0x89, b'H', b'D', b'F', ..] => (
            "an HDF5 file, as Keras writes weights, and weights are read from safetensors and PyTorch's files",
            "in Python: `safetensors.numpy.save_file` writes a dictionary of arrays, by PyTorch's keys and in its order of axes",
        ),
        [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => (
            "one NumPy array, and weights are read from safetensors and PyTorch's files",
            "in Python: `safetensors.numpy.save_file({\"0.weight\": array}, \"weights.safetensors\")`, a key for each parameter",
        ),
        _ => return Ok(None),
    };
    let is_header = u64::from_le_bytes(*length) <= MOST_HEADER_BYTES;
    Ok((!is_header).then(|| told(source.path(), what, help)))
}

fn told(path: &Path, what: &str, help: &str) -> Error {
    broken_file(path, format!("is {what}")).help(help)
}
