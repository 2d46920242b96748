//! What a plan is given, held against what it wants, whatever device runs it: inputs, parameters, and the state that a training
//! begins with.

use crate::failure::{Error, Result, failure};
use crate::view::{TensorList, TensorViewMut, views};
use crate::{Parameters, Tensor};
use cnnc_compiler::diagnostic::Code;
use cnnc_compiler::element::ElementType;
use cnnc_compiler::kernels::{ClassInput, Start};
use cnnc_compiler::plan::Plan;

/// Whether these are the inputs of a plan, and class numbers are classes.
///
/// # Errors
/// E604 when they are not.
pub fn check_inputs(plan: &Plan, inputs: &dyn TensorList) -> Result<()> {
    if inputs.count() != plan.inputs.len() {
        return Err(wrong_number(plan.inputs.iter().map(|port| &*port.name), inputs.count()));
    }
    for (port, tensor) in plan.inputs.iter().zip(views(inputs)) {
        if port.view.shape != tensor.shape() {
            let (name, found, wanted) = (&port.name, tensor.shape(), &port.view.shape);
            return Err(failure(Code::E604, format!("`{name}` is {found:?}, and the model takes {wanted:?}")));
        }
        let (found, wanted) = (tensor.element(), port.view.element);
        if found != wanted {
            return Err(failure(Code::E604, format!("`{}` holds {found}, and the model takes {wanted}", port.name)));
        }
    }
    check_classes(plan, inputs)
}

/// Whether class numbers are classes: any other would be learnt from in silence.
fn check_classes(plan: &Plan, inputs: &dyn TensorList) -> Result<()> {
    let Some(ClassInput { input, classes }) = plan.class_input else { return Ok(()) };
    let Some(port) = plan.inputs.get(input) else { return Ok(()) };
    let tensor = inputs.tensor(input);
    let labels = tensor.data().unwrap_or_default();
    let is_class = |label: &f32| label.fract() == 0.0 && (0.0..classes as f32).contains(label);
    let Some(wrong) = labels.iter().position(|label| !is_class(label)) else { return Ok(()) };
    let places: usize = tensor.shape().iter().skip(1).product();
    let (name, label, sample) = (&port.name, labels[wrong], wrong / places.max(1));
    let message = match classes {
        0 => format!("`{name}` is {label} for sample {sample}, and the model tells no classes apart"),
        _ => {
            format!("`{name}` is {label} for sample {sample}, and a class is a whole number from 0 to {}", classes - 1)
        }
    };
    Err(failure(Code::E604, message))
}

/// Whether the answers of a plan have room there.
///
/// # Errors
/// E604 when they have not.
pub fn check_outputs(plan: &Plan, outputs: &[TensorViewMut<'_>]) -> Result<()> {
    if outputs.len() != plan.outputs.len() {
        let (given, gives) = (outputs.len(), plan.outputs.len());
        return Err(failure(Code::E604, format!("there is room for {given} outputs, and the model gives {gives}")));
    }
    for (port, output) in plan.outputs.iter().zip(outputs) {
        let (found, wanted) = (output.shape(), &port.view.shape);
        if found != wanted || port.view.element != ElementType::Float32 {
            let message = format!(
                "there is room for `{}` as {found:?} of float32, and it is {wanted:?} of {}",
                port.name, port.view.element
            );
            return Err(failure(Code::E604, message));
        }
    }
    Ok(())
}

/// The failure to say that a model of inputs of these names gets another number of them.
pub fn wrong_number<'n>(names: impl Iterator<Item = &'n str>, found: usize) -> Error {
    let names: Vec<&str> = names.collect();
    let message = format!("the model takes {} inputs, and {found} were given", names.len());
    let mut wrong = failure(Code::E604, message);
    wrong.notes.push(format!("its inputs are: {}", names.join(", ")));
    wrong
}

/// Whether the parameters that a plan reads are there. None of them is made.
///
/// # Errors
/// E602 when one is missing, of another shape or of another type.
pub fn check_parameters(plan: &Plan, parameters: &Parameters) -> Result<()> {
    for wanted in &plan.parameters {
        let (path, shape) = (&wanted.path, &wanted.shape);
        let found = parameters.shape(path).ok_or_else(|| parameters.missing(path))?;
        if found != shape {
            let message = format!("the parameter `{path}` is {found:?}, and the model wants {shape:?}");
            return Err(failure(Code::E602, message));
        }
        let (found, element) = (parameters.element(path), wanted.element);
        if let Some(found) = found.filter(|found| *found != element) {
            let message = format!("the parameter `{path}` holds {found}, and the model wants {element}");
            return Err(failure(Code::E602, message));
        }
    }
    Ok(())
}

/// A state to begin with: the network's parameters, and what else the plan's runs write as it starts. Entries that are there
/// already stay, so a state that was saved goes on. All of them are held, since every step reads them.
///
/// # Errors
/// As [`Parameters::get`].
pub fn initial_state(plan: &Plan, parameters: &Parameters) -> Result<Parameters> {
    let mut state = parameters.held()?;
    for parameter in &plan.parameters {
        if let (Start::Constant(number), None) = (parameter.start, state.shape(&parameter.path)) {
            state.insert(parameter.path.clone(), Tensor::filled(&parameter.shape, number as f32));
        }
    }
    Ok(state)
}
