//! What is packed for the CPU, and is there once for all plans of one set of parameters and one instruction set.
//!
//! A plan comes in; out go its packed values, of which only those are made that no other plan has. The values that are made for
//! a plan lie side by side in one buffer: that fills large pages, without which weights are read at half the speed. They stay
//! until no plan has any of them. So a plan may keep some of another's that is gone; but they are found by whoever wants them
//! again, and all that is kept is never more than each value once.

use super::{Buffer, Parameters, Result, Tensor};
use crate::register::{Hold, Preparing, Register};
use cnnc_compiler::plan::{Plan, PreparedKey};
use std::ops::Deref;
use std::sync::{Arc, Weak};

/// Floats that values begin on a multiple of: a cache line.
const LINE: usize = 16;

/// Floats of a buffer of values of so many bytes, side by side.
pub fn packed_floats(sizes: impl IntoIterator<Item = usize>) -> usize {
    sizes.into_iter().map(floats).fold(0, usize::saturating_add)
}

/// Floats from a value of so many bytes to the next.
fn floats(bytes: usize) -> usize {
    Buffer::length_of(bytes).next_multiple_of(LINE)
}

/// What plans have packed, and the parameters that their runs read as they are.
#[derive(Default)]
pub struct Stock {
    prepared: Register<PreparedKey, PreparedValue>,
    parameters: Register<Arc<str>, Arc<Tensor>>,
}

/// A packed value: a part of a buffer.
pub type PreparedValue = Part<Arc<Buffer>>;

/// Some floats of a buffer, which may be held.
#[derive(Clone)]
pub struct Part<B> {
    buffer: B,
    start: usize,
    length: usize,
}

impl Hold for PreparedValue {
    type Weak = Part<Weak<Buffer>>;

    fn let_go(&self) -> Self::Weak {
        Part { buffer: Arc::downgrade(&self.buffer), start: self.start, length: self.length }
    }

    fn regain(weak: &Self::Weak) -> Option<PreparedValue> {
        Some(Part { buffer: weak.buffer.upgrade()?, start: weak.start, length: weak.length })
    }
}

impl Deref for PreparedValue {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.buffer[self.start..][..self.length]
    }
}

impl Stock {
    /// What is there of that which a checked plan prepares.
    pub fn look_up(&self, plan: &Plan) -> Found {
        let preparing = Preparing::of(plan, &self.prepared);
        let (mut places, mut start) = (Vec::new(), 0usize);
        for (number, bytes) in preparing.missing(plan) {
            places.push(Place { number, start, length: Buffer::length_of(bytes) });
            start = start.saturating_add(floats(bytes));
        }
        Found { preparing, places, floats: start }
    }

    /// A parameter for runs, as it is.
    ///
    /// # Errors
    /// As [`Parameters::get`].
    pub fn parameter(&self, path: &Arc<str>, parameters: &Parameters) -> Result<Arc<Tensor>> {
        match self.parameters.get(path) {
            Some(there) => Ok(there),
            None => Ok(self.parameters.keep(path.clone(), parameters.get(path)?)),
        }
    }
}

/// What is there of a plan's values, and where the others are to lie.
pub struct Found {
    preparing: Preparing<PreparedValue>,
    /// Of the others.
    places: Vec<Place>,
    floats: usize,
}

/// Where a value lies in the buffer of those that are made together.
struct Place {
    /// Its number in the plan.
    number: usize,
    start: usize,
    length: usize,
}

impl Found {
    /// For each step of `prepare` whether it has to be done.
    pub fn steps(&self) -> &[bool] {
        &self.preparing.steps
    }

    /// Floats of the values that have to be made.
    pub fn floats(&self) -> usize {
        self.floats
    }

    /// Memory for them.
    pub fn making(self) -> Making {
        Making { buffer: Buffer::zeros(self.floats), found: self }
    }
}

/// The values of a plan while those that were not there are made.
pub struct Making {
    found: Found,
    buffer: Buffer,
}

impl Making {
    /// Where each value lies, by number. Those that were there must not be written to, and the steps to be done do not.
    pub fn pointers(&mut self) -> Vec<*mut f32> {
        let there = |value: &Option<PreparedValue>| {
            value.as_ref().map_or(std::ptr::null_mut(), |value| value.as_ptr().cast_mut())
        };
        let mut pointers: Vec<*mut f32> = self.found.preparing.values.iter().map(there).collect();
        let first = self.buffer.as_mut_ptr();
        for place in &self.found.places {
            pointers[place.number] = first.wrapping_add(place.start);
        }
        pointers
    }

    /// All values, by number, once those that were not there are made.
    pub fn done(self, stock: &Stock) -> Vec<PreparedValue> {
        let buffer = Arc::new(self.buffer);
        let places = self.found.places.into_iter();
        let made = places.map(|Place { start, length, .. }| Part { buffer: buffer.clone(), start, length });
        self.found.preparing.with(made, &stock.prepared)
    }
}
