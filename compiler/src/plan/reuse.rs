//! Lives of buffers, and which steps write over one of their operands.
//!
//! A `Map` writes over an operand when it is the operand's last reader, both fill their buffers without gaps, and every other
//! operand in that buffer is the same view: element `i` of the result then needs only elements `i`. A convolution over blocks
//! likewise writes over the value that is added to its sums, if nothing else that it reads lies there. A buffer with parts of a
//! concatenation is left alone, since the parts have lives of their own.

use super::View;
use super::draft::{Buffer, Draft, DraftStep};
use super::memory::Life;
use super::operation::Operation;

/// Buffers, some of them made one, and their lives.
pub(super) struct Reuse {
    /// For every buffer the one that it shares memory with, itself most often.
    pub root: Vec<usize>,
    /// The life of every root, in steps of its storage's list; `None` for a buffer that is not a root, or never written.
    pub lives: Vec<Option<Life>>,
}

/// Finds lives and reuse for both lists of steps.
pub(super) fn reuse(draft: &Draft) -> Reuse {
    let mut reuse = Reuse { root: (0..draft.buffers.len()).collect(), lives: vec![None; draft.buffers.len()] };
    for (of_runs, steps) in [(false, &draft.prepare), (true, &draft.run)] {
        reuse.find_lives(&draft.buffers, of_runs, steps);
        for (now, step) in steps.iter().enumerate() {
            let Some(output) = step.output else { continue };
            if let Some(operand) = reuse.overwritten(&draft.buffers, step, output, now) {
                reuse.join(operand, output);
            }
        }
    }
    reuse
}

impl Reuse {
    fn find_lives(&mut self, buffers: &[Buffer], of_runs: bool, steps: &[DraftStep]) {
        for (now, step) in steps.iter().enumerate() {
            for index in step.operands.iter().flatten().copied().chain(step.output) {
                let in_it = |buffer: &&Buffer| buffer.is_of_runs() == of_runs;
                let Some(buffer) = buffers.get(index).filter(in_it) else { continue };
                let last = if buffer.stays { steps.len() } else { now };
                if let Some(life) = self.lives.get_mut(index) {
                    let first = life.map_or(now, |life| life.first);
                    *life = Some(Life { first, last, bytes: buffer.bytes });
                }
            }
        }
    }

    /// The buffer that the step may write over.
    fn overwritten(&self, buffers: &[Buffer], step: &DraftStep, output: usize, now: usize) -> Option<usize> {
        let whole = |index: usize, view: &View| {
            let buffer = buffers.get(index)?;
            (!buffer.has_parts && view.is_dense() && view.size_bytes() == buffer.bytes as u64).then_some(buffer.storage)
        };
        let storage = whole(output, &step.step.output)?;
        let is_map = matches!(step.step.operation, Operation::Map(_));
        let fits = |(operand, index, view): (usize, usize, &View)| {
            let root = self.root_of(index);
            let dies = self.lives.get(root).copied().flatten().is_some_and(|life| life.last == now);
            let harmless = |(other, seen): (usize, &View)| other == operand || (is_map && seen == view);
            let mut there = self.operands(step).filter(|&(_, other, _)| self.root_of(other) == root);
            let alone = there.all(|(other, _, seen)| harmless((other, seen)));
            let same = whole(index, view) == Some(storage) && view.size_bytes() == step.step.output.size_bytes();
            (dies && alone && same && step.step.may_overwrite(operand)).then_some(root)
        };
        self.operands(step).find_map(fits)
    }

    /// The operands that lie in buffers: number, buffer and view.
    fn operands<'a>(&self, step: &'a DraftStep) -> impl Iterator<Item = (usize, usize, &'a View)> {
        let operands = step.operands.iter().zip(&step.step.operands).enumerate();
        operands.filter_map(|(number, (buffer, view))| buffer.map(|buffer| (number, buffer, view)))
    }

    /// Roots are set before anything is joined to them, so one look is enough.
    fn root_of(&self, buffer: usize) -> usize {
        self.root.get(buffer).copied().unwrap_or(buffer)
    }

    /// Gives a new buffer the memory, and the root the life, of both.
    fn join(&mut self, root: usize, buffer: usize) {
        let Some(life) = self.lives.get_mut(buffer).and_then(Option::take) else { return };
        if let Some(Some(joined)) = self.lives.get_mut(root) {
            joined.last = life.last;
        }
        if let Some(slot) = self.root.get_mut(buffer) {
            *slot = root;
        }
    }
}
