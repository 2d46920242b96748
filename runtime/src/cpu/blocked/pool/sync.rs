//! What the pool's protocol is made of: the standard library's atomics, locks and cells, and how long a thread looks for
//! something before it sleeps.
//!
//! `runtime/tests/pool.rs` compiles `protocol.rs` with a module of this name and shape whose parts are loom's, which tries every
//! order in which threads may run and every value that an atomic may still have.

pub use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};
pub use std::sync::{Condvar, Mutex};

use std::time::{Duration, Instant};

/// How long a thread with nothing to do looks for something before it sleeps.
const PATIENCE: Duration = Duration::from_micros(100);
/// Looks between two at the clock.
const LOOKS: usize = 64;

/// Looks until `there` says so, or patience is over; gives which.
pub fn look_for(there: impl Fn() -> bool) -> bool {
    look(there, || {})
}

/// As [`look_for`], of a thread that has nothing to do and for which nobody waits: from time to time it yields. Where another
/// wants its core, that one runs then, and not in the middle of a task.
pub fn look_idly_for(there: impl Fn() -> bool) -> bool {
    look(there, std::thread::yield_now)
}

fn look(there: impl Fn() -> bool, between: impl Fn()) -> bool {
    let since = Instant::now();
    loop {
        for _ in 0..LOOKS {
            if there() {
                return true;
            }
            std::hint::spin_loop();
        }
        if since.elapsed() >= PATIENCE {
            return false;
        }
        between();
    }
}

/// A value that one thread writes while no other may touch it.
#[derive(Default)]
pub struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

impl<T> UnsafeCell<T> {
    /// Hands out a pointer to read by.
    pub fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
        read(self.0.get())
    }

    /// Hands out a pointer to write by.
    pub fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
        write(self.0.get())
    }
}
