//! A square of zeros around a random pixel, cut off at the edges (DeVries & Taylor 2017).

use super::{Arguments, Misfit, Step};
use crate::pictures::{MOST_PIXELS, Picture};
use crate::random::Draws;

/// `cutout: 8`
#[derive(Clone, Debug, PartialEq)]
pub struct Cutout {
    /// Its side.
    pub size: usize,
}

impl Step for Cutout {
    const NAME: &'static str = "cutout";
    const MAIN: Option<&'static str> = Some("size");

    fn read(arguments: &mut dyn Arguments) -> Option<Cutout> {
        Some(Cutout { size: arguments.count("size", None, 1, MOST_PIXELS)? })
    }

    fn apply(&self, mut picture: Picture, draws: &mut Draws) -> Result<Picture, Misfit> {
        let (row, column) = (draws.below(picture.height), draws.below(picture.width));
        let (top, left) = (row.saturating_sub(self.size / 2), column.saturating_sub(self.size / 2));
        let bottom = (row + self.size - self.size / 2).min(picture.height);
        let right = (column + self.size - self.size / 2).min(picture.width);
        for plane in &mut picture.planes {
            plane.chunks_exact_mut(picture.width).take(bottom).skip(top).for_each(|row| row[left..right].fill(0.0));
        }
        Ok(picture)
    }
}
