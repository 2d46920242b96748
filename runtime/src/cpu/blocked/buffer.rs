//! Floats that begin on a cache line, so that no 64-byte vector straddles two.

use std::ops::{Deref, DerefMut};

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; 16]);

/// Floats from which a buffer is mapped by itself, so that it can lie in large pages: 2 MiB. In a virtual machine a miss
/// in the table of small pages is so dear that streaming weights from memory takes twice as long.
const MAPPED: usize = 512 * 1024;

/// A fixed number of floats at a 64-byte boundary, zero at first.
pub struct Buffer {
    memory: Memory,
    length: usize,
}

enum Memory {
    Lines(Vec<Line>),
    Mapped(memmap2::MmapMut),
}

impl Buffer {
    /// `length` zeros.
    pub fn zeros(length: usize) -> Self {
        let memory = match map(length) {
            Some(map) => Memory::Mapped(map),
            None => Memory::Lines(vec![Line([0.0; 16]); length.div_ceil(16)]),
        };
        Self { memory, length }
    }
}

/// A mapping of its own for a large buffer, where the system gives one.
fn map(length: usize) -> Option<memmap2::MmapMut> {
    let map = (length >= MAPPED).then(|| memmap2::MmapMut::map_anon(4 * length))?.ok()?;
    // Advice that is not taken costs speed, nothing else.
    #[cfg(target_os = "linux")]
    let _ = map.advise(memmap2::Advice::HugePage);
    Some(map)
}

impl From<&[f32]> for Buffer {
    fn from(values: &[f32]) -> Self {
        let mut buffer = Self::zeros(values.len());
        buffer.copy_from_slice(values);
        buffer
    }
}

impl Deref for Buffer {
    type Target = [f32];
    fn deref(&self) -> &[f32] {
        let start = match &self.memory {
            Memory::Lines(lines) => lines.as_ptr().cast(),
            Memory::Mapped(map) => map.as_ptr().cast(),
        };
        // SAFETY: lines or mapping hold at least `length` floats, aligned, and any bits are floats.
        unsafe { std::slice::from_raw_parts(start, self.length) }
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        let start = match &mut self.memory {
            Memory::Lines(lines) => lines.as_mut_ptr().cast(),
            Memory::Mapped(map) => map.as_mut_ptr().cast(),
        };
        // SAFETY: as in `deref`, and the borrow is unique.
        unsafe { std::slice::from_raw_parts_mut(start, self.length) }
    }
}

/// A pointer that tasks share: each writes a part that no other touches.
#[derive(Clone, Copy)]
pub(crate) struct Shared(*mut f32);

// SAFETY: whoever dereferences the pointer says why the parts do not overlap; the wrapper itself reads and writes nothing.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

impl Shared {
    /// The start of `slice`.
    pub(crate) fn new(slice: &mut [f32]) -> Self {
        Self(slice.as_mut_ptr())
    }

    /// The float at `offset`.
    ///
    /// # Safety
    /// `offset` lies in the slice.
    pub(crate) unsafe fn at(self, offset: usize) -> *mut f32 {
        // SAFETY: the caller's promise.
        unsafe { self.0.add(offset) }
    }
}
