//! Parameters to a safetensors file that PyTorch loads.

use crate::failure::failure;
use crate::{Parameters, Result, Tensor, files};
use cnnc_compiler::diagnostic::Code;
use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};
use std::collections::HashMap;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

/// Writes all parameters under their keys, as float32 (PyTorch's batch counters as int64), with some text about the file. The file is
/// there whole or not at all.
///
/// # Errors
/// E601 when the file cannot be written.
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
    let mut keys: Vec<(&Arc<str>, &[usize])> = parameters.shapes().collect();
    // Eight-byte values first, so that everything stays aligned; then by key, so that the same parameters make the same file.
    keys.sort_by_key(|(key, _)| (!is_counter(key), key.to_string()));
    let header = header(&keys, about)
        .map_err(|error| failure(Code::E601, format!("cannot write `{}`: {error}", path.display())))?;
    files::write_and_keep(path, kept, |writer| {
        writer.write_all(&(header.len() as u64).to_le_bytes())?;
        writer.write_all(header.as_bytes())?;
        let mut tensors = keys.iter().filter_map(|(key, _)| Some((key, parameters.get(key)?)));
        tensors.try_for_each(|(key, tensor)| write_values(writer, key, &tensor))
    })
}

fn is_counter(key: &str) -> bool {
    key.ends_with("num_batches_tracked")
}

/// The header, padded to eight bytes.
fn header(keys: &[(&Arc<str>, &[usize])], about: &[(&str, &str)]) -> serde_json::Result<String> {
    let mut end = 0;
    let mut infos = Vec::with_capacity(keys.len());
    for (key, shape) in keys {
        let (dtype, size) = if is_counter(key) { (Dtype::I64, 8) } else { (Dtype::F32, 4) };
        let start = end;
        end += shape.iter().product::<usize>() * size;
        infos.push((key.to_string(), TensorInfo { dtype, shape: shape.to_vec(), data_offsets: (start, end) }));
    }
    let about: HashMap<String, String> = about.iter().map(|(key, text)| (key.to_string(), text.to_string())).collect();
    let about = if about.is_empty() { None } else { Some(about) };
    let metadata = Metadata::new(about, infos).map_err(serde::de::Error::custom)?;
    let mut text = serde_json::to_string(&metadata)?;
    while text.len() % 8 != 0 {
        text.push(' ');
    }
    Ok(text)
}

fn write_values(writer: &mut dyn Write, key: &str, tensor: &Tensor) -> io::Result<()> {
    for values in tensor.data().chunks(1 << 16) {
        let bytes: Vec<u8> = if is_counter(key) {
            values.iter().flat_map(|&value| (value as i64).to_le_bytes()).collect()
        } else {
            values.iter().flat_map(|value| value.to_le_bytes()).collect()
        };
        writer.write_all(&bytes)?;
    }
    Ok(())
}
