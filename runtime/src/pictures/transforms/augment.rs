//! The operations that policies choose of, and how strong each is.

use super::warp::{self, Affine};
use super::{Misfit, color};
use crate::pictures::Picture;
use crate::random::Draws;

/// An operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Identity,
    ShearX,
    ShearY,
    TranslateX,
    TranslateY,
    Rotate,
    Brightness,
    Color,
    Contrast,
    Sharpness,
    Posterize,
    Solarize,
    AutoContrast,
    Equalize,
    Invert,
}

/// All that are chosen of evenly.
pub const EVEN: [Operation; 14] = [
    Operation::Identity,
    Operation::ShearX,
    Operation::ShearY,
    Operation::TranslateX,
    Operation::TranslateY,
    Operation::Rotate,
    Operation::Brightness,
    Operation::Color,
    Operation::Contrast,
    Operation::Sharpness,
    Operation::Posterize,
    Operation::Solarize,
    Operation::AutoContrast,
    Operation::Equalize,
];

/// How strong operations are at most.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Strengths {
    /// Of shears, as tangents.
    pub shear: f64,
    /// Pixels along width and height; `None` is 150 of 331.
    pub translate: Option<f64>,
    /// Degrees.
    pub rotate: f64,
    /// How much a factor is from 1.
    pub factor: f64,
    /// Bits of a pixel that are left out.
    pub bits: f64,
}

/// Those of AutoAugment and RandAugment.
pub const USUAL: Strengths = Strengths { shear: 0.3, translate: None, rotate: 30.0, factor: 0.9, bits: 4.0 };
/// Those of TrivialAugment.
pub const WIDE: Strengths = Strengths { shear: 0.99, translate: Some(32.0), rotate: 135.0, factor: 0.99, bits: 6.0 };

impl Strengths {
    /// What an operation is done by at one of `count` steps of strength, and whether it may go either way.
    pub fn magnitude(
        &self,
        operation: Operation,
        step: usize,
        count: usize,
        [height, width]: [usize; 2],
    ) -> (f64, bool) {
        let along = |most: f64| f64::from(evenly(most as f32, step, count));
        let across = |side: usize| along(self.translate.unwrap_or(150.0 / 331.0 * side as f64));
        match operation {
            Operation::Identity | Operation::AutoContrast | Operation::Equalize | Operation::Invert => (0.0, false),
            Operation::ShearX | Operation::ShearY => (along(self.shear), true),
            Operation::TranslateX => (across(width), true),
            Operation::TranslateY => (across(height), true),
            Operation::Rotate => (along(self.rotate), true),
            Operation::Brightness | Operation::Color | Operation::Contrast | Operation::Sharpness => {
                (along(self.factor), true)
            }
            Operation::Posterize => {
                let left_out = step as f32 / ((count.max(2) - 1) as f32 / self.bits as f32);
                (f64::from((8.0 - left_out).round_ties_even()), false)
            }
            Operation::Solarize => (1.0 - along(1.0), false),
        }
    }

    /// Does an operation at one of `count` steps of strength, this way or the other.
    pub fn apply(
        &self,
        picture: Picture,
        operation: Operation,
        [step, count]: [usize; 2],
        draws: &mut Draws,
    ) -> Result<Picture, Misfit> {
        let (magnitude, is_signed) = self.magnitude(operation, step, count, [picture.height, picture.width]);
        let is_turned = is_signed && draws.uniform() <= 0.5;
        Ok(operation.apply(picture, if is_turned { -magnitude } else { magnitude }))
    }
}

/// One of `count` numbers from 0 to another, as PyTorch's `linspace` has them.
fn evenly(most: f32, step: usize, count: usize) -> f32 {
    let last = count.max(2) - 1;
    let width = most / last as f32;
    if step < count / 2 { width * step as f32 } else { most - width * (last - step.min(last)) as f32 }
}

impl Operation {
    /// Does it, by so much.
    pub fn apply(self, picture: Picture, magnitude: f64) -> Picture {
        let corner = [-(picture.width as f64) * 0.5, -(picture.height as f64) * 0.5];
        let sheared = |shear: [f64; 2]| Affine { shear, centre: corner, ..Affine::default() };
        let affine = |picture: &Picture, affine| warp::affine(picture, affine, false, None);
        match self {
            Operation::Identity => picture,
            Operation::ShearX => affine(&picture, sheared([magnitude.atan().to_degrees(), 0.0])),
            Operation::ShearY => affine(&picture, sheared([0.0, magnitude.atan().to_degrees()])),
            Operation::TranslateX => {
                affine(&picture, Affine { translate: [magnitude.trunc(), 0.0], ..Affine::default() })
            }
            Operation::TranslateY => {
                affine(&picture, Affine { translate: [0.0, magnitude.trunc()], ..Affine::default() })
            }
            Operation::Rotate => warp::rotate(&picture, magnitude, false, None),
            Operation::Brightness => color::adjust_brightness(picture, 1.0 + magnitude),
            Operation::Color => color::adjust_saturation(picture, 1.0 + magnitude),
            Operation::Contrast => color::adjust_contrast(picture, 1.0 + magnitude),
            Operation::Sharpness => color::adjust_sharpness(&picture, 1.0 + magnitude),
            Operation::Posterize => color::posterize(picture, magnitude as u32),
            Operation::Solarize => color::solarize(picture, 255.0 * magnitude),
            Operation::AutoContrast => color::autocontrast(&picture),
            Operation::Equalize => color::equalize(&picture),
            Operation::Invert => color::invert(picture),
        }
    }
}
