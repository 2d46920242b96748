//! Steps of a plan to calls.
//!
//! Kernels rely on how a plan's views lie (the table in the compiler's `plan/mod.rs`), which was checked before.

use super::blocks::{Blocked, BlockedCall, MoveCall, PackCall};
use super::gradient::GradientCall;
use super::lane::Lane;
use super::map::{Elementwise, MapCall, words};
use super::memory::Memory;
use super::walk::Walk;
use super::{Call, ParameterUses, count, gemm, give_back, pad, reduce, resample, window};
use crate::Tensor;
use crate::cpu::blocked::vector::InstructionSet;
use crate::failure::{Result, fault};
use cnnc_compiler::element::ElementType;
use cnnc_compiler::kernels::Kernel;
use cnnc_compiler::plan::{Plan, Step, View};
use std::collections::HashMap;
use std::sync::Arc;

/// The calls of a plan: of what runs once, and of a run.
pub struct Calls {
    /// In order.
    pub prepare: Vec<StepCall>,
    /// In order.
    pub run: Vec<StepCall>,
}

/// A call, and the number of its step in the plan's list. A step may need two.
pub type StepCall = (usize, Box<dyn Call>);

/// Floats of workspace that any of these calls needs, for all threads together.
pub fn workspace_length(calls: &[StepCall], threads: usize) -> usize {
    calls.iter().map(|(_, call)| call.workspace_length(threads)).max().unwrap_or(0)
}

/// The calls of a checked plan, whose parameters are used in that way.
///
/// # Errors
/// E499 when a step is not laid out as plans are.
pub fn calls(plan: &Plan, uses: &ParameterUses, set: InstructionSet) -> Result<Calls> {
    let steps: Vec<&Step> = plan.prepare.iter().chain(&plan.run).collect();
    let heavy = heavy(&steps, set)?;
    let mut calls = Calls { prepare: Vec::new(), run: Vec::new() };
    for (number, step) in steps.iter().enumerate().filter(|(_, step)| step.output.elements() > 0) {
        let (list, number_in_list) = match number.checked_sub(plan.prepare.len()) {
            Some(in_run) => (&mut calls.run, in_run),
            None => (&mut calls.prepare, number),
        };
        let in_pieces = uses.of_steps.get(number).and_then(|uses| uses.in_pieces);
        let of_step: Vec<Box<dyn Call>> = match &heavy[number] {
            Some(kernel) if matches!(step.kernel, Kernel::Pack(_)) => {
                vec![Box::new(PackCall::new(kernel.clone(), step, in_pieces.is_some()))]
            }
            Some(kernel) => vec![Box::new(BlockedCall::new(kernel.clone(), step))],
            None => match (&step.kernel, in_pieces) {
                (Kernel::Map(expression), Some(parameter)) => {
                    vec![Box::new(MapCall::of_pieces(expression, &step.output, &step.operands, parameter))]
                }
                _ => light(step, set)?,
            },
        };
        list.extend(of_step.into_iter().map(|call| (number_in_list, call)));
    }
    Ok(calls)
}

/// The heavy kernel of every step that reads packed weights, and of every step that packs them: that of the first step to read
/// them.
fn heavy(steps: &[&Step], set: InstructionSet) -> Result<Vec<Option<Arc<Blocked>>>> {
    let mut heavy: Vec<Option<Arc<Blocked>>> = Vec::with_capacity(steps.len());
    for step in steps {
        heavy.push(match &step.packing {
            Some(packing) if step.output.elements() > 0 => Some(Arc::new(Blocked::new(set, step, packing)?)),
            _ => None,
        });
    }
    // The steps that read packed weights, by where those begin.
    let mut readers: HashMap<_, Vec<usize>> = HashMap::new();
    for (number, step) in steps.iter().enumerate().filter(|(_, step)| step.packing.is_some()) {
        if let Some(weights) = step.operands.get(1) {
            readers.entry((weights.storage, weights.offset_bytes)).or_default().push(number);
        }
    }
    for (number, step) in steps.iter().enumerate().filter(|(_, step)| matches!(step.kernel, Kernel::Pack(_))) {
        let there =
            readers.get(&(step.output.storage, step.output.offset_bytes)).map(Vec::as_slice).unwrap_or_default();
        let later = &there[there.partition_point(|&reader| reader <= number)..];
        let reads = |reader: &Step| {
            reader.packing.is_some_and(|packing| step.kernel == Kernel::Pack(packing))
                && reader.operands[1] == step.output
        };
        let first = later.iter().find(|&&reader| reads(steps[reader]));
        heavy[number] = first.and_then(|&reader| heavy[reader].clone());
    }
    Ok(heavy)
}

