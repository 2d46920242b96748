//! Curves: a rate comes in, and what it is at a time goes out, by PyTorch's formulas.

use super::one_cycle::OneCycle;
use super::plateau::Plateau;
use crate::train::Record;
use std::f64::consts::PI;

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
    /// At each milestone times a factor of its own: Darknet's `steps` and `scales`.
    Scales {
        /// When and by how much, in rising order.
        milestones: Vec<(usize, f64)>,
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
    /// `OneCycleLR`: up to the rate and down to almost nothing.
    OneCycle(OneCycle),
    /// `ReduceLROnPlateau`: times a factor after some epochs that were no better.
    Plateau(Plateau),
}

impl Curve {
    /// The rate at a time, once lengths are written out, after these epochs without those of the warm-up.
    pub fn rate(&self, base: f64, time: usize, records: &[Record]) -> f64 {
        let t = time as f64;
        match self {
            Curve::Constant => base,
            Curve::Step { step_size, gamma } => base * gamma.powf((time / step_size.max(&1)) as f64),
            Curve::MultiStep { milestones, gamma } => {
                base * gamma.powf(milestones.iter().filter(|&&milestone| milestone <= time).count() as f64)
            }
            Curve::Scales { milestones } => {
                let over = milestones.iter().filter(|(milestone, _)| *milestone <= time);
                over.fold(base, |rate, (_, gamma)| rate * gamma)
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
            Curve::OneCycle(cycle) => cycle.rate(base, time),
            Curve::Plateau(plateau) => plateau.rate(base, records),
        }
    }

    /// The length that may be left open.
    pub fn open_length(&mut self) -> Option<&mut Option<usize>> {
        match self {
            Curve::Cosine { t_max: open, .. }
            | Curve::Linear { total_iters: open, .. }
            | Curve::Polynomial { total_iters: open, .. }
            | Curve::OneCycle(OneCycle { total_steps: open, .. }) => Some(open),
            _ => None,
        }
    }
}

pub(super) fn length(open: Option<usize>) -> f64 {
    open.unwrap_or(1).max(1) as f64
}

/// Half a cosine from one rate to another.
pub(super) fn cosine(from: f64, to: f64, share: f64) -> f64 {
    to + (from - to) / 2.0 * (1.0 + (PI * share).cos())
}
