//! Verifies a plan. What must hold, always:
//!
//! Views
//! - every view has as many strides as axes, that of an axis of size 1 is that of a dense tensor, it begins at a multiple of its
//!   element's size and lies inside its storage, and in an input or parameter its elements are what that holds;
//! - input `i` is dense in `Storage::Input(i)`.
//!
//! Steps
//! - `prepare` writes to `Prepared` and `Scratch` and reads both and parameters that no run updates; `run` writes to the arena,
//!   and neither it nor an output reads `Scratch`;
//! - every parameter marked as updated is written once, whole, by a `Map` of `run`, and no other parameter is written;
//! - a value is stored as what its step computes in: float32 of float32, but for a `Map`, which computes what its type can;
//! - packed weights have the elements that their packing says;
//! - operands lie as the table in `plan/mod.rs` says; those of a `Map` and of an epilogue have the result's shape;
//! - the lanes of an epilogue's operand lie side by side, or are one that is repeated;
//! - only a `Map`, or a packed convolution over its residual, writes over an operand, and only over one that is at the same place
//!   as the result;
//! - `Input`, `Parameter`, `Reshape`, `Permute`, `Slice` and `Concat` do not occur.
//!
//! Values
//! - every element that is read was written before;
//! - no value is read, not even in part, after another was written over a part of it.
//!
//! Which of two values of the same place a step should read is not in a plan: tests compare a plan's numbers with its graph's.

#[cfg(test)]
mod tests;

use super::{Plan, Step, Storage, View};
use crate::element::ElementType;
use crate::kernels::Kernel;
use std::collections::BTreeMap;

/// Views of more pieces than this are not followed element by element: a batch of so many in a concatenation.
const MAX_PIECES: usize = 4096;

/// Checks every invariant.
///
/// # Errors
/// A sentence about the first one that does not hold.
pub fn verify(plan: &Plan) -> Result<(), String> {
    for (index, input) in plan.inputs.iter().enumerate() {
        let there =
            input.view.storage == Storage::Input(index) && input.view.offset_bytes == 0 && input.view.is_dense();
        ensure(there, || format!("input `{}` is not where the caller puts it", input.name))?;
    }
    updates(plan)?;
    let mut written = Storages::default();
    for (list, into, steps) in [("prepare", Storage::Prepared, &plan.prepare), ("run", Storage::Arena, &plan.run)] {
        for (number, step) in steps.iter().enumerate() {
            let named = |text| format!("step {number} of {list}, {}: {text}", step.kernel.name());
            shapes(plan, step, into).map_err(named)?;
            for view in &step.operands {
                written.read(view).map_err(named)?;
            }
            written.write(&step.output, number);
        }
        written.scratch = Written::default();
    }
    for output in &plan.outputs {
        let named = |text| format!("output `{}`: {text}", output.name);
        inside(plan, &output.view).map_err(named)?;
        written.read(&output.view).map_err(named)?;
    }
    Ok(())
}

