//! An allocator for tests, which finds what reads or writes past a block of floats, or uses it once it is freed: every such block
//! ends where a page begins that nobody may touch, and no address is given twice.
//!
//! Off until [`guard`] is called, in a process of its own: what it finds ends the process by a signal. What lies before a block
//! on its first page is not guarded. Where the room is used up, blocks are the system's again.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

const PAGE: usize = 4096;
/// What blocks of floats are aligned to. Others are left to the system: pages are counted, and a plan has thousands of small
/// lists.
const FLOATS: usize = 4;
/// Addresses that are set aside.
const ROOM: usize = 1 << 42;

/// The first address of the room; 0 while nothing is guarded.
static START: AtomicUsize = AtomicUsize::new(0);
/// The next address that was never given.
static NEXT: AtomicUsize = AtomicUsize::new(0);

pub struct Guarded;

/// Guards every block from now on.
pub fn guard() {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: new addresses, which are nobody's.
    let room = unsafe { libc::mmap(std::ptr::null_mut(), ROOM, libc::PROT_NONE, flags, -1, 0) };
    assert_ne!(room, libc::MAP_FAILED, "no room");
    NEXT.store(room as usize, Ordering::SeqCst);
    START.store(room as usize, Ordering::SeqCst);
}

impl Guarded {
    /// The pages of a block, if there is room for it.
    fn pages(layout: Layout) -> Option<(usize, usize)> {
        let start = START.load(Ordering::Relaxed);
        if start == 0 || layout.align() != FLOATS || layout.size() > ROOM / 4 {
            return None;
        }
        let bytes = layout.size().next_multiple_of(PAGE);
        let first = NEXT.fetch_add(bytes + PAGE, Ordering::Relaxed);
        (first + bytes + PAGE <= start + ROOM).then_some((first, bytes))
    }
}

// SAFETY: a block is pages of the room that no other block has, or the system's; which of them, its address says.
unsafe impl GlobalAlloc for Guarded {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let Some((first, bytes)) = Guarded::pages(layout) else {
            // SAFETY: the caller's layout is handed on as it is.
            return unsafe { System.alloc(layout) };
        };
        // SAFETY: the pages are this block's.
        let opened = unsafe { libc::mprotect(first as *mut _, bytes, libc::PROT_READ | libc::PROT_WRITE) };
        if opened != 0 {
            return std::ptr::null_mut();
        }
        ((first + bytes - layout.size()) & !(layout.align() - 1)) as *mut u8
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        match START.load(Ordering::Relaxed) {
            // SAFETY: the caller's layout is handed on as it is.
            0 => unsafe { System.alloc_zeroed(layout) },
            _ => {
                // SAFETY: the caller's layout is handed on as it is; a block of new pages is zeros as it is.
                let block = unsafe { self.alloc(layout) };
                let start = START.load(Ordering::Relaxed);
                if !block.is_null() && !(start..start + ROOM).contains(&(block as usize)) {
                    // SAFETY: the block has this size.
                    unsafe { block.write_bytes(0, layout.size()) };
                }
                block
            }
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let start = START.load(Ordering::Relaxed);
        if start == 0 || !(start..start + ROOM).contains(&(block as usize)) {
            // SAFETY: the block is the system's.
            return unsafe { System.dealloc(block, layout) };
        }
        let first = block as usize & !(PAGE - 1);
        let bytes = (block as usize - first + layout.size()).next_multiple_of(PAGE);
        // SAFETY: the pages are this block's, and nobody's from now on.
        unsafe {
            libc::madvise(first as *mut _, bytes, libc::MADV_DONTNEED);
            libc::mprotect(first as *mut _, bytes, libc::PROT_NONE);
        }
    }
}
