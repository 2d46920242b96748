//! The thread pool's protocol, held to the interleavings of two and of three threads: `protocol.rs` is compiled here with loom's
//! atomics, locks and cells, which try every order of threads and every value that an atomic may still have.
//!
//! Every interleaving is tried of a run that two threads share, and of going to sleep and being woken, by one other thread and by
//! two. Of whole lives of a pool (two runs on two threads, one on three, sleeping between) there are more than anybody can wait
//! for; every one is tried in which at most two times a thread is stopped where it could go on.
//!
//! What must hold is that every task is done once, that the caller then sees what tasks wrote, that nobody reads a run's body
//! while the next is written, and that nobody sleeps for ever (which loom calls a deadlock). Mistakes are planted to see that
//! each would be found: an ordering that is weaker by one, a fence that is missing.

#[path = "../src/cpu/blocked/pool/protocol.rs"]
mod protocol;

/// What `cpu/blocked/pool/sync.rs` is made of, from loom; each atomic access is as weak as the planted mistake makes it.
mod sync {
    pub use loom::cell::UnsafeCell;
    pub use loom::sync::atomic::Ordering;
    pub use loom::sync::{Condvar, Mutex};

    use super::{ENDLESS_PATIENCE, Mistake};

    /// Patience ends after a look, so that loom tries all that may come before a thread sleeps and after; or never.
    pub fn look_for(there: impl Fn() -> bool) -> bool {
        while !there() {
            if !ENDLESS_PATIENCE.get() {
                return false;
            }
            loom::thread::yield_now();
        }
        true
    }

    pub use look_for as look_idly_for;

    pub fn fence(order: Ordering) {
        if !Mistake::NoFence.is_planted() {
            loom::sync::atomic::fence(order);
        }
    }

    fn weak_when(mistake: Mistake, order: Ordering) -> Ordering {
        if mistake.is_planted() { Ordering::Relaxed } else { order }
    }

    macro_rules! atomics {
        ($($name:ident($value:ty)),*) => { $(
            pub struct $name(loom::sync::atomic::$name);

            #[allow(dead_code, reason = "each type has all accesses, and the protocol needs some of each")]
            impl $name {
                pub fn new(value: $value) -> Self {
                    Self(loom::sync::atomic::$name::new(value))
                }

                #[track_caller]
                pub fn load(&self, order: Ordering) -> $value {
                    self.0.load(weak_when(Mistake::WeakLoad, order))
                }

                #[track_caller]
                pub fn store(&self, value: $value, order: Ordering) {
                    self.0.store(value, weak_when(Mistake::WeakStore, order));
                }

                #[track_caller]
                pub fn swap(&self, value: $value, order: Ordering) -> $value {
                    self.0.swap(value, order)
                }

                #[track_caller]
                pub fn fetch_update(
                    &self,
                    changed: Ordering,
                    looked: Ordering,
                    change: impl FnMut($value) -> Option<$value>,
                ) -> Result<$value, $value> {
                    self.0.fetch_update(weak_when(Mistake::WeakClaim, changed), looked, change)
                }
            }
        )* };
    }

    atomics!(AtomicBool(bool), AtomicU64(u64), AtomicUsize(usize));

    impl AtomicUsize {
        #[track_caller]
        pub fn fetch_sub(&self, value: usize, order: Ordering) -> usize {
            self.0.fetch_sub(value, weak_when(Mistake::WeakSubtraction, order))
        }
    }
}

use protocol::{Bed, MOST_TASKS, State};
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize as Counter, Ordering};

/// What is wrong on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mistake {
    WeakLoad,
    WeakStore,
    WeakClaim,
    WeakSubtraction,
    NoFence,
}

thread_local! {
    // Loom's threads all run on the one that asks.
    static PLANTED: Cell<Option<Mistake>> = const { Cell::new(None) };
    static ENDLESS_PATIENCE: Cell<bool> = const { Cell::new(false) };
}

