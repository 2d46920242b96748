//! Calibration: which numbers the values of a network take, found by running it on samples, and which bytes stand for them.
//!
//! The network runs twice over all samples: once for the range of every value that may be bytes, once for a histogram over that
//! range. What comes out of these is a [`Quantisation`] a value, by a [`Clipping`]: how much of the range is kept.

mod budget;
mod histogram;
mod ranges;
#[cfg(test)]
mod tests;

use crate::failure::failure;
use crate::model::Observed;
use crate::{Cancel, Device, Model, Result, Tensor, Weights};
pub use budget::Agreement;
use cnnc_compiler::diagnostic::Code;
use cnnc_compiler::passes::Quantisations;
use histogram::Histogram;
pub use ranges::Clipping;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The histograms of a network's values, by their names.
pub struct Calibration {
    values: BTreeMap<Arc<str>, Histogram>,
    /// The keys of the weights that may be bytes.
    weights: BTreeSet<Arc<str>>,
    samples: usize,
}

impl Calibration {
    /// Runs a network on samples, each a list of inputs of one size; on the processor, in float32.
    ///
    /// # Errors
    /// E604 when there are no samples, or they are not what the model takes; as [`Session::run`](crate::Session::run).
    pub fn new(model: &Model, weights: &Weights, device: &Device, samples: &[Vec<Tensor>]) -> Result<Calibration> {
        let Some(first) = samples.first() else {
            return Err(failure(Code::E604, "there are no samples to calibrate with"));
        };
        let sizes: Vec<&[usize]> = first.iter().map(Tensor::shape).collect();
        let Observed { plan, names, weights: keys } =
            model.compile_observed(&model.bindings(&sizes)?, &device.target())?;
        let own = plan.outputs.len() - names.len();
        let cancel = Cancel::default();
        let mut run = device.backend().store(weights.parameters())?.pack(plan, &cancel)?.executable()?;
        let mut ranges = vec![[f32::INFINITY, f32::NEG_INFINITY]; names.len()];
        for sample in samples {
            let answers = run.run(sample)?;
            for (range, tensor) in ranges.iter_mut().zip(&answers[own..]) {
                let numbers = tensor.data().iter().filter(|number| number.is_finite());
                *range = numbers.fold(*range, |[low, high], &number| [low.min(number), high.max(number)]);
            }
        }
        let counted = samples.iter().map(|sample| sample[0].shape().first().copied().unwrap_or(1)).sum();
        let mut histograms: Vec<Histogram> = ranges.into_iter().map(Histogram::new).collect();
        for sample in samples {
            let answers = run.run(sample)?;
            histograms.iter_mut().zip(&answers[own..]).for_each(|(histogram, tensor)| histogram.add(tensor.data()));
        }
        Ok(Calibration { values: names.into_iter().zip(histograms).collect(), weights: keys, samples: counted })
    }

    /// Which numbers the bytes of every value stand for; values that were never finite have none.
    pub fn quantisations(&self, clipping: Clipping) -> Quantisations {
        let of = |(name, histogram): (&Arc<str>, &Histogram)| {
            let [low, high] = ranges::range(histogram, clipping)?;
            Some((name.clone(), cnnc_compiler::element::Quantisation::of_range(low, high)))
        };
        Quantisations { values: self.values.iter().filter_map(of).collect(), weights: self.weights.clone() }
    }

    /// The signal over the noise that rounding to bytes adds to every value, in decibels, by the values' names.
    pub fn signal_to_noise(&self, quantisations: &Quantisations) -> Vec<(Arc<str>, f64)> {
        let of = |(name, of): (&Arc<str>, &cnnc_compiler::element::Quantisation)| {
            Some((name.clone(), self.values.get(name)?.signal_to_noise(*of)))
        };
        quantisations.values.iter().filter_map(of).collect()
    }

    /// How many samples it saw.
    pub fn samples(&self) -> usize {
        self.samples
    }
}
