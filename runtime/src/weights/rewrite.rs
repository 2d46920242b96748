//! A file of weights as a safetensors file, under other keys if that is asked for: `cnnc convert`.
//!
//! No model is asked: what goes in comes out, but that floats of other widths become float32 and what cannot be read is left out;
//! whole numbers keep their type. A tensor at a time is in memory. The file is there whole or not at all.

use super::contents::contents;
use super::convert;
use super::keys::{self, Entry};
use super::options::WeightsOptions;
use super::other_types;
use super::source::{Source, StoredFile};
use super::stored::{self, StoredTensor};
use crate::failure::{broken_file, failure};
use crate::{Error, Result, files};
use cnnc_compiler::diagnostic::{Code, Diagnostic};
use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};
use std::cmp::Reverse;
use std::io::{self, Write};
use std::path::Path;

/// What was written, and how it differs from what was read.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Converted {
    /// Tensors that were written.
    pub tensors: usize,
    /// Bytes of their values.
    pub bytes: u64,
    /// Keys that changed, in the file's order.
    pub renamed: Vec<Renamed>,
    /// Tensors of other types that became float32, by type, in words.
    pub converted: Option<String>,
    /// What is in the state and was not written, and what it is.
    pub left_out: Vec<(String, String)>,
    /// What lies beside the state, and was not written.
    pub beside: Vec<(String, String)>,
    /// What all keys still begin with, up to a dot.
    pub shared_prefix: Option<String>,
    /// What was found and chosen without being asked for.
    pub notes: Vec<Diagnostic>,
}

/// A key that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renamed {
    /// In the file that was read.
    pub from: String,
    /// In the file that was written.
    pub to: String,
}

/// Reads a file of weights and writes it as a safetensors file.
///
/// # Errors
/// E601 when a file cannot be read or written, E602 when what the options name is not there, or two keys become one, E603 when it
/// is no file of weights.
pub fn convert_file(from: &Path, to: &Path, options: &WeightsOptions) -> Result<Converted> {
    let source = StoredFile::open(from)?;
    let mut contents = contents(&source, options.key.as_deref())?;
    let mut found = keys::entries(from, std::mem::take(&mut contents.entries), options)?;
    let mut notes = contents.notes;
    if options.prefix.is_empty()
        && options.renames.is_empty()
        && let Some(reading) = keys::unwrapped(&found).filter(|_| contents.is_pytorch)
    {
        notes.push(keys::said(from, &reading));
        found = reading.entries;
    }
    let mut left_out = contents.left_out;
    let is_readable = |entry: &&Entry| convert::is_readable(entry.tensor.dtype);
    let unreadable = found.iter().filter(|entry| !is_readable(entry));
    left_out.extend(unreadable.map(|entry| (entry.key.clone(), format!("a tensor of {:?}", entry.tensor.dtype))));
    let mut written: Vec<&Entry> = found.iter().filter(is_readable).collect();
    // Wide values first, so that everything stays aligned; then by key, so that the same tensors make the same file.
    written.sort_by_key(|entry| (Reverse(target(&entry.tensor).bitsize()), entry.key.clone()));
    let bytes = write(&source, to, &written)?;
    let is_float = |entry: &&Entry| convert::is_float(entry.tensor.dtype);
    let renamed = found.iter().filter(|entry| entry.key != entry.stored);
    Ok(Converted {
        tensors: written.len(),
        bytes,
        renamed: renamed.map(|entry| Renamed { from: entry.stored.clone(), to: entry.key.clone() }).collect(),
        converted: other_types(found.iter().filter(is_float)),
        left_out,
        beside: contents.beside,
        shared_prefix: keys::shared_prefixes(&found).into_iter().next_back().filter(|_| found.len() > 1),
        notes,
    })
}

/// The type that a tensor is written as.
fn target(tensor: &StoredTensor) -> Dtype {
    if convert::is_float(tensor.dtype) { Dtype::F32 } else { tensor.dtype }
}

/// Writes the file; the bytes of its values.
fn write(source: &dyn Source, path: &Path, entries: &[&Entry]) -> Result<u64> {
    let unwritable =
        |error: &dyn std::fmt::Display| failure(Code::E601, format!("cannot write `{}`: {error}", path.display()));
    let (mut infos, mut end) = (Vec::with_capacity(entries.len()), 0);
    for entry in entries {
        let (dtype, start) = (target(&entry.tensor), end);
        let values: u64 = entry.tensor.shape.iter().map(|&size| size as u64).product();
        end += values * (dtype.bitsize() / 8) as u64;
        let shape = entry.tensor.shape.clone();
        infos.push((entry.key.clone(), TensorInfo { dtype, shape, data_offsets: (start as usize, end as usize) }));
    }
    let about = [("format".to_owned(), "pt".to_owned())].into_iter().collect();
    let metadata = Metadata::new(Some(about), infos).map_err(|error| unwritable(&error))?;
    let mut header = serde_json::to_string(&metadata).map_err(|error| unwritable(&error))?;
    while header.len() % 8 != 0 {
        header.push(' ');
    }
    let mut unread = None;
    let written = files::write_whole(path, |writer| {
        writer.write_all(&(header.len() as u64).to_le_bytes())?;
        writer.write_all(header.as_bytes())?;
        for entry in entries {
            if let Err(failed) = write_values(source, writer, &entry.tensor) {
                let kind = io::ErrorKind::InvalidData;
                return match failed {
                    Failed::Write(error) => Err(error),
                    Failed::Read(error) => {
                        unread = Some(error);
                        Err(kind.into())
                    }
                };
            }
        }
        Ok(())
    });
    unread.map_or(written, Err)?;
    Ok(end)
}

/// Which of the two files is at fault.
enum Failed {
    Read(Error),
    Write(io::Error),
}

fn write_values(source: &dyn Source, writer: &mut dyn Write, tensor: &StoredTensor) -> std::result::Result<(), Failed> {
    let mut unwritten = None;
    let is_converted = tensor.dtype != target(tensor);
    let read = stored::bytes(source, tensor, |chunk| {
        let floats =
            || convert::to_f32(tensor.dtype, chunk).iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
        let written = if is_converted { writer.write_all(&floats()) } else { writer.write_all(chunk) };
        written.map_err(|error| {
            unwritten = Some(error);
            broken_file(source.path(), "is not read on")
        })
    });
    match (unwritten, read) {
        (Some(error), _) => Err(Failed::Write(error)),
        (None, read) => read.map_err(Failed::Read),
    }
}
