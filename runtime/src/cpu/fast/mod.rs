//! The fast kernels: float32, vector instructions, as many threads as there are.
//!
//! What comes in is a plan that was checked; what goes out is its answers. Every step becomes a [`StepCall`]. Heavy kernels are
//! those of `cpu/blocked`; everything else is a fixed number of tasks that may run in any order on any thread. How a result is
//! divided into tasks depends on sizes alone, never on the number of threads, and so the answer has the same bits for any.
//!
//! This folder holds nearly all of the runtime's `unsafe`: kernels read and write the plan's memory through pointers. That is
//! sound because the plan was verified (views lie inside their storages, a result overlaps an operand only where a map replaces
//! it element for element) and because the tasks of a call divide its result among them.

mod apply;
mod blocks;
mod compiled_expression;
mod count;
mod epilogue;
mod gemm;
mod gradient;
mod lane;
mod map;
mod math;
mod memory;
mod pad;
mod parameter_uses;
mod pool;
mod prepare;
mod reduce;
mod resample;
mod scatter;
mod spare;
mod stock;
mod tasks;
#[cfg(test)]
mod tests;
mod walk;

use super::CpuOptions;
use super::blocked::buffer::Buffer;
use super::blocked::pool::Pool;
use super::blocked::vector::InstructionSet;
use crate::failure::{Result, failure, fault};
use crate::given::check_parameters;
use crate::parameters::{Parts, Room};
use crate::view::{AsTensorView, Destinations, TensorList, views};
use crate::{Cancel, Parameters, Tensor};
use cnnc_compiler::diagnostic::Code;
use cnnc_compiler::plan::{Plan, PlanParameter};
use memory::{Lists, Memory};
pub use parameter_uses::ParameterUses;
use prepare::{NumberedCall, Output};
use spare::Spare;
use std::sync::Arc;
use std::time::Instant;
use stock::{Making, PreparedValue};
pub use stock::{Stock, packed_floats};
use tasks::ThreadWorkspace;

/// A step, ready to run.
trait StepCall: Send + Sync {
    /// Floats of workspace that so many threads need, all together.
    fn workspace_length(&self, _threads: usize) -> usize {
        0
    }

    /// Makes what it keeps for its runs, which take no memory then.
    fn make_tables(&self) {}

    /// Does the step.
    ///
    /// # Safety
    /// The memory must be that of the plan, and the workspace as long as `workspace_length` says for the threads of the pool.
    unsafe fn run(&self, context: &Context<'_>);

    /// Does the step, whose parameter is not in memory but made piece by piece.
    ///
    /// # Errors
    /// As the parameter's; E499 of a step that needs its parameter whole.
    ///
    /// # Safety
    /// As for `run`.
    unsafe fn run_in_pieces(&self, _context: &Context<'_>, _parameter: &dyn Parts) -> Result<()> {
        Err(fault("a step that reads its parameter as a whole"))
    }
}

/// What a call works with.
#[derive(Clone, Copy)]
struct Context<'a> {
    memory: &'a Memory,
    pool: &'a Pool,
    /// One a thread.
    thread_workspaces: &'a [ThreadWorkspace],
}

/// Floats of workspace that all threads together need while a plan is prepared, and while it runs.
///
/// # Errors
/// E499 when a step is not as plans are.
pub fn workspace_lengths(plan: &Plan, options: &CpuOptions) -> Result<[usize; 2]> {
    let needed = vec![true; plan.prepare.len()];
    let uses = ParameterUses::of(plan, options.thread_count(), &needed);
    let calls = prepare::calls(plan, &uses, &needed, options.instructions)?;
    Ok([&calls.prepare, &calls.run].map(|calls| prepare::workspace_length(calls, options.thread_count())))
}

