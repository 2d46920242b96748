//! Learning rates over time, by PyTorch's formulas (`torch.optim.lr_scheduler`).
//!
//! A rate is a function of the time, in epochs or in batches, and of what the epochs that are over came to, so that a run that
//! goes on from a checkpoint needs no state.

mod curve;
mod one_cycle;
mod plateau;

pub use curve::Curve;
pub use one_cycle::OneCycle;
pub use plateau::Plateau;

use super::Record;

/// How the learning rate changes.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// The curve.
    pub curve: Curve,
    /// What its lengths count.
    pub unit: Unit,
    /// A start from low rates, before the curve.
    pub warmup: Option<Warmup>,
}

/// What a schedule counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// The rate changes after an epoch.
    Epoch,
    /// The rate changes after a batch.
    Batch,
}

/// `LinearLR` before the curve, as `SequentialLR` joins them: the curve then begins at its own start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Warmup {
    /// How long, in the schedule's unit.
    pub length: usize,
    /// The share of the rate at the start, in `0..=1`.
    pub start_factor: f64,
}

/// A moment of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Epochs that are over.
    pub epoch: usize,
    /// Batches of this epoch that are over.
    pub batch: usize,
}

/// How long a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Length {
    /// Epochs.
    pub epochs: usize,
    /// Batches of one epoch.
    pub batches: usize,
}

impl Schedule {
    /// The same rate always.
    pub fn constant() -> Schedule {
        Schedule { curve: Curve::Constant, unit: Unit::Epoch, warmup: None }
    }

    /// The schedule with every length that was left open written out for a run of that length.
    pub fn resolved(&self, length: Length) -> Schedule {
        let whole = match self.unit {
            Unit::Epoch => length.epochs,
            Unit::Batch => length.epochs * length.batches,
        };
        let rest = whole.saturating_sub(self.warmup.map_or(0, |warmup| warmup.length)).max(1);
        let mut resolved = self.clone();
        if let Some(open) = resolved.curve.open_length() {
            open.get_or_insert(rest);
        }
        resolved
    }

    /// The rate at a moment of a run of that length, of a rate of `base`, after these epochs.
    pub fn learning_rate(&self, base: f64, moment: Moment, length: Length, records: &[Record]) -> f64 {
        let time = self.time(moment, length);
        match self.warmup {
            Some(Warmup { length, start_factor }) if time < length => {
                base * (start_factor + (1.0 - start_factor) * time as f64 / length as f64)
            }
            warmup => {
                let before = warmup.map_or(0, |warmup| warmup.length);
                self.resolved(length).curve.rate(base, time - before, records.get(before..).unwrap_or_default())
            }
        }
    }

    /// The momentum, or the first of Adam's betas, at a moment of a run of that length, where the schedule changes it; in the
    /// warm-up that of the curve's start.
    pub fn momentum(&self, moment: Moment, length: Length) -> Option<f64> {
        let time = self.time(moment, length).saturating_sub(self.warmup.map_or(0, |warmup| warmup.length));
        match self.resolved(length).curve {
            Curve::OneCycle(cycle) => cycle.momentum(time),
            _ => None,
        }
    }

    /// Whether the schedule changes the momentum.
    pub fn changes_momentum(&self) -> bool {
        matches!(&self.curve, Curve::OneCycle(OneCycle { momenta: Some(_), .. }))
    }

    /// A moment in the schedule's unit.
    fn time(&self, moment: Moment, length: Length) -> usize {
        match self.unit {
            Unit::Epoch => moment.epoch,
            Unit::Batch => moment.epoch * length.batches + moment.batch,
        }
    }
}

#[cfg(test)]
mod tests;
