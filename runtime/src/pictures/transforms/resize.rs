//! To another size: of the shorter side, where the other one keeps the proportion, or height and width.

use super::{Arguments, Misfit, Step, may_become};
use crate::pictures::resize::{Size, resize, resize_part};
use crate::pictures::{Decoded, Picture};
use crate::random::Draws;
use cnnc_compiler::graph::Interpolation;

/// `resize: 96`, `resize: [96, 128]`, `resize: {size: 96, interpolation: bicubic}`
#[derive(Clone, Debug, PartialEq)]
pub struct Resize {
    /// The size.
    pub size: Size,
    /// By which pixels.
    pub interpolation: Interpolation,
}

impl Step for Resize {
    const NAME: &'static str = "resize";
    const MAIN: Option<&'static str> = Some("size");

    fn read(arguments: &mut dyn Arguments) -> Option<Resize> {
        let (size, interpolation) = (arguments.side_or_size("size"), arguments.resizing());
        Some(Resize { size: size?, interpolation: interpolation? })
    }

    fn size(&self) -> Option<[usize; 2]> {
        match self.size {
            Size::ShorterSide(_) => None,
            Size::To(size) => Some(size),
        }
    }

    fn apply(&self, picture: Picture, _draws: &mut Draws) -> Result<Picture, Misfit> {
        let [height, width] = self.of([picture.height, picture.width])?;
        Ok(resize(&picture, height, width, self.interpolation))
    }

    fn begin(&self, decoded: Decoded<'_>, _draws: &mut Draws) -> Result<Picture, Misfit> {
        let size = self.of(decoded.size())?;
        Ok(resize_part(&decoded, decoded.whole(), size, self.interpolation))
    }
}

impl Resize {
    /// Height and width that a picture of these gets.
    fn of(&self, found: [usize; 2]) -> Result<[usize; 2], Misfit> {
        let size = match self.size {
            Size::ShorterSide(side) => by_shorter_side(found, side),
            Size::To(size) => size,
        };
        may_become(size, || format!("would be resized to {}×{}", size[0], size[1]))?;
        Ok(size)
    }
}

/// Height and width when the shorter side has that many pixels; the longer one is rounded down, as torchvision does.
fn by_shorter_side([height, width]: [usize; 2], shorter: usize) -> [usize; 2] {
    let longer = |long: usize, short: usize| {
        usize::try_from(shorter as u128 * long as u128 / short.max(1) as u128).unwrap_or(usize::MAX)
    };
    if height <= width { [shorter, longer(width, height)] } else { [longer(height, width), shorter] }
}

#[cfg(test)]
mod tests {
    use super::by_shorter_side;

    #[test]
    fn the_shorter_side_is_what_was_said() {
        assert_eq!(by_shorter_side([480, 640], 256), [256, 341]);
        assert_eq!(by_shorter_side([640, 480], 256), [341, 256]);
        assert_eq!(by_shorter_side([28, 28], 96), [96, 96]);
    }
}
