//! Without colours, now and then; of three channels there are three still.

use super::{Arguments, Misfit, Step, color};
use crate::pictures::Picture;
use crate::random::Draws;

/// `random_grayscale`, `random_grayscale: 0.2`
#[derive(Clone, Debug, PartialEq)]
pub struct RandomGrayscale {
    /// How often.
    pub p: f64,
}

impl Step for RandomGrayscale {
    const NAME: &'static str = "random_grayscale";
    const MAIN: Option<&'static str> = Some("p");
    const NEEDS_PIXELS: bool = true;

    fn read(arguments: &mut dyn Arguments) -> Option<RandomGrayscale> {
        Some(RandomGrayscale { p: arguments.probability("p", 0.1)? })
    }

    fn apply(&self, picture: Picture, draws: &mut Draws) -> Result<Picture, Misfit> {
        if draws.uniform() >= self.p || picture.planes.len() != 3 {
            return Ok(picture);
        }
        let grey = color::grey(&picture);
        Ok(Picture { planes: vec![grey; 3], ..picture })
    }
}
