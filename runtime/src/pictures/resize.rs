//! Resizing planes as torchvision and Pillow do: by the nearest pixel, or by a triangle or a cubic that averages over all pixels
//! that fall together when it gets smaller. Planes of bytes become Pillow's bytes (`bytes.rs`); what was normalised before is
//! computed in float32, as torchvision does.

mod bytes;

use super::Picture;
use super::decoded::{Decoded, Part};
use cnnc_compiler::graph::Interpolation;

/// A size that a picture is brought to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Of the shorter side; the other one keeps the proportion.
    ShorterSide(usize),
    /// Height and width.
    To([usize; 2]),
}

/// The picture at another size.
pub fn resize(picture: &Picture, height: usize, width: usize, interpolation: Interpolation) -> Picture {
    match Decoded::of_picture(picture).filter(|_| interpolation != Interpolation::Nearest) {
        Some(bytes) => resize_part(&bytes, bytes.whole(), [height, width], interpolation),
        None => resize_numbers(picture, height, width, interpolation),
    }
}

/// A part of a picture, which is in it, at another size.
pub fn resize_part(decoded: &Decoded<'_>, part: Part, to: [usize; 2], interpolation: Interpolation) -> Picture {
    match interpolation {
        _ if part.size == to => decoded.part(part),
        Interpolation::Nearest => resize_numbers(&decoded.part(part), to[0], to[1], interpolation),
        Interpolation::Bilinear => bytes::resize(decoded, part, to, TRIANGLE),
        Interpolation::Bicubic => bytes::resize(decoded, part, to, CUBIC),
    }
}

/// The same of any numbers. The plane between the two passes is never larger than the larger of source and result: columns
/// come first, as in Pillow, unless rows get fewer and columns more.
fn resize_numbers(picture: &Picture, height: usize, width: usize, interpolation: Interpolation) -> Picture {
    if (height, width) == (picture.height, picture.width) {
        return picture.clone();
    }
    let columns = weights(picture.width, width, interpolation);
    let rows = weights(picture.height, height, interpolation);
    let rows_first = height < picture.height && width > picture.width;
    let planes = picture.planes.iter().map(|plane| {
        let mut plane = if rows_first {
            across(&down(plane, picture.width, &rows), picture.width, &columns)
        } else {
            down(&across(plane, picture.width, &columns), width, &rows)
        };
        if interpolation == Interpolation::Bicubic {
            // A cubic has negative parts, and a picture has no such pixels.
            plane.iter_mut().for_each(|value| *value = value.clamp(0.0, 255.0));
        }
        plane
    });
    Picture { height, width, planes: planes.collect() }
}

/// What makes each pixel of a side: shares of pixels of the source that lie beside one another.
struct Shares {
    /// For each pixel the first that it has a share of, and where its shares end in `all`.
    pixels: Vec<(u32, u32)>,
    all: Vec<f32>,
}

impl Shares {
    /// For each pixel in order, the first that it has a share of and the share of each from there on.
    fn iter(&self) -> impl Iterator<Item = (usize, &[f32])> {
        let mut start = 0;
        self.pixels.iter().map(move |&(first, end)| {
            let shares = &self.all[start..end as usize];
            start = end as usize;
            (first as usize, shares)
        })
    }
}

/// A triangle or a cubic: half its width, and its height at a distance from the centre.
#[derive(Clone, Copy)]
struct Kernel {
    radius: f64,
    at: fn(f64) -> f64,
}

const TRIANGLE: Kernel = Kernel { radius: 1.0, at: triangle };
const CUBIC: Kernel = Kernel { radius: 2.0, at: cubic };

/// What makes one pixel of a side: the first of the source that it has a share of, and the share of each from there on.
struct Side {
    first: usize,
    shares: Vec<f64>,
}

/// What makes each of `count` pixels of `size`. The kernel lies around the pixel's centre and is as wide as the pixel is in the
/// source, never narrower than between source pixels.
fn sides(size: usize, count: usize, kernel: Kernel) -> impl Iterator<Item = Side> {
    let scale = size as f64 / count as f64;
    let width = scale.max(1.0);
    (0..count).map(move |index| {
        let centre = (index as f64 + 0.5) * scale;
        let first = (centre - kernel.radius * width + 0.5).max(0.0) as usize;
        let end = ((centre + kernel.radius * width + 0.5) as usize).min(size);
        let weight = |pixel: usize| (kernel.at)(((pixel as f64 - centre + 0.5) * (1.0 / width)).abs());
        let total: f64 = (first..end).map(weight).sum();
        Side { first, shares: (first..end).map(|pixel| weight(pixel) / total).collect() }
    })
}

/// What makes each of `count` pixels of `size`.
fn weights(size: usize, count: usize, interpolation: Interpolation) -> Shares {
    let scale = size as f64 / count as f64;
    let mut shares = Shares { pixels: Vec::with_capacity(count), all: Vec::new() };
    let kernel = match interpolation {
        Interpolation::Nearest => {
            shares.pixels.extend((0..count).map(|index| (nearest(index, scale, size) as u32, index as u32 + 1)));
            shares.all = vec![1.0; count];
            return shares;
        }
        Interpolation::Bilinear => TRIANGLE,
        Interpolation::Bicubic => CUBIC,
    };
    for side in sides(size, count, kernel) {
        shares.all.extend(side.shares.into_iter().map(|share| share as f32));
        shares.pixels.push((side.first as u32, shares.all.len() as u32));
    }
    shares
}

/// The pixel of the source that the centre of one lies in.
fn nearest(index: usize, scale: f64, size: usize) -> usize {
    (((index as f64 + 0.5) * scale) as usize).min(size - 1)
}

