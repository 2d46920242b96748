//! The learning-rate finder (Smith, "Cyclical learning rates for training neural networks", 2017): some steps at rates that grow
//! from almost nothing come in as a recipe, the loss at each goes out, and the rate that follows from it.
//!
//! The steps are those of a training from its first epoch on, at another rate each. Nothing is written, and what was learnt is
//! forgotten.

use super::Event;
use super::fit::{begun, learner};
use super::learner::{Learner, StepInputs};
use super::run::{Listener, Run, training_job};
use super::schedule::Moment;
use crate::Result;
use crate::data::load;
use std::sync::atomic::Ordering;

/// Steps of the finder.
pub const FINDER_STEPS: usize = 100;
/// The rates of the first step and of the last.
const RATES: [f64; 2] = [1e-7, 10.0];
/// What the running mean of the loss keeps of what was before.
const KEPT: f64 = 0.9;
/// A loss so many times the lowest has run away.
const RUN_AWAY: f64 = 4.0;
/// The rate that is proposed is at most this share of that of the lowest loss.
const SHARE: f64 = 0.1;
/// Steps at the start, whose mean is of few losses yet, where no slope is asked.
const FIRST: usize = 10;

/// A step of the finder.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateStep {
    /// The learning rate.
    pub rate: f64,
    /// The loss of the batch before the step.
    pub loss: f64,
    /// Its running mean, corrected for its start as Adam's is.
    pub smooth: f64,
}

/// What a finder found.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct FoundRates {
    /// The steps, at rising rates, up to where the loss ran away.
    pub steps: Vec<RateStep>,
    /// Whether it did.
    pub ran_away: bool,
}

impl FoundRates {
    /// The step of the lowest smooth loss.
    pub fn lowest(&self) -> Option<RateStep> {
        self.steps.iter().copied().min_by(|a, b| a.smooth.total_cmp(&b.smooth))
    }

    /// The step at which the smooth loss falls fastest, by the logarithm of the rate, before it is lowest.
    pub fn steepest(&self) -> Option<RateStep> {
        let lowest = self.lowest()?;
        let slope = |pair: &[RateStep]| (pair[1].smooth - pair[0].smooth) / (pair[1].rate / pair[0].rate).ln();
        let falling = self.steps.windows(2).skip(FIRST).filter(|pair| pair[1].rate <= lowest.rate);
        falling.min_by(|a, b| slope(a).total_cmp(&slope(b))).map(|pair| pair[1])
    }

    /// The rate that is proposed, to two digits: a tenth of the one of the lowest loss or, where that is lower, the one at which
    /// it falls fastest. `None` where the loss never fell.
    pub fn proposal(&self) -> Option<f64> {
        let (first, lowest) = (self.steps.first()?, self.lowest()?);
        let rate = self.steepest().map_or(f64::INFINITY, |steepest| steepest.rate).min(lowest.rate * SHARE);
        (lowest.smooth < first.smooth).then(|| format!("{rate:.1e}").parse().ok()).flatten()
    }

    /// Takes a step's loss in; `false` when it has run away.
    fn add(&mut self, rate: f64, loss: f64, mean: &mut f64) -> bool {
        *mean = KEPT * *mean + (1.0 - KEPT) * loss;
        let smooth = *mean / (1.0 - KEPT.powi(self.steps.len() as i32 + 1));
        let lowest = self.lowest().map_or(f64::INFINITY, |lowest| lowest.smooth);
        // A loss may be below zero, of which a multiple is lower still.
        self.ran_away = !smooth.is_finite() || smooth > lowest + (RUN_AWAY - 1.0) * lowest.abs();
        if smooth.is_finite() {
            self.steps.push(RateStep { rate, loss, smooth });
        }
        !self.ran_away
    }
}

