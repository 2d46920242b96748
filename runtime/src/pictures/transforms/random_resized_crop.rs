//! A part of random area, proportion and place, at another size. Where ten tries find none in the picture, the largest part in
//! the middle whose proportion is allowed, as in torchvision.

use super::{Arguments, Misfit, Step, may_become, part};
use crate::pictures::decoded::Part;
use crate::pictures::resize::{resize, resize_part};
use crate::pictures::{Decoded, Picture};
use crate::random::Draws;
use cnnc_compiler::graph::Interpolation;

/// Tries before the middle is taken.
const TRIES: usize = 10;

/// `random_resized_crop: 224`, `random_resized_crop: {size: 224, scale: [0.5, 1]}`
#[derive(Clone, Debug, PartialEq)]
pub struct RandomResizedCrop {
    /// Height and width of what comes out.
    pub size: [usize; 2],
    /// The least and the largest share of the picture's area.
    pub scale: [f64; 2],
    /// The least and the largest width, as a multiple of the height.
    pub ratio: [f64; 2],
    /// By which pixels.
    pub interpolation: Interpolation,
}

impl Step for RandomResizedCrop {
    const NAME: &'static str = "random_resized_crop";
    const MAIN: Option<&'static str> = Some("size");

    fn read(arguments: &mut dyn Arguments) -> Option<RandomResizedCrop> {
        let (size, interpolation) = (arguments.size("size"), arguments.resizing());
        let scale = arguments.range("scale", [0.08, 1.0], [1e-6, 1.0]);
        let ratio = arguments.range("ratio", [3.0 / 4.0, 4.0 / 3.0], [1e-6, 1e6]);
        Some(RandomResizedCrop { size: size?, scale: scale?, ratio: ratio?, interpolation: interpolation? })
    }

    fn size(&self) -> Option<[usize; 2]> {
        Some(self.size)
    }

    fn apply(&self, picture: Picture, draws: &mut Draws) -> Result<Picture, Misfit> {
        let [height, width] = self.size;
        may_become(self.size, || format!("would be resized to {height}×{width}"))?;
        let (start, size) = self.place([picture.height, picture.width], draws);
        Ok(resize(&part(&picture, start, size), height, width, self.interpolation))
    }

    fn begin(&self, decoded: Decoded<'_>, draws: &mut Draws) -> Result<Picture, Misfit> {
        let [height, width] = self.size;
        may_become(self.size, || format!("would be resized to {height}×{width}"))?;
        let (start, size) = self.place(decoded.size(), draws);
        Ok(resize_part(&decoded, Part { start, size }, self.size, self.interpolation))
    }
}

impl RandomResizedCrop {
    /// Top and left of the part, its height and width.
    fn place(&self, [height, width]: [usize; 2], draws: &mut Draws) -> ([usize; 2], [usize; 2]) {
        let area = (height * width) as f64;
        let [low, high] = self.ratio.map(libm::log);
        for _ in 0..TRIES {
            let wanted = area * draws.between(self.scale);
            let ratio = libm::exp(draws.between([low, high]));
            let part = [(wanted / ratio).sqrt(), (wanted * ratio).sqrt()].map(|side| side.round_ties_even() as usize);
            if (1..=height).contains(&part[0]) && (1..=width).contains(&part[1]) {
                let top = draws.below(height - part[0] + 1);
                return ([top, draws.below(width - part[1] + 1)], part);
            }
        }
        let found = width as f64 / height as f64;
        let [least, most] = self.ratio;
        let part = if found < least {
            [((width as f64 / least).round_ties_even() as usize).clamp(1, height), width]
        } else if found > most {
            [height, ((height as f64 * most).round_ties_even() as usize).clamp(1, width)]
        } else {
            [height, width]
        };
        ([(height - part[0]) / 2, (width - part[1]) / 2], part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crop(scale: [f64; 2]) -> RandomResizedCrop {
        let ratio = [3.0 / 4.0, 4.0 / 3.0];
        RandomResizedCrop { size: [8, 8], scale, ratio, interpolation: Interpolation::Bilinear }
    }

    #[test]
    fn parts_have_areas_and_proportions_that_are_allowed() {
        let (mut tops, mut areas) = (std::collections::BTreeSet::new(), Vec::new());
        for sample in 0..2000 {
            let (start, size) = crop([0.08, 1.0]).place([100, 150], &mut Draws::of_sample(0, 0, sample));
            assert!(start[0] + size[0] <= 100 && start[1] + size[1] <= 150);
            let (area, ratio) = ((size[0] * size[1]) as f64 / 15_000.0, size[1] as f64 / size[0] as f64);
            assert!((0.075..=1.0).contains(&area) && (0.72..=1.38).contains(&ratio), "{area} {ratio}");
            tops.insert(start[0]);
            areas.push(area);
        }
        let mean = areas.iter().sum::<f64>() / areas.len() as f64;
        // Large parts that are too wide or too high for the picture are drawn again, so that the mean is below the middle.
        assert!(tops.len() > 50 && (0.35..0.45).contains(&mean), "{} tops, mean area {mean}", tops.len());
    }

    #[test]
    fn where_no_part_is_found_the_middle_is_taken() {
        let place = |size| crop([1.0, 1.0]).place(size, &mut Draws::of_sample(0, 0, 0));
        assert_eq!(place([10, 100]), ([0, 43], [10, 13]));
        assert_eq!(place([100, 10]), ([43, 0], [13, 10]));
        assert_eq!(place([1, 1]), ([0, 0], [1, 1]));
    }
}
