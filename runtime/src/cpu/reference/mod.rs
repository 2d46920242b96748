//! A plan by the reference: every kernel as the plain loops that its own file in the compiler says, in float32 or float64.
//!
//! What comes in is a plan, parameters and inputs; what goes out is the outputs' values. Each kernel reads strided operands and
//! returns a dense tensor, the epilogue is applied to it, and the result is copied to where the plan wants it; so nothing here
//! can go wrong by values lying on top of each other. A plan with blocks of channels is refused: it says how a CPU goes about
//! what the reference defines. No `unsafe`, no threads. The arena starts as not-a-number, so that a plan which reads what no step
//! has written is noticed.

mod storage;

use crate::Parameters;
use crate::failure::{Result, fault};
use crate::given::check_parameters;
use crate::view::{AsTensorView, Destinations, TensorList, views};
use cnnc_compiler::element::ElementType;
use cnnc_compiler::kernels::map;
use cnnc_compiler::kernels::reference::{Elements, Operand, Real, dense};
use cnnc_compiler::plan::{Operation, Plan, Step, Storage, View};
use std::sync::Arc;
use storage::Storages;

/// A plan, prepared to compute in `T` what it says of float32.
pub struct Interpreter<T> {
    plan: Arc<Plan>,
    storages: Storages<T>,
}

impl<T: Real> Interpreter<T> {
    /// Prepares a plan, which must have passed the check of plans.
    ///
    /// # Errors
    /// E499 when the plan has channels in blocks, E602 when a parameter is missing, of another shape or of another type.
    pub fn new(plan: Arc<Plan>, parameters: &Parameters) -> Result<Interpreter<T>> {
        if let Some(step) = plan.prepare.iter().chain(&plan.run).find(|step| step.operation.lanes().is_some()) {
            let name = step.operation.name();
            return Err(fault(format!("the reference computes no plan with blocks of channels, as its `{name}` is")));
        }
        check_parameters(&plan, parameters)?;
        let mut interpreter = Interpreter { storages: Storages::new(&plan), plan };
        interpreter.set_parameters(parameters)?;
        interpreter.plan.prepare.iter().for_each(|step| execute(&mut interpreter.storages, step));
        interpreter.storages.remove(Storage::Scratch);
        Ok(interpreter)
    }

    /// Runs the plan. Inputs must have its sizes and types.
    pub fn run(&mut self, inputs: &dyn TensorList) {
        for (index, input) in views(inputs).enumerate() {
            self.storages.set(Storage::Input(index), input);
        }
        let outputs = (0..self.plan.outputs.len()).map(Storage::Output);
        outputs.chain([Storage::Arena]).for_each(|storage| self.storages.forget(storage));
        self.plan.run.iter().for_each(|step| execute(&mut self.storages, step));
    }

    /// The values of every output of the last run, whole numbers as the nearest that `T` has.
    pub fn answers(&self) -> Vec<Vec<T>> {
        self.plan.outputs.iter().map(|port| self.storages.elements(&port.view).values()).collect()
    }

    /// The same as tensors of the outputs' sizes and types.
    pub fn answer(&self, answers: &mut dyn Destinations) {
        for (number, port) in self.plan.outputs.iter().enumerate() {
            storage::write_to(&self.storages.elements(&port.view), answers.destination(number));
        }
    }

    /// Takes the parameters of the plan for those of the next run.
    ///
    /// # Errors
    /// As [`Parameters::get`].
    pub fn set_parameters(&mut self, parameters: &Parameters) -> Result<()> {
        for (index, parameter) in self.plan.parameters.iter().enumerate() {
            self.storages.set(Storage::Parameter(index), parameters.get(&parameter.path)?.view());
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
            storage::write_to(&self.storages.elements(&view), state.get_mut(&parameter.path)?.destination());
        }
        Ok(())
    }
}

/// Does one step.
fn execute<T: Real>(storages: &mut Storages<T>, step: &Step) {
    let shape = step.output.shape.as_slice();
    let operands: Vec<Elements<T>> = step.operands.iter().map(|view| storages.elements(view)).collect();
    if let (Operation::Map(expression), ElementType::Uint64) = (&step.operation, step.compute) {
        let values = map::count(expression, &operands, shape);
        return storages.write_counts(&step.output, values);
    }
    let mut operands = operands.into_iter();
    let own: Vec<Elements<T>> = operands.by_ref().take(step.own_operands).collect();
    let mut values = match &step.operation {
        Operation::Map(expression) => map::map(expression, &own, shape),
        operation => {
            let own: Vec<Operand<T>> = own.into_iter().map(Elements::reals).collect();
            operation.reference(&own, shape).expect("a plan with blocks was refused")
        }
    };
    if let Some(epilogue) = &step.epilogue {
        let value = values.clone();
        let value = Operand { data: &value, shape, strides: &dense(shape) };
        let all: Vec<Elements<T>> = std::iter::once(Elements::Reals(value)).chain(operands).collect();
        values = map::map(epilogue, &all, shape);
    }
    storages.write(&step.output, values);
}
