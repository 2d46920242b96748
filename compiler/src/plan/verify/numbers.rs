//! Whether the numbers of a plan are small enough to be multiplied with each other: asked before anything is computed with them.
//!
//! A plan's fields are public, so any number may be in any of them. What is past these limits is no tensor of any machine.

use crate::kernels::{AxisWindow, Expression};
use crate::plan::{Operation, Plan, Step, View};

type Checked = Result<(), String>;

/// Elements of a storage and of a view, and from its first element to its last, with every size of 0 counted as 1.
const MOST_ELEMENTS: usize = 1 << 40;
/// Bytes of a storage.
const MOST_BYTES: usize = 8 * MOST_ELEMENTS;
/// Channels of a block.
const MOST_LANES: usize = 64;
/// Axes of a view.
const MOST_AXES: usize = 16;
/// Elements of a window, from one to the next, and of its padding.
const MOST_OF_A_WINDOW: usize = 1 << 31;

/// Checks the storages and what goes in and out.
pub fn ports(plan: &Plan) -> Checked {
    within("a storage", &[plan.scratch_bytes, plan.arena_bytes], MOST_BYTES)?;
    within("a storage", &plan.prepared, MOST_BYTES)?;
    for parameter in &plan.parameters {
        product(&parameter.shape)
            .ok_or_else(|| format!("the parameter `{}` is {:?}", parameter.path, parameter.shape))?;
    }
    for port in plan.inputs.iter().chain(&plan.outputs) {
        view(&port.view).map_err(|message| format!("`{}`: {message}", port.name))?;
    }
    Ok(())
}

/// Checks one step.
pub fn step(step: &Step) -> Checked {
    let Step { operation, operands, output, .. } = step;
    operands.iter().chain([output]).try_for_each(view)?;
    let axes = output.shape.len();
    step.epilogue.iter().try_for_each(|one| indices(one, axes))?;
    if let Operation::Map(expression) = operation {
        indices(expression, axes)?;
    }
    operation.windows().iter().try_for_each(|axis| window(axis, output))?;
    within("a size", &operation.counts(), MOST_ELEMENTS)?;
    match operation.lanes() {
        Some(0) => Err(format!("{operation:?} has no lanes")),
        lanes => within("lanes", lanes.as_slice(), MOST_LANES),
    }
}

/// The numbers of a view, and how far apart its elements are.
fn view(view: &View) -> Checked {
    let View { shape, strides, offset_bytes, element, .. } = view;
    let is_aligned = offset_bytes.is_multiple_of(element.size_bytes());
    let few = shape.len() <= MOST_AXES && shape.len() == strides.len() && product(shape).is_some();
    let reach = shape.iter().zip(strides).try_fold(view.offset(), |reach, (&size, &stride)| {
        // An axis of one element is stepped over by nobody, but its step is a number that kernels multiply.
        let step = stride.checked_mul(size.saturating_sub(1).max(1))?;
        reach.checked_add(step).filter(|&reach| reach <= 2 * MOST_ELEMENTS)
    });
    if few && is_aligned && reach.is_some() { Ok(()) } else { Err(format!("{view:?} is no tensor")) }
}

fn window(axis: &AxisWindow, output: &View) -> Checked {
    let AxisWindow { kernel, stride, dilation, before } = *axis;
    within("a window", &[kernel, stride, dilation, before], MOST_OF_A_WINDOW)?;
    let most = output.shape.iter().copied().max().unwrap_or(1).max(1);
    let moves = stride > 0 && dilation > 0 && kernel > 0 && most.checked_mul(stride).is_some_and(|end| end <= 1 << 61);
    if moves { Ok(()) } else { Err(format!("{axis:?} is no window")) }
}

/// Whether the axes whose indices an expression asks for are there.
fn indices(expression: &Expression, axes: usize) -> Checked {
    match expression {
        Expression::Index(axis) if *axis >= axes => Err(format!("the index along axis {axis} of {axes} is asked for")),
        other => other.children().try_for_each(|child| indices(child, axes)),
    }
}

/// The elements of a shape, with every size of 0 counted as 1.
fn product(shape: &[usize]) -> Option<usize> {
    let grow = |product: usize, &size: &usize| product.checked_mul(size.max(1)).filter(|&one| one <= MOST_ELEMENTS);
    shape.iter().try_fold(1, grow)
}

fn within(what: &str, numbers: &[usize], most: usize) -> Checked {
    match numbers.iter().find(|&&number| number > most) {
        Some(number) => Err(format!("{number} is too large for {what}")),
        None => Ok(()),
    }
}
