//! Whether a plan keeps the rules that the kernels rely on: asked once, when a plan is prepared.
//!
//! The fast kernels read and write through bare pointers, so everything that makes this safe is established here: every view lies
//! inside its storage, every step writes distinct elements to a storage that it may write, and sizes agree with the kernel. The
//! planner's own check adds how views lie and that no result overlaps an operand. What is not as it must be is reported as E499.

mod numbers;
mod sizes;

use crate::Parameters;
use crate::failure::{Result, failure, fault};
use crate::host::available_memory_bytes;
use crate::parameters::megabytes;
use cnnc_compiler::diagnostic::Code;
use cnnc_compiler::plan::{self, Plan, Step, Storage, View};
use std::collections::HashSet;

/// Checks all views and steps.
///
/// # Errors
/// E499, naming the step.
pub fn check(plan: &Plan) -> Result<()> {
    numbers::ports(plan).map_err(fault)?;
    let mut paths = HashSet::new();
    if let Some(twice) = plan.parameters.iter().find(|parameter| !paths.insert(&parameter.path)) {
        return Err(fault(format!("`{}` is two parameters, which would share their memory", twice.path)));
    }
    for (index, input) in plan.inputs.iter().enumerate() {
        if input.view.storage != Storage::Input(index) || input.view.offset_bytes != 0 || !input.view.is_dense() {
            return Err(fault(format!("input `{}` is not a dense tensor of its own", input.name)));
        }
    }
    for (steps, into) in [(&plan.prepare, Storage::Prepared), (&plan.run, Storage::Arena)] {
        for (number, step) in steps.iter().enumerate() {
            let named = |message: String| {
                let origin = step.origins.first().map_or("no layer", |origin| origin);
                fault(format!("step {number} ({}, {origin}): {message}", step.kernel.name()))
            };
            check_step(plan, step, into).map_err(named)?;
        }
    }
    for output in &plan.outputs {
        inside(plan, &output.view).map_err(|message| fault(format!("output `{}`: {message}", output.name)))?;
    }
    plan::verify(plan).map_err(fault)
}

/// Whether the memory that an engine makes for a plan, with workspaces of so many elements, is there.
///
/// # Errors
/// E401 when it is not.
pub fn memory(plan: &Plan, workspace_elements: usize) -> Result<()> {
    let outputs = plan.outputs.iter().map(|port| port.view.size_bytes());
    let workspace_bytes = (workspace_elements as u64).saturating_mul(4);
    // Runs get their arena when the scratch of `prepare` was given back.
    let kept = [plan.scratch_bytes.max(plan.arena_bytes) as u64, plan.prepared_bytes as u64, workspace_bytes];
    let (bytes, free) = (outputs.chain(kept).fold(0, u64::saturating_add), available_memory_bytes());
    if bytes <= free {
        return Ok(());
    }
    let message = format!("the model takes {} to run on the CPU, and {} are free", megabytes(bytes), megabytes(free));
    let mut refused = failure(Code::E401, message);
    if workspace_bytes > bytes / 2 {
        let workspace = megabytes(workspace_bytes);
        refused
            .notes
            .push(format!("{workspace} of them are what threads work in, which grows with them and with windows"));
    }
    Err(refused)
}

