//! Floats that begin on a cache line, so that no 64-byte vector straddles two; large buffers lie in large pages.
//!
//! The memory is the program's allocator's, so whoever counts allocations counts it. It comes as zeros that the system has not
//! made yet: a page is made, and comes to be near, where it is first written.

use crate::large_pages::{LARGE_PAGE, advise};
use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

/// Bytes of a cache line; in tests those of a float, so that whoever goes past the end of a buffer leaves its block.
const LINE: usize = if cfg!(test) { 4 } else { 64 };
/// What an allocator aligns to by itself: asked for more, it would write the zeros.
const ALIGNED: usize = if cfg!(test) { 4 } else { 16 };

/// A fixed number of floats at a 64-byte boundary, zero at first.
pub struct Buffer {
    block: NonNull<u8>,
    layout: Layout,
    /// Bytes before the first float.
    before: usize,
    length: usize,
}

// SAFETY: a buffer owns its memory as a vector does.
unsafe impl Send for Buffer {}
// SAFETY: what is shared can only be read.
unsafe impl Sync for Buffer {}

impl Buffer {
    /// `length` zeros.
    ///
    /// # Panics
    /// When no address space is as large.
    pub fn zeros(length: usize) -> Self {
        let layout = Layout::from_size_align(Self::allocated_bytes(length), ALIGNED).expect("a buffer that can be");
        if length == 0 {
            return Self { block: NonNull::dangling(), layout, before: 0, length };
        }
        // SAFETY: the layout has a size.
        let block = unsafe { alloc_zeroed(layout) };
        let Some(block) = NonNull::new(block) else { handle_alloc_error(layout) };
        let before = block.as_ptr().align_offset(alignment(4 * length));
        advise(block.as_ptr().wrapping_add(before), 4 * length);
        Self { block, layout, before, length }
    }

    /// The floats that so many bytes are.
    pub fn length_of(bytes: usize) -> usize {
        bytes.div_ceil(size_of::<f32>())
    }

    /// The bytes that a buffer of `length` floats takes.
    pub fn allocated_bytes(length: usize) -> usize {
        let bytes = length.saturating_mul(4);
        if length == 0 { 0 } else { bytes.saturating_add(alignment(bytes) - ALIGNED) }
    }
}

/// Where a buffer of so many bytes begins.
fn alignment(bytes: usize) -> usize {
    if bytes < LARGE_PAGE { LINE } else { LARGE_PAGE }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if self.length > 0 {
            // SAFETY: allocated with this layout.
            unsafe { dealloc(self.block.as_ptr(), self.layout) }
        }
    }
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
        if self.length == 0 {
            return &[];
        }
        // SAFETY: the block holds `length` floats, aligned, from there on, and any bits are floats.
        unsafe { std::slice::from_raw_parts(self.block.as_ptr().add(self.before).cast(), self.length) }
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        if self.length == 0 {
            return &mut [];
        }
        // SAFETY: the block holds `length` floats, aligned, from there on, and is borrowed by nobody else.
        unsafe { std::slice::from_raw_parts_mut(self.block.as_ptr().add(self.before).cast(), self.length) }
    }
}

/// A pointer that tasks share: each writes a part that no other touches.
#[derive(Clone, Copy)]
pub(crate) struct Shared(*mut f32);

// SAFETY: an address, which owns nothing of the thread that made it.
unsafe impl Send for Shared {}
// SAFETY: whoever dereferences the pointer says why the parts do not overlap; the wrapper itself reads and writes nothing.
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
        // SAFETY: the caller promises an offset inside the slice.
        unsafe { self.0.add(offset) }
    }
}