/// A plan whose `prepare` steps have run: packed weights and the calls of a run, which any number of [`Fast`] share.
pub struct Packed {
    plan: Arc<Plan>,
    /// Those that a run reads and does not write.
    parameters: Vec<Option<Arc<Tensor>>>,
    /// By number; other plans may have them too.
    prepared: Vec<PreparedValue>,
    run: Vec<NumberedCall>,
    outputs: Vec<Output>,
    /// Floats of workspace that a run needs.
    workspace_length: usize,
    pool: Arc<Pool>,
}

/// What `prepare` is given.
const NO_INPUTS: &[Tensor; 0] = &[];

/// A packed plan, and the memory of one run at a time.
pub struct Fast {
    packed: Arc<Packed>,
    arena: Buffer,
    working: Working,
}

/// What calls work in, and lists that are kept for their memory.
struct Working {
    workspace: Buffer,
    /// One a thread of the pool.
    thread_workspaces: Vec<ThreadWorkspace>,
    /// Where inputs, parameters and what was prepared lie in a run.
    lists: Lists,
    /// Of an output's rows.
    offsets: Vec<usize>,
}

// SAFETY: the pointers are only kept for their memory, and written anew before each run; everything else is sent.
unsafe impl Send for Working {}

impl Working {
    fn new(workspace_length: usize, pool: &Pool) -> Working {
        Working {
            workspace: Buffer::zeros(workspace_length),
            thread_workspaces: (0..pool.threads()).map(|_| ThreadWorkspace::default()).collect(),
            lists: Lists::default(),
            offsets: Vec::new(),
        }
    }
}

impl Packed {
    /// Prepares a plan: those of its `prepare` steps run here that make what `stock` has not, each parameter being there from the
    /// first that reads it to the last.
    ///
    /// # Errors
    /// E602 when a parameter is missing or of another shape, E601 and E603 when it cannot be read, E499 when a step is not as
    /// plans are, E401 when there is too little memory, E508 when it is cancelled.
    pub fn new(
        plan: Arc<Plan>,
        parameters: &Parameters,
        stock: &Stock,
        set: InstructionSet,
        pool: Arc<Pool>,
        cancel: &Cancel,
    ) -> Result<Packed> {
        check_parameters(&plan, parameters)?;
        let threads = pool.threads();
        let found = stock.look_up(&plan);
        let uses = ParameterUses::of(&plan, threads, found.steps());
        let calls = prepare::calls(&plan, &uses, found.steps(), set)?;
        let lengths = [&calls.prepare, &calls.run].map(|calls| prepare::workspace_length(calls, threads));
        super::check::memory(&plan, 4 * found.floats() as u64, lengths[0].max(lengths[1]))?;
        let mut packed = Packed {
            parameters: vec![None; plan.parameters.len()],
            prepared: Vec::new(),
            outputs: plan.outputs.iter().enumerate().map(|(number, port)| Output::new(number, &port.view)).collect(),
            run: calls.run,
            workspace_length: lengths[1],
            pool,
            plan,
        };
        let mut making = found.making();
        packed.prepare(
            &calls.prepare,
            &uses,
            parameters,
            &mut making,
            Working::new(lengths[0], &packed.pool),
            cancel,
        )?;
        packed.prepared = making.done(stock);
        for &index in &uses.of_runs {
            let wanted = &packed.plan.parameters[index];
            packed.parameters[index] = Some(as_said(wanted, stock.parameter(&wanted.path, parameters)?)?);
        }
        packed.run.iter().for_each(|(_, call)| call.make_tables());
        Ok(packed)
    }

