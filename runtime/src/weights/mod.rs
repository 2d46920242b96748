//! Parameters in files of weights, under the keys that PyTorch gives them: safetensors, and what `torch.save` writes.
//!
//! What comes in is a file and the layer graph, which says which keys and sizes there must be; what goes out is every parameter,
//! or a report of all that does not fit. Nothing is loaded by halves; but values stay in the file, which stays open, until
//! somebody asks for them. The optimiser's state of a checkpoint is passed over. Other floats and whole numbers become float32,
//! but for counters, which are whole numbers.

pub(crate) mod class_names;
mod contents;
mod convert;
mod keys;
mod matching;
pub(crate) mod multi_label;
mod of_model;
mod open;
mod options;
mod proposals;
mod pytorch;
mod quantised;
mod rename;
mod rewrite;
mod safetensors_file;
pub(crate) mod save;
mod source;
mod stored;

pub(crate) use contents::is_weights;
pub use of_model::Weights;
pub(crate) use open::{Differing, Keyed, OpenWeights};
pub use options::WeightsOptions;
pub(crate) use quantised::rounded;
pub use rename::Rename;
pub use rewrite::{Converted, Renamed, convert_file};
pub use save::save;
pub(crate) use source::{Source, StoredFile};

use crate::failure::{broken_file, note};
use crate::initialise::Drawn;
use crate::parameters::{Make, Parts, Room, TensorSource};
use crate::{Parameters, Result, Tensor};
use cnnc_compiler::diagnostic::{Code, Diagnostic};
use cnnc_compiler::element::ElementType;
use cnnc_compiler::graph::Graph;
use cnnc_compiler::passes::Quantisations;
use contents::{Contents, contents};
use keys::{Entries, Entry};
use safetensors::Dtype;
use source::StoredBytes;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;
use stored::{StoredTensor, counts, part, values};

/// Parameters, and what is to be said of how they were read.
pub(crate) struct Loaded {
    pub parameters: Parameters,
    pub notes: Vec<Diagnostic>,
    /// What the file calls the classes that its weights tell apart.
    pub class_names: Option<Vec<String>>,
    /// Whether they were trained on pictures that may have several of them.
    pub multi_label: bool,
    /// What is computed of bytes.
    pub quantisations: Quantisations,
}

/// The parameters of a graph in a file of weights. `prefix` is taken off the front of every key that has it. Each is read when
/// it is asked for: a file that somebody changes before that is an error then.
///
/// # Errors
/// E601 when the file cannot be read, E603 when it is no file of weights, E602 with all differences when it does not fit.
pub fn load(path: &Path, graph: &Graph, prefix: &str) -> Result<Parameters> {
    Ok(load_as(path, graph, &WeightsOptions::default().without_prefix(prefix))?.parameters)
}

/// As [`load`], read as the options say.
///
/// # Errors
/// As [`load`].
pub(crate) fn load_as(path: &Path, graph: &Graph, options: &WeightsOptions) -> Result<Loaded> {
    OpenWeights::open(path, options)?.fit(graph)
}

/// Reads the parameters of a graph from the bytes of a file of weights; `path` is what messages call it. See [`load`].
///
/// # Errors
/// As [`load`].
pub fn load_bytes(path: &Path, bytes: &[u8], graph: &Graph, prefix: &str) -> Result<Parameters> {
    Ok(load_bytes_as(path, bytes, graph, &WeightsOptions::default().without_prefix(prefix))?.parameters)
}

/// As [`load_bytes`], read as the options say.
///
/// # Errors
/// As [`load`].
pub(crate) fn load_bytes_as(path: &Path, bytes: &[u8], graph: &Graph, options: &WeightsOptions) -> Result<Loaded> {
    let source = StoredBytes { path, bytes };
    let mut contents = contents(&source, options.key.as_deref())?;
    let found = keys::entries(path, std::mem::take(&mut contents.entries), options)?;
    matched(&source, graph, (&found, &contents, options), |entry, element, scales| {
        let mut made = tensor(&source, entry, element, Room::default())?;
        if let Some(scales) = scales {
            quantised::scale(&scales, made.shape().to_vec(), 0, made.data_mut());
        }
        Ok(TensorSource::held(made))
    })
}

