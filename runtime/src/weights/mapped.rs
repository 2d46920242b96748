//! Float32 values that are read where they lie in a file.
//!
//! What comes in is a mapped file and a range of its bytes; what goes out is a slice. Whoever is done with the values gives their pages
//! back to the system by dropping them: that way a network whose weights are packed one after the other never has all of them in memory
//! twice.

use memmap2::{Mmap, UncheckedAdvice};
use std::ops::{Deref, Range};
use std::sync::Arc;

/// Values in a mapped file.
#[derive(Clone)]
pub struct MappedValues {
    file: Arc<Mmap>,
    /// Its bytes: whole, aligned floats, as `new` found.
    bytes: Range<usize>,
}

impl MappedValues {
    /// The floats in these bytes of the file; `None` where this machine cannot read them as they lie there.
    pub fn new(file: &Arc<Mmap>, bytes: Range<usize>) -> Option<MappedValues> {
        let whole = as_floats(file.get(bytes.clone())?).is_some();
        (whole && cfg!(target_endian = "little")).then(|| MappedValues { file: file.clone(), bytes })
    }
}

/// Bytes as floats, if they begin at one and end at one.
fn as_floats(bytes: &[u8]) -> Option<&[f32]> {
    // SAFETY: any bits are a float.
    let (before, floats, after) = unsafe { bytes.align_to::<f32>() };
    (before.is_empty() && after.is_empty()).then_some(floats)
}

impl Deref for MappedValues {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        self.file.get(self.bytes.clone()).and_then(as_floats).unwrap_or_default()
    }
}

impl Drop for MappedValues {
    fn drop(&mut self) {
        // SAFETY: the map is only read, so pages that somebody still looks at, a neighbour's or another holder's, come back as they
        // were, from the file. Advice that is not taken costs memory, nothing else.
        let _ =
            unsafe { self.file.unchecked_advise_range(UncheckedAdvice::DontNeed, self.bytes.start, self.bytes.len()) };
    }
}
