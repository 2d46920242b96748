//! How often a value's numbers lie where, between the smallest and the largest of them.

use cnnc_compiler::element::Quantisation;

/// Bins of a histogram.
const BINS: usize = 8192;

/// Counts over equal bins.
pub struct Histogram {
    low: f32,
    high: f32,
    counts: Vec<u64>,
}

impl Histogram {
    /// Empty, over a range; none where its ends are no numbers.
    pub fn new([low, high]: [f32; 2]) -> Histogram {
        Histogram { low, high, counts: vec![0; BINS] }
    }

    /// Counts numbers; those that are not finite count nowhere.
    pub fn add(&mut self, numbers: &[f32]) {
        let factor = BINS as f32 / (self.high - self.low);
        if !factor.is_finite() {
            return;
        }
        for &number in numbers.iter().filter(|number| number.is_finite()) {
            self.counts[(((number - self.low) * factor) as usize).min(BINS - 1)] += 1;
        }
    }

    /// The smallest and the largest number; `None` where there was none.
    pub fn range(&self) -> Option<[f32; 2]> {
        (self.low <= self.high).then_some([self.low, self.high])
    }

    /// The middle of every bin in which there are numbers, and how many.
    pub fn bins(&self) -> impl Iterator<Item = (f32, u64)> + '_ {
        let width = (self.high - self.low) / BINS as f32;
        let middle = move |bin: usize| self.low + (bin as f32 + 0.5) * width;
        self.counts.iter().enumerate().filter(|(_, count)| **count > 0).map(move |(bin, &count)| (middle(bin), count))
    }

    /// The sum of the squares of what rounding the numbers to bytes changes.
    pub fn noise(&self, of: Quantisation) -> f64 {
        let step = f64::from(of.scale());
        let noise = |(number, count): (f32, u64)| {
            let missed = f64::from(of.number(of.byte(number)) - number);
            // What lies inside a step is spread over all of it.
            count as f64 * if missed.abs() <= step / 2.0 { step * step / 12.0 } else { missed * missed }
        };
        self.bins().map(noise).sum()
    }

    /// The power of the numbers over that of what rounding them to bytes changes, in decibels.
    pub fn signal_to_noise(&self, of: Quantisation) -> f64 {
        let signal: f64 = self.bins().map(|(number, count)| count as f64 * f64::from(number).powi(2)).sum();
        10.0 * (signal / self.noise(of).max(f64::MIN_POSITIVE)).log10()
    }

    /// How many numbers there are.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }
}