/// Whether the parameters that a plan reads are there. None of them is made.
///
/// # Errors
/// E602 when one is missing, of another shape or of another type.
pub fn parameters(plan: &Plan, parameters: &Parameters) -> Result<()> {
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

fn check_step(plan: &Plan, step: &Step, into: Storage) -> std::result::Result<(), String> {
    numbers::step(step)?;
    // Which parameters a run may write, the planner's own check says.
    let updates = into == Storage::Arena && matches!(step.output.storage, Storage::Parameter(_));
    let scratch = into == Storage::Prepared && step.output.storage == Storage::Scratch;
    if step.output.storage != into && !scratch && !updates {
        return Err(format!("writes to {:?} instead of {into:?}", step.output.storage));
    }
    for view in step.operands.iter().chain([&step.output]) {
        inside(plan, view)?;
    }
    if !is_injective(&step.output) {
        return Err("writes one element twice".into());
    }
    sizes::check(step)
}

/// Whether a view lies inside its storage.
fn inside(plan: &Plan, view: &View) -> std::result::Result<(), String> {
    let bytes = plan.storage_bytes(view.storage);
    let Some(bytes) = bytes else { return Err(format!("{:?} does not exist", view.storage)) };
    if view.shape.len() != view.strides.len() {
        return Err("a view has as many strides as axes".into());
    }
    match end_bytes(view) {
        Some(end) if end <= bytes => Ok(()),
        _ => Err(format!("{view:?} reaches past the {bytes} bytes of its storage")),
    }
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

#[cfg(test)]
mod tests {
    use super::{check, end_bytes, extent, is_injective};
    use crate::cpu::test_plan::{TestPlan, dense};
    use cnnc_compiler::diagnostic::Code;
    use cnnc_compiler::element::ElementType;
    use cnnc_compiler::kernels::{Expression, Kernel};
    use cnnc_compiler::plan::{Storage, View};

    fn view(shape: &[usize], strides: &[usize]) -> View {
        let (element, offset_bytes) = (ElementType::Float32, 8);
        View { storage: Storage::Arena, element, offset_bytes, shape: shape.to_vec(), strides: strides.to_vec() }
    }

    #[test]
    fn extents_count_to_the_last_element() {
        assert_eq!(extent(&view(&[2, 3], &[10, 1])), Some(13));
        assert_eq!(end_bytes(&view(&[2, 3], &[10, 1])), Some(4 * 15));
        assert_eq!(end_bytes(&view(&[0, 3], &[10, 1])), Some(4 * 2));
        assert_eq!(extent(&view(&[3], &[usize::MAX])), None);
    }

    #[test]
    fn written_elements_are_distinct() {
        assert!(is_injective(&view(&[2, 3], &[3, 1])));
        assert!(is_injective(&view(&[2, 3], &[1, 2])));
        assert!(is_injective(&view(&[1, 3], &[0, 1])));
        assert!(!is_injective(&view(&[2, 3], &[0, 1])));
        assert!(!is_injective(&view(&[2, 3], &[2, 1])));
    }

    #[test]
    fn a_plan_that_breaks_a_rule_is_refused() {
        let copy = Kernel::Map(Expression::operand(0));
        let good = TestPlan::new(&[&[4]]).step(copy, &[dense(Storage::Input(0), 0, &[4])], &[4]).finish();
        assert!(check(&good).is_ok());

        let refused = |change: &dyn Fn(&mut cnnc_compiler::plan::Plan), expected: &str| {
            let mut plan = (*good).clone();
            change(&mut plan);
            let failure = check(&plan).unwrap_err();
            assert_eq!(failure.code, Code::E499);
            assert!(failure.message.contains(expected), "{}", failure.message);
        };
        refused(&|plan| plan.run[0].operands[0].offset_bytes = 4, "reaches past");
        refused(&|plan| plan.arena_bytes -= 1, "reaches past");
        refused(&|plan| plan.run[0].operands[0].offset_bytes = 2, "is no tensor");
        refused(&|plan| plan.run[0].output.strides[0] = 0, "twice");
        refused(&|plan| plan.run[0].output.storage = Storage::Prepared, "instead of");
        refused(&|plan| plan.run[0].operands.clear(), "operand");
        refused(&|plan| plan.run[0].kernel = Kernel::Reshape, "reshape");
        refused(&|plan| plan.outputs[0].view.offset_bytes = 36, "output");
        refused(&|plan| plan.run[0].operands[0].element = ElementType::Uint64, "reaches past");
        refused(&|plan| plan.run[0].compute = ElementType::Uint64, "uint64");
        refused(&|plan| plan.run[0].operands[0].storage = Storage::Input(3), "does not exist");
        refused(&|plan| plan.run.clear(), "never written");
    }
}
