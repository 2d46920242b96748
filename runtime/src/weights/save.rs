//! Parameters to a safetensors file that PyTorch loads.

use crate::failure::failure;
use crate::{Parameters, Result, Tensor, files};
use cnnc_compiler::diagnostic::Code;
use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};
use std::collections::HashMap;
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
    keys.sort_by_key(|key| (!key.is_counter, key.path));
    let header = header(&keys, about)
        .map_err(|error| failure(Code::E601, format!("cannot write `{}`: {error}", path.display())))?;
    let mut unread = None;
    let written = files::write_and_keep(path, kept, |writer| {
        writer.write_all(&(header.len() as u64).to_le_bytes())?;
        writer.write_all(header.as_bytes())?;
        for key in &keys {
            match parameters.get(key.path) {
                Ok(tensor) => write_values(writer, key.is_counter, &tensor)?,
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
    is_counter: bool,
}

impl<'p> Key<'p> {
    /// Only what a layer declares as a counter is one, whatever a parameter is called.
    fn of(parameters: &Parameters, path: &'p str, shape: &'p [usize]) -> Key<'p> {
        Key { path, shape, is_counter: parameters.is_counter(path) }
    }
}

/// The header, padded to eight bytes.
fn header(keys: &[Key<'_>], about: &[(&str, &str)]) -> serde_json::Result<String> {
    let mut end = 0;
    let mut infos = Vec::with_capacity(keys.len());
    for Key { path, shape, is_counter } in keys {
        let (dtype, size) = if *is_counter { (Dtype::I64, 8) } else { (Dtype::F32, 4) };
        let start = end;
        end += shape.iter().product::<usize>() * size;
        infos.push((path.to_string(), TensorInfo { dtype, shape: shape.to_vec(), data_offsets: (start, end) }));
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

fn write_values(writer: &mut dyn Write, is_counter: bool, tensor: &Tensor) -> io::Result<()> {
    for values in tensor.data().chunks(1 << 16) {
        let bytes: Vec<u8> = if is_counter {
            values.iter().flat_map(|&value| (value as i64).to_le_bytes()).collect()
        } else {
            values.iter().flat_map(|value| value.to_le_bytes()).collect()
        };
        writer.write_all(&bytes)?;
    }
    Ok(())
}
