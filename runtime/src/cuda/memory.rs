//! A program's memory on a device: where its storages lie, and how answers are gathered from them.

use super::device::Device;
use super::driver::{During, is_out_of_memory};
use super::footprint::{GpuFootprint, batch_of};
use super::handles::Buffer;
use super::program::{Argument, WORD_BYTES};
use crate::failure::fault;
use crate::view::Destination;
use crate::{Result, Tensor, TensorView};
use cnnc_compiler::element::ElementType;
use cnnc_compiler::plan::{Plan, Storage, View, extent};
use std::borrow::Cow;
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
    /// The values that `prepare` made for runs; other programs may have them too.
    pub prepared: Vec<Arc<Buffer>>,
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
        Ok(buffer.address() + (WORD_BYTES * offset) as u64)
    }

    fn storage(&self, storage: Storage) -> Option<&Buffer> {
        match storage {
            Storage::Input(index) => self.inputs.get(index),
            Storage::Parameter(index) => self.parameters.get(index)?.as_deref(),
            Storage::Scratch => self.scratch.as_ref(),
            Storage::Prepared(index) => self.prepared.get(index).map(Arc::as_ref),
            Storage::Arena => self.arena.as_ref(),
            // Outputs are fetched from among the values: plans for a device do not write them elsewhere.
            Storage::Output(_) => None,
        }
    }
}

/// Memory on the device, or a failure that says what all of the program needs.
pub fn allocate(device: &Device, bytes: u64, footprint: &GpuFootprint, plan: &Plan) -> Result<Buffer> {
    match Buffer::new(&device.context, words_of(bytes)) {
        Err(error) if is_out_of_memory(error) => Err(footprint.refusal(batch_of(plan), device.free_bytes()?)),
        allocated => allocated.during("taking memory"),
    }
}

/// The words that so many bytes take.
pub fn words_of(bytes: u64) -> usize {
    bytes.div_ceil(WORD_BYTES as u64) as usize
}

/// A tensor's values as words.
pub fn words(tensor: TensorView<'_>) -> Cow<'_, [f32]> {
    match tensor.counts() {
        None => tensor.data().unwrap_or_default().into(),
        Some(counts) => {
            counts.iter().flat_map(|count| [*count as u32, (count >> 32) as u32].map(f32::from_bits)).collect()
        }
    }
}

/// The tensor whose values are these words; `None` when they are not as many.
pub fn tensor(shape: &[usize], element: ElementType, words: Vec<f32>) -> Option<Tensor> {
    match element {
        ElementType::Float32 | ElementType::Uint8(_) => Tensor::new(shape, words),
        ElementType::Uint64 => Tensor::of_counts(shape, whole(&words)),
    }
}

/// The whole numbers that words are, two each.
fn whole(words: &[f32]) -> Vec<u64> {
    let pair = |&[low, high]: &[f32; 2]| u64::from(high.to_bits()) << 32 | u64::from(low.to_bits());
    words.as_chunks().0.iter().map(pair).collect()
}

/// Words from a view's first to its last.
pub fn span(view: &View) -> usize {
    extent(view).unwrap_or(0) * view.element.size_bytes() / WORD_BYTES
}

/// The elements of a view in order, out of the words from its first to its last, in a tensor like it.
pub fn gather(view: &View, from: &[f32], to: &mut Tensor) {
    match to.destination() {
        Destination::Uint64(counts) => gather_from(view, &whole(from), counts),
        Destination::Float32(data) => gather_from(view, from, data),
    }
}

fn gather_from<T: Copy>(view: &View, from: &[T], to: &mut [T]) {
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
    use super::{gather, span, tensor, words};
    use crate::Tensor;
    use crate::view::AsTensorView;
    use cnnc_compiler::element::ElementType::{Float32, Uint64};
    use cnnc_compiler::plan::{Storage, View};

    #[test]
    fn answers_are_gathered_from_any_view() {
        let view = View {
            storage: Storage::Arena,
            element: Float32,
            offset_bytes: 28,
            shape: vec![2, 3],
            strides: vec![4, 1],
        };
        assert_eq!(span(&view), 7);
        let mut answer = Tensor::filled(&[6], 0.0);
        gather(&view, &[0.0, 1.0, 2.0, 9.0, 4.0, 5.0, 6.0], &mut answer);
        assert_eq!(answer.data(), [0.0, 1.0, 2.0, 4.0, 5.0, 6.0]);
        let turned = View { shape: vec![3, 2], strides: vec![1, 0], ..view };
        gather(&turned, &[3.0, 4.0, 5.0], &mut answer);
        assert_eq!((span(&turned), answer.data()), (3, [3.0, 3.0, 4.0, 4.0, 5.0, 5.0].as_slice()));
        let dense = View::dense(Storage::Arena, Float32, 0, &[6]);
        gather(&dense, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &mut answer);
        assert_eq!((span(&dense), answer.data()[5]), (6, 6.0));
    }

    #[test]
    fn whole_numbers_are_two_words() {
        let counts = Tensor::of_counts(&[3], vec![1, (1 << 53) + 1, u64::MAX]).unwrap();
        let there = words(counts.view()).into_owned();
        assert_eq!(there.len(), 6);
        assert_eq!(tensor(&[3], Uint64, there), Some(counts));
        assert_eq!(tensor(&[2], Uint64, vec![0.0; 2]), None);
        assert_eq!(tensor(&[2], Float32, vec![1.0, 2.0]), Tensor::new(&[2], vec![1.0, 2.0]));
    }
}
