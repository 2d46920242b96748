//! Brightness, contrast, saturation and hue changed, each by a number of a range, in random order.

use super::{Arguments, Misfit, Step, color};
use crate::pictures::Picture;
use crate::random::Draws;

/// `color_jitter: {brightness: 0.4, contrast: [0.8, 1.2], saturation: 0.4, hue: 0.1}`
#[derive(Clone, Debug, PartialEq)]
pub struct ColorJitter {
    /// The least and the largest factor.
    pub brightness: [f64; 2],
    /// The least and the largest factor.
    pub contrast: [f64; 2],
    /// The least and the largest factor.
    pub saturation: [f64; 2],
    /// The least and the largest share of the circle of hues.
    pub hue: [f64; 2],
}

impl Step for ColorJitter {
    const NAME: &'static str = "color_jitter";
    const NEEDS_PIXELS: bool = true;

    fn read(arguments: &mut dyn Arguments) -> Option<ColorJitter> {
        let [brightness, contrast, saturation] =
            ["brightness", "contrast", "saturation"].map(|key| around_one(arguments, key));
        let hue = arguments.around_zero("hue", Some(&[0.0]), 0.5);
        Some(ColorJitter { brightness: brightness?, contrast: contrast?, saturation: saturation?, hue: hue? })
    }

    fn apply(&self, mut picture: Picture, draws: &mut Draws) -> Result<Picture, Misfit> {
        let mut order = [0, 1, 2, 3];
        for last in (1..order.len()).rev() {
            order.swap(last, draws.below(last + 1));
        }
        let [brightness, contrast, saturation, hue] =
            [self.brightness, self.contrast, self.saturation, self.hue].map(|range| draws.between(range));
        for change in order {
            picture = match change {
                0 if self.brightness != [1.0; 2] => color::adjust_brightness(picture, brightness),
                1 if self.contrast != [1.0; 2] => color::adjust_contrast(picture, contrast),
                2 if self.saturation != [1.0; 2] => color::adjust_saturation(picture, saturation),
                3 if self.hue != [0.0; 2] => color::adjust_hue(picture, hue),
                _ => picture,
            };
        }
        Ok(picture)
    }
}

/// A number, which stands for as much less and more than one, or two factors in order.
fn around_one(arguments: &mut dyn Arguments, key: &'static str) -> Option<[f64; 2]> {
    let fits = |numbers: &[f64]| match numbers {
        [number] => *number >= 0.0,
        [first, second] => 0.0 <= *first && first <= second,
        _ => false,
    };
    let numbers = arguments.numbers(key, Some(&[0.0]), "a number of at least 0, or two factors in order", &fits)?;
    Some(match numbers.as_slice() {
        [first, second] => [*first, *second],
        numbers => numbers.first().map_or([1.0; 2], |number| [(1.0 - number).max(0.0), 1.0 + number]),
    })
}