/// Every parameter with what `value` makes of its tensor, once all of them fit; a counter that the file lacks is zero.
fn matched(
    source: &dyn Source,
    graph: &Graph,
    (found, contents, options): (&Entries, &Contents, &WeightsOptions),
    value: impl Fn(&StoredTensor, ElementType, Option<Arc<[f32]>>) -> Result<TensorSource>,
) -> Result<Loaded> {
    let divided = quantised::divide(source, found)?;
    let fit = matching::fit(source, graph, &divided.parameters, contents, options)?;
    let mut parameters = Parameters::default();
    for (parameter, entry) in graph.parameters.iter().zip(&fit.tensors) {
        let zero = || TensorSource::made(Drawn { parameter: parameter.clone(), seed: 0 });
        let scales = entry.as_ref().and_then(|entry| divided.scales.get(&entry.key).cloned());
        let value = entry.as_ref().map(|entry| value(&entry.tensor, parameter.element(), scales)).transpose()?;
        parameters.put(parameter.path.clone(), value.unwrap_or_else(zero));
    }
    let mut notes = contents.notes.clone();
    notes.extend(fit.notes);
    let taken = graph.parameters.iter().zip(&fit.tensors).filter(|(parameter, _)| !parameter.is_counter);
    let is_scaled = |entry: &&Entry| divided.scales.contains_key(&entry.key);
    let others = other_types(taken.filter_map(|(_, entry)| entry.as_ref()).filter(|entry| !is_scaled(entry)));
    notes.extend(others.map(|what| note(Code::E602, format!("`{}`: {what} become float32", source.path().display()))));
    let (class_names, multi_label) = (class_names::read(&contents.about), multi_label::read(&contents.about));
    let bytes = graph
        .parameters
        .iter()
        .zip(&fit.tensors)
        .filter(|(_, entry)| entry.as_ref().is_some_and(|entry| is_scaled(&entry)));
    let weights = bytes.map(|(parameter, _)| parameter.path.clone()).collect();
    let quantisations = Quantisations { values: divided.values, weights };
    Ok(Loaded { parameters, notes, class_names, multi_label, quantisations })
}

/// How many tensors are of which type other than float32: `3 tensors of float16 and 1 of float64`.
fn other_types<'e>(entries: impl Iterator<Item = &'e Entry>) -> Option<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for entry in entries.filter(|entry| entry.tensor.dtype != Dtype::F32) {
        *counts.entry(convert::name(entry.tensor.dtype)).or_default() += 1;
    }
    let mut words: Vec<String> = counts.iter().map(|(name, count)| format!("{count} of {name}")).collect();
    let last = words.pop()?;
    Some(if words.is_empty() {
        format!("tensors ({last})")
    } else {
        format!("tensors ({} and {last})", words.join(", "))
    })
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
        (self.element == ElementType::Float32 && self.entry.strides.is_none()).then_some(self)
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
        ElementType::Float32 | ElementType::Uint8(_) => Tensor::new(&entry.shape, values(source, entry, room)?),
        ElementType::Uint64 => Tensor::of_counts(&entry.shape, counts(source, entry)?),
    };
    tensor.ok_or_else(|| broken_file(source.path(), format!("holds a tensor that is not {:?}", entry.shape)))
}

/// Every tensor of a file, those of int64 as counters, each read when it is asked for, and what the file says about itself.
///
/// # Errors
/// E601 when the file cannot be read, E603 when it is no file of weights or holds numbers of another kind.
pub fn load_all(path: &Path) -> Result<(Parameters, HashMap<String, String>)> {
    let file = Arc::new(StoredFile::open(path)?);
    let contents = contents(&*file, None)?;
    let mut parameters = Parameters::default();
    for (key, entry) in contents.entries.into_iter().collect::<BTreeMap<_, _>>() {
        if !convert::is_readable(entry.dtype) {
            return Err(broken_file(path, format!("holds `{key}` as {:?}, which cannot be read", entry.dtype)));
        }
        let element = if entry.dtype == Dtype::I64 { ElementType::Uint64 } else { ElementType::Float32 };
        parameters.put(key.into(), TensorSource::made(Unread { file: file.clone(), entry, element }));
    }
    Ok((parameters, contents.about))
}

#[cfg(test)]
mod pytorch_tests;
#[cfg(test)]
mod tests;
