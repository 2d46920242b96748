//! Parameters in safetensors files, under the keys that PyTorch gives them.
//!
//! What comes in is a file and the layer graph, which says which keys and sizes there must be; what goes out is every parameter,
//! or a report of all that does not fit. Nothing is loaded by halves; but values stay in the file, which stays open, until
//! somebody asks for them. The optimiser's state of a checkpoint is passed over. Half precision, bfloat16, float64 and integers
//! become float32, but for counters, which are whole numbers.

mod convert;
mod matching;
mod of_model;
pub(crate) mod save;
mod stored;

pub(crate) use convert::from_half;
pub use of_model::Weights;
pub use save::save;

use crate::failure::{broken_file, failure};
use crate::initialise::Drawn;
use crate::parameters::{Make, Parts, Room, TensorSource};
use crate::{Parameters, Result, Tensor};
use cnnc_compiler::diagnostic::Code;
use cnnc_compiler::element::ElementType;
use cnnc_compiler::graph::Graph;
use cnnc_compiler::training::names::is_state;
use safetensors::Dtype;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;
use stored::{Header, Source, StoredBytes, StoredFile, StoredTensor, counts, header, part, values};

/// The tensors of a file by their key in the model: the prefix is gone.
type Entries = BTreeMap<String, StoredTensor>;

/// The parameters of a graph in a safetensors file. `prefix` is taken off the front of every key that has it. Each is read when
/// it is asked for: a file that somebody changes before that is an error then.
///
/// # Errors
/// E601 when the file cannot be read, E603 when it is no safetensors file, E602 with all differences when it does not fit.
pub fn load(path: &Path, graph: &Graph, prefix: &str) -> Result<Parameters> {
    let file = Arc::new(StoredFile::open(path)?);
    let value = |entry: &StoredTensor, element| match element {
        ElementType::Float32 => Ok(TensorSource::made(Unread { file: file.clone(), entry: entry.clone(), element })),
        ElementType::Uint64 => tensor(&*file, entry, element, Room::default()).map(TensorSource::held),
    };
    matched(&*file, graph, prefix, value)
}

/// Reads the parameters of a graph from the bytes of a safetensors file; `path` is what messages call it. See [`load`].
///
/// # Errors
/// As [`load`].
pub fn load_bytes(path: &Path, bytes: &[u8], graph: &Graph, prefix: &str) -> Result<Parameters> {
    let source = StoredBytes { path, bytes };
    matched(&source, graph, prefix, |entry, element| {
        tensor(&source, entry, element, Room::default()).map(TensorSource::held)
    })
}

/// Every parameter with what `value` makes of its tensor, once all of them fit; a counter that the file lacks is zero.
fn matched(
    source: &dyn Source,
    graph: &Graph,
    prefix: &str,
    value: impl Fn(&StoredTensor, ElementType) -> Result<TensorSource>,
) -> Result<Parameters> {
    let mut found = Entries::new();
    for (key, entry) in header(source)?.entries.into_iter().filter(|(key, _)| !is_state(key)) {
        // The dot behind a prefix may be left out.
        let short = key.strip_prefix(prefix).map(|short| short.strip_prefix('.').unwrap_or(short)).unwrap_or(&key);
        if found.insert(short.to_owned(), entry).is_some() {
            let file = source.path().display();
            let message = format!("`{file}` has both `{prefix}{short}` and `{short}`: without `{prefix}` they are one");
            return Err(failure(Code::E602, message));
        }
    }
    let entries = matching::match_keys(source, graph, &found, prefix)?;
    let mut parameters = Parameters::default();
    for (parameter, entry) in graph.parameters.iter().zip(entries) {
        let zero = || TensorSource::made(Drawn { parameter: parameter.clone(), seed: 0 });
        let value = entry.map(|entry| value(entry, parameter.element())).transpose()?;
        parameters.put(parameter.path.clone(), value.unwrap_or_else(zero));
    }
    Ok(parameters)
}

/// A tensor that is read whenever it is asked for.
struct Unread {
    file: Arc<StoredFile>,
    entry: StoredTensor,
    element: ElementType,
}

impl Make for Unread {
    fn shape(&self) -> &[usize] {
        &self.entry.shape
    }

    fn element(&self) -> ElementType {
        self.element
    }

    fn make(&self, room: Room<'_>) -> Result<Tensor> {
        tensor(&*self.file, &self.entry, self.element, room)
    }

    fn parts(self: Arc<Self>) -> Option<Arc<dyn Parts>> {
        (self.element == ElementType::Float32).then_some(self)
    }
}

impl Parts for Unread {
    fn part(&self, start: usize, into: &mut [f32]) -> Result<()> {
        part(&*self.file, &self.entry, start, into)
    }
}

/// A tensor of a file.
fn tensor(source: &dyn Source, entry: &StoredTensor, element: ElementType, room: Room<'_>) -> Result<Tensor> {
    let tensor = match element {
        ElementType::Float32 => Tensor::new(&entry.shape, values(source, entry, room)?),
        ElementType::Uint64 => Tensor::of_counts(&entry.shape, counts(source, entry)?),
    };
    tensor.ok_or_else(|| broken_file(source.path(), format!("holds a tensor that is not {:?}", entry.shape)))
}

/// Every tensor of a file, those of int64 as counters, each read when it is asked for, and what the file says about itself.
///
/// # Errors
/// E601 when the file cannot be read, E603 when it is no safetensors file or holds numbers of another kind.
pub fn load_all(path: &Path) -> Result<(Parameters, HashMap<String, String>)> {
    let file = Arc::new(StoredFile::open(path)?);
    let Header { entries, about } = header(&*file)?;
    let mut parameters = Parameters::default();
    for (key, entry) in entries.into_iter().collect::<Entries>() {
        if !convert::is_readable(entry.dtype) {
            return Err(broken_file(path, format!("holds `{key}` as {:?}, which cannot be read", entry.dtype)));
        }
        let element = if entry.dtype == Dtype::I64 { ElementType::Uint64 } else { ElementType::Float32 };
        parameters.put(key.into(), TensorSource::made(Unread { file: file.clone(), entry, element }));
    }
    Ok((parameters, about))
}

#[cfg(test)]
mod tests;
