//! Learning rates over time, by PyTorch's formulas (`torch.optim.lr_scheduler`).
//!
//! A rate is a function of the time alone, in epochs or in batches, so that a run that goes on from a checkpoint needs no state.

use std::f64::consts::PI;

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

/// The curve of a schedule; lengths are in its unit, and where one is left open it is the whole run without the warm-up.
#[derive(Clone, Debug, PartialEq)]
pub enum Curve {
    /// The same rate always.
    Constant,
    /// `StepLR`: times `gamma` after every `step_size`.
    Step {
        /// How often.
        step_size: usize,
        /// The factor.
        gamma: f64,
    },
    /// `MultiStepLR`: times `gamma` at each milestone.
    MultiStep {
        /// When, in rising order.
        milestones: Vec<usize>,
        /// The factor.
        gamma: f64,
    },
    /// `ExponentialLR`: times `gamma` each time.
    Exponential {
        /// The factor.
        gamma: f64,
    },
    /// `PolynomialLR`: down to nothing by a power of what is left.
    Polynomial {
        /// The power.
        power: f64,
        /// How long.
        total_iters: Option<usize>,
    },
    /// `CosineAnnealingWarmRestarts`: half a cosine down to `eta_min`, again and again, each `t_mult` times as long.
    CosineWarmRestarts {
        /// How long the first is.
        t_0: usize,
        /// The factor.
        t_mult: usize,
        /// The lowest rate.
        eta_min: f64,
    },
    /// `CosineAnnealingLR`: half a cosine down to `eta_min`.
    Cosine {
        /// How long.
        t_max: Option<usize>,
        /// The lowest rate.
        eta_min: f64,
    },
    /// `LinearLR`: a straight line between two factors, then the second.
    Linear {
        /// The first factor.
        start_factor: f64,
        /// The last factor.
        end_factor: f64,
        /// How long.
        total_iters: Option<usize>,
    },
    /// `OneCycleLR` with two phases and without cycled momentum: a cosine up to the rate, another down to almost nothing.
    OneCycle {
        /// How long.
        total_steps: Option<usize>,
        /// The share of the run that goes up.
        pct_start: f64,
        /// The rate is this many times the one at the start.
        div_factor: f64,
        /// The rate at the start is this many times the one at the end.
        final_div_factor: f64,
    },
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
        if let Curve::Cosine { t_max: open, .. }
        | Curve::Linear { total_iters: open, .. }
        | Curve::Polynomial { total_iters: open, .. }
        | Curve::OneCycle { total_steps: open, .. } = &mut resolved.curve
        {
            open.get_or_insert(rest);
        }
        resolved
    }

    /// The rate at a moment of a run of that length, of a rate of `base`.
    pub fn learning_rate(&self, base: f64, moment: Moment, length: Length) -> f64 {
        let time = match self.unit {
            Unit::Epoch => moment.epoch,
            Unit::Batch => moment.epoch * length.batches + moment.batch,
        };
        match self.warmup {
            Some(Warmup { length, start_factor }) if time < length => {
                base * (start_factor + (1.0 - start_factor) * time as f64 / length as f64)
            }
            warmup => {
                let time = time - warmup.map_or(0, |warmup| warmup.length);
                self.resolved(length).curve.rate(base, time)
            }
        }
    }
}

impl Curve {
    /// The rate at a time, once lengths are written out.
    fn rate(&self, base: f64, time: usize) -> f64 {
        let t = time as f64;
        match self {
            Curve::Constant => base,
            Curve::Step { step_size, gamma } => base * gamma.powf((time / step_size.max(&1)) as f64),
            Curve::MultiStep { milestones, gamma } => {
                base * gamma.powf(milestones.iter().filter(|&&milestone| milestone <= time).count() as f64)
            }
            Curve::Exponential { gamma } => base * gamma.powf(t),
            Curve::Polynomial { power, total_iters } => base * (1.0 - (t / length(*total_iters)).min(1.0)).powf(*power),
            Curve::CosineWarmRestarts { t_0, t_mult, eta_min } => {
                let (mut since, mut long) = (time, (*t_0).max(1));
                if *t_mult <= 1 {
                    since %= long;
                }
                while since >= long {
                    since -= long;
                    long = long.saturating_mul(*t_mult);
                }
                cosine(base, *eta_min, since as f64 / long as f64)
            }
            Curve::Cosine { t_max, eta_min } => {
                eta_min + (base - eta_min) * (1.0 + (PI * t / length(*t_max)).cos()) / 2.0
            }
            Curve::Linear { start_factor, end_factor, total_iters } => {
                let share = (t / length(*total_iters)).min(1.0);
                base * (start_factor + (end_factor - start_factor) * share)
            }
            Curve::OneCycle { total_steps, pct_start, div_factor, final_div_factor } => {
                let (start, last) = (base / div_factor, length(*total_steps) - 1.0);
                let top = pct_start * length(*total_steps) - 1.0;
                if t <= top {
                    cosine(start, base, share(t, 0.0, top))
                } else {
                    cosine(base, start / final_div_factor, share(t, top, last))
                }
            }
        }
    }
}

fn length(open: Option<usize>) -> f64 {
    open.unwrap_or(1).max(1) as f64
}

/// How far `t` is on the way between two times.
fn share(t: f64, from: f64, to: f64) -> f64 {
    if to > from { ((t - from) / (to - from)).clamp(0.0, 1.0) } else { 1.0 }
}

