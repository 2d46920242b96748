//! Two operations with their probabilities and strengths, of twenty-five pairs that were found for ImageNet (Cubuk et al. 2018).

use super::augment::Operation::{
    self, AutoContrast, Color, Contrast, Equalize, Invert, Posterize, Rotate, Sharpness, ShearX, Solarize,
};
use super::augment::USUAL;
use super::{Arguments, Misfit, Step};
use crate::pictures::Picture;
use crate::random::Draws;

/// Steps of strength that the paper counts.
const STEPS: usize = 10;

/// An operation, how often of ten times it is done, and the step of its strength.
type Chance = (Operation, u8, usize);

/// The pairs, in the paper's order; some are there twice, as there.
#[rustfmt::skip]
const PAIRS: [[Chance; 2]; 25] = [
    [(Posterize, 4, 8), (Rotate, 6, 9)],       [(Solarize, 6, 5), (AutoContrast, 6, 0)],
    [(Equalize, 8, 0), (Equalize, 6, 0)],      [(Posterize, 6, 7), (Posterize, 6, 6)],
    [(Equalize, 4, 0), (Solarize, 2, 4)],      [(Equalize, 4, 0), (Rotate, 8, 8)],
    [(Solarize, 6, 3), (Equalize, 6, 0)],      [(Posterize, 8, 5), (Equalize, 10, 0)],
    [(Rotate, 2, 3), (Solarize, 6, 8)],        [(Equalize, 6, 0), (Posterize, 4, 6)],
    [(Rotate, 8, 8), (Color, 4, 0)],           [(Rotate, 4, 9), (Equalize, 6, 0)],
    [(Equalize, 0, 0), (Equalize, 8, 0)],      [(Invert, 6, 0), (Equalize, 10, 0)],
    [(Color, 6, 4), (Contrast, 10, 8)],        [(Rotate, 8, 8), (Color, 10, 2)],
    [(Color, 8, 8), (Solarize, 8, 7)],         [(Sharpness, 4, 7), (Invert, 6, 0)],
    [(ShearX, 6, 5), (Equalize, 10, 0)],       [(Color, 4, 0), (Equalize, 6, 0)],
    [(Equalize, 4, 0), (Solarize, 2, 4)],      [(Solarize, 6, 5), (AutoContrast, 6, 0)],
    [(Invert, 6, 0), (Equalize, 10, 0)],       [(Color, 6, 4), (Contrast, 10, 8)],
    [(Equalize, 8, 0), (Equalize, 6, 0)],
];

/// `auto_augment`
#[derive(Clone, Debug, PartialEq)]
pub struct AutoAugment;

impl Step for AutoAugment {
    const NAME: &'static str = "auto_augment";
    const NEEDS_PIXELS: bool = true;

    fn read(_arguments: &mut dyn Arguments) -> Option<AutoAugment> {
        Some(AutoAugment)
    }

    fn apply(&self, picture: Picture, draws: &mut Draws) -> Result<Picture, Misfit> {
        let pair = PAIRS[draws.below(PAIRS.len())];
        pair.into_iter().try_fold(picture, |picture, (operation, of_ten, step)| {
            if draws.uniform() > f64::from(of_ten) / 10.0 {
                return Ok(picture);
            }
            USUAL.apply(picture, operation, [step, STEPS], draws)
        })
    }
}
