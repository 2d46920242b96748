//! Verifies a plan: everything that planner and engines rely on. Fast kernels read and write through bare pointers, so whoever
//! prepares a plan asks, whoever made it; any numbers may be in any of its fields. What must hold, always:
//!
//! Numbers (`numbers.rs`)
//! - are small enough to be multiplied with each other.
//!
//! Views
//! - every view has as many strides as axes, that of an axis of size 1 is that of a dense tensor, it begins at a multiple of its
//!   element's size and lies inside its storage, and in an input or parameter its elements are what that holds;
//! - input `i` is dense in `Storage::Input(i)`; no two parameters have one name.
//!
//! Steps
//! - `prepare` writes to `Prepared` and `Scratch` and reads both and parameters that do not change; `run` writes to the arena,
//!   and neither it nor an output reads `Scratch`;
//! - no element of a `Prepared` is written twice: whoever has the value from another plan need not do the steps;
//! - every parameter marked as updated is written once, whole, by a `Map` of `run`, and no other parameter is written;
//! - a result's elements lie apart from each other;
//! - a value is stored as what its step computes in: float32 of float32, but for a `Map`, which computes what its type can;
//! - there are as many operands as the operation takes, and the result's shape follows from theirs ([`Operation::fits`]);
//! - weights are packed for the geometry of a step that there is;
//! - operands lie as the table in `plan/mod.rs` says; those of a `Map` and of an epilogue have the result's shape, and
//!   expressions name no other;
//! - the lanes of an epilogue's operand lie side by side, or are one that is repeated;
//! - only a `Map`, or a packed convolution over its residual, writes over an operand, and only over one that is at the same place
//!   as the result.
//!
//! Values (`values.rs`)
//! - every element that is read was written before;
//! - no value is read, not even in part, after another was written over a part of it.
//!
//! Which of two values of the same place a step should read is not in a plan: tests compare a plan's numbers with its graph's.

mod numbers;
#[cfg(test)]
mod tests;
pub(super) mod values;

use super::{Operation, Packing, Plan, Step, Storage, View};
use crate::element::ElementType;
use crate::kernels::Expression;
use std::collections::HashSet;
use values::Storages;

/// A list of a plan's steps.
#[derive(Clone, Copy, PartialEq)]
enum List {
    Prepare,
    Run,
}

impl List {
    fn name(self) -> &'static str {
        match self {
            List::Prepare => "prepare",
            List::Run => "run",
        }
    }
}

/// Checks every invariant.
///
/// # Errors
/// A sentence about the first one that does not hold.
pub fn verify(plan: &Plan) -> Result<(), String> {
    numbers::ports(plan)?;
    let mut paths = HashSet::new();
    if let Some(twice) = plan.parameters.iter().find(|parameter| !paths.insert(&parameter.path)) {
        return Err(format!("`{}` is two parameters, which would share their memory", twice.path));
    }
    for (index, input) in plan.inputs.iter().enumerate() {
        let there =
            input.view.storage == Storage::Input(index) && input.view.offset_bytes == 0 && input.view.is_dense();
        ensure(there, || format!("input `{}` is not where the caller puts it", input.name))?;
    }
    updates(plan)?;
    let steps = plan.prepare.iter().chain(&plan.run);
    let readers: HashSet<Packing> = steps.filter_map(|step| step.operation.packing()).collect();
    let mut written = Storages::default();
    for (list, steps) in [(List::Prepare, &plan.prepare), (List::Run, &plan.run)] {
        for (number, step) in steps.iter().enumerate() {
            let named = |text| {
                let origin = step.origins.first().map_or("no layer", |origin| origin);
                format!("step {number} of {} ({}, {origin}): {text}", list.name(), step.operation.name())
            };
            verify_step(plan, step, list).map_err(named)?;
            if let Operation::Pack(packing) = &step.operation {
                ensure(readers.contains(packing), || "no step reads weights packed so".into()).map_err(named)?;
            }
            for view in &step.operands {
                written.read(view).map_err(named)?;
            }
            written.write(&step.output, number).map_err(named)?;
        }
        written.forget_scratch();
    }
    for (index, output) in plan.outputs.iter().enumerate() {
        let named = |text| format!("output `{}`: {text}", output.name);
        inside(plan, &output.view).map_err(named)?;
        let is_own = output.view.storage == Storage::Output(index);
        let whole = output.view.offset_bytes == 0 && output.view.is_dense();
        ensure(!is_own || whole, || named("it is not where the caller wants it".into()))?;
        written.read(&output.view).map_err(named)?;
    }
    Ok(())
}

/// Which parameters a run writes, and how often.
fn updates(plan: &Plan) -> Result<(), String> {
    let mut times = vec![0; plan.parameters.len()];
    if let Some(parameter) = plan.parameters.iter().find(|parameter| parameter.updated && !parameter.changes) {
        return Err(format!("the parameter `{}` is written and said not to change", parameter.path));
    }
    for step in &plan.run {
        let Storage::Parameter(index) = step.output.storage else { continue };
        if let Some(times) = times.get_mut(index) {
            *times += 1;
        }
    }
    let wrong = plan.parameters.iter().zip(times).find(|(parameter, times)| *times != usize::from(parameter.updated));
    match wrong {
        Some((parameter, times)) => Err(format!("the parameter `{}` is written {times} times", parameter.path)),
        None => Ok(()),
    }
}

