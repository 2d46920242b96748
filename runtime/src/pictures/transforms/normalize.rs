//! Pixels to numbers around zero: `(x − mean) / std` by channel.

use super::{Arguments, Misfit, Step};
use crate::pictures::{Normalization, Picture};
use crate::random::Draws;

/// `normalize: {mean: 0.2860, std: 0.3530}`, or a list each with a number a channel
#[derive(Clone, Debug, PartialEq)]
pub struct Normalize {
    /// The means; one number serves all channels.
    pub mean: Vec<f64>,
    /// The deviations.
    pub std: Vec<f64>,
    /// Whether what comes in are pixels, to be brought to 0 to 1 first; else it was normalised before.
    pub of_pixels: bool,
}

impl Step for Normalize {
    const NAME: &'static str = "normalize";

    fn read(arguments: &mut dyn Arguments) -> Option<Normalize> {
        let mean = arguments.numbers("mean", None, "a number, or one a channel", &|_| true);
        let above = |numbers: &[f64]| numbers.iter().all(|&number| number > 0.0);
        let std = arguments.numbers("std", None, "a number above 0, or one a channel", &above);
        Some(Normalize { mean: mean?, std: std?, of_pixels: true })
    }

    fn apply(&self, mut picture: Picture, _draws: &mut Draws) -> Result<Picture, Misfit> {
        let channels = self.mean.len().max(self.std.len());
        if let ([plane], 2..) = (picture.planes.as_slice(), channels) {
            // A grey picture's one plane stands for all channels, and each is normalised by numbers of its own.
            picture.planes = vec![plane.clone(); channels];
        }
        let scale = if self.of_pixels { 255.0 } else { 1.0 };
        let by = Normalization { mean: &self.mean, std: &self.std };
        for (channel, plane) in picture.planes.iter_mut().enumerate() {
            by.apply(channel, [1.0, scale], plane);
        }
        Ok(picture)
    }
}
