//! Which layers stay in float32: those whose bytes cost more than a budget allows.
//!
//! The network of bytes is held against that of floats on the same samples. Where the likeliest class changes for too many, the
//! layer whose output's bytes are the noisiest is tried in float32, then the next, until few enough change.

use super::Calibration;
use crate::{Device, Model, PrepareOptions, Result, Tensor, Weights};
use cnnc_compiler::passes::Quantisations;
use std::sync::Arc;

/// How the answers of bytes agree with those of floats.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Agreement {
    /// Samples whose likeliest class is the same.
    pub same: usize,
    /// Samples.
    pub samples: usize,
    /// The power of the answers over that of the difference, in decibels.
    pub decibels: f64,
    /// The weights that stay in float32, and what that brings, in words.
    pub floats: Vec<(Arc<str>, String)>,
}

impl Calibration {
    /// Weights with these quantisations, but for layers that stay in float32 so that the likeliest class of no more than this
    /// share of the samples changes; and how the answers agree then.
    ///
    /// # Errors
    /// As [`Session::run`](crate::Session::run).
    pub fn within(
        &self,
        model: &Model,
        weights: &Weights,
        device: &Device,
        samples: &[Vec<Tensor>],
        mut of: Quantisations,
        most: f64,
    ) -> Result<(Weights, Agreement)> {
        let exact = answers(model, weights, device, samples)?;
        let compared = |of: &Quantisations| -> Result<Agreement> {
            let bytes = weights.clone().with_quantisations(of.clone());
            Ok(agreement(&exact, &answers(model, &bytes, device, samples)?))
        };
        let mut best = compared(&of)?;
        let mut rest: Vec<Arc<str>> = of.weights.iter().cloned().collect();
        let allowed = |found: &Agreement| (found.samples - found.same) as f64 <= most * found.samples as f64;
        while !allowed(&best) && !rest.is_empty() {
            // Each layer alone in float32: the one that mends most.
            let mut found: Option<(usize, Agreement)> = None;
            for (place, key) in rest.iter().enumerate() {
                let mut without = of.clone();
                without.weights.remove(key);
                let one = compared(&without)?;
                let better =
                    found.as_ref().is_none_or(|(_, other)| (one.same, one.decibels) > (other.same, other.decibels));
                if better {
                    found = Some((place, one));
                }
            }
            let Some((place, one)) = found else { break };
            let key = rest.remove(place);
            of.weights.remove(&key);
            let words = format!(
                "{} more of {} agree, {:+.1} dB",
                one.same as i64 - best.same as i64,
                one.samples,
                one.decibels - best.decibels
            );
            let mut floats = best.floats;
            floats.push((key, words));
            best = Agreement { floats, ..one };
        }
        Ok((weights.clone().with_quantisations(of), best))
    }
}

/// The first answer to every sample, a row a sample of the batch.
fn answers(model: &Model, weights: &Weights, device: &Device, samples: &[Vec<Tensor>]) -> Result<Vec<Vec<f32>>> {
    let mut session = model.prepare(weights, device, PrepareOptions::default())?.session();
    let mut rows = Vec::new();
    for sample in samples {
        let outputs = session.run(sample)?;
        let answer = outputs.at(0);
        let width: usize = answer.shape().iter().skip(1).product::<usize>().max(1);
        rows.extend(answer.data().chunks(width).map(<[f32]>::to_vec));
    }
    Ok(rows)
}

fn agreement(exact: &[Vec<f32>], found: &[Vec<f32>]) -> Agreement {
    let likeliest = |row: &[f32]| row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map(|(class, _)| class);
    let same = exact.iter().zip(found).filter(|(one, other)| likeliest(one) == likeliest(other)).count();
    let power = |numbers: &mut dyn Iterator<Item = f32>| numbers.map(|number| f64::from(number).powi(2)).sum::<f64>();
    let signal = power(&mut exact.iter().flatten().copied());
    let noise = power(&mut exact.iter().flatten().zip(found.iter().flatten()).map(|(one, other)| one - other));
    let decibels = 10.0 * (signal / noise.max(f64::MIN_POSITIVE)).log10();
    Agreement { same, samples: exact.len(), decibels, floats: Vec::new() }
}
