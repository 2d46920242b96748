//! Verifies a plan. What must hold, always:
//!
//! Views
//! - every view has as many strides as axes and lies inside its storage;
//! - input `i` is dense in `Storage::Input(i)`.
//!
//! Steps
//! - `prepare` writes to `Prepared` and reads parameters and `Prepared`; `run` writes to the arena;
//! - operands lie as the table in `plan/mod.rs` says; those of a `Map` and of an epilogue have the result's shape;
//! - only a `Map` writes over an operand, and only one that is at the same place as its result;
//! - `Input`, `Parameter`, `Reshape`, `Permute`, `Slice` and `Concat` do not occur.
//!
//! Values
//! - every element that is read was written before;
//! - no value is read, not even in part, after another was written over a part of it.
//!
//! Which of two values of the same place a step should read is not in a plan: tests compare a plan's numbers with its graph's.

use super::{Plan, Step, Storage, View};
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
        let there = input.view.storage == Storage::Input(index) && input.view.offset == 0 && input.view.is_dense();
        ensure(there, || format!("input `{}` is not where the caller puts it", input.name))?;
    }
    let mut prepared = Written::default();
    let mut arena = Written::default();
    for (list, into, steps) in [("prepare", Storage::Prepared, &plan.prepare), ("run", Storage::Arena, &plan.run)] {
        for (number, step) in steps.iter().enumerate() {
            let named = |text| format!("step {number} of {list}, {}: {text}", step.kernel.name());
            shapes(plan, step, into).map_err(named)?;
            for view in &step.operands {
                read(view, &prepared, &arena).map_err(named)?;
            }
            let written = if into == Storage::Arena { &mut arena } else { &mut prepared };
            written.write(&step.output, number);
        }
    }
    for output in &plan.outputs {
        let named = |text| format!("output `{}`: {text}", output.name);
        inside(plan, &output.view).map_err(named)?;
        read(&output.view, &prepared, &arena).map_err(named)?;
    }
    Ok(())
}

fn shapes(plan: &Plan, step: &Step, into: Storage) -> Result<(), String> {
    ensure(step.output.storage == into, || format!("it writes to {:?}", step.output.storage))?;
    for view in step.operands.iter().chain([&step.output]) {
        inside(plan, view)?;
    }
    let early = |view: &&View| matches!(view.storage, Storage::Input(_) | Storage::Arena);
    let too_early = into == Storage::Prepared && step.operands.iter().any(|view| early(&view));
    ensure(!too_early, || "it reads what a run makes".into())?;
    let is_map = matches!(step.kernel, Kernel::Map(_));
    ensure(is_map || step.output.is_dense_from(1), || "its result has gaps".into())?;
    let (own, others) = step.operands.split_at_checked(step.own_operands).ok_or("it has too few operands")?;
    let dense = |(index, view): (usize, &View)| match (&step.kernel, index) {
        (Kernel::Map(_), _) => view.shape == step.output.shape,
        (Kernel::Conv { .. } | Kernel::ConvData { .. }, 1) => view.is_dense(),
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
    ensure(own.iter().enumerate().all(dense), || "an operand does not lie as it must".into())?;
    ensure(others.iter().all(|view| view.shape == step.output.shape), || {
        "an epilogue's operand is not repeated".into()
    })?;
    let apart = |view: &View| !overlap(view, &step.output) || (is_map && view.is_same_place(&step.output));
    ensure(step.operands.iter().all(apart), || "it writes over an operand".into())
}

fn inside(plan: &Plan, view: &View) -> Result<(), String> {
    let elements = match view.storage {
        Storage::Input(index) => plan.inputs.get(index).map(|port| port.view.elements()),
        Storage::Parameter(index) => plan.parameters.get(index).map(|parameter| parameter.shape.iter().product()),
        Storage::Prepared => Some(plan.prepared_elements),
        Storage::Arena => Some(plan.arena_elements),
    };
    let fits =
        view.shape.len() == view.strides.len() && elements.is_some_and(|size| view.offset + view.extent() <= size);
    ensure(fits, || format!("{view:?} reaches past its storage"))
}

/// Whether two views may have an element in common, by where they begin and end.
fn overlap(a: &View, b: &View) -> bool {
    let apart = a.offset + a.extent() <= b.offset || b.offset + b.extent() <= a.offset;
    a.storage == b.storage && !apart && !interleaved(a, b)
}

/// Whether two views are rows of one table, in different columns: parts of a concatenation.
fn interleaved(a: &View, b: &View) -> bool {
    let row = |view: &View| {
        let mut first = view.clone();
        *first.shape.first_mut()? = 1;
        Some((view.strides.first().copied().filter(|&stride| stride > 0)?, first.extent()))
    };
    match (row(a), row(b)) {
        (Some((stride, width)), Some((same, other))) if stride == same => {
            let apart = (b.offset + stride - a.offset % stride) % stride;
            width <= apart && apart + other <= stride
        }
        _ => false,
    }
}

fn read(view: &View, prepared: &Written, arena: &Written) -> Result<(), String> {
    match view.storage {
        Storage::Input(_) | Storage::Parameter(_) => Ok(()),
        Storage::Prepared => prepared.read(view),
        Storage::Arena => arena.read(view),
    }
}

/// Which step wrote which elements of a storage.
#[derive(Default)]
struct Written {
    /// From the first element to one past the last, and the step.
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
                let Some((_, &(until, step))) = piece else { return Err(format!("element {at} was never written")) };
                ensure(self.whole.get(step) == Some(&true), || format!("what step {step} wrote is written over"))?;
                at = until;
            }
        }
        Ok(())
    }
}

