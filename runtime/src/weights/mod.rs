//! Parameters in safetensors files, under the keys that PyTorch gives them.
//!
//! What comes in is a file and the layer graph, which says which keys and sizes there must be; what goes out is every parameter, or a
//! report of all that does not fit. Nothing is loaded by halves. The optimiser's state of a checkpoint is passed over. Half precision, bfloat16, float64 and integers become float32.

mod convert;
mod matching;
mod save;

pub(crate) use convert::from_half;
pub use save::save;
pub(crate) use save::save_keeping;

use crate::failure::{broken_file, file_failure};
use crate::{Failure, Parameters, Result, Tensor, files};
use cnnc_compiler::graph::Graph;
use cnnc_compiler::training::names;
use memmap2::Mmap;
use safetensors::tensor::TensorView;
use safetensors::{SafeTensorError, SafeTensors};
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::path::Path;

/// The tensors of a file by their key in the model: the prefix is gone.
type Found<'a> = BTreeMap<String, TensorView<'a>>;

/// Reads the parameters of a graph from a safetensors file. `prefix` is taken off the front of every key that has it.
///
/// # Errors
/// E601 when the file cannot be read, E603 when it is no safetensors file, E602 with all differences when it does not fit.
pub fn load(path: &Path, graph: &Graph, prefix: &str) -> Result<Parameters> {
    load_bytes(path, &map(path)?, graph, prefix)
}

/// Reads the parameters of a graph from the bytes of a safetensors file; `path` is what messages call it. See [`load`].
///
/// # Errors
/// As [`load`].
pub fn load_bytes(path: &Path, bytes: &[u8], graph: &Graph, prefix: &str) -> Result<Parameters> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| broken(path, &error))?;
    let tensors = file.iter().filter(|(key, _)| !is_state(key));
    let found: Found =
        tensors.map(|(key, tensor)| (key.strip_prefix(prefix).unwrap_or(key).to_string(), tensor)).collect();
    let sources = matching::match_keys(path, graph, &found, prefix)?;
    let convert = |(parameter, source): (&cnnc_compiler::graph::Parameter, Option<&TensorView>)| {
        let values = source.map_or_else(|| vec![0.0; parameter.shape.iter().product()], convert::to_f32);
        Tensor::new(&parameter.shape, values).map(|tensor| (parameter.path.clone(), tensor))
    };
    Ok(graph.parameters.iter().zip(sources).filter_map(convert).collect())
}

/// Reads every tensor of a file, and what it says about itself.
///
/// # Errors
/// E601 when the file cannot be read, E603 when it is no safetensors file or holds numbers of another kind.
pub(crate) fn load_all(path: &Path) -> Result<(Parameters, HashMap<String, String>)> {
    let bytes = map(path)?;
    let file = SafeTensors::deserialize(&bytes).map_err(|error| broken(path, &error))?;
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|error| broken(path, &error))?;
    let mut parameters = Parameters::default();
    for (key, tensor) in file.iter() {
        let values = convert::is_readable(tensor.dtype()).then(|| convert::to_f32(&tensor));
        let read = values.and_then(|values| Tensor::new(tensor.shape(), values));
        let reason = format!("holds `{key}` as {:?}, which cannot be read", tensor.dtype());
        parameters.insert(key, read.ok_or_else(|| broken_file(path, reason))?);
    }
    Ok((parameters, header.metadata().clone().unwrap_or_default()))
}

/// Whether a key is that of an optimiser's state, which a checkpoint holds beside the parameters.
pub(crate) fn is_state(key: &str) -> bool {
    let name = key.rsplit_once('/').map(|(_, name)| name);
    name.is_some_and(|name| [names::MOMENTUM_BUFFER, names::EXP_AVG, names::EXP_AVG_SQ].contains(&name))
}

/// A file in memory; the system reads what is touched.
fn map(path: &Path) -> Result<Mmap> {
    let file: File = files::open(path)?;
    let metadata = file.metadata().map_err(|error| file_failure("read", path, &error))?;
    if metadata.len() == 0 {
        return Err(broken_file(path, "is empty; a safetensors file has at least a header"));
    }
    // SAFETY: the map is read only. A file that another program cuts short meanwhile ends this program with a signal, as any mapped
    // file does; nothing is written through it.
    unsafe { Mmap::map(&file) }.map_err(|error| file_failure("read", path, &error))
}

/// What is wrong with the file, in words.
fn broken(path: &Path, error: &SafeTensorError) -> Failure {
    let reason = match error {
        SafeTensorError::HeaderTooSmall => {
            "is too short: a safetensors file begins with the length of its header".into()
        }
        SafeTensorError::HeaderTooLarge => {
            "is no safetensors file: its first 8 bytes, the header's length, are past 100 MB".into()
        }
        SafeTensorError::InvalidHeaderLength => {
            "is cut off, or is no safetensors file: its header is longer than the file".into()
        }
        SafeTensorError::InvalidHeader(_) => "is no safetensors file: its header is no text".into(),
        SafeTensorError::InvalidHeaderDeserialization(error) => {
            format!("is no safetensors file: its header cannot be read: {error}")
        }
        SafeTensorError::MetadataIncompleteBuffer => {
            "is cut off, or has more data than its header says: the tensors do not fill it".into()
        }
        SafeTensorError::InvalidOffset(name) => {
            format!("is damaged: the tensor `{name}` does not lie where the one before it ends")
        }
        SafeTensorError::TensorInvalidInfo => "is damaged: a tensor's size in bytes is not what its shape says".into(),
        SafeTensorError::ValidationOverflow => "is damaged: a tensor's shape is larger than any file".into(),
        other => format!("is damaged: {other}"),
    };
    broken_file(path, reason)
}

#[cfg(test)]
mod tests;
