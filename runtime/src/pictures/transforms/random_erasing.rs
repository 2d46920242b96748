//! A rectangle of one number, of random area, proportion and place, now and then (Zhong et al. 2017). Where ten tries find none
//! that is smaller than the picture, nothing is done, as in torchvision.

use super::{Arguments, Misfit, Step};
use crate::pictures::Picture;
use crate::random::Draws;

const TRIES: usize = 10;

/// `random_erasing`, `random_erasing: {p: 0.25, scale: [0.02, 0.2]}`
#[derive(Clone, Debug, PartialEq)]
pub struct RandomErasing {
    /// How often.
    pub p: f64,
    /// The least and the largest share of the picture's area.
    pub scale: [f64; 2],
    /// The least and the largest height, as a multiple of the width.
    pub ratio: [f64; 2],
    /// The number.
    pub value: f32,
}

impl Step for RandomErasing {
    const NAME: &'static str = "random_erasing";
    const MAIN: Option<&'static str> = Some("p");

    fn read(arguments: &mut dyn Arguments) -> Option<RandomErasing> {
        let p = arguments.probability("p", 0.5);
        let scale = arguments.range("scale", [0.02, 0.33], [0.0, 1.0]);
        let ratio = arguments.range("ratio", [0.3, 3.3], [1e-6, 1e6]);
        let value = arguments.number("value", 0.0, "a number", f64::is_finite);
        Some(RandomErasing { p: p?, scale: scale?, ratio: ratio?, value: value? as f32 })
    }

    fn apply(&self, mut picture: Picture, draws: &mut Draws) -> Result<Picture, Misfit> {
        if draws.uniform() >= self.p {
            return Ok(picture);
        }
        let Some(([top, left], [height, width])) = self.place([picture.height, picture.width], draws) else {
            return Ok(picture);
        };
        for plane in &mut picture.planes {
            let rows = plane.chunks_exact_mut(picture.width).skip(top).take(height);
            rows.for_each(|row| row[left..left + width].fill(self.value));
        }
        Ok(picture)
    }
}

impl RandomErasing {
    /// Top and left of the rectangle, its height and width.
    fn place(&self, [height, width]: [usize; 2], draws: &mut Draws) -> Option<([usize; 2], [usize; 2])> {
        let area = (height * width) as f64;
        let ratios = self.ratio.map(libm::log);
        for _ in 0..TRIES {
            let wanted = area * draws.between(self.scale);
            let ratio = libm::exp(draws.between(ratios));
            let part = [(wanted * ratio).sqrt(), (wanted / ratio).sqrt()].map(|side| side.round_ties_even() as usize);
            if part[0] < height && part[1] < width {
                let top = draws.below(height - part[0] + 1);
                return Some(([top, draws.below(width - part[1] + 1)], part));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rectangle_of_an_allowed_area_is_erased_as_often_as_said() {
        let erasing = RandomErasing { p: 0.5, scale: [0.1, 0.3], ratio: [0.5, 2.0], value: 7.0 };
        let whole = Picture { height: 40, width: 60, planes: vec![vec![1.0; 2400]; 3] };
        let mut erased = 0;
        for sample in 0..1000 {
            let picture = erasing.apply(whole.clone(), &mut Draws::of_sample(0, 0, sample)).expect("a picture");
            let count = picture.planes[2].iter().filter(|&&pixel| pixel == 7.0).count();
            assert!(count == 0 || (200..=760).contains(&count), "{count}");
            erased += usize::from(count > 0);
        }
        assert!((450..550).contains(&erased), "{erased}");
    }
}