    fn prepare(
        &mut self,
        calls: &[NumberedCall],
        uses: &ParameterUses,
        parameters: &Parameters,
        making: &mut Making,
        mut working: Working,
        cancel: &Cancel,
    ) -> Result<()> {
        let mut scratch = Buffer::zeros(Buffer::length_of(self.plan.scratch_bytes));
        let mut spare = Spare::new(&self.plan, uses);
        let mut calls = calls.iter().peekable();
        for (number, steps) in uses.of_steps.iter().enumerate() {
            cancel.check("packing the weights")?;
            let pieces =
                steps.in_pieces.map(|index| parameters.parts(&self.plan.parameters[index].path)).transpose()?;
            for &index in &steps.first {
                let wanted = &self.plan.parameters[index];
                let room = || Room { memory: spare.take(wanted.shape.iter().product()), pool: Some(&self.pool) };
                self.parameters[index] = Some(as_said(wanted, parameters.get_in(&wanted.path, room)?)?);
            }
            let mut memory = Memory { scratch: scratch.as_mut_ptr(), ..self.memory(NO_INPUTS, &mut working) };
            memory.prepared.extend(making.pointers());
            let context = Context { memory: &memory, pool: &self.pool, thread_workspaces: &working.thread_workspaces };
            while let Some((_, call)) = calls.next_if(|(step, _)| *step == number) {
                // SAFETY: the calls are those of the plan, whose memory this is.
                unsafe {
                    match &pieces {
                        Some(parameter) => call.run_in_pieces(&context, &**parameter)?,
                        None => call.run(&context),
                    }
                }
            }
            working.lists = memory.into_lists();
            steps.last.iter().filter_map(|&index| self.parameters[index].take()).for_each(|tensor| spare.put(tensor));
        }
        Ok(())
    }

    /// Where everything lies during one run that works in there; arena and outputs are not said. Nobody writes to what was
    /// prepared.
    fn memory(&self, inputs: &dyn TensorList, working: &mut Working) -> Memory {
        let Lists { inputs: mut to_inputs, parameters: mut to_parameters, mut prepared, mut outputs } =
            std::mem::take(&mut working.lists);
        to_inputs.clear();
        to_inputs.extend(views(inputs).map(|input| input.as_ptr()));
        prepared.clear();
        prepared.extend(self.prepared.iter().map(|value| value.as_ptr().cast_mut()));
        outputs.clear();
        to_parameters.clear();
        let pointer = |tensor: &Option<Arc<Tensor>>| {
            tensor.as_ref().map_or(std::ptr::null_mut(), |tensor| tensor.view().as_ptr().cast_mut())
        };
        to_parameters.extend(self.parameters.iter().map(pointer));
        Memory {
            inputs: to_inputs,
            parameters: to_parameters,
            scratch: std::ptr::null_mut(),
            prepared,
            outputs,
            arena: std::ptr::null_mut(),
            workspace: working.workspace.as_mut_ptr(),
        }
    }
}

impl Fast {
    /// Memory for the runs of a packed plan.
    pub fn new(packed: Arc<Packed>) -> Fast {
        let arena = Buffer::zeros(Buffer::length_of(packed.plan.arena_bytes));
        let working = Working::new(packed.workspace_length, &packed.pool);
        Fast { packed, arena, working }
    }

    /// The answers; inputs must have the plan's sizes, and `answers` those of its outputs. Whether it was not cancelled before
    /// they were there.
    pub fn run(&mut self, inputs: &dyn TensorList, answers: &mut dyn Destinations, cancel: &Cancel) -> bool {
        let memory = self.memory(inputs, answers);
        self.execute(memory, answers, cancel)
    }

    /// One training step: as [`Fast::run`], with the parameters that change in `state`, which must have all of them.
    ///
    /// # Errors
    /// As [`Parameters::get`], before anything is computed.
    pub fn step(
        &mut self,
        state: &mut Parameters,
        inputs: &dyn TensorList,
        answers: &mut dyn Destinations,
    ) -> Result<()> {
        let memory = self.memory_over(state, inputs, answers)?;
        self.execute(memory, answers, &Cancel::default());
        Ok(())
    }

    /// The memory of a run that writes the parameters of `state`.
    fn memory_over(
        &mut self,
        state: &mut Parameters,
        inputs: &dyn TensorList,
        answers: &mut dyn Destinations,
    ) -> Result<Memory> {
        let mut memory = self.memory(inputs, answers);
        for (parameter, pointer) in self.packed.plan.parameters.iter().zip(&mut memory.parameters) {
            if parameter.changes {
                *pointer = state.get_mut(&parameter.path)?.as_mut_ptr();
            }
        }
        Ok(memory)
    }