/// At a distance from the centre.
fn triangle(distance: f64) -> f64 {
    (1.0 - distance).max(0.0)
}

/// Keys' cubic with a = −1/2 at a distance from the centre.
fn cubic(distance: f64) -> f64 {
    const A: f64 = -0.5;
    match distance {
        near if near < 1.0 => ((A + 2.0) * near - (A + 3.0)) * near * near + 1.0,
        far if far < 2.0 => (((far - 5.0) * far + 8.0) * far - 4.0) * A,
        _ => 0.0,
    }
}

/// Each row of a plane at another width.
fn across(plane: &[f32], width: usize, columns: &Shares) -> Vec<f32> {
    let mut result = Vec::with_capacity(plane.len() / width * columns.pixels.len());
    for row in plane.chunks_exact(width) {
        let sum = |(first, shares): (usize, &[f32])| {
            shares.iter().zip(&row[first..]).map(|(share, value)| share * value).sum::<f32>()
        };
        result.extend(columns.iter().map(sum));
    }
    result
}

/// Each column of a plane at another height.
fn down(plane: &[f32], width: usize, rows: &Shares) -> Vec<f32> {
    let mut result = vec![0.0; width * rows.pixels.len()];
    for (into, (first, shares)) in result.chunks_exact_mut(width).zip(rows.iter()) {
        for (share, from) in shares.iter().zip(plane[first * width..].chunks_exact(width)) {
            for (into, value) in into.iter_mut().zip(from) {
                *into += share * value;
            }
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::{Interpolation, Picture, resize as resize_as_asked, resize_numbers as resize};

    fn picture(height: usize, width: usize) -> Picture {
        Picture { height, width, planes: vec![(0..height * width).map(|pixel| (pixel * pixel % 17) as f32).collect()] }
    }

    #[test]
    fn agrees_with_torch() {
        // torch.nn.functional.interpolate(x, size, mode="bilinear", antialias=True), PyTorch 2.
        let smaller = resize(&picture(4, 5), 2, 3, Interpolation::Bilinear);
        let expected = [3.857_143, 8.111_112, 12.857_142, 5.979_592, 5.476_191, 8.163_265];
        assert!(smaller.planes[0].iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5), "{smaller:?}");
        let larger = resize(&picture(2, 2), 3, 4, Interpolation::Bilinear);
        let expected = [0.0, 0.25, 0.75, 1.0, 2.0, 2.75, 4.25, 5.0, 4.0, 5.25, 7.75, 9.0];
        assert!(larger.planes[0].iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5), "{larger:?}");
    }

    #[test]
    fn bicubic_and_nearest_agree_with_torch_and_pillow() {
        // torch.nn.functional.interpolate(x, size, mode="bicubic", antialias=True), PyTorch 2.15; Pillow 13 gives the same.
        let smaller = resize(&picture(9, 7), 4, 3, Interpolation::Bicubic);
        let expected = [
            7.326_719, 8.169_629, 8.174_258, 8.149_584, 7.252_454, 8.040_512, 7.560_342, 9.437_241, 7.643_536,
            5.846_465, 7.165_378, 10.894_773,
        ];
        assert!(smaller.planes[0].iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5), "{smaller:?}");
        // Of a picture, what lies below 0 is 0.
        let larger = resize(&picture(2, 2), 3, 4, Interpolation::Bicubic);
        let expected = [
            0.0, 0.0, 0.321_053, 0.538_7, 1.735_294, 2.621_429, 4.378_571, 5.264_706, 3.798_762, 5.353_383, 8.436_09,
            9.990_712,
        ];
        assert!(larger.planes[0].iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5), "{larger:?}");
        // Image.resize(size, Image.NEAREST), Pillow 13.
        let nearest = resize(&picture(9, 7), 4, 3, Interpolation::Nearest);
        assert_eq!(nearest.planes[0], [13.0, 15.0, 8.0, 8.0, 15.0, 13.0, 4.0, 16.0, 2.0, 1.0, 1.0, 9.0]);
    }

    #[test]
    fn the_plane_in_between_is_no_larger_than_both() {
        // As one plane in between of 64×60000 would be.
        let flat = resize(&picture(64, 48), 1, 60_000, Interpolation::Bilinear);
        assert_eq!((flat.planes[0].len(), flat.planes[0].capacity()), (60_000, 60_000));
        // Either order of passes is the same picture, as near as float32 is.
        let rows = resize(&picture(64, 48), 10, 48, Interpolation::Bilinear);
        let both = resize(&picture(64, 48), 10, 99, Interpolation::Bilinear);
        assert_eq!(resize(&rows, 10, 99, Interpolation::Bilinear), both);
        let columns = resize(&picture(64, 48), 64, 99, Interpolation::Bilinear);
        let other = resize(&columns, 10, 99, Interpolation::Bilinear);
        assert!(both.planes[0].iter().zip(&other.planes[0]).all(|(a, b)| (a - b).abs() < 1e-4));
    }

    #[test]
    fn an_even_picture_stays_even() {
        let even = Picture { height: 30, width: 40, planes: vec![vec![7.0; 1200]] };
        for (height, width) in [(7, 11), (60, 50), (1, 1)] {
            for (_, interpolation) in Interpolation::NAMES {
                let resized = resize_as_asked(&even, height, width, interpolation);
                assert_eq!(resized.planes[0].len(), height * width);
                assert!(resized.planes[0].iter().all(|value| (value - 7.0).abs() < 1e-5));
            }
        }
    }
}
