//! Turned, moved, scaled and sheared, each by a number of a range.

use super::{Arguments, Misfit, Step, warp};
use crate::pictures::Picture;
use crate::random::Draws;
use warp::Affine;

/// `random_affine: {degrees: 10, translate: [0.1, 0.1], scale: [0.9, 1.1], shear: 5}`
#[derive(Clone, Debug, PartialEq)]
pub struct RandomAffine {
    /// The least and the largest angle, with the clock.
    pub degrees: [f64; 2],
    /// The most that it is moved to the side and down, as shares of width and height.
    pub translate: [f64; 2],
    /// The least and the largest factor.
    pub scale: [f64; 2],
    /// The least and the largest angle of shear along x, then along y.
    pub shear: [f64; 4],
    /// Whether pixels between pixels are made of four of these.
    pub is_bilinear: bool,
    /// What lies where no pixel of the picture does.
    pub fill: f32,
}

impl Step for RandomAffine {
    const NAME: &'static str = "random_affine";
    const MAIN: Option<&'static str> = Some("degrees");
    const NEEDS_PIXELS: bool = true;

    fn read(arguments: &mut dyn Arguments) -> Option<RandomAffine> {
        let degrees = arguments.around_zero("degrees", None, 360.0);
        let shares = |numbers: &[f64]| numbers.len() == 2 && numbers.iter().all(|share| (0.0..=1.0).contains(share));
        let translate = arguments.numbers("translate", Some(&[0.0, 0.0]), "two numbers from 0 to 1", &shares);
        let scale = arguments.range("scale", [1.0, 1.0], [1e-3, 1e3]);
        let angles = |numbers: &[f64]| {
            matches!(numbers.len(), 1 | 2 | 4)
                && numbers.iter().all(|angle| angle.abs() < 90.0)
                && (numbers.len() == 1 || numbers.chunks(2).all(<[f64]>::is_sorted))
        };
        let shear =
            arguments.numbers("shear", Some(&[0.0]), "an angle below 90, or two in order, or two times two", &angles);
        let (is_bilinear, fill) = (arguments.is_bilinear(false), arguments.fill());
        let shear = match *shear?.as_slice() {
            [a, b, c, d] => [a, b, c, d],
            [a, b] => [a, b, 0.0, 0.0],
            [a] => [-a.abs(), a.abs(), 0.0, 0.0],
            _ => [0.0; 4],
        };
        let translate = <[f64; 2]>::try_from(translate?).ok()?;
        Some(RandomAffine {
            degrees: degrees?,
            translate,
            scale: scale?,
            shear,
            is_bilinear: is_bilinear?,
            fill: fill?,
        })
    }

    fn apply(&self, picture: Picture, draws: &mut Draws) -> Result<Picture, Misfit> {
        let angle = draws.between(self.degrees);
        let mut moved = |share: f64, side: usize| {
            let most = share * side as f64;
            draws.between([-most, most]).round_ties_even()
        };
        let translate = [moved(self.translate[0], picture.width), moved(self.translate[1], picture.height)];
        let scale = draws.between(self.scale);
        let [a, b, c, d] = self.shear;
        let shear = [draws.between([a, b]), draws.between([c, d])];
        let affine = Affine { angle, translate, scale, shear, ..Affine::default() };
        Ok(warp::affine(&picture, affine, self.is_bilinear, Some(self.fill)))
    }
}
