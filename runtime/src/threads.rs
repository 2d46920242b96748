//! Starting threads, so that a system that starts no more is an error or costs time, and never ends the process.
//!
//! Every thread of the runtime is started here, with a stack of a fixed size (what `RUST_MIN_STACK` says has no effect) and a
//! name that debuggers show. There are three sorts:
//! - those that [`COMPUTE`]: the workers of an engine's pool (`cpu/blocked/pool/`), which live as long as it and share the tasks
//!   of every kernel;
//! - those that [`LOAD`]: the workers of an epoch (`data/loader.rs`), each with a queue of batches of its own;
//! - those that help with what is done once, such as drawing parameters ([`for_each`]), and end with it.
//!
//! No library starts any: plain products are asked of the gemm crate a tile at a time, by a worker of the pool, and that crate is
//! built without threads of its own.

use crate::Error;
use crate::failure::failure;
use cnnc_compiler::diagnostic::Code;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, Builder, JoinHandle};

/// The most threads that may be asked for, of those that compute and of those that load pictures.
pub const MOST_THREADS: usize = 1024;
/// Bytes of a thread's stack. Nothing that runs on one recurses.
const STACK_BYTES: usize = 2 << 20;

/// What threads are started for, as many as somebody asks for.
pub(crate) struct Role {
    /// A thread's name, before its number.
    name: &'static str,
    /// What asks for them, as messages write it.
    key: &'static str,
}

/// To run kernels.
pub(crate) const COMPUTE: Role = Role { name: "cnnc compute", key: "`threads`" };
/// To make batches of a data set.
pub(crate) const LOAD: Role = Role { name: "cnnc load", key: "`workers`" };

impl Role {
    /// Whether so many threads may be asked for.
    ///
    /// # Errors
    /// E506 above [`MOST_THREADS`].
    pub fn check(&self, threads: usize) -> Result<(), Error> {
        if threads <= MOST_THREADS {
            return Ok(());
        }
        let mut refused = failure(Code::E506, format!("{threads} threads are wanted, and {MOST_THREADS} is the most"));
        refused.help.push(format!("{} 0 is one for each core", self.key));
        Err(refused)
    }

    /// Starts the thread of that number, and returns once it runs. What the standard library lays beside its stack is there
    /// then: where memory ends in that, the process ends too, so no two threads start at a time.
    pub fn spawn(&self, number: usize, body: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
        let (starter, runs) = (thread::current(), Arc::new(AtomicBool::new(false)));
        let begun = runs.clone();
        let started = builder(format!("{} {number}", self.name)).spawn(move || {
            begun.store(true, Ordering::Release);
            starter.unpark();
            body();
        })?;
        while !runs.load(Ordering::Acquire) {
            thread::park();
        }
        Ok(started)
    }

    /// The failure when `started` of `wanted` threads run and the system starts no more.
    pub fn none_left(&self, wanted: usize, started: usize, error: &io::Error) -> Error {
        let message = format!("{wanted} threads are wanted, and the system started {started} of them: {error}");
        let mut failed = failure(Code::E506, message);
        failed.notes.push("the threads that were started have ended".into());
        failed
            .notes
            .push("`ulimit -u` limits the threads of a user, `ulimit -v` the memory that their stacks lie in".into());
        failed.help.push(format!("ask for {} with {}", if started > 1 { "fewer" } else { "one" }, self.key));
        failed
    }
}

fn builder(name: String) -> Builder {
    Builder::new().name(name).stack_size(STACK_BYTES)
}

/// The cores of this machine that the process may use; at least one.
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS)
}

/// Calls `each` for every item, on as many threads as there are cores, this one among them; on fewer where the system starts no
/// more. Items are taken in order.
///
/// # Panics
/// When `each` does.
pub(crate) fn for_each<T: Send>(items: impl ExactSizeIterator<Item = T> + Send, each: impl Fn(T) + Sync) {
    let others = cores().min(items.len()).saturating_sub(1);
    let items = Mutex::new(items);
    let next = || items.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || {
        while let Some(item) = next() {
            each(item);
        }
    };
    thread::scope(|scope| {
        for number in 0..others {
            if builder(format!("cnnc help {number}")).spawn_scoped(scope, work).is_err() {
                break;
            }
        }
        work();
    });
}

#[cfg(test)]
mod tests {
    use super::{COMPUTE, LOAD, MOST_THREADS, for_each};
    use std::sync::mpsc::channel;
    use std::thread;

    #[test]
    fn every_item_is_done_once() {
        for count in [0, 1, 2, 100] {
            let mut done = vec![0; count];
            for_each(done.iter_mut(), |item| *item += 1);
            assert_eq!(done, vec![1; count]);
        }
    }

    #[test]
    fn the_most_is_said() {
        assert!(COMPUTE.check(MOST_THREADS).is_ok());
        let refused = COMPUTE.check(100_000).unwrap_err();
        assert_eq!(refused.message, "100000 threads are wanted, and 1024 is the most");
        assert_eq!(refused.help, ["`threads` 0 is one for each core"]);
    }

    #[test]
    fn a_thread_is_named_for_what_it_does() {
        let (sender, names) = channel();
        for (role, number) in [(COMPUTE, 3), (LOAD, 0)] {
            let sender = sender.clone();
            let body = move || sender.send(thread::current().name().map(str::to_owned)).unwrap();
            role.spawn(number, body).unwrap().join().unwrap();
        }
        let names: Vec<Option<String>> = names.try_iter().collect();
        assert_eq!(names, [Some("cnnc compute 3".into()), Some("cnnc load 0".into())]);
    }
}
