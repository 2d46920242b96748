//! The reference: every kernel as the plain loops that its sentence in the vocabulary says, in float32 or float64.
//!
//! What comes in is a plan, parameters and inputs; what goes out is the outputs' values. Each kernel reads strided operands and returns
//! a dense tensor, the epilogue is applied to it, and the result is copied to where the plan wants it; so nothing here can
//! go wrong by values lying on top of each other. Everything is accumulated in the element type. No `unsafe`, no threads.
//! The arena starts as not-a-number, so that a plan which reads what no step has written is noticed.

mod conv;
mod conv_data;
mod conv_weight;
mod gemm;
mod map;
mod operand;
mod pad;
mod real;
mod reduce;
mod resample;
mod window;
mod window_grad;

pub use real::Real;
pub(super) use resample::parts;
pub(crate) use resample::{Source, sources};
pub(super) use window::{counted_along, divide_by};

use crate::failure::Result;
use crate::{Parameters, Tensor};
use cnnc_compiler::kernels::Kernel;
use cnnc_compiler::plan::{Plan, Step, Storage, View};
use operand::{Operand, offsets};
use std::sync::Arc;

/// A plan, prepared in the element type `T`.
pub struct Interpreter<T> {
    plan: Arc<Plan>,
    memory: Memory<T>,
}

/// The storages of a plan.
struct Memory<T> {
    inputs: Vec<Vec<T>>,
    parameters: Vec<Vec<T>>,
    scratch: Vec<T>,
    prepared: Vec<T>,
    arena: Vec<T>,
}

impl<T: Real> Interpreter<T> {
    /// Prepares a plan, which must have passed the check of plans.
    ///
    /// # Errors
    /// E602 when a parameter is missing or of another shape.
    pub fn new(plan: Arc<Plan>, parameters: &Parameters) -> Result<Interpreter<T>> {
        super::check::parameters(&plan, parameters)?;
        let widen =
            |tensor: Arc<Tensor>| tensor.data().iter().map(|&value| T::from_f64(f64::from(value))).collect::<Vec<T>>();
        let wanted = plan.parameters.iter().map(|wanted| parameters.get(&wanted.path).map(widen));
        let nothing = T::from_f64(f64::NAN);
        let mut memory = Memory {
            inputs: Vec::new(),
            parameters: wanted.collect::<Result<_>>()?,
            scratch: vec![nothing; plan.scratch_elements],
            prepared: vec![nothing; plan.prepared_elements],
            arena: vec![nothing; plan.arena_elements],
        };
        plan.prepare.iter().for_each(|step| memory.execute(step));
        memory.scratch = Vec::new();
        Ok(Interpreter { plan, memory })
    }

    /// The values of every output. Inputs must have the plan's sizes.
    pub fn run(&mut self, inputs: Vec<Vec<T>>) -> Vec<Vec<T>> {
        self.memory.inputs = inputs;
        self.memory.arena.fill(T::from_f64(f64::NAN));
        self.plan.run.iter().for_each(|step| self.memory.execute(step));
        self.plan.outputs.iter().map(|port| self.memory.operand(&port.view).values()).collect()
    }
}

impl<T: Real> Interpreter<T> {
    /// The parameters of the plan, by number: as the last run left them.
    pub fn parameters(&self) -> &[Vec<T>] {
        &self.memory.parameters
    }

    /// The same, to be set.
    pub fn parameters_mut(&mut self) -> &mut [Vec<T>] {
        &mut self.memory.parameters
    }
}

impl<T: Real> Memory<T> {
    fn operand<'a>(&'a self, view: &'a View) -> Operand<'a, T> {
        let data = match view.storage {
            Storage::Input(index) => &self.inputs[index],
            Storage::Parameter(index) => &self.parameters[index],
            Storage::Scratch => &self.scratch,
            Storage::Prepared => &self.prepared,
            Storage::Arena => &self.arena,
        };
        Operand { data: &data[view.offset..], shape: &view.shape, strides: &view.strides }
    }

    fn execute(&mut self, step: &Step) {
        let operands: Vec<Operand<T>> = step.operands.iter().map(|view| self.operand(view)).collect();
        let (own, others) = operands.split_at(step.own_operands);
        let mut values = compute(step, own);
        if let Some(epilogue) = &step.epilogue {
            let value = values.clone();
            let value =
                Operand { data: &value, shape: &step.output.shape, strides: &operand::dense(&step.output.shape) };
            let all: Vec<Operand<T>> = std::iter::once(value).chain(others.iter().copied()).collect();
            values = map::map(epilogue, &all, &step.output.shape);
        }
        let into = match step.output.storage {
            Storage::Scratch => &mut self.scratch,
            Storage::Prepared => &mut self.prepared,
            Storage::Parameter(index) => &mut self.parameters[index],
            Storage::Input(_) | Storage::Arena => &mut self.arena,
        };
        for (offset, value) in offsets(&step.output.shape, &step.output.strides).zip(values) {
            into[step.output.offset + offset] = value;
        }
    }
}

/// The kernel's own result, dense.
fn compute<T: Real>(step: &Step, own: &[Operand<T>]) -> Vec<T> {
    let shape = step.output.shape.as_slice();
    match &step.kernel {
        Kernel::Conv { window, groups } => conv::conv(&own[0], &own[1], window, *groups, shape),
        Kernel::ConvData { window, groups } => conv_data::conv_data(&own[0], &own[1], window, *groups, shape),
        Kernel::ConvWeight { window, groups } => conv_weight::conv_weight(&own[0], &own[1], window, *groups, shape),
        Kernel::WindowGrad { axes, pooling } => window_grad::window_grad(own, axes, pooling, shape),
        Kernel::ResampleGrad(resampling) => resample::resample_grad(&own[0], resampling, shape),
        Kernel::Gemm { transpose_a, transpose_b } => gemm::gemm(&own[0], *transpose_a, &own[1], *transpose_b),
        Kernel::Window { axes, pooling } => window::window(&own[0], axes, pooling, shape),
        Kernel::Reduce { reduction, axes } => reduce::reduce(&own[0], *reduction, axes),
        Kernel::Map(expression) => map::map(expression, own, shape),
        Kernel::Resample(resampling) => resample::resample(&own[0], resampling, shape),
        Kernel::Pad { padding } => pad::pad(&own[0], padding, shape),
        // Checked before: a plan holds none of these.
        Kernel::Input(_) | Kernel::Parameter(_) | Kernel::Reshape | Kernel::Permute { .. } => Vec::new(),
        Kernel::Slice { .. } | Kernel::Concat { .. } | Kernel::Reorder { .. } | Kernel::Pack(_) => Vec::new(),
    }
}
