//! `OneCycleLR` (Smith and Topin, "Super-convergence", 2017): the rate goes up and down once, and the momentum the other way.

use super::curve::{cosine, length};

/// Its options; names and defaults are PyTorch's.
#[derive(Clone, Debug, PartialEq)]
pub struct OneCycle {
    /// How long.
    pub total_steps: Option<usize>,
    /// The share of the run that goes up.
    pub pct_start: f64,
    /// The rate is this many times the one at the start.
    pub div_factor: f64,
    /// The rate at the start is this many times the one at the end.
    pub final_div_factor: f64,
    /// Whether what lies between is a straight line, and no cosine.
    pub is_linear: bool,
    /// Whether the way down is as long as that up, and a third phase goes from there to the end.
    pub three_phase: bool,
    /// The momentum where the rate is highest, and that at start and end; `None` leaves the optimiser's own.
    pub momenta: Option<[f64; 2]>,
}

impl Default for OneCycle {
    fn default() -> Self {
        let (total_steps, pct_start, momenta) = (None, 0.3, Some([0.85, 0.95]));
        let (div_factor, final_div_factor, is_linear, three_phase) = (25.0, 1e4, false, false);
        OneCycle { total_steps, pct_start, div_factor, final_div_factor, is_linear, three_phase, momenta }
    }
}

/// A part of the way: when it is over, and which of start, top and end it goes to.
struct Phase {
    end: f64,
    rate: f64,
    momentum: f64,
}

impl OneCycle {
    /// The rate at a time, once its length is written out.
    pub fn rate(&self, base: f64, time: usize) -> f64 {
        self.at(base, [0.0; 2], time).rate
    }

    /// The momentum at a time, where it changes.
    pub fn momentum(&self, time: usize) -> Option<f64> {
        Some(self.at(1.0, self.momenta?, time).momentum)
    }

    /// Where the cycle is at a time.
    fn at(&self, base: f64, [least, most]: [f64; 2], time: usize) -> Phase {
        let (t, whole) = (time as f64, length(self.total_steps));
        let start = base / self.div_factor;
        let (top, last) = (self.pct_start * whole - 1.0, whole - 1.0);
        let phase = |end, rate, momentum| Phase { end, rate, momentum };
        let lowest = start / self.final_div_factor;
        let way = match self.three_phase {
            true => vec![
                phase(top, base, least),
                phase(2.0 * self.pct_start * whole - 2.0, start, most),
                phase(last, lowest, most),
            ],
            false => vec![phase(top, base, least), phase(last, lowest, most)],
        };
        let mut from = phase(0.0, start, most);
        let count = way.len();
        for (number, to) in way.into_iter().enumerate() {
            if t <= to.end || number + 1 == count {
                let share = share(t, from.end, to.end);
                let between = |from: f64, to: f64| match self.is_linear {
                    true => from + (to - from) * share,
                    false => cosine(from, to, share),
                };
                return phase(t, between(from.rate, to.rate), between(from.momentum, to.momentum));
            }
            from = to;
        }
        from
    }
}

/// How far `t` is on the way between two times.
fn share(t: f64, from: f64, to: f64) -> f64 {
    if to > from { ((t - from) / (to - from)).clamp(0.0, 1.0) } else { 1.0 }
}
