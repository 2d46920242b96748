//! Batches of which each sample is mixed with the one before it, and its target with that one's: all numbers by a share (mixup,
//! Zhang et al. 2017), or a rectangle (CutMix, Yun et al. 2019), as torchvision's `MixUp` and `CutMix` do. The share is drawn
//! once a batch.

use crate::random::Draws;

/// How batches are mixed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mix {
    /// Both numbers of the beta distribution of mixup's share; `None` without mixup.
    pub mixup: Option<f64>,
    /// The same of CutMix's.
    pub cutmix: Option<f64>,
    /// The classes that a target tells apart.
    pub classes: usize,
}

/// What is done to one batch.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Change {
    /// The share that a sample keeps.
    Share(f64),
    /// Top, left, bottom and right of what comes from the other sample.
    Part([usize; 4]),
}

impl Mix {
    /// Mixes the samples of a batch, one after another, of channels, height and width, and their targets, a number for each
    /// class.
    pub(super) fn apply(&self, inputs: &mut [f32], shape: [usize; 3], targets: &mut [f32], draws: &mut Draws) {
        let [_, height, width] = shape;
        let change = self.draw([height, width], draws);
        let kept = match change {
            Change::Share(share) => share,
            Change::Part([top, left, bottom, right]) => {
                1.0 - ((bottom - top) * (right - left)) as f64 / (height * width) as f64
            }
        };
        mix(inputs, shape, change);
        let (kept, rest) = (kept as f32, (1.0 - kept) as f32);
        let before = targets.to_vec();
        let before = before.chunks_exact(self.classes.max(1));
        let before = before.clone().last().into_iter().chain(before);
        for (row, before) in targets.chunks_exact_mut(self.classes.max(1)).zip(before) {
            row.iter_mut().zip(before).for_each(|(value, other)| *value = other * rest + *value * kept);
        }
    }

    fn draw(&self, [height, width]: [usize; 2], draws: &mut Draws) -> Change {
        let is_cut = match (self.mixup, self.cutmix) {
            (Some(_), Some(_)) => draws.uniform() < 0.5,
            (_, cutmix) => cutmix.is_some(),
        };
        let share = beta(if is_cut { self.cutmix } else { self.mixup }.unwrap_or(1.0), draws);
        if !is_cut {
            return Change::Share(share);
        }
        let (column, row) = (draws.below(width), draws.below(height));
        let half = 0.5 * (1.0 - share).sqrt();
        let [down, across] = [height, width].map(|side| (half * side as f64) as usize);
        let (bottom, right) = ((row + down).min(height), (column + across).min(width));
        Change::Part([row.saturating_sub(down), column.saturating_sub(across), bottom, right])
    }
}

/// Mixes each sample with the one before it, the first with the last.
fn mix(inputs: &mut [f32], [channels, height, width]: [usize; 3], change: Change) {
    let size = channels * height * width;
    let Some(last) = inputs.len().checked_sub(size).filter(|_| size > 0) else { return };
    let mut before = inputs[last..].to_vec();
    for sample in inputs.chunks_exact_mut(size) {
        let own = sample.to_vec();
        match change {
            Change::Share(share) => {
                let (share, rest) = (share as f32, (1.0 - share) as f32);
                sample.iter_mut().zip(&before).for_each(|(value, other)| *value = other * rest + *value * share);
            }
            Change::Part([top, left, bottom, right]) => {
                for row in (0..channels).flat_map(|channel| (top..bottom).map(move |row| channel * height + row)) {
                    let part = row * width + left..row * width + right;
                    sample[part.clone()].copy_from_slice(&before[part]);
                }
            }
        }
        before = own;
    }
}

/// A number of the beta distribution of twice the same number.
fn beta(alpha: f64, draws: &mut Draws) -> f64 {
    let (first, second) = (gamma(alpha, draws), gamma(alpha, draws));
    // Of very small numbers both may vanish: then it is one end or the other.
    if first + second > 0.0 { first / (first + second) } else { draws.uniform().round() }
}

/// A number of the gamma distribution (Marsaglia & Tsang 2000).
fn gamma(alpha: f64, draws: &mut Draws) -> f64 {
    if alpha < 1.0 {
        let root = libm::pow(1.0 - draws.uniform(), 1.0 / alpha);
        return gamma(alpha + 1.0, draws) * root;
    }
    let d = alpha - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        // Box and Muller; 1 − u lies in (0, 1], where the logarithm is finite.
        let radius = (-2.0 * libm::log(1.0 - draws.uniform())).sqrt();
        let normal = radius * libm::cos(std::f64::consts::TAU * draws.uniform());
        let cube = (1.0 + c * normal).powi(3);
        if cube > 0.0 && libm::log(1.0 - draws.uniform()) < 0.5 * normal * normal + d - d * cube + d * libm::log(cube) {
            return d * cube;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `x.roll(1, 0).mul(0.75).add(x * 0.25)`, and `x.clone()` with `x.roll(1, 0)[..., 0:1, 1:3]` in it, in PyTorch.
    #[test]
    fn samples_are_mixed_with_the_ones_before() {
        let batch: Vec<f32> = (0..12).map(|value| value as f32).collect();
        let mixed = |change| {
            let mut inputs = batch.clone();
            mix(&mut inputs, [1, 2, 3], change);
            inputs
        };
        let shared = mixed(Change::Share(0.25));
        assert_eq!(shared, [4.5, 5.5, 6.5, 7.5, 8.5, 9.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5]);
        let cut = mixed(Change::Part([0, 1, 1, 3]));
        assert_eq!(cut, [0.0, 7.0, 8.0, 3.0, 4.0, 5.0, 6.0, 1.0, 2.0, 9.0, 10.0, 11.0]);
    }

    #[test]
    fn targets_have_the_shares_of_what_is_seen() {
        let ones = |sample: usize| vec![sample as f32; 64];
        for (mixup, cutmix) in [(Some(0.4), None), (None, Some(1.0)), (Some(0.2), Some(1.0))] {
            let mix = Mix { mixup, cutmix, classes: 4 };
            for batch in 0..50 {
                let mut inputs = [ones(0), ones(10), ones(20)].concat();
                let mut draws = Draws::of_sample(0, 0, batch);
                let mut targets = [0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0];
                mix.apply(&mut inputs, [1, 8, 8], &mut targets, &mut draws);
                assert!(targets.chunks(4).all(|row| (row.iter().sum::<f32>() - 1.0).abs() < 1e-6));
                // The second sample is 10 mixed with 0, the label 0 with the label 3.
                let mean = inputs[64..128].iter().sum::<f32>() / 64.0;
                assert!((mean / 10.0 - targets[4]).abs() < 1e-5, "{mean} and {targets:?}");
                assert!((targets[8] - 1.0).abs() < 1e-6, "a class mixed with itself is itself");
            }
        }
    }

    #[test]
    fn shares_are_of_the_beta_distribution() {
        for alpha in [0.2, 1.0, 3.0] {
            let shares: Vec<f64> = (0..20_000).map(|sample| beta(alpha, &mut Draws::of_sample(1, 0, sample))).collect();
            let mean = shares.iter().sum::<f64>() / shares.len() as f64;
            let variance = shares.iter().map(|share| (share - mean).powi(2)).sum::<f64>() / shares.len() as f64;
            let expected = 1.0 / (4.0 * (2.0 * alpha + 1.0));
            assert!(
                (mean - 0.5).abs() < 0.01 && (variance / expected - 1.0).abs() < 0.05,
                "{alpha}: {mean} {variance}"
            );
            assert!(shares.iter().all(|share| (0.0..=1.0).contains(share)));
        }
    }
}
