//! What a safetensors file says that it holds: its header, which must fill the file.

use super::contents::Contents;
use super::source::Source;
use super::stored::StoredTensor;
use crate::failure::{Error, Result, broken_file};
use safetensors::SafeTensorError;
use safetensors::tensor::{Metadata, TensorInfo};
use serde::Deserialize;
use std::collections::HashMap;
use std::path::Path;

/// Bytes of the number that a file begins with: its header's length.
pub const LENGTH_BYTES: u64 = 8;
/// No header is longer.
pub const MOST_HEADER_BYTES: u64 = 100_000_000;

/// A header as it is written.
#[derive(Deserialize)]
struct Written {
    #[serde(rename = "__metadata__")]
    about: Option<HashMap<String, String>>,
    #[serde(flatten)]
    tensors: HashMap<String, TensorInfo>,
}

/// The header of a file, once all that it says is possible.
///
/// # Errors
/// E601 when it cannot be read, E603 when it is none.
pub fn contents(source: &dyn Source) -> Result<Contents> {
    let (path, length) = (source.path(), source.length());
    let wrong = |error| broken(path, &error);
    if length == 0 {
        return Err(broken_file(path, "is empty; a safetensors file has at least a header"));
    }
    let after_length = length.checked_sub(LENGTH_BYTES).ok_or_else(|| wrong(SafeTensorError::HeaderTooSmall))?;
    let mut number = [0; LENGTH_BYTES as usize];
    source.read(0, &mut number)?;
    let size = u64::from_le_bytes(number);
    if size > MOST_HEADER_BYTES {
        return Err(wrong(SafeTensorError::HeaderTooLarge));
    }
    let data = after_length.checked_sub(size).ok_or_else(|| wrong(SafeTensorError::InvalidHeaderLength))?;
    let mut text = vec![0; size as usize];
    source.read(LENGTH_BYTES, &mut text)?;
    let text = std::str::from_utf8(&text).map_err(|error| wrong(SafeTensorError::InvalidHeader(error)))?;
    let Written { about, tensors } =
        serde_json::from_str(text).map_err(|error| wrong(SafeTensorError::InvalidHeaderDeserialization(error)))?;
    let mut tensors: Vec<(String, TensorInfo)> = tensors.into_iter().collect();
    tensors.sort_by_key(|(_, tensor)| tensor.data_offsets);
    let entry = |(key, tensor): &(String, TensorInfo)| {
        let start = LENGTH_BYTES + size + tensor.data_offsets.0 as u64;
        (key.clone(), StoredTensor { dtype: tensor.dtype, shape: tensor.shape.clone(), start, strides: None })
    };
    let entries = tensors.iter().map(entry).collect();
    if Metadata::new(None, tensors).map_err(wrong)?.data_len() as u64 != data {
        return Err(wrong(SafeTensorError::MetadataIncompleteBuffer));
    }
    Ok(Contents { entries, about: about.unwrap_or_default(), ..Contents::default() })
}

/// What is wrong with the file, in words.
fn broken(path: &Path, error: &SafeTensorError) -> Error {
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
