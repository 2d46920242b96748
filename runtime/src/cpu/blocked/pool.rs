//! A small pool of threads for fork and join: `run(tasks, body)` calls `body(task, worker)` for every task and returns
//! when all are done. Every worker begins with a range of its own, the same part of the tasks in every run: kernels count tasks along
//! images and their rows, so a core mostly reads what it wrote itself. Who is done takes from the ends of the others' ranges, so a slow
//! core takes fewer; which worker does a task changes from run to run, what a task does must not.
//!
//! Why not a library: a net is some fifty forks and joins a millisecond apart or less. A worker here spins for a while
//! before it sleeps, and nothing is allocated. After [`Pool::new`], `run` makes no system call unless a worker sleeps.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{JoinHandle, Thread};
use std::time::{Duration, Instant};

type Body<'a> = dyn Fn(usize, usize) + Sync + 'a;

/// How long an idle worker spins before it sleeps.
const SPIN: Duration = Duration::from_micros(100);

struct State {
    /// What is left of each worker's range.
    ranges: Vec<Range>,
    /// Tasks that are done.
    done: AtomicUsize,
    /// The body of the current run; read only after a successful claim, which keeps that run from ending.
    body: BodyCell,
    panicked: AtomicBool,
    quit: AtomicBool,
    asleep: Vec<AtomicBool>,
}

/// Tasks that nobody claimed yet: the first in the upper half, the end in the lower. One atomic, so that a worker that comes late can
/// tell that nothing is left without looking at a run that is over; a line of the cache each.
#[repr(align(128))]
#[derive(Default)]
struct Range(AtomicU64);

impl Range {
    fn is_empty(&self) -> bool {
        Self::parts(self.0.load(Ordering::SeqCst)).is_empty()
    }

    fn parts(range: u64) -> std::ops::Range<u64> {
        range >> 32..range & u64::from(u32::MAX)
    }

    /// The first task of the range, or the last.
    fn claim(&self, first: bool) -> Option<usize> {
        let rest = |range: u64| {
            let std::ops::Range { start, end } = Self::parts(range);
            (start < end).then(|| if first { (start + 1) << 32 | end } else { start << 32 | (end - 1) })
        };
        let range = Self::parts(self.0.fetch_update(Ordering::Acquire, Ordering::Relaxed, rest).ok()?);
        Some(if first { range.start } else { range.end - 1 } as usize)
    }
}