/// The calls of a step that reads no packed weights.
fn light(step: &Step, set: InstructionSet) -> Result<Vec<Box<dyn Call>>> {
    let (own, others) = step.operands.split_at(step.own_operands);
    if let Some(kernel) = Blocked::of_images(set, step)? {
        return Ok(vec![Box::new(BlockedCall::new(Arc::new(kernel), step))]);
    }
    if let Some(call) = MoveCall::new(step) {
        return Ok(vec![Box::new(call)]);
    }
    // Nothing reads what it would pack.
    if matches!(step.kernel, Kernel::Pack(_)) {
        return Ok(Vec::new());
    }
    let (call, follows) = match GradientCall::new(set, step)? {
        Some(call) => (Box::new(call) as Box<dyn Call>, Follow::Apart),
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

fn kernel(step: &Step, own: &[View], others: &[View]) -> Result<(Box<dyn Call>, Follow)> {
    let output = &step.output;
    // Operands too ragged to be read along with a result's rows are read once it is whole.
    let finish = |lead: usize| match &step.epilogue {
        Some(epilogue) => match Elementwise::in_place(epilogue, output, others, lead) {
            Some(finish) => (Some(finish), Follow::Inside),
            None => (None, Follow::Apart),
        },
        None => (None, Follow::Inside),
    };
    Ok(match &step.kernel {
        Kernel::Gemm { transpose_a, transpose_b } => {
            let (finish, follow) = finish(1);
            (Box::new(gemm::Gemm::new(&own[0], *transpose_a, &own[1], *transpose_b, output, finish)), follow)
        }
        Kernel::WindowGrad { axes, pooling } => {
            (Box::new(give_back::GiveBack::windows(own, output, *axes, *pooling)), Follow::Apart)
        }
        Kernel::ResampleGrad(resampling) => {
            (Box::new(give_back::GiveBack::resampling(&own[0], output, *resampling)), Follow::Apart)
        }
        Kernel::Window { axes, pooling } => {
            (Box::new(window::Window::new(&own[0], output, *axes, *pooling)), Follow::Apart)
        }
        Kernel::Reduce { reduction, axes } => {
            (Box::new(reduce::Reduce::new(&own[0], output, *reduction, axes)), Follow::Apart)
        }
        Kernel::Map(expression) if step.compute == ElementType::Uint64 => {
            (Box::new(count::CountCall::new(expression, output, own)), Follow::Apart)
        }
        Kernel::Map(expression) => {
            let operands: Vec<&View> = own.iter().collect();
            (Box::new(MapCall::new(Elementwise::whole(expression, output, &operands))), Follow::Apart)
        }
        Kernel::Resample(resampling) => (Box::new(resample::Resample::new(&own[0], output, resampling)), Follow::Apart),
        Kernel::Pad { padding } => (Box::new(pad::Pad::new(&own[0], output, padding)), Follow::Apart),
        other => return Err(fault(format!("{} is no step of a plan for blocks of channels", other.name()))),
    })
}

/// How an output is walked through.
pub struct Output(Walk);

impl Output {
    /// The output of a plan.
    pub fn new(view: &View) -> Output {
        Output(Walk::whole(&[&words(view)]))
    }

    /// Copies its values to a tensor of its shape and type.
    ///
    /// # Safety
    /// The memory must be that of the plan whose output it is, and no one may write to it.
    pub unsafe fn copy_out(&self, memory: &Memory, into: &mut Tensor, offsets: &mut Vec<usize>) {
        let walk = &self.0;
        let mut done = 0;
        for lead in 0..walk.leads() {
            walk.rows(lead, 0, walk.run_length(), offsets, |offsets, count| {
                // SAFETY: the row lies in the view, which lies inside its storage.
                let lane = unsafe { Lane { pointer: memory.at(walk.place(0), offsets[0]), pattern: walk.pattern(0) } };
                let row = done..done + count;
                done += count;
                match into.counts_mut() {
                    // SAFETY: as above; the elements are whole numbers.
                    Some(counts) => {
                        (0..).zip(&mut counts[row]).for_each(|(index, one)| *one = unsafe { lane.count(index) })
                    }
                    // SAFETY: as above.
                    None => unsafe { lane.gather(&mut into.data_mut()[row]) },
                }
            });
        }
    }
}
