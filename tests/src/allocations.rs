//! What a piece of work takes of memory, as an allocator counts it: readers of files that anybody may have made are held to what
//! their bytes can be worth.
//!
//! Each thread is counted for itself, so that tests beside each other do not disturb one another. A test file that wants to
//! count says so once: `#[global_allocator] static ALLOCATOR: Counting = Counting;`

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, counted by thread.
pub struct Counting;

thread_local! {
    /// The bytes that this thread has taken and not given back, and the most that they were since that was last asked for.
    static TAKEN: Cell<i64> = const { Cell::new(0) };
    static MOST: Cell<i64> = const { Cell::new(0) };
}

/// The answer of some work, and the most bytes that it held at a time beside those that were held before.
pub fn most_bytes<T>(work: impl FnOnce() -> T) -> (T, i64) {
    let before = TAKEN.get();
    MOST.set(before);
    let answer = work();
    (answer, MOST.get() - before)
}

fn take(bytes: i64) {
    // A thread that ends has no such cells any more.
    let _ = TAKEN.try_with(|taken| {
        taken.set(taken.get() + bytes);
        MOST.try_with(|most| most.set(most.get().max(taken.get())))
    });
}

// SAFETY: everything is the system's allocator's, which keeps the promises.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        take(layout.size() as i64);
        // SAFETY: the caller's layout is handed on as it is.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        take(layout.size() as i64);
        // SAFETY: the caller's layout is handed on as it is.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        take(-(layout.size() as i64));
        // SAFETY: the block came from `System`, with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }
}