/// A cell that is written before a claim is published and read after one succeeded.
struct BodyCell(std::cell::UnsafeCell<Option<*const Body<'static>>>);

// SAFETY: written only by the one caller of `run` while no task can be claimed, read only between a claim and its `done`.
unsafe impl Sync for BodyCell {}
// SAFETY: the pointer is to a `Sync` body.
unsafe impl Send for BodyCell {}

/// Threads that wait for work; the caller of [`Pool::run`] is one of them.
pub struct Pool {
    state: Arc<State>,
    workers: Vec<JoinHandle<()>>,
    handles: Vec<Thread>,
    running: Mutex<()>,
}

impl Pool {
    /// A pool of `threads` threads, the caller of `run` among them; at least one.
    pub fn new(threads: usize) -> Self {
        let threads = threads.max(1);
        let state = Arc::new(State {
            ranges: (0..threads).map(|_| Range::default()).collect(),
            done: AtomicUsize::new(0),
            body: BodyCell(std::cell::UnsafeCell::new(None)),
            panicked: AtomicBool::new(false),
            quit: AtomicBool::new(false),
            asleep: (1..threads).map(|_| AtomicBool::new(false)).collect(),
        });
        let workers: Vec<_> = (1..threads)
            .map(|worker| {
                let state = Arc::clone(&state);
                std::thread::spawn(move || state.work(worker))
            })
            .collect();
        let handles = workers.iter().map(|worker| worker.thread().clone()).collect();
        Self { state, workers, handles, running: Mutex::new(()) }
    }

    /// Threads, the caller's among them; `worker` is below this.
    pub fn threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// Calls `body(task, worker)` for every task below `tasks`, and returns when all are done.
    ///
    /// # Panics
    /// When a task panicked, after all others are done.
    pub fn run(&self, tasks: usize, body: &Body<'_>) {
        if tasks <= 1 || self.workers.is_empty() {
            return (0..tasks).for_each(|task| body(task, 0));
        }
        assert!(tasks < u32::MAX as usize / 2, "too many tasks");
        let _one_at_a_time = self.running.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let state = &*self.state;
        // SAFETY: only the lifetime is changed; the body is not called after this function returns, as `done` shows.
        let body: *const Body<'static> = unsafe { std::mem::transmute(std::ptr::from_ref(body)) };
        state.done.store(0, Ordering::Relaxed);
        // SAFETY: nothing of an earlier run is left to claim, so nobody reads the cell now.
        unsafe { *state.body.0.get() = Some(body) };
        let threads = self.threads();
        for (worker, range) in state.ranges.iter().enumerate() {
            let [first, end] = [worker, worker + 1].map(|worker| (tasks * worker).div_ceil(threads) as u64);
            range.0.store(first << 32 | end, Ordering::SeqCst);
        }
        for (asleep, handle) in state.asleep.iter().zip(&self.handles) {
            if asleep.load(Ordering::SeqCst) {
                handle.unpark();
            }
        }
        state.take_tasks(0);
        while state.done.load(Ordering::Acquire) < tasks {
            std::hint::spin_loop();
        }
        if state.panicked.swap(false, Ordering::Relaxed) {
            panic!("a task of the thread pool panicked");
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.state.quit.store(true, Ordering::SeqCst);
        for worker in self.workers.drain(..) {
            worker.thread().unpark();
            let _ = worker.join();
        }
    }
}

impl State {
    fn has_task(&self) -> bool {
        self.ranges.iter().any(|range| !range.is_empty())
    }

    fn take_tasks(&self, worker: usize) {
        let (others, own) = self.ranges.split_at(worker);
        for (range, is_own) in own.iter().chain(others).zip(std::iter::once(true).chain(std::iter::repeat(false))) {
            while let Some(task) = range.claim(is_own) {
                self.run_task(task, worker);
            }
        }
    }

    fn run_task(&self, task: usize, worker: usize) {
        // SAFETY: the task was claimed, so the run that it belongs to waits for it: the body is alive and the cell is not written.
        let body = unsafe { (*self.body.0.get()).map(|body| &*body) };
        let outcome = catch_unwind(AssertUnwindSafe(|| body.map(|body| body(task, worker))));
        if outcome.is_err() {
            self.panicked.store(true, Ordering::Relaxed);
        }
        self.done.fetch_add(1, Ordering::Release);
    }

    fn work(&self, worker: usize) {
        while !self.quit.load(Ordering::SeqCst) {
            if self.spin_for_task() {
                self.take_tasks(worker);
            } else {
                self.sleep(&self.asleep[worker - 1]);
            }
        }
    }

    fn spin_for_task(&self) -> bool {
        let since = Instant::now();
        while since.elapsed() < SPIN {
            for _ in 0..64 {
                if self.has_task() {
                    return true;
                }
                std::hint::spin_loop();
            }
        }
        false
    }

    /// Sleeps until there may be a task. The flag is raised before the last look, and the caller of `run` publishes
    /// its tasks before it looks at the flag: one of both sees the other.
    fn sleep(&self, asleep: &AtomicBool) {
        asleep.store(true, Ordering::SeqCst);
        if !self.has_task() && !self.quit.load(Ordering::SeqCst) {
            std::thread::park();
        }
        asleep.store(false, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_runs_once() {
        for threads in [1, 2, 5] {
            let pool = Pool::new(threads);
            for tasks in [0, 1, 2, 7, 100] {
                for _ in 0..200 {
                    let counts: Vec<AtomicUsize> = (0..tasks).map(|_| AtomicUsize::new(0)).collect();
                    pool.run(tasks, &|task, worker| {
                        assert!(worker < threads);
                        counts[task].fetch_add(1, Ordering::Relaxed);
                    });
                    assert!(counts.iter().all(|count| count.load(Ordering::Relaxed) == 1));
                }
                std::thread::sleep(Duration::from_micros(300));
            }
        }
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_pool_survives() {
        let pool = Pool::new(3);
        let outcome = catch_unwind(AssertUnwindSafe(|| pool.run(10, &|task, _| assert_ne!(task, 5))));
        assert!(outcome.is_err());
        let count = AtomicUsize::new(0);
        pool.run(10, &|_, _| {
            count.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(count.load(Ordering::Relaxed), 10);
    }
}
