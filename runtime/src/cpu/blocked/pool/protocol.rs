//! How the threads of a pool divide the tasks of a run among them: what is shared, and every atomic access to it.
//!
//! Every worker begins with a range of its own; who is done takes from the ends of the others' ranges. One thread publishes a run
//! ([`State::run`]), the others look for one, take tasks and sleep ([`State::work`]). Threads are started and ended in `mod.rs`;
//! `runtime/tests/pool.rs` holds this file to every interleaving of two and of three threads.
//!
//! Three facts carry it. A task is claimed by changing its range, which was published after the run's body and its number of
//! tasks: who claims one sees both. `left` is lowered after a task: who reads 0 sees what all tasks wrote, and since every claim
//! is of a task that is left, nobody reads the body any more. And who sleeps raises a flag before the last look, while
//! who has news publishes them before looking at the flag, each with a fence between: one of both sees the other.
//! A worker that misses a run does no harm: the others do its tasks.

use super::sync::{
    AtomicBool, AtomicU64, AtomicUsize, Condvar, Mutex, Ordering, UnsafeCell, fence, look_for, look_idly_for,
};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a run does with a task, and on which worker.
pub type Body<'a> = dyn Fn(usize, usize) + Sync + 'a;

/// The most tasks of a run: those that a range can hold.
pub const MOST_TASKS: usize = u32::MAX as usize / 2;

/// The news that no run comes any more.
const QUIT: usize = usize::MAX;

/// What the threads of a pool share.
pub struct State {
    /// What is left of each worker's range.
    ranges: Vec<Range>,
    /// Tasks of the run that are not done.
    left: AtomicUsize,
    /// The body of the run; read only after a successful claim, which keeps that run from ending.
    body: UnsafeCell<Option<*const Body<'static>>>,
    panicked: AtomicBool,
    /// The number of the run, or [`QUIT`]: what workers look at while they have nothing to do.
    news: AtomicUsize,
    /// Where each worker sleeps; the first is that of the thread that waits for a run to end.
    beds: Vec<Bed>,
}

// SAFETY: the cell is written only by the one caller of `run` while no task can be claimed, and read only between a claim and the
// lowering of `left`.
unsafe impl Sync for State {}
// SAFETY: the pointer is to a `Sync` body.
unsafe impl Send for State {}

/// Tasks that nobody claimed yet: the first in the upper half, the end in the lower. One atomic, so that a worker that comes late
/// can tell that nothing is left without looking at a run that is over; a line of the cache each.
#[repr(align(128))]
struct Range(AtomicU64);

impl Range {
    fn parts(range: u64) -> std::ops::Range<u64> {
        range >> 32..range & u64::from(u32::MAX)
    }

    fn publish(&self, [first, end]: [usize; 2]) {
        self.0.store((first as u64) << 32 | end as u64, Ordering::Release);
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

/// Where a thread sleeps until there is what it waits for.
pub struct Bed {
    asleep: AtomicBool,
    lock: Mutex<()>,
    woken: Condvar,
}

impl Bed {
    /// With nobody in it.
    pub fn new() -> Bed {
        Bed { asleep: AtomicBool::new(false), lock: Mutex::new(()), woken: Condvar::new() }
    }

    /// Sleeps until `there` says so.
    pub fn sleep(&self, there: impl Fn() -> bool) {
        // Nothing is held under the lock that a panic could leave half done.
        let mut lock = self.lock.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        self.asleep.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        while !there() {
            lock = self.woken.wait(lock).unwrap_or_else(|poisoned| poisoned.into_inner());
        }
        self.asleep.store(false, Ordering::Relaxed);
    }

    /// Wakes who sleeps. What they wait for was published before, and a fence stands between.
    pub fn wake(&self) {
        if self.asleep.load(Ordering::Relaxed) {
            // Who raised the flag and is not asleep yet holds the lock.
            drop(self.lock.lock());
            self.woken.notify_one();
        }
    }
}

impl State {
    /// Of so many threads, the caller of [`State::run`] among them.
    pub fn new(threads: usize) -> State {
        State {
            ranges: (0..threads).map(|_| Range(AtomicU64::new(0))).collect(),
            left: AtomicUsize::new(0),
            body: UnsafeCell::default(),
            panicked: AtomicBool::new(false),
            news: AtomicUsize::new(0),
            beds: (0..threads).map(|_| Bed::new()).collect(),
        }
    }

    /// Calls `body(task, worker)` for every task, and returns when all are done; whether all went well. At most [`MOST_TASKS`].
    ///
    /// # Safety
    /// One thread at a time may call it.
    pub unsafe fn run(&self, tasks: usize, body: &Body<'_>) -> bool {
        // SAFETY: only the lifetime is changed; the body is not called after this function returns, as `left` shows.
        let body: *const Body<'static> = unsafe { std::mem::transmute(std::ptr::from_ref(body)) };
        self.left.store(tasks, Ordering::Relaxed);
        // SAFETY: nothing of an earlier run is left to claim, so nobody reads the cell now.
        self.body.with_mut(|cell| unsafe { *cell = Some(body) });
        let threads = self.ranges.len();
        for (worker, range) in self.ranges.iter().enumerate() {
            range.publish([worker, worker + 1].map(|worker| (tasks * worker).div_ceil(threads)));
        }
        self.tell_workers((self.news.load(Ordering::Relaxed) + 1) % QUIT);
        self.take_tasks(0);
        let all_done = || self.left.load(Ordering::Acquire) == 0;
        if !look_for(all_done) {
            self.beds[0].sleep(all_done);
        }
        !self.panicked.swap(false, Ordering::Relaxed)
    }

    /// Takes tasks of runs until [`State::quit`] is called.
    pub fn work(&self, worker: usize) {
        let mut known = 0;
        loop {
            let has_news = || self.news.load(Ordering::Acquire) != known;
            if !look_idly_for(has_news) {
                self.beds[worker].sleep(has_news);
            }
            known = self.news.load(Ordering::Acquire);
            if known == QUIT {
                return;
            }
            self.take_tasks(worker);
        }
    }

    /// Ends the workers.
    pub fn quit(&self) {
        self.tell_workers(QUIT);
    }

    fn tell_workers(&self, news: usize) {
        self.news.store(news, Ordering::Release);
        fence(Ordering::SeqCst);
        self.beds.iter().skip(1).for_each(Bed::wake);
    }

    /// Does what tasks there are to claim.
    pub fn take_tasks(&self, worker: usize) {
        let (others, own) = self.ranges.split_at(worker);
        for (range, is_own) in own.iter().chain(others).zip(std::iter::once(true).chain(std::iter::repeat(false))) {
            while let Some(task) = range.claim(is_own) {
                self.run_task(task, worker);
            }
        }
    }

    fn run_task(&self, task: usize, worker: usize) {
        // SAFETY: the task was claimed, so the run that it belongs to waits for it: the body is alive and the cell is not
        // written.
        let body = self.body.with(|cell| unsafe { (*cell).map(|body| &*body) });
        let outcome = catch_unwind(AssertUnwindSafe(|| body.map(|body| body(task, worker))));
        if outcome.is_err() {
            self.panicked.store(true, Ordering::Relaxed);
        }
        if self.left.fetch_sub(1, Ordering::Release) == 1 {
            fence(Ordering::SeqCst);
            self.beds[0].wake();
        }
    }
}
