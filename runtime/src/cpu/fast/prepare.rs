//! Steps of a plan to calls.
//!
//! Kernels rely on how a plan's views lie (the table in the compiler's `plan/mod.rs`), which was checked before.

use super::Call;
use super::map::{Elementwise, MapCall};
use super::memory::Memory;
use super::walk::Walk;
use super::{conv, conv_data, conv_weight, depthwise, dot, gemm, give_back, pad, reduce, resample, window};
use crate::Tensor;
use crate::failure::{Result, fault};
use cnnc_compiler::kernels::Kernel;
use cnnc_compiler::plan::{Step, View};

/// The calls of some steps, in order.
///
/// # Errors
/// E499 when a step is not laid out as plans are.
pub fn calls(steps: &[Step]) -> Result<Vec<Box<dyn Call>>> {
    let mut calls = Vec::with_capacity(steps.len());
    for step in steps.iter().filter(|step| step.output.elements() > 0) {
        let (own, others) = step.operands.split_at(step.own_operands);
        let (call, follows) = kernel(step, own, others)?;
        calls.push(call);
        if let (Follow::Apart, Some(epilogue)) = (follows, &step.epilogue) {
            let operands: Vec<&View> = std::iter::once(&step.output).chain(others).collect();
            calls.push(Box::new(MapCall::new(Elementwise::whole(epilogue, &step.output, &operands))));
        }
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
        Kernel::Conv { window, groups } if own[1].shape[1] == 1 => {
            let (finish, follow) = finish(2);
            (Box::new(depthwise::Depthwise::new(&own[0], &own[1], output, *window, *groups, finish)), follow)
        }
        Kernel::Conv { window, groups } => {
            let (finish, follow) = finish(2);
            (Box::new(conv::Conv::new(&own[0], &own[1], output, *window, *groups, finish)), follow)
        }
        Kernel::ConvData { window, groups } => {
            (Box::new(conv_data::ConvData::new(&own[0], &own[1], output, *window, *groups)), Follow::Apart)
        }
        Kernel::Gemm { transpose_a: false, transpose_b: true } if own[0].shape[0] <= dot::MOST_ROWS => {
            let (finish, follow) = finish(1);
            (Box::new(dot::Dot::new(&own[0], &own[1], output, finish)), follow)
        }
        Kernel::Gemm { transpose_a, transpose_b } => {
            let (finish, follow) = finish(1);
            (Box::new(gemm::Gemm::new(&own[0], *transpose_a, &own[1], *transpose_b, output, finish)), follow)
        }
        Kernel::ConvWeight { window, groups } => {
            (Box::new(conv_weight::ConvWeight::new(&own[0], &own[1], output, *window, *groups)), Follow::Apart)
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
        Kernel::Map(expression) => {
            let operands: Vec<&View> = own.iter().collect();
            (Box::new(MapCall::new(Elementwise::whole(expression, output, &operands))), Follow::Apart)
        }
        Kernel::Resample(resampling) => (Box::new(resample::Resample::new(&own[0], output, resampling)), Follow::Apart),
        Kernel::Pad { padding } => (Box::new(pad::Pad::new(&own[0], output, padding)), Follow::Apart),
        other => return Err(fault(format!("{} is no step of a plan", other.name()))),
    })
}

/// A view's values, dense.
///
/// # Safety
/// The memory must be that of the plan whose view it is, and no one may write to it.
pub unsafe fn copy_out(memory: &Memory, view: &View) -> Tensor {
    let walk = Walk::whole(&[view]);
    let mut tensor = Tensor::filled(&view.shape, 0.0);
    let mut rest = tensor.data_mut();
    let mut offsets = Vec::new();
    for lead in 0..walk.leads() {
        walk.rows(lead, 0, walk.run_length(), &mut offsets, |offsets, count| {
            let (row, after) = std::mem::take(&mut rest).split_at_mut(count);
            // SAFETY: the row lies in the view, which lies inside its storage.
            unsafe { memory.lane(walk.place(0), offsets[0], walk.stride(0)).gather(row) };
            rest = after;
        });
    }
    tensor
}
