//! Weights of bytes in a file, and what bytes of values stand for: `X.weight` of int8 with `X.weight_scale`, a number for every
//! channel of output, and for a value of the network `X.activation_scale` and `X.activation_zero_point`.
//!
//! What comes in are the tensors of a file by their keys; what goes out are those that are parameters, the scales of those that
//! are bytes, and the quantisations of values. A parameter is float32 to everybody who asks for it: its bytes times its scales,
//! of which packing makes the same bytes again.

use super::keys::Entries;
use super::source::Source;
use super::stored::{StoredTensor, part, values};
use super::{Unread, class_names, convert, tensor};
use crate::failure::{broken_file, failure};
use crate::parameters::{Make, Parts, Room};
use crate::{Parameters, Result, Tensor, files};
use cnnc_compiler::diagnostic::Code;
use cnnc_compiler::element::{ElementType, Quantisation};
use cnnc_compiler::passes::Quantisations;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensorError};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

/// What follows the key of a parameter of bytes in that of its scales.
pub const SCALE: &str = "_scale";
/// What follows the name of a value in the keys of what its bytes stand for.
pub const VALUE_SCALE: &str = ".activation_scale";
/// As [`VALUE_SCALE`].
pub const VALUE_ZERO: &str = ".activation_zero_point";

/// The tensors of a file, divided.
pub struct Divided {
    /// Those that are parameters.
    pub parameters: Entries,
    /// The scales of parameters of bytes, by the parameters' keys.
    pub scales: HashMap<String, Arc<[f32]>>,
    /// What bytes of values stand for, by the values' names.
    pub values: BTreeMap<Arc<str>, Quantisation>,
}

/// Divides the tensors of a file.
///
/// # Errors
/// E603 when a scale or a zero is none, E601 when it cannot be read.
pub fn divide(source: &dyn Source, found: &Entries) -> Result<Divided> {
    let mut scales = HashMap::new();
    let mut quantised = BTreeMap::new();
    let mut others = HashSet::new();
    for entry in found.iter() {
        if let Some(name) = entry.key.strip_suffix(VALUE_SCALE) {
            let zero = found.get(&format!("{name}{VALUE_ZERO}"));
            quantised.insert(name.into(), quantisation(source, name, &entry.tensor, zero.map(|zero| &zero.tensor))?);
            others.insert(entry.key.clone());
        } else if entry
            .key
            .strip_suffix(VALUE_ZERO)
            .is_some_and(|name| found.get(&format!("{name}{VALUE_SCALE}")).is_some())
        {
            others.insert(entry.key.clone());
        } else if let Some(weight) = entry.key.strip_suffix(SCALE).and_then(|key| found.get(key)) {
            let channels = weight.tensor.shape.first().copied();
            let is_scale = channels.is_some_and(|channels| entry.tensor.shape == [channels]);
            if weight.tensor.dtype == Dtype::I8 && is_scale && convert::is_float(entry.tensor.dtype) {
                scales.insert(weight.key.clone(), values(source, &entry.tensor, Room::default())?.into());
                others.insert(entry.key.clone());
            }
        }
    }
    let parameters = match others.is_empty() {
        true => found.clone(),
        false => found.mapped(|key| (!others.contains(key)).then(|| key.to_owned())).unwrap_or_default(),
    };
    Ok(Divided { parameters, scales, values: quantised })
}

/// The number of a tensor that has one, of a type that can be read.
fn values_of_one(source: &dyn Source, tensor: &StoredTensor) -> Result<Option<f32>> {
    if !convert::is_readable(tensor.dtype) || tensor.shape.iter().any(|&size| size != 1) {
        return Ok(None);
    }
    Ok(values(source, tensor, Room::default())?.first().copied())
}

fn quantisation(
    source: &dyn Source,
    name: &str,
    scale: &StoredTensor,
    zero: Option<&StoredTensor>,
) -> Result<Quantisation> {
    let wrong = |what: &str| broken_file(source.path(), format!("has {what} for the bytes of `{name}`"));
    let one = |tensor: &StoredTensor| -> Result<f32> {
        match values_of_one(source, tensor)? {
            Some(number) => Ok(number),
            None => Err(wrong(&format!("{:?} of {:?}, where one number is needed,", tensor.shape, tensor.dtype))),
        }
    };
    let zero = zero.map_or(Ok(0.0), one)?;
    if zero.fract() != 0.0 || !(0.0..=255.0).contains(&zero) {
        return Err(wrong(&format!("the zero {zero}, which is no byte,")));
    }
    let scale = one(scale)?;
    Quantisation::new(scale, zero as u8).ok_or_else(|| wrong(&format!("the scale {scale}, which is none,")))
}

/// A tensor of bytes, each channel of output times its scale, read whenever it is asked for.
pub struct Scaled {
    /// The bytes.
    pub unread: Unread,
    /// One a channel.
    pub scales: Arc<[f32]>,
}