    /// Runs over memory that is the plan's: its inputs have the plan's sizes, and a parameter that is written is the caller's
    /// alone. Whether it went to the end.
    fn execute(&mut self, memory: Memory, answers: &mut dyn Destinations, cancel: &Cancel) -> bool {
        let context = self.context(&memory);
        let done = self.packed.run.iter().all(|(_, call)| {
            let goes_on = !cancel.is_cancelled();
            if goes_on {
                // SAFETY: the calls are those of the plan, whose memory this is.
                unsafe { call.run(&context) };
            }
            goes_on
        });
        for (number, output) in self.packed.outputs.iter().enumerate().filter(|(_, output)| done && !output.is_written)
        {
            // SAFETY: the outputs are those of the plan, whose memory this is; nothing writes any more.
            unsafe { output.copy_out(&memory, answers.destination(number), &mut self.working.offsets) };
        }
        self.working.lists = memory.into_lists();
        done
    }

    /// The median seconds of each step over some runs; `answers` as for [`Fast::run`], of which those are the last run's that
    /// steps write.
    pub fn profile(&mut self, inputs: &dyn TensorList, answers: &mut dyn Destinations, runs: usize) -> Vec<f64> {
        let memory = self.memory(inputs, answers);
        self.timed(memory, runs)
    }

    /// The median seconds of each step over some training steps.
    ///
    /// # Errors
    /// As [`Fast::step`].
    pub fn profile_steps(
        &mut self,
        state: &mut Parameters,
        inputs: &dyn TensorList,
        answers: &mut dyn Destinations,
        runs: usize,
    ) -> Result<Vec<f64>> {
        let memory = self.memory_over(state, inputs, answers)?;
        Ok(self.timed(memory, runs))
    }

    fn timed(&mut self, memory: Memory, runs: usize) -> Vec<f64> {
        let context = self.context(&memory);
        let mut seconds = vec![Vec::with_capacity(runs); self.packed.plan.run.len()];
        for _ in 0..runs {
            seconds.iter_mut().for_each(|times| times.push(0.0));
            for (step, call) in &self.packed.run {
                let start = Instant::now();
                // SAFETY: the calls are those of the plan, whose memory this is.
                unsafe { call.run(&context) };
                if let Some(time) = seconds[*step].last_mut() {
                    *time += start.elapsed().as_secs_f64();
                }
            }
        }
        self.working.lists = memory.into_lists();
        let median = |times: &mut Vec<f64>| -> f64 {
            times.sort_unstable_by(f64::total_cmp);
            times.get(times.len() / 2).copied().unwrap_or(0.0)
        };
        seconds.iter_mut().map(median).collect()
    }

    fn context<'a>(&'a self, memory: &'a Memory) -> Context<'a> {
        Context { memory, pool: &self.packed.pool, thread_workspaces: &self.working.thread_workspaces }
    }

    /// Where everything lies during one run.
    fn memory(&mut self, inputs: &dyn TensorList, answers: &mut dyn Destinations) -> Memory {
        let mut memory = self.packed.memory(inputs, &mut self.working);
        memory.arena = self.arena.as_mut_ptr();
        let written = |(number, output): (usize, &Output)| match output.is_written {
            true => answers.destination(number).first(),
            false => std::ptr::null_mut(),
        };
        memory.outputs.extend(self.packed.outputs.iter().enumerate().map(written));
        memory
    }
}

/// A parameter that was made, if it is of the shape and type that were said before.
fn as_said(wanted: &PlanParameter, tensor: Arc<Tensor>) -> Result<Arc<Tensor>> {
    let PlanParameter { path, shape, element, .. } = wanted;
    if tensor.shape() == shape && tensor.element() == *element {
        return Ok(tensor);
    }
    let found = (tensor.shape(), tensor.element());
    let message =
        format!("the parameter `{path}` was to be {shape:?} of {element}, and is {:?} of {}", found.0, found.1);
    Err(failure(Code::E602, message))
}
