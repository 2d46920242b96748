//! How much of a value's range is kept: bytes stand for what is inside, and what is outside becomes the nearest end.

use super::histogram::Histogram;
use cnnc_compiler::element::Quantisation;
use std::fmt;

/// Shares of the range that are tried where one is looked for.
const TRIED: usize = 96;

/// How the range of a value is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Clipping {
    /// All of it.
    MinMax,
    /// All but one number in 10,000 at either end.
    Percentile,
    /// That of the smallest mean of squared differences.
    #[default]
    SquaredError,
}

impl Clipping {
    /// All of them.
    pub const ALL: [Clipping; 3] = [Clipping::MinMax, Clipping::Percentile, Clipping::SquaredError];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Clipping::MinMax => "min-max",
            Clipping::Percentile => "percentile",
            Clipping::SquaredError => "mse",
        }
    }
}

/// Its name.
impl fmt::Display for Clipping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The range that is kept; `None` of a value without numbers.
pub fn range(histogram: &Histogram, clipping: Clipping) -> Option<[f32; 2]> {
    let whole = histogram.range()?;
    Some(match clipping {
        Clipping::MinMax => whole,
        Clipping::Percentile => percentile(histogram, whole),
        Clipping::SquaredError => best(histogram, whole),
    })
}

/// Without the rarest numbers at either end; an end at nought stays.
fn percentile(histogram: &Histogram, [low, high]: [f32; 2]) -> [f32; 2] {
    let most = histogram.total() / 10_000;
    let end = |mut bins: Box<dyn Iterator<Item = (f32, u64)> + '_>, whole: f32| {
        let mut seen = 0;
        let found = bins.find(|(_, count)| {
            seen += count;
            seen > most
        });
        found.map_or(whole, |(middle, _)| middle)
    };
    let bins: Vec<(f32, u64)> = histogram.bins().collect();
    let [from, to] = [end(Box::new(bins.iter().copied()), low), end(Box::new(bins.iter().rev().copied()), high)];
    [if low >= 0.0 { low } else { from.max(low) }, if high <= 0.0 { high } else { to.min(high) }]
}

/// The share of the range, both ends alike, of the smallest error.
fn best(histogram: &Histogram, [low, high]: [f32; 2]) -> [f32; 2] {
    let ranges = (1..=TRIED).map(|share| [low, high].map(|end| end * share as f32 / TRIED as f32));
    let errors = ranges.map(|range| (histogram.noise(Quantisation::of_range(range[0], range[1])), range));
    // The larger of equal ones: nothing is cut off for nothing.
    let least = errors.min_by(|(a, one), (b, other)| a.total_cmp(b).then(other[1].total_cmp(&one[1])));
    least.map_or([low, high], |(_, range)| range)
}
