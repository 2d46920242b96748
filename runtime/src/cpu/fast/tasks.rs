//! Steps that are a number of tasks: any thread may do any of them, and what a thread works with is its own.
//!
//! How a result is divided into tasks depends on sizes alone; whether threads are woken for them is decided here.

use super::compiled_expression::Count;
use super::lane::Lane;
use super::memory::{Address, Memory};
use super::{Context, StepCall};
use crate::failure::{Result, fault};
use crate::parameters::Parts;
use std::cell::UnsafeCell;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

/// A step that is a number of tasks.
pub(super) trait Tasks: Send + Sync {
    /// How many tasks the work is divided into.
    fn tasks(&self) -> usize;

    /// The work of all tasks.
    fn cost(&self) -> Cost;

    /// Does one task.
    ///
    /// # Safety
    /// The memory must be that of the plan. Tasks of one call may run at the same time, each of them once.
    unsafe fn run(&self, task: usize, memory: &Memory, workspace: &mut Workspace);

    /// Where a task expects values of the step's parameter, and which ones, when that comes in pieces.
    fn piece(&self, _task: usize) -> Option<(Address, Range<usize>)> {
        None
    }
}

impl<T: Tasks> StepCall for T {
    unsafe fn run(&self, context: &Context<'_>) {
        // SAFETY: the context is the caller's, with the plan's memory and its workspace.
        unsafe { run_tasks(self, context, &|_| {}) };
    }

    unsafe fn run_in_pieces(&self, context: &Context<'_>, parameter: &dyn Parts) -> Result<()> {
        let outcome = Mutex::new(Ok(()));
        let fetch = |task: usize| {
            let fetched = self.piece(task).ok_or_else(|| fault("a step that reads its parameter as a whole"));
            let fetched = fetched.and_then(|(address, range)| {
                // SAFETY: the plan was checked: these elements are this task's alone.
                let values =
                    unsafe { std::slice::from_raw_parts_mut(context.memory.at(address, range.start), range.len()) };
                parameter.part(range.start, values)
            });
            if fetched.is_err() {
                *outcome.lock().unwrap_or_else(PoisonError::into_inner) = fetched;
            }
        };
        // SAFETY: the context is the caller's, with the plan's memory and its workspace.
        unsafe { run_tasks(self, context, &fetch) };
        outcome.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Does every task, each after what must come before it on the same thread.
///
/// # Safety
/// As for [`StepCall::run`].
unsafe fn run_tasks(tasks: &impl Tasks, context: &Context<'_>, before: &(dyn Fn(usize) + Sync)) {
    let Context { memory, pool, thread_workspaces, .. } = *context;
    let count = tasks.tasks();
    let body = |task: usize, worker: usize| {
        before(task);
        // SAFETY: a worker runs one task at a time; the memory is the caller's promise.
        unsafe { tasks.run(task, memory, thread_workspaces[worker].get()) };
    };
    if count > 1 && tasks.cost().time_ns() > WORTH_A_THREAD_NS {
        pool.run(count, &body);
    } else {
        (0..count).for_each(|task| body(task, 0));
    }
}

/// The working memory of one thread of the pool, which is the only one to touch it.
#[derive(Default)]
pub(super) struct ThreadWorkspace(UnsafeCell<Workspace>);

// SAFETY: `get` is called by the thread whose it is.
unsafe impl Sync for ThreadWorkspace {}
// SAFETY: between calls nothing is kept in it; the pointers that it has room for are written before they are read.
unsafe impl Send for ThreadWorkspace {}

impl ThreadWorkspace {
    /// The memory.
    ///
    /// # Safety
    /// Only the thread of the pool with this number may ask, and only once at a time.
    #[allow(clippy::mut_from_ref, reason = "each thread has its own")]
    pub unsafe fn get(&self) -> &mut Workspace {
        // SAFETY: the caller is the thread whose memory it is, and holds it once.
        unsafe { &mut *self.0.get() }
    }
}

/// How much there is to do, roughly: enough to tell what is worth waking a thread for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cost {
    /// Arithmetic operations.
    pub operations: usize,
    /// Elements read and written.
    pub elements: usize,
}

impl Cost {
    /// A guess at the time of one thread.
    pub fn time_ns(self) -> usize {
        (self.operations / 64).max(self.elements / 4)
    }
}

/// Work below this is done before a second thread has woken up.
const WORTH_A_THREAD_NS: usize = 5_000;

/// Memory of one thread to work in; it grows to what the largest task needs and stays.
#[derive(Default)]
pub(super) struct Workspace {
    pub values: Vec<f32>,
    pub registers: Vec<f32>,
    pub offsets: Vec<usize>,
    pub lanes: Vec<Lane>,
    pub counts: Vec<Count>,
}

impl Workspace {
    /// `count` numbers to work in, of any value.
    pub fn values(values: &mut Vec<f32>, count: usize) -> &mut [f32] {
        values.resize(values.len().max(count), 0.0);
        &mut values[..count]
    }
}
