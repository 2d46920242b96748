//! A small pool of threads for fork and join: `run(tasks, body)` calls `body(task, worker)` for every task and returns
//! when all are done. Every worker begins with a range of its own, the same part of the tasks in every run: kernels count tasks
//! along images and their rows, so a core mostly reads what it wrote itself. Who is done takes from the ends of the others'
//! ranges, so a slow core takes fewer; which worker does a task changes from run to run, what a task does must not.
//!
//! A pool that is busy, in a task of which or beside which another thread calls `run`, leaves that call to do its tasks itself.
//!
//! Why not a library: a net is some fifty forks and joins a millisecond apart or less. A worker here spins for a while
//! before it sleeps, and nothing is allocated. After [`Pool::new`], `run` makes no system call unless a thread sleeps, or yields
//! as it waits. What the threads share, and in which order, is `protocol.rs`.

mod protocol;
mod sync;

use crate::threads::COMPUTE;
use protocol::{Body, MOST_TASKS, State};
use std::io;
use std::sync::{Arc, Mutex, TryLockError};
use std::thread::JoinHandle;

/// Threads that wait for work; the caller of [`Pool::run`] is one of them.
pub struct Pool {
    state: Arc<State>,
    workers: Vec<JoinHandle<()>>,
    running: Mutex<()>,
}

/// Why there is no pool: the threads that did start, the caller of `run` among them, and what the system said of the next. They
/// have ended.
#[derive(Debug)]
pub struct NoMore {
    /// Threads.
    pub started: usize,
    /// The system's answer.
    pub error: io::Error,
}

impl Pool {
    /// A pool of `threads` threads, the caller of `run` among them; at least one.
    ///
    /// # Errors
    /// When the system does not start as many.
    pub fn new(threads: usize) -> Result<Self, NoMore> {
        let threads = threads.max(1);
        let state = Arc::new(State::new(threads));
        let mut pool = Self { state, workers: Vec::new(), running: Mutex::new(()) };
        for worker in 1..threads {
            let state = Arc::clone(&pool.state);
            let started = COMPUTE.spawn(worker, move || state.work(worker));
            // Who was started ends as the pool is dropped.
            pool.workers.push(started.map_err(|error| NoMore { started: worker, error })?);
        }
        Ok(pool)
    }

    /// Threads, the caller's among them; `worker` is below this.
    pub fn threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// Calls `body(task, worker)` for every task below `tasks`, and returns when all are done. Tasks of a call that run at the
    /// same time have different workers. While another call runs, from whose tasks this one may come, this thread does them all.
    ///
    /// # Panics
    /// When a task panicked; all others are done then, unless this thread does them all.
    pub fn run(&self, tasks: usize, body: &Body<'_>) {
        let alone = || (0..tasks).for_each(|task| body(task, 0));
        // More tasks than a range holds are those of no kernel.
        if tasks <= 1 || self.workers.is_empty() || tasks > MOST_TASKS {
            return alone();
        }
        let _one_at_a_time = match self.running.try_lock() {
            Ok(running) => running,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return alone(),
        };
        // SAFETY: the lock is held.
        let went_well = unsafe { self.state.run(tasks, body) };
        assert!(went_well, "a task of the thread pool panicked");
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.state.quit();
        for worker in self.workers.drain(..) {
            let _ = worker.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    #[test]
    fn every_task_runs_once() {
        for threads in [1, 2, 5] {
            let pool = Pool::new(threads).unwrap();
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
        let pool = Pool::new(3).unwrap();
        let outcome = catch_unwind(AssertUnwindSafe(|| pool.run(10, &|task, _| assert_ne!(task, 5))));
        assert!(outcome.is_err());
        let count = AtomicUsize::new(0);
        pool.run(10, &|_, _| {
            count.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(count.load(Ordering::Relaxed), 10);
    }

    #[test]
    fn a_run_within_a_task_is_done_by_that_task() {
        let pool = Pool::new(3).unwrap();
        let counts: Vec<AtomicUsize> = (0..20 * 20).map(|_| AtomicUsize::new(0)).collect();
        pool.run(20, &|outer, _| {
            pool.run(20, &|inner, _| {
                counts[20 * outer + inner].fetch_add(1, Ordering::Relaxed);
            });
        });
        assert!(counts.iter().all(|count| count.load(Ordering::Relaxed) == 1));
    }

    #[test]
    fn runs_of_two_threads_at_once_and_through_another_pool_end() {
        let (one, other) = (Pool::new(2).unwrap(), Pool::new(2).unwrap());
        let count = AtomicUsize::new(0);
        let count_one = || {
            count.fetch_add(1, Ordering::Relaxed);
        };
        let around = || {
            for _ in 0..100 {
                one.run(4, &|_, _| other.run(4, &|_, _| one.run(4, &|_, _| count_one())));
            }
        };
        std::thread::scope(|scope| {
            scope.spawn(around);
            around();
        });
        assert_eq!(count.into_inner(), 2 * 100 * 64);
    }

    /// The threads that this process has.
    #[cfg(target_os = "linux")]
    fn threads_here() -> usize {
        std::fs::read_dir("/proc/self/task").unwrap().count()
    }

    /// In a process of its own, which may have memory for the stacks of some hundred threads and not of a thousand.
    #[cfg(target_os = "linux")]
    #[allow(clippy::print_stdout, reason = "the process that started this one reads it")]
    #[test]
    fn threads_that_cannot_start_are_an_error_and_the_others_end() {
        const CHILD: &str = "CNNC_TEST_FEW_THREADS";
        if std::env::var_os(CHILD).is_none() {
            let name = "cpu::blocked::pool::tests::threads_that_cannot_start_are_an_error_and_the_others_end";
            let ran = || {
                let mut child = std::process::Command::new(std::env::current_exe().unwrap());
                let output = child.args(["--exact", name, "--nocapture"]).env(CHILD, "1").output().unwrap();
                let printed = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
                (output.status.success(), printed.concat())
            };
            // Where memory ends between a thread's stack and what the standard library lays beside it, that ends the process:
            // tried again.
            let unlucky = |text: &str| text.contains("stack_overflow.rs");
            let ended = (0..20).map(|_| ran()).find(|(_, text)| !unlucky(text));
            let (well, text) = ended.expect("a process whose memory ends elsewhere");
            assert!(well && text.contains("no more than"), "{text}");
            return;
        }
        let before = threads_here();
        let bytes = 1 << 30;
        let limit = libc::rlimit { rlim_cur: bytes, rlim_max: bytes };
        // SAFETY: the limit is read during the call.
        assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) }, 0);
        let refused = Pool::new(1000).err().expect("no memory for a thousand stacks");
        assert!((2..1000).contains(&refused.started), "{refused:?}");
        assert_eq!(threads_here(), before);
        let fewer = Pool::new(2).expect("what was taken is given back");
        assert_eq!(threads_here(), before + fewer.threads() - 1);
        println!("no more than {}: {}", refused.started, refused.error);
    }
}
