//! Steps of a plan to calls.
//!
//! Kernels rely on how a plan's views lie (the table in the compiler's `plan/mod.rs`), which was checked before.

use super::blocks::{Blocked, BlockedCall, MoveCall, PackCall};
use super::gradient::GradientCall;
use super::lane::Lane;
use super::map::{Elementwise, MapCall, words};
use super::memory::Memory;
use super::walk::Walk;
use super::{ParameterUses, StepCall, count, gemm, pad, pool, reduce, resample, scatter};
use crate::cpu::blocked::vector::InstructionSet;
use crate::failure::{Result, fault};
use crate::view::Destination;
use cnnc_compiler::element::ElementType;
use cnnc_compiler::plan::{Operation, Packing, Plan, Step, Storage, View};
use std::collections::HashMap;
use std::sync::Arc;

/// The calls of a plan: of what runs once, and of a run.
pub struct Calls {
    /// In order.
    pub prepare: Vec<NumberedCall>,
    /// In order.
    pub run: Vec<NumberedCall>,
}

/// A call, and the number of its step in the plan's list. A step may need two.
pub type NumberedCall = (usize, Box<dyn StepCall>);

/// Floats of workspace that any of these calls needs, for all threads together.
pub fn workspace_length(calls: &[NumberedCall], threads: usize) -> usize {
    calls.iter().map(|(_, call)| call.workspace_length(threads)).max().unwrap_or(0)
}

/// The calls of a checked plan, of `prepare` those that are `needed`, whose parameters are used in that way.
///
/// # Errors
/// E499 when a step is not laid out as plans are.
pub fn calls(plan: &Plan, uses: &ParameterUses, needed: &[bool], set: InstructionSet) -> Result<Calls> {
    let mut kernels = Kernels { set, known: HashMap::new() };
    let mut calls = Calls { prepare: Vec::new(), run: Vec::new() };
    for (number, step) in plan.prepare.iter().enumerate().filter(|(number, _)| needed[*number]) {
        let in_pieces = uses.of_steps.get(number).and_then(|uses| uses.in_pieces);
        calls.prepare.extend(kernels.calls(step, in_pieces)?.into_iter().map(|call| (number, call)));
    }
    for (number, step) in plan.run.iter().enumerate() {
        calls.run.extend(kernels.calls(step, None)?.into_iter().map(|call| (number, call)));
    }
    Ok(calls)
}

/// The kernels that read packed weights, one for all steps of the same geometry: those that read and those that pack.
struct Kernels {
    set: InstructionSet,
    known: HashMap<Packing, Arc<Blocked>>,
}

impl Kernels {
    /// The calls of a step, whose parameter of that number, if it is given, comes in pieces.
    fn calls(&mut self, step: &Step, in_pieces: Option<usize>) -> Result<Vec<Box<dyn StepCall>>> {
        if step.output.elements() == 0 {
            return Ok(Vec::new());
        }
        Ok(match (&step.operation, in_pieces) {
            (Operation::Pack(packing), _) => {
                let kernel = self.kernel(packing, step)?;
                vec![Box::new(PackCall::new(kernel, step, in_pieces.is_some()))]
            }
            (Operation::Map(expression), Some(parameter)) => {
                vec![Box::new(MapCall::of_pieces(expression, &step.output, &step.operands, parameter))]
            }
            (operation, _) => match operation.packing() {
                Some(packing) => vec![Box::new(BlockedCall::new(self.set, self.kernel(&packing, step)?, step))],
                None => light(step, self.set)?,
            },
        })
    }

    fn kernel(&mut self, packing: &Packing, step: &Step) -> Result<Arc<Blocked>> {
        if let Some(kernel) = self.known.get(packing) {
            return Ok(kernel.clone());
        }
        let kernel = Arc::new(Blocked::new(self.set, packing, &step.origins)?);
        self.known.insert(*packing, kernel.clone());
        Ok(kernel)
    }
}

