//! Memory that one parameter after the other lies in while a plan is prepared.
//!
//! The system makes and clears each page that is touched for the first time, which takes longer than to copy what a file holds to
//! it. So the largest parameter's memory is taken once, and serves those that come after it.

use super::ParameterUses;
use crate::Tensor;
use crate::large_pages;
use cnnc_compiler::plan::Plan;
use std::sync::Arc;

/// The memory, where no parameter lies in it.
pub struct Spare {
    /// Floats of the largest parameter.
    largest: usize,
    memory: Option<Vec<f32>>,
}

impl Spare {
    /// For the parameters that the steps of `prepare` read.
    pub fn new(plan: &Plan, uses: &ParameterUses) -> Spare {
        let read = uses.of_steps.iter().flat_map(|step| &step.first);
        let size = |&index: &usize| plan.parameters[index].shape.iter().product();
        Spare { largest: read.map(size).max().unwrap_or(0), memory: None }
    }

    /// The memory for so many floats; none where it is in use already, or would be wasted on few.
    pub fn take(&mut self, count: usize) -> Vec<f32> {
        if count < self.largest / 16 {
            return Vec::new();
        }
        self.memory.replace(Vec::new()).unwrap_or_else(|| large_pages::zeros(self.largest))
    }

    /// Takes a parameter's memory back, unless somebody else holds the parameter.
    pub fn put(&mut self, tensor: Arc<Tensor>) {
        if let Ok(tensor) = Arc::try_unwrap(tensor) {
            let values = tensor.into_data();
            if values.capacity() >= self.largest {
                self.memory = Some(values);
            }
        }
    }
}
