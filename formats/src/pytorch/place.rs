//! A tensor's place in the file: it must lie in its storage, its storage in the file, and it must not be more than either is
//! worth.

use super::StoredTensor;
use super::pickle::{Storage, Tensor};
use super::zip::Extent;
use crate::failure::{Failure, Result};
use std::collections::HashMap;

/// A view may repeat what is stored (`expand`): bytes that one may be beyond its file.
const MOST_REPEATED: u64 = 64 << 20;
/// Keys may share numbers: times that all tensors together may be their file.
const MOST_TIMES: u64 = 16;

/// What the tensors of a file may still take.
pub struct Room {
    file: u64,
    left: u64,
}

impl Room {
    /// Of a file of so many bytes.
    pub fn of(file: u64) -> Room {
        Room { file, left: file.saturating_mul(MOST_TIMES).saturating_add(MOST_REPEATED) }
    }

    /// Where the numbers of a tensor lie.
    ///
    /// # Errors
    /// When they lie outside its storage, or its storage outside the file; when it is larger than the file can mean.
    pub fn place(
        &mut self,
        key: &str,
        tensor: &Tensor,
        storage: &Storage,
        places: &HashMap<String, Extent>,
    ) -> Result<StoredTensor> {
        let damaged = |what: &str| Failure::broken(format!("is damaged: `{key}` {what}"));
        let extent = places.get(&storage.key).copied();
        let extent = extent.ok_or_else(|| damaged("has a storage that the file lacks"))?;
        let bytes = tensor.element.bytes();
        let in_bytes = |elements: u64| elements.checked_mul(storage.element_bytes);
        let (shift, length) = (in_bytes(storage.shift), in_bytes(storage.length));
        let (Some(shift), Some(length)) = (shift, length) else { return Err(damaged("has a storage past any file")) };
        if shift.checked_add(length).is_none_or(|end| end > extent.size) {
            return Err(damaged("has a storage that is larger than the file says"));
        }
        let elements = tensor.shape.iter().try_fold(1u64, |all, &size| all.checked_mul(size as u64));
        let size = elements.and_then(|elements| elements.checked_mul(bytes));
        let size = size.ok_or_else(|| damaged("is larger than any file"))?;
        if size > self.file.saturating_add(MOST_REPEATED) || size > self.left {
            return Err(damaged("is, by what it repeats, far larger than the file"));
        }
        self.left -= size;
        let stored =
            StoredTensor { element: tensor.element, shape: tensor.shape.clone(), start: extent.start, strides: None };
        if size == 0 {
            return Ok(stored);
        }
        let last =
            tensor.shape.iter().zip(&tensor.strides).try_fold(tensor.offset, |last, (&size, &stride)| {
                last.checked_add((size as u64 - 1).checked_mul(stride)?)
            });
        let end = last.and_then(|last| last.checked_add(1)?.checked_mul(bytes));
        if end.is_none_or(|end| end > length) {
            return Err(damaged("goes past its storage"));
        }
        let start = extent.start + shift + tensor.offset * bytes;
        let strides = (!is_row_by_row(&tensor.shape, &tensor.strides)).then(|| tensor.strides.clone());
        Ok(StoredTensor { start, strides, ..stored })
    }
}

/// Whether elements lie one after the other, the last axis innermost; how far it is along an axis of one matters to nobody.
fn is_row_by_row(shape: &[usize], strides: &[u64]) -> bool {
    let mut next = 1u64;
    for (&size, &stride) in shape.iter().zip(strides).rev() {
        if size != 1 && stride != next {
            return false;
        }
        next = next.saturating_mul(size as u64);
    }
    true
}
