//! Left and right changed over, now and then.

use super::{Arguments, Misfit, Step};
use crate::pictures::Picture;
use crate::random::Draws;

/// `random_horizontal_flip`, `random_horizontal_flip: 0.3`
#[derive(Clone, Debug, PartialEq)]
pub struct RandomHorizontalFlip {
    /// How often.
    pub p: f64,
}

impl Step for RandomHorizontalFlip {
    const NAME: &'static str = "random_horizontal_flip";
    const MAIN: Option<&'static str> = Some("p");

    fn read(arguments: &mut dyn Arguments) -> Option<RandomHorizontalFlip> {
        Some(RandomHorizontalFlip { p: arguments.probability("p", 0.5)? })
    }

    fn apply(&self, mut picture: Picture, draws: &mut Draws) -> Result<Picture, Misfit> {
        if draws.uniform() < self.p {
            for plane in &mut picture.planes {
                plane.chunks_exact_mut(picture.width).for_each(<[f32]>::reverse);
            }
        }
        Ok(picture)
    }
}
