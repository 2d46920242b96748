//! Parameters in safetensors files, under the keys that PyTorch gives them.
//!
//! What comes in is a file and the layer graph, which says which keys and sizes there must be; what goes out is every parameter, or a
//! report of all that does not fit. Nothing is loaded by halves; but values stay in the file, which is mapped, until somebody asks for them. The optimiser's state of a checkpoint is passed over. Half precision, bfloat16, float64 and integers become float32.

mod convert;
mod mapped;
mod matching;
mod save;

pub(crate) use convert::from_half;
pub(crate) use mapped::MappedValues;
pub use save::save;
pub(crate) use save::save_keeping;

use crate::failure::{broken_file, file_failure};
use crate::parameters::Value;
use crate::{Failure, Parameters, Result, Tensor, files};
use cnnc_compiler::graph::Graph;
use cnnc_compiler::training::names;
use memmap2::Mmap;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensorError, SafeTensors};
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// The tensors of a file by their key in the model: the prefix is gone.
type Found<'a> = BTreeMap<String, TensorView<'a>>;

/// The parameters of a graph in a safetensors file. `prefix` is taken off the front of every key that has it. Each is read when it is
/// asked for, so the file must stay as it is until then.
///
/// # Errors
/// E601 when the file cannot be read, E603 when it is no safetensors file, E602 with all differences when it does not fit.
pub fn load(path: &Path, graph: &Graph, prefix: &str) -> Result<Parameters> {
    let file = Arc::new(map(path)?);
    matched(path, &file, graph, prefix, |tensor| {
        let stored = Stored::new(&file, tensor);
        Value::made(tensor.shape(), move || stored.tensor())
    })
}

/// Reads the parameters of a graph from the bytes of a safetensors file; `path` is what messages call it. See [`load`].
///
/// # Errors
/// As [`load`].
pub fn load_bytes(path: &Path, bytes: &[u8], graph: &Graph, prefix: &str) -> Result<Parameters> {
    matched(path, bytes, graph, prefix, |tensor| {
        Value::held(convert::tensor(tensor.dtype(), tensor.data(), tensor.shape()))
    })
}

/// Every parameter with what `value` makes of its tensor, once all of them fit; a counter that the file lacks is zero.
fn matched(
    path: &Path,
    bytes: &[u8],
    graph: &Graph,
    prefix: &str,
    value: impl Fn(&TensorView<'_>) -> Value,
) -> Result<Parameters> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| broken(path, &error))?;
    let tensors = file.iter().filter(|(key, _)| !is_state(key));
    let found: Found =
        tensors.map(|(key, tensor)| (key.strip_prefix(prefix).unwrap_or(key).to_string(), tensor)).collect();
    let sources = matching::match_keys(path, graph, &found, prefix)?;
    let mut parameters = Parameters::default();
    for (parameter, source) in graph.parameters.iter().zip(sources) {
        let zero = || Value::held(Tensor::filled(&parameter.shape, 0.0));
        parameters.put(parameter.path.clone(), source.map_or_else(zero, &value));
    }
    Ok(parameters)
}

/// Where a tensor lies in a file.
struct Stored {
    file: Arc<Mmap>,
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Range<usize>,
}

impl Stored {
    /// A tensor of this file.
    fn new(file: &Arc<Mmap>, tensor: &TensorView<'_>) -> Stored {
        let start = tensor.data().as_ptr().addr() - file.as_ptr().addr();
        let bytes = start..start + tensor.data().len();
        Stored { file: file.clone(), dtype: tensor.dtype(), shape: tensor.shape().to_vec(), bytes }
    }

    /// The file's own floats where they are float32, else what they become.
    fn tensor(&self) -> Tensor {
        let own = MappedValues::new(&self.file, self.bytes.clone()).filter(|_| self.dtype == Dtype::F32);
        let mapped = own.and_then(|values| Tensor::mapped(&self.shape, values));
        let bytes = self.file.get(self.bytes.clone()).unwrap_or_default();
        mapped.unwrap_or_else(|| convert::tensor(self.dtype, bytes, &self.shape))
    }
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
        if !convert::is_readable(tensor.dtype()) {
            return Err(broken_file(path, format!("holds `{key}` as {:?}, which cannot be read", tensor.dtype())));
        }
        parameters.insert(key, convert::tensor(tensor.dtype(), tensor.data(), tensor.shape()));
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