/// The calls of a step that reads no packed weights.
fn light(step: &Step, set: InstructionSet) -> Result<Vec<Box<dyn StepCall>>> {
    let (own, others) = step.operands.split_at(step.own_operands);
    if let Some(kernel) = Blocked::of_images(set, step)? {
        return Ok(vec![Box::new(BlockedCall::new(set, Arc::new(kernel), step))]);
    }
    if let Some(call) = MoveCall::new(set, step) {
        return Ok(vec![Box::new(call)]);
    }
    let (call, follows) = match GradientCall::new(set, step)? {
        Some(call) => (Box::new(call) as Box<dyn StepCall>, Follow::Apart),
        None => kernel(step, own, others)?,
    };
    let mut calls = vec![call];
    if let (Follow::Apart, Some(epilogue)) = (follows, &step.epilogue) {
        let operands: Vec<&View> = std::iter::once(&step.output).chain(others).collect();
        calls.push(Box::new(MapCall::new(Elementwise::whole(epilogue, &step.output, &operands))));
    }
    Ok(calls)
}

/// Who does what follows element by element.
enum Follow {
    /// The kernel, while its result is in the cache.
    Inside,
    /// A map over the result.
    Apart,
}

fn kernel(step: &Step, own: &[View], others: &[View]) -> Result<(Box<dyn StepCall>, Follow)> {
    let output = &step.output;
    // Operands too ragged to be read along with a result's rows are read once it is whole.
    let finish = |lead: usize| match &step.epilogue {
        Some(epilogue) => match Elementwise::in_place(epilogue, output, others, lead) {
            Some(finish) => (Some(finish), Follow::Inside),
            None => (None, Follow::Apart),
        },
        None => (None, Follow::Inside),
    };
    Ok(match &step.operation {
        Operation::Gemm(one) => {
            let (finish, follow) = finish(1);
            (Box::new(gemm::Gemm::new(&own[0], one.transpose_a, &own[1], one.transpose_b, output, finish)), follow)
        }
        Operation::PoolGrad(pool) => {
            (Box::new(scatter::Scatter::pooling(own, output, pool.axes, pool.pooling)), Follow::Apart)
        }
        Operation::ResampleGrad(resample) => {
            (Box::new(scatter::Scatter::resampling(&own[0], output, resample.0)), Follow::Apart)
        }
        Operation::Pool(one) => (Box::new(pool::Pool::new(&own[0], output, one.axes, one.pooling)), Follow::Apart),
        Operation::Reduce(one) => {
            (Box::new(reduce::Reduce::new(&own[0], output, one.reduction, &one.axes)), Follow::Apart)
        }
        Operation::Map(expression) if step.compute == ElementType::Uint64 => {
            (Box::new(count::CountCall::new(expression, output, own)), Follow::Apart)
        }
        Operation::Map(expression) => {
            let operands: Vec<&View> = own.iter().collect();
            (Box::new(MapCall::new(Elementwise::whole(expression, output, &operands))), Follow::Apart)
        }
        Operation::Resample(one) => (Box::new(resample::Resample::new(&own[0], output, &one.0)), Follow::Apart),
        Operation::Pad(one) => (Box::new(pad::Pad::new(&own[0], output, &one.padding)), Follow::Apart),
        other => return Err(fault(format!("{} is no step of a plan for blocks of channels", other.name()))),
    })
}

/// How an output comes to the caller.
pub struct Output {
    /// Whether the steps write it there themselves.
    pub is_written: bool,
    /// How it is walked through, to be copied.
    walk: Walk,
}

impl Output {
    /// The output of that number of a plan.
    pub fn new(number: usize, view: &View) -> Output {
        Output { is_written: view.storage == Storage::Output(number), walk: Walk::whole(&[&words(view)]) }
    }

    /// Copies its values to where there is room for as many of its type.
    ///
    /// # Safety
    /// The memory must be that of the plan whose output it is, and no one may write to it.
    pub unsafe fn copy_out(&self, memory: &Memory, mut into: Destination<'_>, offsets: &mut Vec<usize>) {
        let walk = &self.walk;
        let mut done = 0;
        for lead in 0..walk.leads() {
            walk.rows(lead, 0, walk.run_length(), offsets, |offsets, count| {
                // SAFETY: the row lies in the view, which lies inside its storage.
                let lane =
                    unsafe { Lane { pointer: memory.at(walk.address(0), offsets[0]), pattern: walk.pattern(0) } };
                let row = done..done + count;
                done += count;
                match &mut into {
                    // SAFETY: the lane is the row's, of whole numbers.
                    Destination::Uint64(counts) => {
                        (0..).zip(&mut counts[row]).for_each(|(index, one)| *one = unsafe { lane.count(index) })
                    }
                    // SAFETY: the lane is the row's, and the destination has memory of its own.
                    Destination::Float32(data) => unsafe { lane.gather(&mut data[row]) },
                }
            });
        }
    }
}
