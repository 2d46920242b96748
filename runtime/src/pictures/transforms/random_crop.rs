//! A part at a random place, after zeros were put around.

use super::{Arguments, Misfit, Step, has_part, may_become};
use crate::pictures::{MOST_PIXELS, Picture};
use crate::random::Draws;

/// `random_crop: 32`, `random_crop: {size: 32, padding: 4}`
#[derive(Clone, Debug, PartialEq)]
pub struct RandomCrop {
    /// Height and width of the part.
    pub size: [usize; 2],
    /// Rows and columns of zeros on each side.
    pub padding: usize,
}

impl Step for RandomCrop {
    const NAME: &'static str = "random_crop";
    const MAIN: Option<&'static str> = Some("size");

    fn read(arguments: &mut dyn Arguments) -> Option<RandomCrop> {
        let (size, padding) = (arguments.size("size"), arguments.count("padding", Some(0), 0, MOST_PIXELS));
        Some(RandomCrop { size: size?, padding: padding? })
    }

    fn size(&self) -> Option<[usize; 2]> {
        Some(self.size)
    }

    fn apply(&self, picture: Picture, draws: &mut Draws) -> Result<Picture, Misfit> {
        let ([height, width], padding) = (self.size, self.padding);
        let padded = [picture.height, picture.width].map(|side| side.saturating_add(padding.saturating_mul(2)));
        has_part(padded, self.size)?;
        may_become(self.size, || "would be padded and cut".to_owned())?;
        may_become(padded, || format!("would be padded by {padding}"))?;
        let top = draws.below(padded[0] - height + 1);
        let left = draws.below(padded[1] - width + 1);
        let crop = |plane: &Vec<f32>| {
            let mut part = vec![0.0; height * width];
            for (row, into) in part.chunks_exact_mut(width).enumerate() {
                // Row and column of the picture; outside of it the zeros stay.
                let Some(from) = (top + row).checked_sub(padding).filter(|&row| row < picture.height) else { continue };
                let start = left.max(padding);
                let end = (left + width).min(padding + picture.width);
                if start < end {
                    let source = from * picture.width;
                    into[start - left..end - left]
                        .copy_from_slice(&plane[source + start - padding..source + end - padding]);
                }
            }
            part
        };
        Ok(Picture { height, width, planes: picture.planes.iter().map(crop).collect() })
    }
}
