//! A program's memory on a device: where its storages lie, and how answers are gathered from them.

use super::device::Device;
use super::driver::{During, is_out_of_memory};
use super::handles::Buffer;
use super::need::{Need, batch_of};
use super::program::Argument;
use crate::Result;
use crate::cpu::extent;
use crate::failure::fault;
use cnnc_compiler::plan::{Plan, Storage, View};
use std::sync::Arc;

/// Where everything lies on the device.
pub struct Memory {
    /// The inputs of a run.
    pub inputs: Vec<Buffer>,
    /// Where the inputs of the next run arrive.
    pub next_inputs: Vec<Buffer>,
    /// Parameters that runs need.
    pub parameters: Vec<Option<Arc<Buffer>>>,
    /// What `prepare` makes for itself, while it runs.
    pub scratch: Option<Buffer>,
    /// What `prepare` made for runs.
    pub prepared: Buffer,
    /// Partial sums within a step.
    pub workspace: Buffer,
    /// The values of a run, once `prepare` is done.
    pub arena: Option<Buffer>,
}

impl Memory {
    /// The address that an argument stands for.
    pub fn address(&self, argument: Argument) -> Result<u64> {
        let (buffer, offset) = match argument {
            Argument::Workspace(offset) => (Some(&self.workspace), offset),
            Argument::At { storage, offset } => (self.storage(storage), offset),
        };
        let buffer = buffer.ok_or_else(|| fault(format!("{argument} is not there")))?;
        Ok(buffer.address() + 4 * offset as u64)
    }

    fn storage(&self, storage: Storage) -> Option<&Buffer> {
        match storage {
            Storage::Input(index) => self.inputs.get(index),
            Storage::Parameter(index) => self.parameters.get(index)?.as_deref(),
            Storage::Scratch => self.scratch.as_ref(),
            Storage::Prepared => Some(&self.prepared),
            Storage::Arena => self.arena.as_ref(),
        }
    }
}

/// Memory on the device, or a failure that says what all of the program needs.
pub fn allocate(device: &Device, elements: usize, need: &Need, plan: &Plan) -> Result<Buffer> {
    match Buffer::new(&device.context, elements) {
        Err(error) if is_out_of_memory(error) => Err(need.refusal(batch_of(plan), device.free_bytes()?)),
        allocated => allocated.during("taking memory"),
    }
}

/// Elements from a view's first to its last.
pub fn span(view: &View) -> usize {
    extent(view).map_or(0, |end| end - view.offset)
}

/// The elements of a view in order, out of those from its first to its last.
pub fn gather(view: &View, from: &[f32], to: &mut [f32]) {
    if view.is_dense() {
        to.copy_from_slice(&from[..to.len()]);
        return;
    }
    for (number, value) in to.iter_mut().enumerate() {
        let mut rest = number;
        let mut place = 0;
        for (&size, &stride) in view.shape.iter().zip(&view.strides).rev() {
            place += rest % size * stride;
            rest /= size;
        }
        *value = from[place];
    }
}

#[cfg(test)]
mod tests {
    use super::{gather, span};
    use cnnc_compiler::plan::{Storage, View};

    #[test]
    fn answers_are_gathered_from_any_view() {
        let view = View { storage: Storage::Arena, offset: 7, shape: vec![2, 3], strides: vec![4, 1] };
        assert_eq!(span(&view), 7);
        let mut answer = [0.0; 6];
        gather(&view, &[0.0, 1.0, 2.0, 9.0, 4.0, 5.0, 6.0], &mut answer);
        assert_eq!(answer, [0.0, 1.0, 2.0, 4.0, 5.0, 6.0]);
        let turned = View { shape: vec![3, 2], strides: vec![1, 0], ..view };
        gather(&turned, &[3.0, 4.0, 5.0], &mut answer);
        assert_eq!((span(&turned), answer), (3, [3.0, 3.0, 4.0, 4.0, 5.0, 5.0]));
        let dense = View::dense(Storage::Arena, 0, &[6]);
        gather(&dense, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &mut answer);
        assert_eq!((span(&dense), answer[5]), (6, 6.0));
    }
}
