//! Seen from another place, now and then: each corner is moved inwards by a random number of pixels.

use super::{Arguments, Misfit, Step, warp};
use crate::pictures::Picture;
use crate::random::Draws;

/// `random_perspective`, `random_perspective: {distortion_scale: 0.3, p: 0.5}`
#[derive(Clone, Debug, PartialEq)]
pub struct RandomPerspective {
    /// How far corners are moved, at most: as a share of half of the picture.
    pub distortion_scale: f64,
    /// How often.
    pub p: f64,
    /// Whether pixels between pixels are made of four of these.
    pub is_bilinear: bool,
    /// What lies where no pixel of the picture does.
    pub fill: f32,
}

impl Step for RandomPerspective {
    const NAME: &'static str = "random_perspective";
    const MAIN: Option<&'static str> = Some("distortion_scale");
    const NEEDS_PIXELS: bool = true;

    fn read(arguments: &mut dyn Arguments) -> Option<RandomPerspective> {
        let (distortion_scale, p) = (arguments.probability("distortion_scale", 0.5), arguments.probability("p", 0.5));
        let (is_bilinear, fill) = (arguments.is_bilinear(true), arguments.fill());
        let (distortion_scale, p) = (distortion_scale?, p?);
        Some(RandomPerspective { distortion_scale, p, is_bilinear: is_bilinear?, fill: fill? })
    }

    fn apply(&self, picture: Picture, draws: &mut Draws) -> Result<Picture, Misfit> {
        if draws.uniform() >= self.p {
            return Ok(picture);
        }
        let (height, width) = (picture.height, picture.width);
        let most = |side: usize| (self.distortion_scale * (side / 2) as f64) as usize + 1;
        let mut near = |side: usize| draws.below(most(side)) as f64;
        let [left, top] = [near(width), near(height)];
        let [right, above] = [near(width), near(height)];
        let [right_below, below] = [near(width), near(height)];
        let [left_below, bottom] = [near(width), near(height)];
        let (last_column, last_row) = (width as f64 - 1.0, height as f64 - 1.0);
        let corners = [
            [left, top],
            [last_column - right, above],
            [last_column - right_below, last_row - below],
            [left_below, last_row - bottom],
        ];
        Ok(warp::perspective(&picture, corners, self.is_bilinear, Some(self.fill)))
    }
}
