//! A plan before its values have offsets: steps over numbered buffers.

use super::{Step, Storage, View};

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
    /// `Prepared` or `Arena`.
    pub storage: Storage,
    /// Its elements.
    pub elements: usize,
    /// Whether it holds the parts of a concatenation: then no step may write over another's part.
    pub has_parts: bool,
    /// Whether it must live to the end: an output, or a constant that a run reads.
    pub stays: bool,
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
    /// A new buffer.
    pub fn add_buffer(&mut self, storage: Storage, elements: usize, has_parts: bool) -> usize {
        self.buffers.push(Buffer { storage, elements, has_parts, stays: false });
        self.buffers.len() - 1
    }

    /// Marks what must live to the end: buffers of outputs, and those that `prepare` makes for a run.
    pub fn mark_what_stays(&mut self) {
        for buffer in self.outputs.iter().filter_map(|output| output.buffer) {
            if let Some(buffer) = self.buffers.get_mut(buffer) {
                buffer.stays = true;
            }
        }
        for &buffer in self.run.iter().flat_map(|step| step.operands.iter().flatten()) {
            if let Some(buffer) = self.buffers.get_mut(buffer) {
                buffer.stays |= buffer.storage == Storage::Prepared;
            }
        }
    }
}
