//! Above and below changed over, now and then.

use super::{Arguments, Misfit, Step};
use crate::pictures::Picture;
use crate::random::Draws;

/// `random_vertical_flip`, `random_vertical_flip: 0.3`
#[derive(Clone, Debug, PartialEq)]
pub struct RandomVerticalFlip {
    /// How often.
    pub p: f64,
}

impl Step for RandomVerticalFlip {
    const NAME: &'static str = "random_vertical_flip";
    const MAIN: Option<&'static str> = Some("p");

    fn read(arguments: &mut dyn Arguments) -> Option<RandomVerticalFlip> {
        Some(RandomVerticalFlip { p: arguments.probability("p", 0.5)? })
    }

    fn apply(&self, mut picture: Picture, draws: &mut Draws) -> Result<Picture, Misfit> {
        if draws.uniform() < self.p {
            for plane in &mut picture.planes {
                *plane = plane.chunks_exact(picture.width).rev().flatten().copied().collect();
            }
        }
        Ok(picture)
    }
}