impl Mistake {
    fn is_planted(self) -> bool {
        PLANTED.get() == Some(self)
    }
}

/// A number that one task writes and the caller reads afterwards; loom says when the one is not sure to come after the other.
struct Slot(loom::cell::UnsafeCell<usize>);

// SAFETY: that no two threads touch it at a time is what loom checks.
unsafe impl Sync for Slot {}

/// How many interleavings of what `model` does there are, all of them tried: of those in which at most so many times a thread
/// that could go on gives way to another, where that is said.
fn explore(preemptions: Option<usize>, model: impl Fn() + Sync + Send + 'static) -> usize {
    let interleavings = Arc::new(Counter::new(0));
    let counted = interleavings.clone();
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = preemptions;
    builder.check(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        model();
    });
    interleavings.load(Ordering::Relaxed)
}

/// Runs of two tasks each, one after the other, on so many threads, which then end.
fn pool(threads: usize, runs: usize) {
    let state = Arc::new(State::new(threads));
    let worker = |worker: usize| {
        let state = state.clone();
        loom::thread::spawn(move || state.work(worker))
    };
    let workers: Vec<_> = (1..threads).map(worker).collect();
    for _ in 0..runs {
        run(&state);
    }
    state.quit();
    workers.into_iter().for_each(|worker| worker.join().expect("a worker that ends"));
}

/// A run of two tasks, each of which is done once and seen.
fn run(state: &State) {
    let slots = [0, 0].map(|number| Slot(loom::cell::UnsafeCell::new(number)));
    // SAFETY: a task has a slot of its own.
    let body = |task: usize, _worker: usize| slots[task].0.with_mut(|slot| unsafe { *slot += 1 });
    assert!(slots.len() < MOST_TASKS);
    // SAFETY: this thread alone runs anything.
    assert!(unsafe { state.run(slots.len(), &body) });
    // SAFETY: all tasks are done.
    slots.iter().for_each(|slot| assert_eq!(slot.0.with(|slot| unsafe { *slot }), 1));
}

/// One thread sleeps until others have each said their news, as the caller of a run does.
fn sleep_until(others: usize) {
    let shared = Arc::new((Bed::new(), sync::AtomicUsize::new(others)));
    let other = |_| {
        let shared = shared.clone();
        loom::thread::spawn(move || {
            shared.1.fetch_sub(1, sync::Ordering::Release);
            sync::fence(sync::Ordering::SeqCst);
            shared.0.wake();
        })
    };
    let threads: Vec<_> = (0..others).map(other).collect();
    shared.0.sleep(|| shared.1.load(sync::Ordering::Acquire) == 0);
    threads.into_iter().for_each(|thread| thread.join().expect("a thread that ends"));
}

#[test]
fn two_threads_share_a_run_in_every_interleaving() {
    ENDLESS_PATIENCE.set(true);
    assert!(explore(None, || pool(2, 1)) > 1_000);
}

#[test]
fn two_and_three_threads_sleep_and_wake_in_every_interleaving() {
    assert!(explore(None, || sleep_until(1)) > 10);
    assert!(explore(None, || sleep_until(2)) > 10_000);
}

#[test]
fn two_threads_sleep_between_two_runs() {
    assert!(explore(Some(2), || pool(2, 2)) > 10_000);
}

#[test]
fn three_threads_share_a_run_and_sleep() {
    assert!(explore(Some(2), || pool(3, 1)) > 10_000);
}

#[test]
fn every_planted_mistake_is_found() {
    for mistake in
        [Mistake::WeakLoad, Mistake::WeakStore, Mistake::WeakClaim, Mistake::WeakSubtraction, Mistake::NoFence]
    {
        PLANTED.set(Some(mistake));
        let outcome = std::panic::catch_unwind(|| explore(Some(2), || pool(2, 2)));
        PLANTED.set(None);
        assert!(outcome.is_err(), "{mistake:?} is not found");
    }
}
