//! The fast kernels: float32, vector instructions, as many threads as there are.
//!
//! What comes in is a plan that was checked; what goes out is its answers. Every step becomes a [`Call`]: a fixed number of tasks that
//! may run in any order on any thread. How a result is divided into tasks depends on sizes alone, never on the number of threads, and
//! so the answer has the same bits for any. Heavy products go to the gemm crate, one thread a task.
//!
//! This folder holds nearly all of the runtime's `unsafe`: kernels read and write the plan's memory through pointers. That is sound
//! because the plan was verified (views lie inside their storages, a result overlaps an operand only where a map replaces it element
//! for element) and because the tasks of a call divide its result among them.

mod conv;
mod conv_data;
mod conv_weight;
mod depthwise;
mod dot;
mod gemm;
mod give_back;
mod lane;
pub(in crate::cpu) mod level;
mod map;
mod math;
mod memory;
mod pad;
mod prepare;
mod program;
mod reduce;
mod resample;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_of_gradients;
mod walk;
mod window;

use crate::failure::{Result, failure};
use crate::{Parameters, Tensor};
use cnnc_compiler::diagnostic::Code;
use cnnc_compiler::plan::{Plan, Storage};
use lane::Lane;
use memory::{Buffer, Memory};
use program::Count;
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::cell::RefCell;
use std::sync::Arc;

/// A step, ready to run.
trait Call: Send + Sync {
    /// How many tasks the work is divided into.
    fn tasks(&self) -> usize;

    /// The work of all tasks.
    fn cost(&self) -> Cost;

    /// Does one task.
    ///
    /// # Safety
    /// The memory must be that of the plan. Tasks of one call may run at the same time, each of them once.
    unsafe fn run(&self, task: usize, memory: &Memory, workspace: &mut Workspace);
}

/// How much there is to do, roughly: enough to tell what is worth waking a thread for.
#[derive(Clone, Copy, Debug, Default)]
struct Cost {
    /// Arithmetic operations.
    operations: usize,
    /// Elements read and written.
    elements: usize,
}

impl Cost {
    /// A guess at the time of one thread.
    fn time_ns(self) -> usize {
        (self.operations / 64).max(self.elements / 4)
    }
}

/// Work below this is done before a second thread has woken up.
const WORTH_A_THREAD_NS: usize = 20_000;

/// Memory of one thread to work in; it grows to what the largest task needs and stays.
#[derive(Default)]
struct Workspace {
    values: Vec<f32>,
    registers: Vec<f32>,
    offsets: Vec<usize>,
    lanes: Vec<Lane>,
    counts: Vec<Count>,
}

impl Workspace {
    /// `count` numbers to work in, of any value.
    fn values(values: &mut Vec<f32>, count: usize) -> &mut [f32] {
        values.resize(values.len().max(count), 0.0);
        &mut values[..count]
    }
}

thread_local! {
    static WORKSPACE: RefCell<Workspace> = RefCell::default();
}

/// A plan, prepared.
pub struct Fast {
    plan: Arc<Plan>,
    parameters: Vec<Option<Arc<Tensor>>>,
    prepared: Buffer,
    arena: Buffer,
    run: Vec<Box<dyn Call>>,
    pool: Option<ThreadPool>,
}

impl Fast {
    /// Prepares a plan: its `prepare` steps run here.
    ///
    /// # Errors
    /// E602 when a parameter is missing or of another shape, E499 when a step is not as plans are, E501 when threads cannot be made.
    pub fn new(plan: Arc<Plan>, parameters: &Parameters, threads: usize) -> Result<Fast> {
        let tensors = super::check::parameters(&plan, parameters)?;
        let (once, run) = (prepare::calls(&plan.prepare)?, prepare::calls(&plan.run)?);
        let mut fast = Fast {
            parameters: tensors.into_iter().map(Some).collect(),
            prepared: Buffer::new(plan.prepared_elements),
            arena: Buffer::new(plan.arena_elements),
            run,
            pool: pool(threads)?,
            plan,
        };
        let memory = fast.memory(&[]);
        // SAFETY: the calls are those of the plan, whose memory this is.
        unsafe { execute(&once, &memory, fast.pool.as_ref()) };
        fast.forget_parameters();
        Ok(fast)
    }