/// Whether a view is a parameter that a run updates.
fn is_updated(plan: &Plan, view: &View) -> bool {
    matches!(view.storage, Storage::Parameter(index) if plan.parameters.get(index).is_some_and(|parameter| parameter.updated))
}

fn verify_step(plan: &Plan, step: &Step, list: List) -> Result<(), String> {
    numbers::step(step)?;
    storages(plan, step, list)?;
    for view in step.operands.iter().chain([&step.output]) {
        inside(plan, view)?;
    }
    ensure(step.output.is_dense() || is_injective(&step.output), || "it writes one element twice".into())?;
    let is_map = matches!(step.operation, Operation::Map(_));
    ensure(is_map || step.output.is_dense_from(1), || "its result has gaps".into())?;
    types(step)?;
    let (own, others) = step.operands.split_at_checked(step.own_operands).ok_or("it has too few operands")?;
    sizes(step, own, others)?;
    let lies = |(index, view): (usize, &View)| match is_map {
        true => view.shape == step.output.shape,
        false if step.operation.reads_whole(index) => view.is_dense(),
        false => view.is_dense_from(1),
    };
    ensure(own.iter().enumerate().all(lies), || "an operand does not lie as it must".into())?;
    let lanes_apart = |view: &View| view.shape.len() == 5 && view.strides.last().is_some_and(|&stride| stride > 1);
    ensure(!others.iter().any(lanes_apart), || "an epilogue's operand has its lanes apart".into())?;
    let apart = |(operand, view): (usize, &View)| {
        !overlap(view, &step.output) || (is_same_place(view, &step.output) && step.may_overwrite(operand))
    };
    ensure(step.operands.iter().enumerate().all(apart), || "it writes over an operand".into())
}

/// Whether two views are of the same elements, whatever numbers these stand for.
fn is_same_place(one: &View, other: &View) -> bool {
    one.element.size_bytes() == other.element.size_bytes() && *one == View { element: one.element, ..other.clone() }
}

/// Where a step may write, and what it may read.
fn storages(plan: &Plan, step: &Step, list: List) -> Result<(), String> {
    let updates = list == List::Run
        && is_updated(plan, &step.output)
        && matches!(step.operation, Operation::Map(_))
        && step.output.is_dense()
        && step.output.offset_bytes == 0;
    let writes = match step.output.storage {
        Storage::Scratch | Storage::Prepared(_) => list == List::Prepare,
        Storage::Arena | Storage::Output(_) => list == List::Run,
        Storage::Input(_) | Storage::Parameter(_) => updates,
    };
    ensure(writes, || format!("it writes to {:?}", step.output.storage))?;
    let early = |view: &View| match view.storage {
        Storage::Input(_) | Storage::Arena | Storage::Output(_) => true,
        Storage::Parameter(index) => plan.parameters.get(index).is_some_and(|parameter| parameter.changes),
        Storage::Prepared(_) | Storage::Scratch => false,
    };
    let too_early = list == List::Prepare && step.operands.iter().any(early);
    ensure(!too_early, || "it reads what a run makes".into())
}

/// Whether a step's operands have the number and the sizes that its operation takes, and its expressions name no others.
fn sizes(step: &Step, own: &[View], others: &[View]) -> Result<(), String> {
    let Step { operation, output, .. } = step;
    ensure(operation.arity().contains(&own.len()), || format!("it has {} operands of its own", own.len()))?;
    let shapes: Vec<&[usize]> = own.iter().map(|view| view.shape.as_slice()).collect();
    ensure(operation.fits(&output.shape, &shapes), || {
        format!("{:?} does not follow from {shapes:?} by {operation:?}", output.shape)
    })?;
    if let Operation::Map(expression) = operation {
        operands_exist(expression, own.len())?;
    }
    if let Some(epilogue) = &step.epilogue {
        operands_exist(epilogue, 1 + others.len())?;
    }
    ensure(others.iter().all(|view| view.shape == output.shape), || "an epilogue's operand is not repeated".into())
}

fn operands_exist(expression: &Expression, count: usize) -> Result<(), String> {
    match expression {
        Expression::Operand(index) => ensure(*index < count, || format!("operand {index} of {count} is named")),
        other => other.children().try_for_each(|child| operands_exist(child, count)),
    }
}