/// Multiplies values of a tensor of that shape, from that of number `start` on, each by its channel's scale.
pub fn scale(scales: &[f32], shape: Vec<usize>, start: usize, values: &mut [f32]) {
    let channel: usize = shape.iter().skip(1).product::<usize>().max(1);
    values.iter_mut().zip(start..).for_each(|(value, number)| *value *= scales[number / channel]);
}

impl Make for Scaled {
    fn shape(&self) -> &[usize] {
        &self.unread.entry.shape
    }

    fn element(&self) -> ElementType {
        ElementType::Float32
    }

    fn make(&self, room: Room<'_>) -> Result<Tensor> {
        let mut made = tensor(&*self.unread.file, &self.unread.entry, ElementType::Float32, room)?;
        scale(&self.scales, self.unread.entry.shape.clone(), 0, made.data_mut());
        Ok(made)
    }

    fn parts(self: Arc<Self>) -> Option<Arc<dyn Parts>> {
        self.unread.entry.strides.is_none().then_some(self)
    }
}

impl Parts for Scaled {
    fn part(&self, start: usize, into: &mut [f32]) -> Result<()> {
        part(&*self.unread.file, &self.unread.entry, start, into)?;
        scale(&self.scales, self.unread.entry.shape.clone(), start, into);
        Ok(())
    }
}

/// Writes parameters with some of them as bytes, and what bytes of values stand for.
///
/// # Errors
/// E601 when the file cannot be written, and as [`Parameters::get`].
pub fn save(path: &Path, parameters: &Parameters, of: &Quantisations, class_names: &[String]) -> Result<()> {
    let mut tensors: Vec<Stored> = Vec::new();
    for (key, shape) in parameters.shapes() {
        let tensor = parameters.get(key)?;
        match tensor.counts() {
            Some(counts) => {
                let bytes = counts.iter().flat_map(|&count| i64::try_from(count).unwrap_or(i64::MAX).to_le_bytes());
                tensors.push(Stored::new(key.to_string(), Dtype::I64, shape.to_vec(), bytes.collect()));
            }
            None if of.weights.contains(key) => {
                let channel: usize = shape.iter().skip(1).product::<usize>().max(1);
                let rounded = tensor.data().chunks(channel).map(rounded).collect::<Vec<_>>();
                let bytes = rounded.iter().flat_map(|(_, bytes)| bytes.iter().map(|&byte| byte as u8)).collect();
                let scales = rounded.iter().flat_map(|(scale, _)| scale.to_le_bytes()).collect();
                tensors.push(Stored::new(key.to_string(), Dtype::I8, shape.to_vec(), bytes));
                tensors.push(Stored::new(format!("{key}{SCALE}"), Dtype::F32, vec![rounded.len()], scales));
            }
            None => {
                let bytes = tensor.data().iter().flat_map(|value| value.to_le_bytes()).collect();
                tensors.push(Stored::new(key.to_string(), Dtype::F32, shape.to_vec(), bytes));
            }
        }
    }
    for (name, value) in &of.values {
        let scale = value.scale().to_le_bytes().to_vec();
        tensors.push(Stored::new(format!("{name}{VALUE_SCALE}"), Dtype::F32, vec![1], scale));
        tensors.push(Stored::new(format!("{name}{VALUE_ZERO}"), Dtype::U8, vec![1], vec![value.zero()]));
    }
    let about = class_names::entry(class_names).map(|(key, text)| HashMap::from([(key.to_owned(), text)]));
    let cannot =
        |error: &dyn std::fmt::Display| failure(Code::E601, format!("cannot write `{}`: {error}", path.display()));
    let views: std::result::Result<Vec<_>, _> = tensors.iter().map(Stored::view).collect();
    let views = views.map_err(|error| cannot(&error))?;
    let bytes = safetensors::serialize(views, about).map_err(|error| cannot(&error))?;
    files::write_whole(path, |writer| writer.write_all(&bytes))
}

/// The scale of a channel's weights, and their whole numbers from -127 to 127; packing rounds the same way.
pub fn rounded(weights: &[f32]) -> (f32, Vec<i8>) {
    let largest = weights.iter().fold(0.0f32, |largest, weight| largest.max(weight.abs()));
    let scale = largest / LARGEST;
    match scale.is_normal() {
        true => {
            let round = |weight: &f32| (weight / scale).round_ties_even().clamp(-LARGEST, LARGEST) as i8;
            (scale, weights.iter().map(round).collect())
        }
        false => (0.0, vec![0; weights.len()]),
    }
}

/// The largest whole number of a weight.
const LARGEST: f32 = 127.0;

/// A tensor to be written.
struct Stored {
    key: String,
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl Stored {
    fn new(key: String, dtype: Dtype, shape: Vec<usize>, bytes: Vec<u8>) -> Stored {
        Stored { key, dtype, shape, bytes }
    }

    fn view(&self) -> std::result::Result<(&str, TensorView<'_>), SafeTensorError> {
        Ok((&self.key, TensorView::new(self.dtype, self.shape.clone(), &self.bytes)?))
    }
}
