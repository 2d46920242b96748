//! Memory in large pages. In a virtual machine a miss in the table of small pages is so dear that streaming weights from memory
//! takes twice as long, and making small pages one by one takes a tenth of the time in which pictures are loaded.

/// Bytes of a large page.
pub(crate) const LARGE_PAGE: usize = 2 << 20;

/// Asks for large pages where there is room for one; `start` is at a boundary of pages.
pub(crate) fn advise(start: *mut u8, bytes: usize) {
    #[cfg(target_os = "linux")]
    if bytes >= LARGE_PAGE {
        // SAFETY: the range is the caller's own, from a boundary of pages on. Advice that is not taken costs speed, nothing else.
        unsafe { libc::madvise(start.cast(), bytes, libc::MADV_HUGEPAGE) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (start, bytes);
}

/// Zeros that the system has not made yet, in large pages but for the ends.
pub(crate) fn zeros(length: usize) -> Vec<f32> {
    let mut zeros = vec![0.0; length];
    let (bytes, start) = (size_of_val(&*zeros), zeros.as_mut_ptr().cast::<u8>());
    let before = start.align_offset(LARGE_PAGE);
    advise(start.wrapping_add(before), bytes.saturating_sub(before) / LARGE_PAGE * LARGE_PAGE);
    zeros
}