/// A `Map` computes what its type can; everything else computes float32 of float32.
fn types(step: &Step) -> Result<(), String> {
    let elements: Vec<ElementType> = step.operands.iter().map(|view| view.element).collect();
    ensure(step.output.element.computed() == step.compute, || {
        format!("{} is stored as {}", step.compute, step.output.element)
    })?;
    match &step.operation {
        Operation::Map(expression) => {
            let mut bytes = elements.iter().chain([&step.output.element]).filter_map(|element| element.quantisation());
            if let Some(first) = bytes.next() {
                let converts = *expression == Expression::operand(0) && step.operands.len() == 1;
                let alike = bytes.all(|other| other == first);
                return ensure(converts && alike, || format!("it computes {} of {elements:?}", step.output.element));
            }
            expression.check_types(step.compute, &elements)
        }
        operation => {
            let is_float = |element: &ElementType| *element == ElementType::Float32;
            let fits = |(operand, element): (usize, &ElementType)| {
                is_float(element)
                    || (element.quantisation().is_some() && operation.reads_bytes(operand, step.own_operands))
            };
            let of_bytes = elements.first().is_some_and(|element| element.quantisation().is_some());
            let whole = operation.packing().is_none_or(|packing| packing.of_bytes() == of_bytes);
            let written = is_float(&step.output.element) || operation.writes_bytes(of_bytes);
            let selected = !operation.selects() || elements.first() == Some(&step.output.element);
            ensure(
                is_float(&step.compute) && elements.iter().enumerate().all(fits) && whole && written && selected,
                || format!("it makes {} of {elements:?}", step.output.element),
            )
        }
    }
}

/// Whether a view lies inside its storage, and shows what that holds.
fn inside(plan: &Plan, view: &View) -> Result<(), String> {
    let held = match view.storage {
        Storage::Input(index) => plan.inputs.get(index).map(|port| port.view.element),
        Storage::Parameter(index) => plan.parameters.get(index).map(|parameter| parameter.element),
        Storage::Output(index) => plan.outputs.get(index).map(|port| port.view.element),
        Storage::Scratch | Storage::Prepared(_) | Storage::Arena => Some(view.element),
    };
    ensure(held.is_none_or(|held| held == view.element), || format!("{view:?} is not what its storage holds"))?;
    ensure(view.is_canonical(), || format!("{view:?} has other strides than it must where its size is 1"))?;
    let bytes = plan.storage_bytes(view.storage).ok_or_else(|| format!("{:?} does not exist", view.storage))?;
    let fits = end_bytes(view).is_some_and(|end| end <= bytes);
    ensure(fits, || format!("{view:?} reaches past its storage"))
}

/// One past the last byte of a view's last element; where it begins when it has no element, `None` when that does not fit.
fn end_bytes(view: &View) -> Option<u64> {
    let bytes = extent(view)?.checked_mul(view.element.size_bytes())?;
    view.offset_bytes.checked_add(bytes).map(|end| end as u64)
}

/// Elements from a view's first to its last; `None` when they are past counting.
pub fn extent(view: &View) -> Option<usize> {
    if view.shape.contains(&0) {
        return Some(0);
    }
    let mut axes = view.shape.iter().zip(&view.strides);
    let last = axes.try_fold(0usize, |last, (&size, &stride)| last.checked_add((size - 1).checked_mul(stride)?))?;
    last.checked_add(1)
}

/// Whether no two indices are the same element: each axis steps over everything that the axes of smaller strides reach.
fn is_injective(view: &View) -> bool {
    let mut axes: Vec<(usize, usize)> =
        view.strides.iter().copied().zip(view.shape.iter().copied()).filter(|&(_, size)| size > 1).collect();
    axes.sort_unstable();
    let mut reach = 0;
    axes.into_iter().all(|(stride, size)| {
        let steps_over = stride > reach;
        reach += (size - 1) * stride;
        steps_over
    })
}

/// Whether two views may have an element in common, by where they begin and end.
fn overlap(a: &View, b: &View) -> bool {
    a.meets(b) && !interleaved(a, b)
}

/// Whether two views are rows of one table, in different columns: parts of a concatenation along any axis but the first.
fn interleaved(a: &View, b: &View) -> bool {
    match (row(a), row(b)) {
        (Some((stride, width)), Some((same, other))) if stride == same => {
            let apart = (b.offset_bytes + stride - a.offset_bytes % stride) % stride;
            width <= apart && apart + other <= stride
        }
        _ => false,
    }
}

/// The bytes from one row to the next, and those that a row reaches over. The rows are the axis along which a view steps
/// farthest, together with those before it that continue it: in which order a view visits its elements does not matter.
fn row(view: &View) -> Option<(usize, usize)> {
    let moved = view.strides.iter().copied().zip(view.shape.iter().copied());
    let mut axes: Vec<(usize, usize)> = moved.filter(|&(stride, size)| size > 1 && stride > 0).collect();
    axes.sort_unstable();
    let (mut stride, _) = axes.pop()?;
    while let Some(&(inner, _)) = axes.last().filter(|&&(inner, size)| stride == inner * size) {
        stride = inner;
        axes.pop();
    }
    let width = axes.iter().map(|&(stride, size)| (size - 1) * stride).sum::<usize>() + 1;
    let size = view.element.size_bytes();
    Some((stride * size, width * size))
}

fn ensure(holds: bool, text: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(text()) }
}
