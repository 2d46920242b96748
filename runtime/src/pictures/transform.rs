//! What is done to a picture, one step at a time, on planes of numbers from 0 to 255. Names and meanings are torchvision's.

use super::resize::resize;
use super::{Normalization, Picture, check_size};
use crate::random::Draws;
use cnnc_compiler::graph::Interpolation;
use std::fmt;

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
    /// Rows and columns changed over.
    Transpose,
    /// Pixels scaled to 0 to 1, then `(x − mean) / std` by channel; one number serves all.
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

/// Why a transform cannot be done to a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Misfit {
    /// It would get a size that no picture may have.
    Size {
        /// How it would get it: "would be resized to 1×67108864".
        change: String,
        /// The arithmetic.
        reason: String,
    },
    /// It is smaller than what is to be cut out of it.
    Part {
        /// Its height and width.
        found: [usize; 2],
        /// Those of the part.
        part: [usize; 2],
    },
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Misfit::Size { change, reason } => write!(f, "{change} ({reason})"),
            Misfit::Part { found, part } => {
                write!(f, "is {}×{}, and {}×{} are to be cut out of it", found[0], found[1], part[0], part[1])
            }
        }
    }
}

impl Transform {
    /// The size of every picture that comes out of it, where it says one.
    pub(crate) fn size(&self) -> Option<[usize; 2]> {
        match self {
            Transform::Resize(Resize::To(size), _)
            | Transform::CenterCrop(size)
            | Transform::RandomCrop { size, .. } => Some(*size),
            _ => None,
        }
    }

    /// Whether it scales pixels itself.
    pub(crate) fn is_normalize(&self) -> bool {
        matches!(self, Transform::Normalize { .. })
    }

    /// Does it; `is_normalized` says whether the numbers are those of a normalisation and no pixels any more.
    ///
    /// # Errors
    /// When the picture is too small or would be too large.
    pub(crate) fn apply(&self, picture: Picture, is_normalized: bool, draws: &mut Draws) -> Result<Picture, Misfit> {
        let found = [picture.height, picture.width];
        match self {
            Transform::Resize(size, interpolation) => {
                let [height, width] = match *size {
                    Resize::ShorterSide(side) => by_shorter_side(found, side),
                    Resize::To(size) => size,
                };
                may_become([height, width], || format!("would be resized to {height}×{width}"))?;
                Ok(resize(&picture, height, width, *interpolation))
            }
            Transform::CenterCrop(size) => center_crop(&picture, *size),
            Transform::RandomCrop { size, padding } => random_crop(&picture, *size, *padding, draws),
            Transform::RandomHorizontalFlip { probability } => {
                Ok(if draws.uniform() < *probability { flipped(picture) } else { picture })
            }
            Transform::Transpose => Ok(transposed(&picture)),
            Transform::Normalize { mean, std } => {
                let scale = if is_normalized { 1.0 } else { 255.0 };
                Ok(normalized(picture, scale, &Normalization { mean, std }))
            }
            Transform::Cutout { size } => Ok(cut_out(picture, *size, draws)),
        }
    }
}

/// Holds a size that a change makes against what a picture may have.
fn may_become(size: [usize; 2], change: impl FnOnce() -> String) -> Result<(), Misfit> {
    check_size(size).map_err(|reason| Misfit::Size { change: change(), reason })
}

fn has_part(found: [usize; 2], part: [usize; 2]) -> Result<(), Misfit> {
    let fits = part[0] <= found[0] && part[1] <= found[1];
    if fits { Ok(()) } else { Err(Misfit::Part { found, part }) }
}

/// Height and width when the shorter side has that many pixels; the longer one is rounded down, as torchvision does.
fn by_shorter_side([height, width]: [usize; 2], shorter: usize) -> [usize; 2] {
    let longer = |long: usize, short: usize| {
        usize::try_from(shorter as u128 * long as u128 / short.max(1) as u128).unwrap_or(usize::MAX)
    };
    if height <= width { [shorter, longer(width, height)] } else { [longer(height, width), shorter] }
}

