//! Turned around the middle, against the clock, by an angle of a range.

use super::{Arguments, Misfit, Step, warp};
use crate::pictures::Picture;
use crate::random::Draws;

/// `random_rotation: 15`, `random_rotation: {degrees: [0, 90], interpolation: bilinear, fill: 128}`
#[derive(Clone, Debug, PartialEq)]
pub struct RandomRotation {
    /// The least and the largest angle.
    pub degrees: [f64; 2],
    /// Whether pixels between pixels are made of four of these.
    pub is_bilinear: bool,
    /// What lies where no pixel of the picture does.
    pub fill: f32,
}

impl Step for RandomRotation {
    const NAME: &'static str = "random_rotation";
    const MAIN: Option<&'static str> = Some("degrees");
    const NEEDS_PIXELS: bool = true;

    fn read(arguments: &mut dyn Arguments) -> Option<RandomRotation> {
        let degrees = arguments.around_zero("degrees", None, 360.0);
        let (is_bilinear, fill) = (arguments.is_bilinear(false), arguments.fill());
        Some(RandomRotation { degrees: degrees?, is_bilinear: is_bilinear?, fill: fill? })
    }

    fn apply(&self, picture: Picture, draws: &mut Draws) -> Result<Picture, Misfit> {
        let angle = draws.between(self.degrees);
        Ok(warp::rotate(&picture, angle, self.is_bilinear, Some(self.fill)))
    }
}
