//! Tensors where they are stored: in a file that stays open, or in bytes.
//!
//! A safetensors file comes in; its header, and values when somebody asks for them, go out. Values are read into memory of their
//! own and never mapped: what others do to the file meanwhile (cut it short, write into it) is an error that names it. A file
//! that is replaced by another of its name does no harm, since the one that was opened is read on.

use super::convert;
use crate::failure::{Error, Result, broken_file, failure, file_failure};
use crate::files;
use crate::parameters::Room;
use cnnc_compiler::diagnostic::Code;
use safetensors::tensor::{Metadata, TensorInfo};
use safetensors::{Dtype, SafeTensorError};
use serde::Deserialize;
use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

/// Bytes of the number that a file begins with: its header's length.
const LENGTH_BYTES: u64 = 8;
/// No header is longer.
const MOST_HEADER_BYTES: u64 = 100_000_000;
/// Bytes that are read at a time where values are converted.
const CHUNK_BYTES: u64 = 1 << 20;

/// A tensor of a file, unread.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredTensor {
    /// The type of its values.
    pub dtype: Dtype,
    /// Its sizes.
    pub shape: Vec<usize>,
    /// Where its bytes begin in the file.
    start: u64,
}

/// What a file says that it holds.
pub struct Header {
    /// Tensors by key, in no order.
    pub entries: HashMap<String, StoredTensor>,
    /// Text about the file.
    pub about: HashMap<String, String>,
}

/// A header as it is written.
#[derive(Deserialize)]
struct Written {
    #[serde(rename = "__metadata__")]
    about: Option<HashMap<String, String>>,
    #[serde(flatten)]
    tensors: HashMap<String, TensorInfo>,
}

/// Where bytes are read from.
pub trait Source: Send + Sync {
    /// What messages call it.
    fn path(&self) -> &Path;

    /// How many bytes there are.
    fn length(&self) -> u64;

    /// Fills `into` with the bytes from there on.
    ///
    /// # Errors
    /// E601 and E603 when they cannot be had.
    fn read(&self, start: u64, into: &mut [u8]) -> Result<()>;
}

/// The header of a file, once all that it says is possible.
///
/// # Errors
/// E601 when it cannot be read, E603 when it is none.
pub fn header(source: &dyn Source) -> Result<Header> {
    let (path, length) = (source.path(), source.length());
    let wrong = |error| broken(path, &error);
    if length == 0 {
        return Err(broken_file(path, "is empty; a safetensors file has at least a header"));
    }
    let after_length = length.checked_sub(LENGTH_BYTES).ok_or_else(|| wrong(SafeTensorError::HeaderTooSmall))?;
    let mut number = [0; LENGTH_BYTES as usize];
    source.read(0, &mut number)?;
    if let Some(foreign) = foreign(path, number) {
        return Err(foreign);
    }
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
        (key.clone(), StoredTensor { dtype: tensor.dtype, shape: tensor.shape.clone(), start })
    };
    let entries = tensors.iter().map(entry).collect();
    if Metadata::new(None, tensors).map_err(wrong)?.data_len() as u64 != data {
        return Err(wrong(SafeTensorError::MetadataIncompleteBuffer));
    }
    Ok(Header { entries, about: about.unwrap_or_default() })
}

/// The values of a tensor in order, as float32; its type must be one that [`convert::is_readable`] takes. Of many, each thread
/// reads some.
///
/// # Errors
/// E601 and E603 when they cannot be read.
pub fn values(source: &dyn Source, entry: &StoredTensor, room: Room<'_>) -> Result<Vec<f32>> {
    /// Values that are read at a time: enough that a thread is worth waking.
    const PART: usize = 1 << 18;
    let Ok(count) = usize::try_from(entry.shape.iter().map(|&size| size as u64).product::<u64>()) else {
        return Err(broken_file(source.path(), "is larger than this machine's memory"));
    };
    let pool = room.pool;
    let mut values = room.floats(count);
    let Some(pool) = pool.filter(|pool| pool.threads() > 1 && count > PART) else {
        part(source, entry, 0, &mut values)?;
        return Ok(values);
    };
    let parts: Vec<Mutex<(&mut [f32], Result<()>)>> =
        values.chunks_mut(PART).map(|part| Mutex::new((part, Ok(())))).collect();
    pool.run(parts.len(), &|number, _| {
        let mut one = parts[number].lock().unwrap_or_else(PoisonError::into_inner);
        one.1 = part(source, entry, number * PART, one.0);
    });
    parts.into_iter().try_for_each(|one| one.into_inner().unwrap_or_else(PoisonError::into_inner).1)?;
    Ok(values)
}

/// The values of a tensor that counts, in order.
///
/// # Errors
/// E603 when one is no whole number from 0, and as [`values`].
pub fn counts(source: &dyn Source, entry: &StoredTensor) -> Result<Vec<u64>> {
    let bytes = entry.shape.iter().fold((entry.dtype.bitsize() / 8) as u64, |bytes, &size| bytes * size as u64);
    let mut stored = vec![0; bytes as usize];
    source.read(entry.start, &mut stored)?;
    let none = || broken_file(source.path(), "holds what is no whole number from 0 up where a layer counts");
    convert::to_counts(entry.dtype, &stored).ok_or_else(none)
}

