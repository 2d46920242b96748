//! The reference: every kernel as the plain loops that its sentence in the vocabulary says, in float32 or float64.
//!
//! What comes in is a plan, parameters and inputs; what goes out is the outputs' values. Each kernel reads strided operands and
//! returns a dense tensor, the epilogue is applied to it, and the result is copied to where the plan wants it; so nothing here
//! can go wrong by values lying on top of each other. Everything is accumulated in the element type. No `unsafe`, no threads.
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
mod storage;
mod window;
mod window_grad;

pub use real::Real;
pub(super) use resample::parts;
pub(crate) use resample::{Source, sources};
pub(super) use window::{counted_along, divide_by};

use crate::failure::Result;
use crate::{Parameters, Tensor};
use cnnc_compiler::element::ElementType;
use cnnc_compiler::kernels::Kernel;
use cnnc_compiler::plan::{Plan, Step, Storage, View};
use operand::{Operand, offsets};
use std::sync::Arc;
use storage::{Elements, Storages};

/// A plan, prepared to compute in `T` what it says of float32.
pub struct Interpreter<T> {
    plan: Arc<Plan>,
    storages: Storages<T>,
}

impl<T: Real> Interpreter<T> {
    /// Prepares a plan, which must have passed the check of plans.
    ///
    /// # Errors
    /// E602 when a parameter is missing, of another shape or of another type.
    pub fn new(plan: Arc<Plan>, parameters: &Parameters) -> Result<Interpreter<T>> {
        super::check::parameters(&plan, parameters)?;
        let mut interpreter = Interpreter { storages: Storages::new(&plan), plan };
        interpreter.set_parameters(parameters)?;
        interpreter.plan.prepare.iter().for_each(|step| execute(&mut interpreter.storages, step));
        interpreter.storages.remove(Storage::Scratch);
        Ok(interpreter)
    }

    /// Runs the plan. Inputs must have its sizes and types.
    pub fn run(&mut self, inputs: &[Tensor]) {
        for (index, input) in inputs.iter().enumerate() {
            self.storages.set(Storage::Input(index), input);
        }
        self.storages.forget(Storage::Arena);
        self.plan.run.iter().for_each(|step| execute(&mut self.storages, step));
    }

    /// The values of every output of the last run, whole numbers as the nearest that `T` has.
    pub fn answers(&self) -> Vec<Vec<T>> {
        self.plan.outputs.iter().map(|port| self.storages.elements(&port.view).values()).collect()
    }

    /// The same as tensors of the outputs' sizes and types.
    pub fn answer(&self, answers: &mut [Tensor]) {
        for (port, answer) in self.plan.outputs.iter().zip(answers) {
            self.storages.elements(&port.view).write_to(answer);
        }
    }

    /// Takes the parameters of the plan for those of the next run.
    ///
    /// # Errors
    /// As [`Parameters::get`].
    pub fn set_parameters(&mut self, parameters: &Parameters) -> Result<()> {
        for (index, parameter) in self.plan.parameters.iter().enumerate() {
            self.storages.set(Storage::Parameter(index), &*parameters.get(&parameter.path)?);
        }
        Ok(())
    }

    /// Gives the parameters that the plan updates as the last run left them.
    ///
    /// # Errors
    /// As [`Parameters::get_mut`].
    pub fn get_updated(&self, state: &mut Parameters) -> Result<()> {
        for (index, parameter) in self.plan.parameters.iter().enumerate().filter(|(_, one)| one.updated) {
            let view = View::dense(Storage::Parameter(index), parameter.element, 0, &parameter.shape);
            self.storages.elements(&view).write_to(state.get_mut(&parameter.path)?);
        }
        Ok(())
    }
}

/// Does one step.
fn execute<T: Real>(storages: &mut Storages<T>, step: &Step) {
    let shape = step.output.shape.as_slice();
    let operands: Vec<Elements<T>> = step.operands.iter().map(|view| storages.elements(view)).collect();
    if let Kernel::Map(expression) = &step.kernel {
        match step.compute {
            ElementType::Float32 => {
                let values = map::map(expression, &operands, shape);
                storages.write(&step.output, values);
            }
            ElementType::Uint64 => {
                let values = map::count(expression, &operands, shape);
                storages.write_counts(&step.output, values);
            }
        }
        return;
    }
    let mut operands = operands.into_iter();
    let own: Vec<Operand<T>> = operands.by_ref().take(step.own_operands).map(Elements::reals).collect();
    let mut values = compute(step, &own);
    if let Some(epilogue) = &step.epilogue {
        let value = values.clone();
        let value = Operand { data: &value, shape, strides: &operand::dense(shape) };
        let all: Vec<Elements<T>> = std::iter::once(Elements::Reals(value)).chain(operands).collect();
        values = map::map(epilogue, &all, shape);
    }
    storages.write(&step.output, values);
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
        Kernel::Resample(resampling) => resample::resample(&own[0], resampling, shape),
        Kernel::Pad { padding } => pad::pad(&own[0], padding, shape),
        // Done before, or checked before: a plan holds none of these.
        Kernel::Map(_) | Kernel::Input(_) | Kernel::Parameter(_) | Kernel::Reshape | Kernel::Permute { .. } => {
            Vec::new()
        }
        Kernel::Slice { .. } | Kernel::Concat { .. } | Kernel::Reorder { .. } | Kernel::Pack(_) => Vec::new(),
    }
}