/// Tries learning rates on the training set of a run. Nothing is written; the run's `stop` ends it early.
///
/// # Errors
/// As [`super::learn`], but for the files of a run.
pub fn find_rates(run: &Run<'_>, listener: &mut Listener<'_>) -> Result<FoundRates> {
    let Run { recipe, data, setup, stop, .. } = run;
    let mut learner = learner(run, begun(run, listener)?)?;
    let momentum = recipe.schedule.momentum(Moment { epoch: 0, batch: 0 }, setup.length(recipe));
    let (mut found, mut mean) = (FoundRates::default(), 0.0);
    let is_last_smaller = setup.batches > 1 && setup.batches * recipe.batch_size > data.train.len();
    let mut done = 0;
    for epoch in 0.. {
        let before = done;
        for (batch, number) in load(&training_job(recipe, data, setup, (epoch, 0))).zip(1..) {
            let batch = batch?;
            batch.skipped.iter().for_each(|one| listener(Event::Skipped(one)));
            // A last batch that is smaller says something else.
            if batch.is_empty() || (number == setup.batches && is_last_smaller) {
                continue;
            }
            let share = done as f64 / (FINDER_STEPS - 1) as f64;
            let learning_rate = RATES[0] * (RATES[1] / RATES[0]).powf(share);
            let (pictures, step) = (batch.len(), done as u64 + 1);
            let told = StepInputs { learning_rate, momentum, step, seed: recipe.seed };
            let loss = learner.step(batch, told)?.loss;
            done += 1;
            listener(Event::Stepped { epoch: 1, batch: done, pictures, loss });
            if !found.add(learning_rate, loss, &mut mean) || done == FINDER_STEPS || stop.load(Ordering::Relaxed) {
                return Ok(found);
            }
        }
        if done == before {
            break;
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The finder's answer to these losses.
    fn found(losses: impl Fn(f64) -> f64) -> FoundRates {
        let (mut found, mut mean) = (FoundRates::default(), 0.0);
        for step in 0..FINDER_STEPS {
            let rate = RATES[0] * (RATES[1] / RATES[0]).powf(step as f64 / (FINDER_STEPS - 1) as f64);
            if !found.add(rate, losses(rate), &mut mean) {
                break;
            }
        }
        found
    }

    #[test]
    fn at_most_a_tenth_of_the_rate_of_the_lowest_loss_is_proposed() {
        let valley = |rate: f64| if rate > 0.5 { 100.0 * rate } else { 2.0 - rate.log10().max(-4.0) / 8.0 - 0.5 };
        let found = found(valley);
        let (lowest, steepest) = (found.lowest().expect("one"), found.steepest().expect("one"));
        assert!(found.ran_away && found.steps.len() < FINDER_STEPS, "{}", found.steps.len());
        assert!(lowest.rate < 0.5 && lowest.rate > 0.2 && steepest.rate <= lowest.rate, "{lowest:?} {steepest:?}");
        let proposal = found.proposal().expect("a rate");
        assert!((proposal / lowest.rate - 0.1).abs() < 0.005, "{proposal}");
    }

    /// A loss that falls at once and stays there, as where a network learns its last bias alone, has its minimum anywhere.
    #[test]
    fn where_the_loss_falls_early_its_slope_is_proposed() {
        let found = found(|rate| 2.3 + 0.2 / (1.0 + (rate / 1e-3).powi(3)) - 1e-4 * rate.log10());
        let (proposal, steepest) = (found.proposal().expect("a rate"), found.steepest().expect("one").rate);
        assert!((1e-3..3e-3).contains(&proposal) && (proposal / steepest - 1.0).abs() < 0.05, "{proposal} {steepest}");
    }

    #[test]
    fn where_nothing_falls_nothing_is_proposed() {
        let flat = found(|rate| 1.0 + rate);
        assert_eq!((flat.proposal(), flat.lowest().map(|step| step.rate)), (None, Some(1e-7)));
        let worse = found(|_| f64::NAN);
        assert!(worse.ran_away && worse.steps.is_empty() && worse.proposal().is_none() && worse.steepest().is_none());
        let odd = found(|rate| if rate > 1e-3 { f64::INFINITY } else { 1.0 - rate });
        assert!(odd.ran_away && odd.steps.iter().all(|step| step.smooth.is_finite()) && odd.proposal().is_some());
    }
}
