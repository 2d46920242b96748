//! Some operations one after another, each of fourteen and all as strong (Cubuk et al. 2019).

use super::augment::{EVEN, USUAL};
use super::{Arguments, Misfit, Step};
use crate::pictures::Picture;
use crate::random::Draws;

/// `rand_augment`, `rand_augment: {num_ops: 2, magnitude: 9}`
#[derive(Clone, Debug, PartialEq)]
pub struct RandAugment {
    /// Operations.
    pub num_ops: usize,
    /// The step of strength.
    pub magnitude: usize,
    /// Steps of strength that there are.
    pub num_magnitude_bins: usize,
}

impl Step for RandAugment {
    const NAME: &'static str = "rand_augment";
    const NEEDS_PIXELS: bool = true;

    fn read(arguments: &mut dyn Arguments) -> Option<RandAugment> {
        let num_ops = arguments.count("num_ops", Some(2), 0, 100);
        let bins = arguments.count("num_magnitude_bins", Some(31), 2, 1000);
        let magnitude = arguments.count("magnitude", Some(9.min(bins? - 1)), 0, bins? - 1);
        Some(RandAugment { num_ops: num_ops?, magnitude: magnitude?, num_magnitude_bins: bins? })
    }

    fn apply(&self, picture: Picture, draws: &mut Draws) -> Result<Picture, Misfit> {
        (0..self.num_ops).try_fold(picture, |picture, _| {
            let operation = EVEN[draws.below(EVEN.len())];
            USUAL.apply(picture, operation, [self.magnitude, self.num_magnitude_bins], draws)
        })
    }
}
