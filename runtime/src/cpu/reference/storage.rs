//! A plan's storages as the reference holds them: the float32 of each as numbers of the interpreter's type, its whole numbers as
//! they are.

use crate::TensorView;
use crate::view::Destination;
use cnnc_compiler::element::ElementType;
use cnnc_compiler::kernels::reference::{Elements, Operand, Real, offsets};
use cnnc_compiler::plan::{Plan, Storage, View};
use std::collections::HashMap;

/// What lies in a storage. An element has the number of those of its size that fit before it.
struct Values<T> {
    reals: Vec<T>,
    counts: Vec<u64>,
}

/// All storages.
pub struct Storages<T>(HashMap<Storage, Values<T>>);

impl<T: Real> Storages<T> {
    /// Those of a plan but for inputs and parameters, which are set; floats are not-a-number.
    pub fn new(plan: &Plan) -> Storages<T> {
        let steps = plan.prepare.iter().chain(&plan.run);
        let views: Vec<&View> = steps.flat_map(|step| step.operands.iter().chain([&step.output])).collect();
        let values = |storage: Storage| {
            let ends = |element: ElementType| {
                let of_type = views.iter().filter(|view| view.storage == storage && view.element == element);
                of_type.map(|view| view.end_bytes() / element.size_bytes()).max().unwrap_or(0)
            };
            let reals = vec![T::from_f64(f64::NAN); ends(ElementType::Float32)];
            (storage, Values { reals, counts: vec![0; ends(ElementType::Uint64)] })
        };
        let prepared = (0..plan.prepared.len()).map(Storage::Prepared);
        let outputs = (0..plan.outputs.len()).map(Storage::Output);
        Storages(prepared.chain(outputs).chain([Storage::Scratch, Storage::Arena]).map(values).collect())
    }

    /// Puts a tensor where an input or a parameter lies.
    pub fn set(&mut self, storage: Storage, tensor: TensorView<'_>) {
        let values = match tensor.counts() {
            Some(counts) => Values { reals: Vec::new(), counts: counts.to_vec() },
            None => {
                let reals = tensor.data().unwrap_or_default().iter().map(|&value| T::from_f64(f64::from(value)));
                Values { reals: reals.collect(), counts: Vec::new() }
            }
        };
        self.0.insert(storage, values);
    }

    /// Makes what lies in a storage not-a-number.
    pub fn forget(&mut self, storage: Storage) {
        if let Some(values) = self.0.get_mut(&storage) {
            values.reals.fill(T::from_f64(f64::NAN));
        }
    }

    /// Gives back a storage's memory.
    pub fn remove(&mut self, storage: Storage) {
        self.0.remove(&storage);
    }

    /// The values of a view.
    pub fn elements<'a>(&'a self, view: &'a View) -> Elements<'a, T> {
        let Values { reals, counts } = &self.0[&view.storage];
        let (shape, strides) = (view.shape.as_slice(), view.strides.as_slice());
        match view.element {
            // Without blocks of channels no value is bytes.
            ElementType::Float32 | ElementType::Uint8(_) => {
                Elements::Reals(Operand { data: &reals[view.offset()..], shape, strides })
            }
            ElementType::Uint64 => Elements::Counts(Operand { data: &counts[view.offset()..], shape, strides }),
        }
    }

    /// Writes a view's float32 values, in order.
    pub fn write(&mut self, view: &View, values: Vec<T>) {
        let Some(Values { reals, .. }) = self.0.get_mut(&view.storage) else { return };
        let into = &mut reals[view.offset()..];
        offsets(&view.shape, &view.strides).zip(values).for_each(|(offset, value)| into[offset] = value);
    }

    /// Writes a view's whole numbers, in order.
    pub fn write_counts(&mut self, view: &View, values: Vec<u64>) {
        let Some(Values { counts, .. }) = self.0.get_mut(&view.storage) else { return };
        let into = &mut counts[view.offset()..];
        offsets(&view.shape, &view.strides).zip(values).for_each(|(offset, value)| into[offset] = value);
    }
}

/// Writes all values to where there is room for as many of their type.
pub fn write_to<T: Real>(values: &Elements<T>, into: Destination<'_>) {
    match (values, into) {
        (Elements::Counts(operand), Destination::Uint64(counts)) => counts.copy_from_slice(&operand.values()),
        (_, Destination::Uint64(_)) => {}
        (_, Destination::Float32(data)) => {
            data.iter_mut().zip(values.values()).for_each(|(into, real)| *into = real.to_f64() as f32);
        }
    }
}