/// Half a cosine from one rate to another.
fn cosine(from: f64, to: f64, share: f64) -> f64 {
    to + (from - to) / 2.0 * (1.0 + (PI * share).cos())
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: &[f64] = &[0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.025, 0.025, 0.025, 0.0125];
    const MULTI_STEP: &[f64] = &[0.1, 0.1, 0.01, 0.01, 0.01, 0.001, 0.001, 0.001, 0.001, 0.001];
    const COSINE: &[f64] = &[
        0.1,
        0.0977975432333,
        0.0914057647469,
        0.0814503363532,
        0.0689057647469,
        0.055,
        0.0410942352531,
        0.0285496636468,
        0.0185942352531,
        0.0122024567667,
    ];
    const LINEAR: &[f64] = &[0.025, 0.04375, 0.0625, 0.08125, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1];
    const ONE_CYCLE: &[f64] = &[
        0.004,
        0.052,
        0.1,
        0.0950484632013,
        0.081174565395,
        0.0611262021936,
        0.0388741978064,
        0.018825834605,
        0.00495193679865,
        4e-07,
    ];
    const POLYNOMIAL: &[f64] = &[0.1, 0.0765625, 0.05625, 0.0390625, 0.025, 0.0140625, 0.00625, 0.0015625, 0.0, 0.0];
    const EXPONENTIAL: &[f64] =
        &[0.1, 0.08, 0.064, 0.0512, 0.04096, 0.032768, 0.0262144, 0.02097152, 0.016777216, 0.0134217728];
    const WARM_RESTARTS: &[f64] = &[
        0.1,
        0.055,
        0.1,
        0.0868198051534,
        0.055,
        0.0231801948466,
        0.1,
        0.096574578963,
        0.0868198051534,
        0.0722207544564,
    ];
    const WARMUP: &[f64] = &[
        0.01,
        0.04,
        0.07,
        0.1,
        0.0950484433951,
        0.0811744900929,
        0.0611260466978,
        0.0388739533022,
        0.0188255099071,
        0.00495155660488,
    ];

    /// The rates of the first times of a schedule by epochs, at a rate of 0.1 in a run of 10 epochs of 5 batches.
    fn rates(curve: Curve, warmup: Option<Warmup>) -> Vec<f64> {
        let schedule = Schedule { curve, unit: Unit::Epoch, warmup };
        let length = Length { epochs: 10, batches: 5 };
        (0..10).map(|epoch| schedule.learning_rate(0.1, Moment { epoch, batch: 3 }, length)).collect()
    }

    #[track_caller]
    fn close(found: &[f64], expected: &[f64]) {
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9), "{found:?}");
    }

    /// Figures of torch.optim.lr_scheduler, torch 2.15: `get_last_lr()` before each of ten `step()`s.
    #[test]
    fn rates_are_those_of_pytorch() {
        close(&rates(Curve::Constant, None), &[0.1; 10]);
        close(&rates(Curve::Step { step_size: 3, gamma: 0.5 }, None), STEP);
        close(&rates(Curve::MultiStep { milestones: vec![2, 5], gamma: 0.1 }, None), MULTI_STEP);
        close(&rates(Curve::Cosine { t_max: None, eta_min: 0.01 }, None), COSINE);
        let linear = Curve::Linear { start_factor: 0.25, end_factor: 1.0, total_iters: Some(4) };
        close(&rates(linear, None), LINEAR);
        close(&rates(Curve::Polynomial { power: 2.0, total_iters: Some(8) }, None), POLYNOMIAL);
        close(&rates(Curve::Exponential { gamma: 0.8 }, None), EXPONENTIAL);
        close(&rates(Curve::CosineWarmRestarts { t_0: 2, t_mult: 2, eta_min: 0.01 }, None), WARM_RESTARTS);
        let one_cycle =
            Curve::OneCycle { total_steps: None, pct_start: 0.3, div_factor: 25.0, final_div_factor: 10000.0 };
        close(&rates(one_cycle, None), ONE_CYCLE);
        let warmup = Warmup { length: 3, start_factor: 0.1 };
        close(&rates(Curve::Cosine { t_max: None, eta_min: 0.0 }, Some(warmup)), WARMUP);
    }

    #[test]
    fn batches_can_be_counted_too() {
        let schedule = Schedule { curve: Curve::Step { step_size: 7, gamma: 0.5 }, unit: Unit::Batch, warmup: None };
        let rate =
            |epoch, batch| schedule.learning_rate(1.0, Moment { epoch, batch }, Length { epochs: 2, batches: 5 });
        assert_eq!([rate(0, 4), rate(1, 1), rate(1, 2)], [1.0, 1.0, 0.5]);
    }

    #[test]
    fn the_shortest_runs_have_a_rate() {
        for epochs in 1..4 {
            let curve = Curve::OneCycle { total_steps: None, pct_start: 0.3, div_factor: 25.0, final_div_factor: 1e4 };
            let schedule = Schedule { curve, unit: Unit::Batch, warmup: None };
            let length = Length { epochs, batches: 1 };
            for epoch in 0..=epochs {
                let rate = schedule.learning_rate(0.1, Moment { epoch, batch: 0 }, length);
                assert!(rate.is_finite() && rate > 0.0, "{rate}");
            }
        }
    }
}
