//! One operation of fourteen, of random strength (Müller & Hutter 2021).

use super::augment::{EVEN, WIDE};
use super::{Arguments, Misfit, Step};
use crate::pictures::Picture;
use crate::random::Draws;

/// `trivial_augment_wide`
#[derive(Clone, Debug, PartialEq)]
pub struct TrivialAugmentWide {
    /// Steps of strength that there are.
    pub num_magnitude_bins: usize,
}

impl Step for TrivialAugmentWide {
    const NAME: &'static str = "trivial_augment_wide";
    const NEEDS_PIXELS: bool = true;

    fn read(arguments: &mut dyn Arguments) -> Option<TrivialAugmentWide> {
        Some(TrivialAugmentWide { num_magnitude_bins: arguments.count("num_magnitude_bins", Some(31), 2, 1000)? })
    }

    fn apply(&self, picture: Picture, draws: &mut Draws) -> Result<Picture, Misfit> {
        let operation = EVEN[draws.below(EVEN.len())];
        let step = draws.below(self.num_magnitude_bins);
        WIDE.apply(picture, operation, [step, self.num_magnitude_bins], draws)
    }
}
