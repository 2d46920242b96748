//! The middle of a picture; of an odd rest, half a pixel is rounded to the even side, as torchvision does.

use super::{Arguments, Misfit, Step, has_part, part};
use crate::pictures::Picture;
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
        has_part([picture.height, picture.width], self.size)?;
        let start = |size: usize, part: usize| ((size - part) as f64 / 2.0).round_ties_even() as usize;
        let [height, width] = self.size;
        Ok(part(&picture, [start(picture.height, height), start(picture.width, width)], self.size))
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
