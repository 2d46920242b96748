//! What was measured epoch by epoch: the lines of `log.jsonl`, the best epoch, and whether to end early.
//!
//! What is decided here is a function of the recorded bits alone, which a checkpoint keeps.

use super::exact;
use super::recipe::{EarlyStopping, Monitor};
use serde::{Deserialize, Serialize};

/// One epoch: a line of the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Its number, from 1.
    pub epoch: usize,
    /// The mean of the loss over the training set, each batch before its step.
    #[serde(with = "exact")]
    pub train_loss: f64,
    /// The share of the training set that was right, each batch before its step; absent where the loss does not tell.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub train_accuracy: Option<f64>,
    /// The mean of the loss over the validation set, after the epoch.
    #[serde(with = "exact")]
    pub val_loss: f64,
    /// The share of the validation set that is right, after the epoch; absent where numbers are learnt.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub val_accuracy: Option<f64>,
    /// The mean of the classes' average precision on the validation set; absent but where pictures may have several classes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub val_map: Option<f64>,
    /// The learning rate of the epoch's last batch.
    #[serde(with = "exact")]
    pub learning_rate: f64,
    /// Seconds that the epoch's steps took, those before it was gone on with too, and its validation.
    #[serde(with = "exact")]
    pub seconds: f64,
    /// Pictures of the training set a second, loading included and validation not.
    #[serde(with = "exact")]
    pub images_per_second: f64,
}

impl Record {
    /// What is looked at; no number where it was not measured.
    pub fn monitored(&self, monitor: Monitor) -> f64 {
        match monitor {
            Monitor::ValidationAccuracy => self.val_accuracy.unwrap_or(f64::NAN),
            Monitor::ValidationMap => self.val_map.unwrap_or(f64::NAN),
            Monitor::ValidationLoss => self.val_loss,
        }
    }
}

/// All epochs so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// In order.
    pub records: Vec<Record>,
}

impl History {
    /// The best epoch's record, the first of equals: an epoch that is only as good as one before is not the best. What is no
    /// number is worse than any number and any infinity.
    pub fn best(&self, monitor: Monitor) -> Option<&Record> {
        let better = |a: &Record, b: &Record| improvement(monitor, b, a) > 0.0;
        self.records.iter().fold(None, |best, record| match best {
            Some(best) if !better(record, best) => Some(best),
            _ => Some(record),
        })
    }

    /// Of each epoch whether it was the best so far.
    pub fn bests(&self, monitor: Monitor) -> Vec<bool> {
        let mut best: Option<&Record> = None;
        let is_best = |record| {
            let is_best = best.is_none_or(|best| improvement(monitor, best, record) > 0.0);
            best = if is_best { Some(record) } else { best };
            is_best
        };
        self.records.iter().map(is_best).collect()
    }

    /// Whether the last epoch is the best.
    pub fn last_is_best(&self, monitor: Monitor) -> bool {
        match (self.best(monitor), self.records.last()) {
            (Some(best), Some(last)) => best.epoch == last.epoch,
            _ => false,
        }
    }

    /// Whether so many epochs in a row were no better that it is time to end.
    pub fn is_over(&self, monitor: Monitor, early: Option<EarlyStopping>) -> bool {
        let Some(early) = early else { return false };
        let Some(mut best) = self.records.first() else { return false };
        let mut worse = 0;
        for record in &self.records[1..] {
            if improvement(monitor, best, record) > early.min_delta {
                (best, worse) = (record, 0);
            } else {
                worse += 1;
            }
            if worse >= early.patience {
                return true;
            }
        }
        false
    }
}

/// By how much the second is better than the first.
fn improvement(monitor: Monitor, from: &Record, to: &Record) -> f64 {
    let [from, to] = [from, to].map(|record| match monitor {
        Monitor::ValidationAccuracy | Monitor::ValidationMap => record.monitored(monitor),
        Monitor::ValidationLoss => -record.monitored(monitor),
    });
    match (from.is_nan(), to.is_nan()) {
        (true, false) => f64::INFINITY,
        (_, true) => f64::NEG_INFINITY,
        (false, false) => to - from,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(accuracies: &[f64]) -> History {
        let record = |(index, &val_accuracy): (usize, &f64)| Record {
            epoch: index + 1,
            train_loss: 1.0,
            train_accuracy: None,
            val_loss: 1.0 - val_accuracy,
            val_accuracy: Some(val_accuracy),
            val_map: None,
            learning_rate: 0.1,
            seconds: 1.0,
            images_per_second: 1.0,
        };
        History { records: accuracies.iter().enumerate().map(record).collect() }
    }

    #[test]
    fn the_best_is_the_first_of_equals() {
        let best = |accuracies: &[f64]| history(accuracies).best(Monitor::ValidationAccuracy).map(|best| best.epoch);
        assert_eq!(best(&[0.5, 0.7, 0.7, 0.6]), Some(2));
        assert_eq!(best(&[f64::NAN, 0.2]), Some(2));
        assert_eq!(best(&[f64::NEG_INFINITY, f64::NEG_INFINITY, f64::NAN]), Some(1));
        assert_eq!(best(&[f64::NAN, f64::NEG_INFINITY, f64::NAN]), Some(2));
        assert_eq!(best(&[0.3, f64::NEG_INFINITY, 0.3, f64::NAN]), Some(1));
        assert_eq!(best(&[]), None);
        let bests = history(&[0.5, 0.4, 0.7, 0.7, f64::NAN]).bests(Monitor::ValidationAccuracy);
        assert_eq!(bests, [true, false, true, false, false]);
        assert_eq!(history(&[0.5, 0.7]).best(Monitor::ValidationLoss).map(|best| best.epoch), Some(2));
        assert!(history(&[0.5, 0.7]).last_is_best(Monitor::ValidationLoss));
        assert!(!history(&[0.7, 0.7]).last_is_best(Monitor::ValidationAccuracy));
    }

    #[test]
    fn it_is_over_after_patience_without_a_better_one() {
        let over = |accuracies: &[f64], patience, min_delta| {
            history(accuracies).is_over(Monitor::ValidationAccuracy, Some(EarlyStopping { patience, min_delta }))
        };
        assert!(!over(&[0.5, 0.4, 0.6, 0.5], 2, 0.0));
        assert!(over(&[0.5, 0.4, 0.5], 2, 0.0));
        assert!(over(&[0.5, 0.505, 0.509], 2, 0.01));
        assert!(!over(&[0.5, 0.505, 0.511], 2, 0.01));
        assert!(!history(&[0.5, 0.4, 0.3]).is_over(Monitor::ValidationAccuracy, None));
    }
}
