//! Parameters to a safetensors file that PyTorch loads.

use crate::failure::failure;
use crate::{Parameters, Result, Tensor, files};
use cnnc_compiler::diagnostic::Code;
use cnnc_compiler::element::ElementType;
use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

/// Writes all parameters under their keys, as float32 (counters of layers as int64), with some text about the file. The file is
/// there whole or not at all.
///
/// # Errors
/// E601 when the file cannot be written, and as [`Parameters::get`].
pub fn save(path: &Path, parameters: &Parameters, about: &[(&str, &str)]) -> Result<()> {
    save_keeping(path, None, parameters, about)
}

/// As [`save`]; what was there before gets the name `kept`.
pub(crate) fn save_keeping(
    path: &Path,
    kept: Option<&Path>,
    parameters: &Parameters,
    about: &[(&str, &str)],
) -> Result<()> {
    let mut keys: Vec<Key<'_>> = parameters.shapes().map(|(path, shape)| Key::of(parameters, path, shape)).collect();
    // Eight-byte values first, so that everything stays aligned; then by key, so that the same parameters make the same file.
    keys.sort_by_key(|key| (Reverse(key.element.size_bytes()), key.path));
    let header = header(&keys, about)
        .map_err(|error| failure(Code::E601, format!("cannot write `{}`: {error}", path.display())))?;
    let mut unread = None;
    let written = files::write_and_keep(path, kept, |writer| {
        writer.write_all(&(header.len() as u64).to_le_bytes())?;
        writer.write_all(header.as_bytes())?;
        for key in &keys {
            let values = match key.element {
                ElementType::Float32 | ElementType::Uint8(_) => write_parts(writer, parameters, key),
                ElementType::Uint64 => parameters.get(key.path).map(|tensor| write_counts(writer, &tensor)),
            };
            match values {
                Ok(written) => written?,
                Err(failure) => {
                    unread = Some(failure);
                    return Err(io::ErrorKind::InvalidData.into());
                }
            }
        }
        Ok(())
    });
    unread.map_or(written, Err)
}

/// A parameter as it is stored.
struct Key<'p> {
    path: &'p str,
    shape: &'p [usize],
    element: ElementType,
}

impl<'p> Key<'p> {
    fn of(parameters: &Parameters, path: &'p str, shape: &'p [usize]) -> Key<'p> {
        Key { path, shape, element: parameters.element(path).unwrap_or(ElementType::Float32) }
    }
}

/// The header, padded to eight bytes.
fn header(keys: &[Key<'_>], about: &[(&str, &str)]) -> serde_json::Result<String> {
    let mut end = 0;
    let mut infos = Vec::with_capacity(keys.len());
    for Key { path, shape, element } in keys {
        let dtype = match element {
            ElementType::Float32 | ElementType::Uint8(_) => Dtype::F32,
            ElementType::Uint64 => Dtype::I64,
        };
        let start = end;
        end += element.tensor_bytes(shape) as usize;
        infos.push((path.to_string(), TensorInfo { dtype, shape: shape.to_vec(), data_offsets: (start, end) }));
    }
    let metadata = Metadata::new(None, infos).map_err(serde::de::Error::custom)?;
    let mut text = with_about(serde_json::to_string(&metadata)?, about)?;
    while text.len() % 8 != 0 {
        text.push(' ');
    }
    Ok(text)
}

/// A header with texts about the file, by their keys: the library has them in any order, and files that are equal are so in all
/// bytes.
fn with_about(header: String, about: &[(&str, &str)]) -> serde_json::Result<String> {
    if about.is_empty() {
        return Ok(header);
    }
    let about: BTreeMap<&str, &str> = about.iter().copied().collect();
    let about = serde_json::to_string(&about)?;
    let rest = header.strip_prefix('{').unwrap_or(&header);
    let comma = if rest.starts_with('}') { "" } else { "," };
    Ok(format!("{{\"__metadata__\":{about}{comma}{rest}"))
}

/// Values that are converted at a time.
const PART: usize = 1 << 16;

/// Writes float32 values part by part, so that what makes a tensor when it is asked for need not hold it whole.
fn write_parts(writer: &mut dyn Write, parameters: &Parameters, key: &Key<'_>) -> Result<io::Result<()>> {
    let parts = parameters.parts(key.path)?;
    let count: usize = key.shape.iter().product();
    let mut values = vec![0.0f32; count.min(PART)];
    let mut bytes = Vec::with_capacity(values.len() * size_of::<f32>());
    for start in (0..count).step_by(PART) {
        let values = &mut values[..PART.min(count - start)];
        parts.part(start, values)?;
        bytes.clear();
        bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        if let Err(error) = writer.write_all(&bytes) {
            return Ok(Err(error));
        }
    }
    Ok(Ok(()))
}

/// PyTorch has no larger whole numbers than int64's, which nothing counts up to.
fn write_counts(writer: &mut dyn Write, tensor: &Tensor) -> io::Result<()> {
    let bytes = |count: &u64| i64::try_from(*count).unwrap_or(i64::MAX).to_le_bytes();
    let counts = tensor.counts().unwrap_or_default();
    counts.chunks(PART).try_for_each(|part| writer.write_all(&part.iter().flat_map(bytes).collect::<Vec<u8>>()))
}
