//! Tensors where they are stored: their values go out when somebody asks for them, in order, whatever the order in the file.

use super::convert;
use super::source::Source;
use crate::failure::{Result, broken_file};
use crate::parameters::Room;
use safetensors::Dtype;
use std::sync::{Mutex, PoisonError};

/// Bytes that are read at a time where values are converted.
const CHUNK_BYTES: u64 = 1 << 20;

/// A tensor of a file, unread.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredTensor {
    /// The type of its values.
    pub dtype: Dtype,
    /// Its sizes.
    pub shape: Vec<usize>,
    /// Where its first value lies in the file.
    pub start: u64,
    /// Values from one to the next along each axis, where they do not simply lie one after the other.
    pub strides: Option<Vec<u64>>,
}

impl StoredTensor {
    /// Bytes of a value.
    pub fn value_bytes(&self) -> u64 {
        (self.dtype.bitsize() / 8) as u64
    }

    /// Bytes of all values in order.
    pub fn bytes(&self) -> u64 {
        self.shape.iter().fold(self.value_bytes(), |bytes, &size| bytes.saturating_mul(size as u64))
    }
}

/// The values of a tensor in order, as float32; its type must be one that [`convert::is_readable`] takes. Of many that lie in
/// order, each thread reads some.
///
/// # Errors
/// E601 and E603 when they cannot be read.
pub fn values(source: &dyn Source, entry: &StoredTensor, room: Room<'_>) -> Result<Vec<f32>> {
    /// Values that are read at a time: enough that a thread is worth waking.
    const PART: usize = 1 << 18;
    let Ok(count) = usize::try_from(entry.shape.iter().map(|&size| size as u64).product::<u64>()) else {
        return Err(broken_file(source.path(), "is larger than this machine's memory"));
    };
    if entry.strides.is_some() {
        return Ok(convert::to_f32(entry.dtype, &gathered(source, entry)?));
    }
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
    let mut stored = Vec::new();
    bytes(source, entry, |chunk| {
        stored.extend_from_slice(chunk);
        Ok(())
    })?;
    let none = || broken_file(source.path(), "holds what is no whole number from 0 up where a layer counts");
    convert::to_counts(entry.dtype, &stored).ok_or_else(none)
}

/// Fills `into` with the values of a tensor, which lie in order, from that one on.
///
/// # Errors
/// As [`values`].
pub fn part(source: &dyn Source, entry: &StoredTensor, start: usize, into: &mut [f32]) -> Result<()> {
    let bytes = entry.value_bytes();
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

/// Hands on the bytes of a tensor's values in order, some whole values at a time.
///
/// # Errors
/// As [`values`], and what `take` fails with.
pub fn bytes(source: &dyn Source, entry: &StoredTensor, mut take: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
    if entry.strides.is_some() {
        return gathered(source, entry)?.chunks(CHUNK_BYTES as usize).try_for_each(take);
    }
    let (mut place, end) = (entry.start, entry.start.saturating_add(entry.bytes()));
    let mut chunk = vec![0; entry.bytes().min(CHUNK_BYTES) as usize];
    while place < end {
        let chunk = &mut chunk[..(end - place).min(CHUNK_BYTES) as usize];
        source.read(place, chunk)?;
        take(chunk)?;
        place += chunk.len() as u64;
    }
    Ok(())
}

/// The bytes of values that lie apart, brought into order. All that lies between the first and the last is read at once, which
/// is no more than the storage of which the tensor is a view.
fn gathered(source: &dyn Source, entry: &StoredTensor) -> Result<Vec<u8>> {
    let width = entry.value_bytes() as usize;
    let strides = entry.strides.as_deref().unwrap_or_default();
    let axes: Vec<(usize, usize)> =
        entry.shape.iter().zip(strides).map(|(&size, &stride)| (size, stride as usize)).collect();
    if entry.bytes() == 0 {
        return Ok(Vec::new());
    }
    let last: usize = axes.iter().map(|(size, stride)| (size - 1) * stride).sum();
    let mut stored = vec![0; (last + 1) * width];
    source.read(entry.start, &mut stored)?;
    let mut ordered = Vec::with_capacity(entry.bytes() as usize);
    let (inner, outer) = axes.split_last().map_or(((1, 0), [].as_slice()), |(inner, outer)| (*inner, outer));
    let mut index = vec![0; outer.len()];
    let mut place = 0;
    loop {
        for step in 0..inner.0 {
            let from = (place + step * inner.1) * width;
            ordered.extend_from_slice(&stored[from..from + width]);
        }
        // The next row: the last axis whose index has not come to its end goes on, those behind it begin again.
        let Some(axis) = (0..outer.len()).rev().find(|&axis| index[axis] + 1 < outer[axis].0) else {
            return Ok(ordered);
        };
        for (behind, (size, stride)) in outer.iter().enumerate().skip(axis + 1) {
            place -= (size - 1) * stride;
            index[behind] = 0;
        }
        index[axis] += 1;
        place += outer[axis].1;
    }
}

/// The bytes of floats.
fn as_bytes(values: &mut [f32]) -> &mut [u8] {
    // SAFETY: any bytes are floats and any floats are bytes, of which there are so many, aligned to one.
    unsafe { std::slice::from_raw_parts_mut(values.as_mut_ptr().cast(), size_of_val(values)) }
}