/// Which parameters a run writes, and how often.
fn updates(plan: &Plan) -> Result<(), String> {
    let mut times = vec![0; plan.parameters.len()];
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

fn shapes(plan: &Plan, step: &Step, into: Storage) -> Result<(), String> {
    let updates = into == Storage::Arena
        && is_updated(plan, &step.output)
        && matches!(step.kernel, Kernel::Map(_))
        && step.output.is_dense()
        && step.output.offset_bytes == 0;
    let scratch = into == Storage::Prepared && step.output.storage == Storage::Scratch;
    ensure(step.output.storage == into || scratch || updates, || format!("it writes to {:?}", step.output.storage))?;
    for view in step.operands.iter().chain([&step.output]) {
        inside(plan, view)?;
    }
    let early = |view: &&View| matches!(view.storage, Storage::Input(_) | Storage::Arena) || is_updated(plan, view);
    let too_early = into == Storage::Prepared && step.operands.iter().any(|view| early(&view));
    ensure(!too_early, || "it reads what a run makes".into())?;
    let is_map = matches!(step.kernel, Kernel::Map(_));
    ensure(is_map || step.output.is_dense_from(1), || "its result has gaps".into())?;
    let (own, others) = step.operands.split_at_checked(step.own_operands).ok_or("it has too few operands")?;
    let dense = |(index, view): (usize, &View)| match (&step.kernel, index) {
        (Kernel::Map(_), _) => view.shape == step.output.shape,
        (Kernel::Conv { .. } | Kernel::ConvData { .. }, 1) | (Kernel::Pack(_), _) => view.is_dense(),
        (_, 1) if step.packing.is_some() => view.is_dense(),
        _ => view.is_dense_from(1),
    };
    let moves_nothing = matches!(
        step.kernel,
        Kernel::Input(_)
            | Kernel::Parameter(_)
            | Kernel::Reshape
            | Kernel::Permute { .. }
            | Kernel::Slice { .. }
            | Kernel::Concat { .. }
    );
    ensure(!moves_nothing, || "it is no step".into())?;
    types(step)?;
    packed(step, own)?;
    ensure(own.iter().enumerate().all(dense), || "an operand does not lie as it must".into())?;
    ensure(others.iter().all(|view| view.shape == step.output.shape), || {
        "an epilogue's operand is not repeated".into()
    })?;
    let lanes_apart = |view: &View| view.shape.len() == 5 && view.strides.last().is_some_and(|&stride| stride > 1);
    ensure(!others.iter().any(lanes_apart), || "an epilogue's operand has its lanes apart".into())?;
    let apart = |(operand, view): (usize, &View)| {
        !overlap(view, &step.output) || (*view == step.output && step.may_overwrite(operand))
    };
    ensure(step.operands.iter().enumerate().all(apart), || "it writes over an operand".into())
}

/// A `Map` computes what its type can; everything else computes float32 of float32.
fn types(step: &Step) -> Result<(), String> {
    let elements: Vec<ElementType> = step.operands.iter().map(|view| view.element).collect();
    ensure(step.output.element == step.compute, || format!("{} is stored as {}", step.compute, step.output.element))?;
    match &step.kernel {
        Kernel::Map(expression) => expression.check_types(step.compute, &elements),
        _ => {
            let is_float = |element: &ElementType| *element == ElementType::Float32;
            ensure(is_float(&step.compute) && elements.iter().all(is_float), || {
                format!("it makes {} of {elements:?}", step.compute)
            })
        }
    }
}

/// A heavy kernel with a packing reads so many weights, and a step that packs writes them.
fn packed(step: &Step, own: &[View]) -> Result<(), String> {
    let (packing, weights) = match (&step.kernel, step.packing) {
        (Kernel::Pack(packing), _) => (*packing, Some(&step.output)),
        (_, Some(packing)) => (packing, own.get(1)),
        (_, None) => return Ok(()),
    };
    let fits = weights.is_some_and(|view| Some(view.elements()) == packing.elements() && view.shape.len() == 1);
    ensure(fits, || format!("the packed weights are not those of {packing:?}"))
}

fn inside(plan: &Plan, view: &View) -> Result<(), String> {
    ensure(view.offset_bytes.is_multiple_of(view.element.size_bytes()), || {
        format!("{view:?} is not aligned to its elements")
    })?;
    let held = match view.storage {
        Storage::Input(index) => plan.inputs.get(index).map(|port| port.view.element),
        Storage::Parameter(index) => plan.parameters.get(index).map(|parameter| parameter.element),
        Storage::Scratch | Storage::Prepared | Storage::Arena => Some(view.element),
    };
    ensure(held.is_none_or(|held| held == view.element), || format!("{view:?} is not what its storage holds"))?;
    ensure(view.is_canonical(), || format!("{view:?} has other strides than it must where its size is 1"))?;
    let fits = plan.storage_bytes(view.storage).is_some_and(|size| view.end_bytes() as u64 <= size);
    ensure(fits, || format!("{view:?} reaches past its storage"))
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

/// What was written where.
#[derive(Default)]
struct Storages {
    scratch: Written,
    prepared: Written,
    arena: Written,
}

impl Storages {
    fn write(&mut self, view: &View, step: usize) {
        match view.storage {
            Storage::Input(_) | Storage::Parameter(_) => {}
            Storage::Scratch => self.scratch.write(view, step),
            Storage::Prepared => self.prepared.write(view, step),
            Storage::Arena => self.arena.write(view, step),
        }
    }

    fn read(&self, view: &View) -> Result<(), String> {
        match view.storage {
            Storage::Input(_) | Storage::Parameter(_) => Ok(()),
            Storage::Scratch => self.scratch.read(view),
            Storage::Prepared => self.prepared.read(view),
            Storage::Arena => self.arena.read(view),
        }
    }
}

/// Which step wrote which bytes of a storage.
#[derive(Default)]
struct Written {
    /// From the first byte to one past the last, and the step.
    pieces: BTreeMap<usize, (usize, usize)>,
    /// Whether each step's value is whole still.
    whole: Vec<bool>,
    /// Set once a view has too many pieces; nothing is checked from then on.
    lost: bool,
}

impl Written {
    fn write(&mut self, view: &View, step: usize) {
        self.whole.resize(self.whole.len().max(step + 1), true);
        let Some(pieces) = pieces(view) else {
            self.lost = true;
            return;
        };
        for (start, end) in pieces {
            self.cut(start, end);
            self.pieces.insert(start, (end, step));
        }
    }

    /// Takes out what lies between, and marks whose value it was.
    fn cut(&mut self, start: usize, end: usize) {
        let from = self.pieces.range(..start).next_back().filter(|&(_, &(until, _))| until > start).map(|(&at, _)| at);
        let hit: Vec<usize> = from.into_iter().chain(self.pieces.range(start..end).map(|(&at, _)| at)).collect();
        for at in hit {
            let Some((until, step)) = self.pieces.remove(&at) else { continue };
            if let Some(whole) = self.whole.get_mut(step) {
                *whole = false;
            }
            if at < start {
                self.pieces.insert(at, (start, step));
            }
            if until > end {
                self.pieces.insert(end, (until, step));
            }
        }
    }

    fn read(&self, view: &View) -> Result<(), String> {
        let Some(pieces) = pieces(view).filter(|_| !self.lost) else { return Ok(()) };
        for (start, end) in pieces {
            let mut at = start;
            while at < end {
                let piece = self.pieces.range(..=at).next_back().filter(|&(_, &(until, _))| until > at);
                let Some((_, &(until, step))) = piece else { return Err(format!("byte {at} was never written")) };
                ensure(self.whole.get(step) == Some(&true), || format!("what step {step} wrote is written over"))?;
                at = until;
            }
        }
        Ok(())
    }
}

/// The bytes of a view as ranges; `None` when there are too many.
fn pieces(view: &View) -> Option<Vec<(usize, usize)>> {
    if view.shape.contains(&0) {
        return Some(Vec::new());
    }
    let mut axes: Vec<(usize, usize)> = view
        .strides
        .iter()
        .copied()
        .zip(view.shape.iter().copied())
        .filter(|&(stride, size)| stride > 0 && size > 1)
        .collect();
    axes.sort_unstable();
    let size_bytes = view.element.size_bytes();
    let mut length = size_bytes;
    let mut starts = vec![view.offset_bytes];
    for (stride, size) in axes {
        let stride = stride * size_bytes;
        if stride <= length {
            length += (size - 1) * stride;
        } else {
            let count = starts.len().checked_mul(size).filter(|&count| count <= MAX_PIECES)?;
            let mut all = Vec::with_capacity(count);
            all.extend((0..size).flat_map(|index| starts.iter().map(move |start| start + index * stride)));
            starts = all;
        }
    }
    Some(starts.into_iter().map(|start| (start, start + length)).collect())
}

fn ensure(holds: bool, text: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(text()) }
}
