//! The middle of a picture; of an odd rest, half a pixel is rounded to the even side, as torchvision does.

use super::{Arguments, Misfit, Step, has_part, part};
use crate::pictures::decoded::Part;
use crate::pictures::{Decoded, Picture};
use crate::random::Draws;

/// `center_crop: 96`, `center_crop: [96, 128]`
#[derive(Clone, Debug, PartialEq)]
pub struct CenterCrop {
    /// Height and width.
    pub size: [usize; 2],
}

impl Step for CenterCrop {
    const NAME: &'static str = "center_crop";
    const MAIN: Option<&'static str> = Some("size");

    fn read(arguments: &mut dyn Arguments) -> Option<CenterCrop> {
        Some(CenterCrop { size: arguments.size("size")? })
    }

    fn size(&self) -> Option<[usize; 2]> {
        Some(self.size)
    }

    fn apply(&self, picture: Picture, _draws: &mut Draws) -> Result<Picture, Misfit> {
        let start = self.start([picture.height, picture.width])?;
        Ok(part(&picture, start, self.size))
    }

    fn begin(&self, decoded: Decoded<'_>, _draws: &mut Draws) -> Result<Picture, Misfit> {
        let start = self.start(decoded.size())?;
        Ok(decoded.part(Part { start, size: self.size }))
    }
}

impl CenterCrop {
    /// Where the middle of a picture of that size begins.
    fn start(&self, found: [usize; 2]) -> Result<[usize; 2], Misfit> {
        has_part(found, self.size)?;
        Ok([0, 1].map(|axis| ((found[axis] - self.size[axis]) as f64 / 2.0).round_ties_even() as usize))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_the_middle() {
        let picture = Picture { height: 3, width: 4, planes: vec![(0..12u8).map(f32::from).collect()] };
        let cut = |size| {
            let crop = CenterCrop { size }.apply(picture.clone(), &mut Draws::of_sample(0, 0, 0));
            crop.expect("a part").planes[0].clone()
        };
        assert_eq!(cut([1, 2]), [5.0, 6.0]);
        // (4 − 3) / 2 is rounded to 0, as Python rounds.
        assert_eq!(cut([3, 3]), [0.0, 1.0, 2.0, 4.0, 5.0, 6.0, 8.0, 9.0, 10.0]);
    }
}
