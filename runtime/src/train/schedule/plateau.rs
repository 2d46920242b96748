//! `ReduceLROnPlateau`: the epochs that are over come in, and the rate that is left after each that were no better goes out.
//!
//! It is a function of what was measured, which every checkpoint holds.

use crate::train::Record;
use crate::train::recipe::Monitor;

/// Its options; names and defaults are PyTorch's, and what it looks at is the recipe's `monitor`.
#[derive(Clone, Debug, PartialEq)]
pub struct Plateau {
    /// What is measured: of an accuracy more is better, of a loss less.
    pub monitor: Monitor,
    /// What the rate is multiplied by, above 0 and below 1.
    pub factor: f64,
    /// Epochs in a row that may be no better before it is.
    pub patience: usize,
    /// What is better is better by more than this.
    pub threshold: f64,
    /// Whether that is a share of the best, and no difference.
    pub is_relative: bool,
    /// Epochs after a change that are not counted.
    pub cooldown: usize,
    /// The least rate.
    pub min_lr: f64,
    /// A change by no more than this is none.
    pub eps: f64,
}

impl Plateau {
    /// The rate after these epochs.
    pub fn rate(&self, base: f64, records: &[Record]) -> f64 {
        let mut rate = base;
        let mut best = match self.monitor {
            Monitor::ValidationAccuracy | Monitor::ValidationMap => f64::NEG_INFINITY,
            Monitor::ValidationLoss => f64::INFINITY,
        };
        let (mut worse, mut cooldown) = (0, 0);
        for value in records.iter().map(|record| record.monitored(self.monitor)) {
            if self.is_better(value, best) {
                (best, worse) = (value, 0);
            } else {
                worse += 1;
            }
            if cooldown > 0 {
                (cooldown, worse) = (cooldown - 1, 0);
            }
            if worse > self.patience {
                let lower = (rate * self.factor).max(self.min_lr);
                rate = if rate - lower > self.eps { lower } else { rate };
                (cooldown, worse) = (self.cooldown, 0);
            }
        }
        rate
    }

    /// Never what is no number.
    fn is_better(&self, value: f64, best: f64) -> bool {
        match (self.monitor, self.is_relative) {
            (Monitor::ValidationAccuracy | Monitor::ValidationMap, true) => value > best * (1.0 + self.threshold),
            (Monitor::ValidationAccuracy | Monitor::ValidationMap, false) => value > best + self.threshold,
            (Monitor::ValidationLoss, true) => value < best * (1.0 - self.threshold),
            (Monitor::ValidationLoss, false) => value < best - self.threshold,
        }
    }
}
