//! A plan before its values have offsets: steps over numbered buffers.

use super::{Step, Storage, View};
use std::collections::HashMap;

/// Where a value lies: in a buffer of the draft, or in an input or parameter.
#[derive(Clone, Debug)]
pub(super) struct Located {
    /// The buffer; none when the view's storage says it all.
    pub buffer: Option<usize>,
    /// The elements; counted from the buffer's start when there is a buffer.
    pub view: View,
}

/// Memory that one value takes, or several that are parts of one concatenation.
#[derive(Clone, Debug)]
pub(super) struct Buffer {
    /// `Scratch`, `Prepared` with the buffer's own number, `Arena`, or the `Output` that it is.
    pub storage: Storage,
    /// Its bytes.
    pub bytes: usize,
    /// Whether it holds the parts of a concatenation: then no step may write over another's part.
    pub has_parts: bool,
    /// Whether it must live to the end: an output, or a constant that a run reads.
    pub stays: bool,
}

impl Buffer {
    /// Whether it is made once, for runs.
    pub fn is_prepared(&self) -> bool {
        matches!(self.storage, Storage::Prepared(_))
    }

    /// Whether it is made by a run.
    pub fn is_of_runs(&self) -> bool {
        matches!(self.storage, Storage::Arena | Storage::Output(_))
    }
}

/// A step, with the buffers behind its views.
#[derive(Clone, Debug)]
pub(super) struct DraftStep {
    /// The step; its views count from their buffers' starts.
    pub step: Step,
    /// The buffer of each operand.
    pub operands: Vec<Option<usize>>,
    /// The buffer of the result; none when it is a parameter's new value.
    pub output: Option<usize>,
}

/// Steps and buffers.
#[derive(Clone, Debug, Default)]
pub(super) struct Draft {
    /// Steps on parameters alone, in order.
    pub prepare: Vec<DraftStep>,
    /// Steps of a run, in order.
    pub run: Vec<DraftStep>,
    /// All buffers.
    pub buffers: Vec<Buffer>,
    /// Where the outputs lie, in order.
    pub outputs: Vec<Located>,
}

impl Draft {
    /// The storage of the next new buffer, of a constant or of a value of a run.
    pub fn next_storage(&self, constant: bool) -> Storage {
        if constant { Storage::Prepared(self.buffers.len()) } else { Storage::Arena }
    }

    /// A new buffer.
    pub fn add_buffer(&mut self, constant: bool, bytes: usize, has_parts: bool) -> usize {
        self.buffers.push(Buffer { storage: self.next_storage(constant), bytes, has_parts, stays: false });
        self.buffers.len() - 1
    }

    /// Marks what must live to the end: buffers of outputs, and those that `prepare` makes for a run. Its others are scratch.
    pub fn mark_what_stays(&mut self) {
        for buffer in self.outputs.iter().filter_map(|output| output.buffer) {
            if let Some(buffer) = self.buffers.get_mut(buffer) {
                buffer.stays = true;
            }
        }
        for &buffer in self.run.iter().flat_map(|step| step.operands.iter().flatten()) {
            if let Some(buffer) = self.buffers.get_mut(buffer) {
                buffer.stays |= buffer.is_prepared();
            }
        }
        let prepared = self.buffers.iter_mut().filter(|buffer| buffer.is_prepared());
        prepared.filter(|buffer| !buffer.stays).for_each(|buffer| buffer.storage = Storage::Scratch);
    }

    /// Has the outputs written to the caller's memory that are all of a run's value, in its order.
    pub fn write_outputs(&mut self) {
        for (number, output) in self.outputs.iter().enumerate() {
            let Some(buffer) = output.buffer.and_then(|buffer| self.buffers.get_mut(buffer)) else { continue };
            let is_whole = output.view.is_dense() && output.view.size_bytes() == buffer.bytes as u64;
            if is_whole && buffer.storage == Storage::Arena {
                buffer.storage = Storage::Output(number);
            }
        }
    }

    /// Orders what is prepared so that scratch is short-lived: whatever a run needs is made in the order that it was, and what it
    /// is made of right before it.
    pub fn order_preparation(&mut self) {
        let mut writers: HashMap<usize, Vec<usize>> = HashMap::new();
        for (index, buffer) in self.prepare.iter().enumerate().filter_map(|(index, step)| Some((index, step.output?))) {
            writers.entry(buffer).or_default().push(index);
        }
        let stays = |step: &DraftStep| step.output.and_then(|buffer| self.buffers.get(buffer)).is_some_and(|b| b.stays);
        let mut waiting: Vec<Option<&DraftStep>> = self.prepare.iter().map(Some).collect();
        let mut order = Vec::with_capacity(self.prepare.len());
        for (root, _) in self.prepare.iter().enumerate().filter(|(_, step)| stays(step)) {
            let mut stack = vec![(root, false)];
            while let Some((index, ready)) = stack.pop() {
                let Some(step) = waiting.get(index).copied().flatten() else { continue };
                if ready {
                    order.push(step.clone());
                    waiting.get_mut(index).map(Option::take);
                } else {
                    stack.push((index, true));
                    // Of a concatenation the parts that come later are not what is read.
                    let read = step.operands.iter().rev().flatten().filter_map(|buffer| writers.get(buffer));
                    let read = read.flat_map(|steps| steps.iter().rev().filter(|&&writer| writer < index));
                    stack.extend(read.map(|&writer| (writer, false)));
                }
            }
        }
        self.prepare = order;
    }
}