    /// Parameters that only `prepare` read, or that each step brings, are given back.
    fn forget_parameters(&mut self) {
        let views =
            self.plan.run.iter().flat_map(|step| &step.operands).chain(self.plan.outputs.iter().map(|port| &port.view));
        let read: Vec<Storage> = views.map(|view| view.storage).collect();
        for (index, parameter) in self.parameters.iter_mut().enumerate() {
            let updated = self.plan.parameters.get(index).is_some_and(|parameter| parameter.updated);
            if updated || !read.contains(&Storage::Parameter(index)) {
                *parameter = None;
            }
        }
    }

    /// The answers; inputs must have the plan's sizes.
    pub fn run(&mut self, inputs: &[Tensor]) -> Vec<Tensor> {
        let memory = self.memory(inputs);
        // SAFETY: the calls are those of the plan, whose memory this is; inputs have its sizes.
        unsafe { execute(&self.run, &memory, self.pool.as_ref()) };
        // SAFETY: as above; nothing writes any more.
        self.plan.outputs.iter().map(|port| unsafe { prepare::copy_out(&memory, &port.view) }).collect()
    }

    /// One training step: as [`Fast::run`], with the parameters that the plan updates in `state`, which must have all of them.
    pub fn step(&mut self, state: &mut Parameters, inputs: &[Tensor]) -> Vec<Tensor> {
        let mut memory = self.memory(inputs);
        for (parameter, pointer) in self.plan.parameters.iter().zip(&mut memory.parameters) {
            if let Some(tensor) = state.get_mut(&parameter.path).filter(|_| parameter.updated) {
                *pointer = tensor.data_mut().as_mut_ptr();
            }
        }
        // SAFETY: as for `run`; a parameter that is written has its pointer from a tensor that is the state's alone.
        unsafe { execute(&self.run, &memory, self.pool.as_ref()) };
        // SAFETY: as above; nothing writes any more.
        self.plan.outputs.iter().map(|port| unsafe { prepare::copy_out(&memory, &port.view) }).collect()
    }

    fn memory(&mut self, inputs: &[Tensor]) -> Memory {
        let pointer = |tensor: &Option<Arc<Tensor>>| {
            tensor.as_ref().map_or(std::ptr::null_mut(), |tensor| tensor.data().as_ptr().cast_mut())
        };
        Memory {
            inputs: inputs.iter().map(|tensor| tensor.data().as_ptr()).collect(),
            parameters: self.parameters.iter().map(pointer).collect(),
            prepared: self.prepared.pointer(),
            arena: self.arena.pointer(),
        }
    }
}

/// The threads; none of their own when one is wanted.
fn pool(threads: usize) -> Result<Option<ThreadPool>> {
    let threads = if threads == 0 { std::thread::available_parallelism().map_or(1, usize::from) } else { threads };
    if threads == 1 {
        return Ok(None);
    }
    let pool = ThreadPoolBuilder::new().num_threads(threads).thread_name(|number| format!("cnnc-{number}")).build();
    pool.map(Some).map_err(|error| failure(Code::E501, format!("{threads} threads cannot be started: {error}")))
}

/// Runs calls one after another; the caller's thread does all of it when no call is worth waking others.
unsafe fn execute(calls: &[Box<dyn Call>], memory: &Memory, pool: Option<&ThreadPool>) {
    let worth = |call: &dyn Call| call.tasks() > 1 && call.cost().time_ns() > WORTH_A_THREAD_NS;
    let alone = |call: &dyn Call| {
        // SAFETY: as the caller promises; one task after another.
        WORKSPACE.with_borrow_mut(|workspace| {
            (0..call.tasks()).for_each(|task| unsafe { call.run(task, memory, workspace) })
        });
    };
    let together = |call: &dyn Call| {
        (0..call.tasks()).into_par_iter().with_max_len(1).for_each(|task| {
            // SAFETY: as the caller promises; each task once.
            WORKSPACE.with_borrow_mut(|workspace| unsafe { call.run(task, memory, workspace) });
        });
    };
    match pool {
        Some(pool) if calls.iter().any(|call| worth(call.as_ref())) => pool.install(|| {
            calls
                .iter()
                .for_each(|call| if worth(call.as_ref()) { together(call.as_ref()) } else { alone(call.as_ref()) });
        }),
        _ => calls.iter().for_each(|call| alone(call.as_ref())),
    }
}