/// The middle; of an odd rest, half a pixel is rounded to the even side, as torchvision does.
fn center_crop(picture: &Picture, size: [usize; 2]) -> Result<Picture, Misfit> {
    has_part([picture.height, picture.width], size)?;
    let [height, width] = size;
    let start = |size: usize, part: usize| ((size - part) as f64 / 2.0).round_ties_even() as usize;
    let (top, left) = (start(picture.height, height), start(picture.width, width));
    let rows = |plane: &Vec<f32>| -> Vec<f32> {
        let rows = plane.chunks_exact(picture.width).skip(top).take(height);
        rows.flat_map(|row| row[left..left + width].iter().copied()).collect()
    };
    Ok(Picture { height, width, planes: picture.planes.iter().map(rows).collect() })
}

fn random_crop(picture: &Picture, size: [usize; 2], padding: usize, draws: &mut Draws) -> Result<Picture, Misfit> {
    let [height, width] = size;
    let padded = [picture.height, picture.width].map(|side| side.saturating_add(padding.saturating_mul(2)));
    has_part(padded, size)?;
    may_become(size, || "would be padded and cut".to_owned())?;
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

fn flipped(mut picture: Picture) -> Picture {
    for plane in &mut picture.planes {
        plane.chunks_exact_mut(picture.width).for_each(<[f32]>::reverse);
    }
    picture
}

fn transposed(picture: &Picture) -> Picture {
    let Picture { height, width, planes } = picture;
    let plane =
        |plane: &Vec<f32>| (0..*width).flat_map(|column| plane.iter().skip(column).step_by(*width)).copied().collect();
    Picture { height: *width, width: *height, planes: planes.iter().map(plane).collect() }
}

fn normalized(mut picture: Picture, scale: f64, by: &Normalization<'_>) -> Picture {
    let channels = by.mean.len().max(by.std.len());
    if let ([plane], 2..) = (picture.planes.as_slice(), channels) {
        // A grey picture's one plane stands for all channels, and each is normalised by numbers of its own.
        picture.planes = vec![plane.clone(); channels];
    }
    for (channel, plane) in picture.planes.iter_mut().enumerate() {
        let number = by.of_channel(channel);
        plane.iter_mut().for_each(|pixel| *pixel = number(f64::from(*pixel) / scale));
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
        transform.apply(picture, false, &mut Draws::of_sample(0, 0, sample)).expect("a picture")
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
    fn rows_become_columns() {
        let turned = applied(Transform::Transpose, picture(2, 3), 0);
        assert_eq!((turned.height, turned.width), (3, 2));
        assert_eq!(turned.planes[0], [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
        assert_eq!(applied(Transform::Transpose, turned, 0), picture(2, 3));
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
            transform.apply(picture(4, 4), false, &mut Draws::of_sample(0, 0, 0)).expect_err("no picture").to_string()
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
        let small = Transform::CenterCrop([5, 2]).apply(picture(4, 4), false, &mut Draws::of_sample(0, 0, 0));
        assert_eq!(small.unwrap_err().to_string(), "is 4×4, and 5×2 are to be cut out of it");
    }

    #[test]
    fn the_shorter_side_is_what_was_said() {
        assert_eq!(by_shorter_side([480, 640], 256), [256, 341]);
        assert_eq!(by_shorter_side([640, 480], 256), [341, 256]);
        assert_eq!(by_shorter_side([28, 28], 96), [96, 96]);
    }

    #[test]
    fn cuts_the_middle() {
        let picture = Picture { height: 3, width: 4, planes: vec![(0..12u8).map(f32::from).collect()] };
        let cut = |size| center_crop(&picture, size).expect("a part").planes[0].clone();
        assert_eq!(cut([1, 2]), [5.0, 6.0]);
        // (4 − 3) / 2 is rounded to 0, as Python rounds.
        assert_eq!(cut([3, 3]), [0.0, 1.0, 2.0, 4.0, 5.0, 6.0, 8.0, 9.0, 10.0]);
    }
}