/// The elements of a view as ranges; `None` when there are too many.
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
    let mut length = 1;
    let mut starts = vec![view.offset];
    for (stride, size) in axes {
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

#[cfg(test)]
mod tests {
    use super::verify;
    use crate::kernels::testing::TestGraph;
    use crate::kernels::{Expression, Kernel};
    use crate::plan::{Plan, Storage, Target, plan};

    /// A convolution, a prepared scale, a `Map` over them in place, and a second convolution.
    fn good() -> Plan {
        let (mut test, x) = TestGraph::new(&[2, 3, 4, 4]);
        let scale = test.parameter("scale", &[1, 3, 1, 1]);
        let scale = test.layer("Scale", |builder| builder.map(&[scale], Expression::operand(0) * 2.0));
        let a = test.conv(x, 3, 3, false);
        let b =
            test.layer("product", |builder| builder.map(&[a, scale], Expression::operand(0) * Expression::operand(1)));
        let c = test.conv(b, 2, 1, false);
        plan(&test.finish(c), &Target::reference()).unwrap()
    }

    fn refusal(change: impl FnOnce(&mut Plan)) -> String {
        let mut plan = good();
        verify(&plan).unwrap();
        change(&mut plan);
        verify(&plan).err().unwrap_or_else(|| "nothing".into())
    }

    #[track_caller]
    fn refused(change: impl FnOnce(&mut Plan), end: &str) {
        let text = refusal(change);
        assert!(text.ends_with(end), "{text}");
    }

    #[test]
    fn views_lie_inside_their_storage() {
        refused(|plan| plan.arena_elements -= 1, "reaches past its storage");
        refused(|plan| plan.run[0].operands[1].storage = Storage::Parameter(9), "reaches past its storage");
        refused(|plan| plan.run[0].operands[0].strides.truncate(1), "reaches past its storage");
        refused(|plan| plan.outputs[0].view.offset += 1 << 20, "reaches past its storage");
        refused(|plan| plan.inputs[0].view.offset = 1, "input `input` is not where the caller puts it");
    }

    #[test]
    fn steps_write_where_their_list_does() {
        refused(|plan| plan.run[0].output.storage = Storage::Prepared, "it writes to Prepared");
        refused(|plan| plan.prepare[0].operands[0].storage = Storage::Input(0), "it reads what a run makes");
        refused(|plan| plan.run[0].kernel = Kernel::Reshape, "it is no step");
    }

    #[test]
    fn operands_lie_as_kernels_read_them() {
        refused(|plan| plan.run[0].operands[0].strides.swap(2, 3), "an operand does not lie as it must");
        refused(|plan| plan.run[0].operands[1].strides[0] = 28, "reaches past its storage");
        refused(|plan| plan.run[1].operands[1].shape = vec![1, 3, 1, 1], "an operand does not lie as it must");
        refused(|plan| plan.run[0].output.strides.swap(2, 3), "its result has gaps");
        refused(|plan| plan.run[1].own_operands = 9, "it has too few operands");
        let narrow = |plan: &mut Plan| {
            plan.run[0].own_operands = 1;
            plan.run[0].operands[1].shape = vec![3];
            plan.run[0].operands[1].strides = vec![1];
        };
        refused(narrow, "an epilogue's operand is not repeated");
    }

    #[test]
    fn only_a_map_writes_over_what_it_reads() {
        let same = |plan: &mut Plan| {
            let view = plan.run[1].output.clone();
            plan.run[2].output.offset = view.offset;
        };
        refused(same, "it writes over an operand");
        assert_eq!(good().run[1].output, good().run[1].operands[0], "this one does");
    }

    #[test]
    fn what_is_read_was_written_and_is_still_there() {
        refused(|plan| drop(plan.run.remove(0)), "element 0 was never written");
        refused(|plan| drop(plan.prepare.remove(0)), "element 0 was never written");
        let over = |plan: &mut Plan| {
            // A copy of the input over a part of the first result, before the second step reads it.
            let mut copy = plan.run[1].clone();
            copy.kernel = Kernel::Map(Expression::operand(0));
            copy.operands.truncate(1);
            copy.own_operands = 1;
            copy.operands[0] = plan.inputs[0].view.clone();
            copy.output.offset += 16;
            plan.arena_elements += 16;
            plan.run.insert(1, copy);
        };
        refused(over, "what step 0 wrote is written over");
    }

    #[test]
    fn columns_of_one_table_do_not_overlap() {
        let (mut test, x) = TestGraph::new(&[2, 3, 4, 4]);
        let a = test.conv(x, 2, 3, false);
        let twice = test.concat(&[a, a]);
        let plan = plan(&test.finish(twice), &Target::reference()).unwrap();
        verify(&plan).unwrap();
        let mut closer = plan.clone();
        closer.run[1].output.offset -= 1;
        assert!(verify(&closer).unwrap_err().ends_with("it writes over an operand"));
    }
}