/// Fills `into` with the values of a tensor from that one on.
///
/// # Errors
/// As [`values`].
pub fn part(source: &dyn Source, entry: &StoredTensor, start: usize, into: &mut [f32]) -> Result<()> {
    let bytes = (entry.dtype.bitsize() / 8) as u64;
    let start = entry.start + start as u64 * bytes;
    if entry.dtype == Dtype::F32 && cfg!(target_endian = "little") {
        return source.read(start, as_bytes(into));
    }
    let mut chunk = vec![0; (into.len() as u64 * bytes).min(CHUNK_BYTES) as usize];
    for (number, into) in into.chunks_mut((CHUNK_BYTES / bytes) as usize).enumerate() {
        let chunk = &mut chunk[..into.len() * bytes as usize];
        source.read(start + number as u64 * CHUNK_BYTES, chunk)?;
        into.iter_mut().zip(convert::to_f32(entry.dtype, chunk)).for_each(|(value, read)| *value = read);
    }
    Ok(())
}

/// The bytes of floats.
fn as_bytes(values: &mut [f32]) -> &mut [u8] {
    // SAFETY: any bytes are floats and any floats are bytes, of which there are so many, aligned to one.
    unsafe { std::slice::from_raw_parts_mut(values.as_mut_ptr().cast(), size_of_val(values)) }
}

/// A file that is open, and what it was when it was opened.
pub struct StoredFile {
    path: PathBuf,
    file: File,
    length: u64,
    modified: Option<SystemTime>,
}

impl StoredFile {
    /// Opens a file.
    ///
    /// # Errors
    /// E601 when it cannot be read, or is no regular file.
    pub fn open(path: &Path) -> Result<StoredFile> {
        let file = files::open(path)?;
        let metadata = file.metadata().map_err(|error| file_failure("read", path, &error))?;
        Ok(StoredFile { path: path.to_owned(), file, length: metadata.len(), modified: metadata.modified().ok() })
    }

    /// What has changed since the file was opened, in words.
    fn change(&self) -> io::Result<Option<String>> {
        let now: fs::Metadata = self.file.metadata()?;
        if now.len() != self.length {
            return Ok(Some(format!("it had {} bytes and has {}", self.length, now.len())));
        }
        Ok((now.modified().ok() != self.modified).then(|| "somebody wrote to it".to_owned()))
    }
}

impl Source for StoredFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn length(&self) -> u64 {
        self.length
    }

    fn read(&self, start: u64, into: &mut [u8]) -> Result<()> {
        let read = read_at(&self.file, start, into);
        match self.change() {
            Ok(Some(change)) => {
                let message = format!("`{}` was changed while it was read: {change}", self.path.display());
                Err(failure(Code::E603, message).help("run again once nothing writes to it"))
            }
            Ok(None) => read.map_err(|error| file_failure("read", &self.path, &error)),
            Err(error) => Err(file_failure("read", &self.path, &error)),
        }
    }
}

/// Fills `into` with the bytes of a file from there on; other threads may read it at the same time.
fn read_at(file: &File, start: u64, into: &mut [u8]) -> io::Result<()> {
    #[cfg(unix)]
    return std::os::unix::fs::FileExt::read_exact_at(file, into, start);
    #[cfg(not(unix))]
    {
        use std::io::{Read, Seek, SeekFrom};
        // The place in a file belongs to all who read it.
        static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());
        let _one = ONE_AT_A_TIME.lock();
        let mut file = file;
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(into)
    }
}

/// Bytes in memory, and what messages call them.
pub struct StoredBytes<'b> {
    /// What messages call them.
    pub path: &'b Path,
    /// The bytes.
    pub bytes: &'b [u8],
}

impl Source for StoredBytes<'_> {
    fn path(&self) -> &Path {
        self.path
    }

    fn length(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read(&self, start: u64, into: &mut [u8]) -> Result<()> {
        let from = usize::try_from(start).ok().and_then(|start| self.bytes.get(start..)?.get(..into.len()));
        let from = from.ok_or_else(|| broken(self.path, &SafeTensorError::MetadataIncompleteBuffer))?;
        into.copy_from_slice(from);
        Ok(())
    }
}

/// What is wrong with the file, in words.
/// Weights as other programs write them, told by their first bytes, which as the length of a header would be past what a header
/// may have; but for an archive's, which would be 64 MB.
fn foreign(path: &Path, start: [u8; LENGTH_BYTES as usize]) -> Option<Error> {
    let (what, help) = match start {
        [b'P', b'K', 3, 4, ..] | [0x80, 2..=5, ..] => (
            "a checkpoint of PyTorch (.pth, .pt), or another archive",
            "in Python: `safetensors.torch.save_file(torch.load(\"weights.pth\", weights_only=True), \"weights.safetensors\")`",
        ),
        [0x89, b'H', b'D', b'F', ..] => (
            "an HDF5 file, as Keras writes weights",
            "in Python: `safetensors.numpy.save_file` writes a dictionary of arrays, by PyTorch's keys and in its order of axes",
        ),
        [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => (
            "one NumPy array",
            "in Python: `safetensors.numpy.save_file({\"0.weight\": array}, \"weights.safetensors\")`, a key for each parameter",
        ),
        _ => return None,
    };
    if start[0] != b'P' && u64::from_le_bytes(start) <= MOST_HEADER_BYTES {
        return None;
    }
    let mut foreign = broken_file(path, format!("is {what}, and weights are read from safetensors files"));
    foreign.help.push(help.into());
    Some(foreign)
}

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
