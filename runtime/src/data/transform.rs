//! What is done to a picture, one step at a time, on planes of numbers from 0 to 255. Names and meanings are torchvision's.

use super::order::Draws;
use crate::input::Picture;
use crate::input::picture::check_size;
use crate::input::transform::{by_shorter_side, cut as cut_centre, resized_to as resize};
use cnnc_compiler::graph::Interpolation;

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub enum Transform {
    /// To another size.
    Resize(Resize, Interpolation),
    /// The middle: height and width.
    CenterCrop([usize; 2]),
    /// A part at a random place, after zeros were put around.
    RandomCrop {
        /// Height and width of the part.
        size: [usize; 2],
        /// Rows and columns of zeros on each side.
        padding: usize,
    },
    /// Left and right changed over.
    RandomHorizontalFlip {
        /// How often.
        probability: f64,
    },
    /// Scaled to 0 to 1, then `(x − mean) / std` by channel; one number serves all.
    Normalize {
        /// The means.
        mean: Vec<f64>,
        /// The deviations.
        std: Vec<f64>,
    },
    /// A square of zeros around a random pixel, cut off at the edges (DeVries & Taylor 2017).
    Cutout {
        /// Its side.
        size: usize,
    },
}

/// The size after a [`Transform::Resize`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resize {
    /// Of the shorter side; the other one keeps the proportion.
    ShorterSide(usize),
    /// Height and width.
    To([usize; 2]),
}

impl Transform {
    /// Whether it scales pixels itself.
    pub fn is_normalize(&self) -> bool {
        matches!(self, Transform::Normalize { .. })
    }

    /// Does it.
    ///
    /// # Errors
    /// A sentence when the picture is too small or too large.
    pub fn apply(&self, picture: Picture, draws: &mut Draws) -> Result<Picture, String> {
        let found = [picture.height, picture.width];
        match self {
            Transform::Resize(size, interpolation) => {
                let [height, width] = match *size {
                    Resize::ShorterSide(side) => by_shorter_side(found, side),
                    Resize::To(size) => size,
                };
                resize(&picture, height, width, *interpolation)
                    .map_err(|reason| format!("would be resized to {height}×{width} ({reason})"))
            }
            Transform::CenterCrop(size) => fits(found, *size).map(|()| cut_centre(&picture, *size)),
            Transform::RandomCrop { size, padding } => random_crop(&picture, *size, *padding, draws),
            Transform::RandomHorizontalFlip { probability } => {
                Ok(if draws.uniform() < *probability { flipped(picture) } else { picture })
            }
            Transform::Normalize { mean, std } => Ok(normalized(picture, mean, std)),
            Transform::Cutout { size } => Ok(cut_out(picture, *size, draws)),
        }
    }
}

fn fits([height, width]: [usize; 2], size: [usize; 2]) -> Result<(), String> {
    match size[0] <= height && size[1] <= width {
        true => Ok(()),
        false => Err(format!("is {height}×{width}, and {}×{} are to be cut out of it", size[0], size[1])),
    }
}

fn random_crop(picture: &Picture, size: [usize; 2], padding: usize, draws: &mut Draws) -> Result<Picture, String> {
    let [height, width] = size;
    let padded = [picture.height, picture.width].map(|side| side.saturating_add(padding.saturating_mul(2)));
    fits(padded, size)?;
    check_size(size).map_err(|reason| format!("would be padded and cut ({reason})"))?;
    check_size(padded).map_err(|reason| format!("would be padded by {padding} ({reason})"))?;
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

fn flipped(mut picture: Picture) -> Picture {
    for plane in &mut picture.planes {
        plane.chunks_exact_mut(picture.width).for_each(<[f32]>::reverse);
    }
    picture
}

fn normalized(mut picture: Picture, mean: &[f64], std: &[f64]) -> Picture {
    let channels = mean.len().max(std.len());
    if let ([plane], 2..) = (picture.planes.as_slice(), channels) {
        // A grey picture's one plane stands for all channels, and each is normalised by numbers of its own.
        picture.planes = vec![plane.clone(); channels];
    }
    for (channel, plane) in picture.planes.iter_mut().enumerate() {
        let of = |numbers: &[f64], otherwise| numbers.get(channel).or(numbers.last()).copied().unwrap_or(otherwise);
        let (mean, std) = (of(mean, 0.0), of(std, 1.0));
        plane.iter_mut().for_each(|pixel| *pixel = ((f64::from(*pixel) / 255.0 - mean) / std) as f32);
    }
    picture
}

fn cut_out(mut picture: Picture, size: usize, draws: &mut Draws) -> Picture {
    let (row, column) = (draws.below(picture.height), draws.below(picture.width));
    let (top, left) = (row.saturating_sub(size / 2), column.saturating_sub(size / 2));
    let bottom = (row + size - size / 2).min(picture.height);
    let right = (column + size - size / 2).min(picture.width);
    for plane in &mut picture.planes {
        plane.chunks_exact_mut(picture.width).take(bottom).skip(top).for_each(|row| row[left..right].fill(0.0));
    }
    picture
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(height: usize, width: usize) -> Picture {
        Picture { height, width, planes: vec![(1..=height * width).map(|pixel| pixel as f32).collect()] }
    }

    fn applied(transform: Transform, picture: Picture, sample: usize) -> Picture {
        transform.apply(picture, &mut Draws::of_sample(0, 0, sample)).expect("a picture")
    }

    #[test]
    fn a_padded_crop_is_a_part_of_the_padded_picture() {
        let transform = Transform::RandomCrop { size: [3, 4], padding: 2 };
        let whole = picture(3, 4);
        let mut places = std::collections::BTreeSet::new();
        for sample in 0..200 {
            let part = applied(transform.clone(), whole.clone(), sample);
            assert_eq!((part.height, part.width), (3, 4));
            let matches = |top: isize, left: isize| {
                (0..3).all(|row| {
                    (0..4).all(|column| {
                        let (y, x) = (row + top, column + left);
                        let inside = (0..3).contains(&y) && (0..4).contains(&x);
                        let expected = if inside { whole.planes[0][(y * 4 + x) as usize] } else { 0.0 };
                        part.planes[0][(row * 4 + column) as usize] == expected
                    })
                })
            };
            let place = (-2..=2).flat_map(|top| (-2..=2).map(move |left| (top, left))).find(|&(t, l)| matches(t, l));
            places.insert(place.expect("a part of the padded picture"));
        }
        assert_eq!(places.len(), 25, "every place occurs");
    }

    #[test]
    fn flips_half_of_the_time() {
        let flip = Transform::RandomHorizontalFlip { probability: 0.5 };
        let once = |sample| applied(flip.clone(), picture(1, 3), sample).planes[0].clone();
        let flipped = (0..1000).filter(|&sample| once(sample) == [3.0, 2.0, 1.0]).count();
        assert!((450..550).contains(&flipped), "{flipped}");
        assert!(
            (0..1000).all(|sample| [[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]].contains(&once(sample)[..].try_into().unwrap()))
        );
    }

    #[test]
    fn cutout_is_a_square_of_zeros() {
        let zeros = |sample| {
            let cut = applied(Transform::Cutout { size: 4 }, picture(8, 8), sample);
            cut.planes[0].iter().filter(|&&pixel| pixel == 0.0).count()
        };
        let counts: Vec<usize> = (0..200).map(zeros).collect();
        assert!(counts.contains(&16) && counts.iter().all(|count| (4..=16).contains(count)), "{counts:?}");
    }

    #[test]
    fn normalises_by_channel() {
        let two = Picture { height: 1, width: 1, planes: vec![vec![255.0], vec![51.0]] };
        let by_channel = Transform::Normalize { mean: vec![0.5, 0.1], std: vec![0.25, 0.1] };
        let grey = Picture { height: 1, width: 1, planes: vec![vec![51.0]] };
        assert_eq!(applied(by_channel.clone(), grey, 0).planes, [vec![-1.2], vec![1.0]]);
        assert_eq!(applied(by_channel, two.clone(), 0).planes, [vec![2.0], vec![1.0]]);
        let by_one = Transform::Normalize { mean: vec![0.0], std: vec![0.5] };
        assert_eq!(applied(by_one, two, 0).planes, [vec![2.0], vec![0.4]]);
    }

    #[test]
    fn sizes_that_no_picture_has_are_refused_with_the_arithmetic() {
        let refused = |transform: Transform| {
            transform.apply(picture(4, 4), &mut Draws::of_sample(0, 0, 0)).expect_err("no picture")
        };
        let crop = |side, padding| refused(Transform::RandomCrop { size: [side, side], padding });
        assert!(crop(32, usize::MAX / 2).contains("would be padded by"));
        assert!(crop(1 << 40, 1 << 41).contains("1208925819614629174706176 pixels, and a picture may have 134217728"));
        assert!(crop(usize::MAX, usize::MAX).contains("pixels"));
        let resize = |size| refused(Transform::Resize(size, Interpolation::Bilinear));
        assert!(resize(Resize::To([1, 67_108_864])).contains("a side of a picture may have 65536 pixels"));
        assert!(resize(Resize::ShorterSide(usize::MAX)).contains("pixels, and a picture may have 134217728"));
    }

    #[test]
    fn resizes_and_cuts() {
        let by_side = applied(Transform::Resize(Resize::ShorterSide(4), Interpolation::Bilinear), picture(8, 16), 0);
        assert_eq!((by_side.height, by_side.width), (4, 8));
        let cut = applied(Transform::CenterCrop([2, 2]), picture(4, 4), 0);
        assert_eq!(cut.planes[0], [6.0, 7.0, 10.0, 11.0]);
        let small = Transform::CenterCrop([5, 2]).apply(picture(4, 4), &mut Draws::of_sample(0, 0, 0));
        assert_eq!(small.unwrap_err(), "is 4×4, and 5×2 are to be cut out of it");
    }
}
