//! Resizing bytes to Pillow's bytes: shares in 22 bits behind the point, sums of whole numbers, rounded and clamped between the
//! passes and after them (Pillow's `libImaging/Resample.c`, which torchvision resizes decoded pictures by).
//!
//! Columns come first, as in torchvision's code for bytes and, where proportions are kept, in Pillow. No picture in between is
//! kept: each row of the source, once its columns are made, goes at once into all rows of the result that have a share of it.
//! Colours are summed four numbers a pixel, the fourth of which means nothing, so that a pixel is one vector.

use super::super::decoded::{Decoded, Part};
use super::{Kernel, Side, sides};
use crate::level::vectorised;
use crate::pictures::Picture;

/// Bits of a share behind the point: eight are of the pixel, two for overshoot.
const BITS: u32 = 32 - 8 - 2;
const HALF: i32 = 1 << (BITS - 1);

/// A part of a picture, which is in it, at another size.
pub fn resize(decoded: &Decoded<'_>, part: Part, to: [usize; 2], kernel: Kernel) -> Picture {
    let [height, width] = part.size;
    let columns = shares(width, to[1], kernel);
    let rows = shares(height, to[0], kernel);
    let (channels, lanes) = (decoded.channels(), if decoded.channels() == 1 { 1 } else { COLOUR });
    let mut planes = vec![vec![0.0; to[0] * to[1]]; channels];
    let length = lanes * to[1];
    let is_begun_with = |row: &Shares, other: &Shares| other.first < row.first + row.shares.len();
    let begun_with = |at: usize| rows[at..].iter().take_while(|other| is_begun_with(&rows[at], other)).count();
    // Rows of the result that are summed at a time, each in the place of one that is done.
    let most = (0..rows.len()).map(begun_with).max().unwrap_or(0);
    let mut sums = vec![HALF; most * length];
    let place = |row: usize| row % most * length..(row % most + 1) * length;
    let mut row_of_columns = vec![0; length];
    // A byte more than a row has: a vector of the last pixel's colours reads it.
    let mut source = vec![0; channels * width + 1];
    let mut begin = 0;
    for (number, row) in decoded.rows(part).enumerate() {
        let end = begin + rows[begin..].iter().take_while(|row| row.first <= number).count();
        if begin == end {
            continue;
        }
        source[..row.len()].copy_from_slice(row);
        match lanes {
            1 => across(&source, &columns, &mut row_of_columns),
            _ => across_colours(&source, &columns, &mut row_of_columns),
        }
        let mut done = begin;
        for at in begin..end {
            let (row, sums) = (&rows[at], &mut sums[place(at)]);
            add(row.shares[number - row.first], &row_of_columns, sums);
            // Rows of the result end in their order.
            if row.first + row.shares.len() == number + 1 {
                done = at + 1;
                for (channel, plane) in planes.iter_mut().enumerate() {
                    write(sums, lanes, channel, &mut plane[at * to[1]..done * to[1]]);
                }
                sums.fill(HALF);
            }
        }
        begin = done;
    }
    Picture { height: to[0], width: to[1], planes }
}

/// Numbers that a pixel of colours has in a row of sums.
const COLOUR: usize = 4;

vectorised! {
    /// One row of grey pixels at another width.
    fn across(row: &[u8], columns: &[Shares], into: &mut [i32]) {
        for (into, Shares { first, shares }) in into.iter_mut().zip(columns) {
            let products = shares.iter().zip(&row[*first..]).map(|(share, &value)| share * i32::from(value));
            *into = clamped(HALF + products.sum::<i32>());
        }
    }
}

vectorised! {
    /// One row of red, green and blue at another width; behind its last pixel lies one byte more.
    fn across_colours(row: &[u8], columns: &[Shares], into: &mut [i32]) {
        for (into, Shares { first, shares }) in into.as_chunks_mut::<COLOUR>().0.iter_mut().zip(columns) {
            let source = &row[3 * first..3 * (first + shares.len()) + 1];
            let mut sums = [HALF; COLOUR];
            for (share, pixel) in shares.iter().zip(source.windows(COLOUR).step_by(3)) {
                for (sum, &value) in sums.iter_mut().zip(pixel) {
                    *sum += share * i32::from(value);
                }
            }
            *into = sums.map(clamped);
        }
    }
}

vectorised! {
    /// Adds a row's share to the sums of one of the result.
    fn add(share: i32, row: &[i32], into: &mut [i32]) {
        into.iter_mut().zip(row).for_each(|(into, value)| *into += share * value);
    }
}

vectorised! {
    /// Writes a channel of a row whose sums are whole.
    fn write(sums: &[i32], lanes: usize, channel: usize, into: &mut [f32]) {
        match lanes {
            1 => into.iter_mut().zip(sums).for_each(|(into, &sum)| *into = clamped(sum) as f32),
            _ => {
                let pixels = sums.as_chunks::<COLOUR>().0.iter();
                into.iter_mut().zip(pixels).for_each(|(into, pixel)| *into = clamped(pixel[channel]) as f32);
            }
        }
    }
}

#[inline(always)]
fn clamped(sum: i32) -> i32 {
    (sum >> BITS).clamp(0, 255)
}

/// What makes one pixel: the first of the source that it has a share of, and the share of each from there on.
struct Shares {
    first: usize,
    shares: Vec<i32>,
}

fn shares(size: usize, count: usize, kernel: Kernel) -> Vec<Shares> {
    if size == count {
        return (0..count).map(|first| Shares { first, shares: vec![1 << BITS] }).collect();
    }
    let rounded = |share: f64| (share * f64::from(1 << BITS) + 0.5f64.copysign(share)) as i32;
    let side = |Side { first, shares }: Side| Shares { first, shares: shares.into_iter().map(rounded).collect() };
    sides(size, count, kernel).map(side).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Interpolation, Picture, resize};
    use serde_json::Value;

    /// As `tests/reference/pillow_resize.py` makes it.
    fn picture(height: usize, width: usize) -> Picture {
        let pixel = |(y, x): (usize, usize)| ((y * y * 7 + x * x * 13 + y * x * 5 + y * 31) % 256) as f32;
        let plane = (0..height).flat_map(|y| (0..width).map(move |x| (y, x))).map(pixel).collect();
        Picture { height, width, planes: vec![plane] }
    }

    fn bytes(hex: &str) -> Vec<f32> {
        let digits: Vec<u32> = hex.chars().map(|digit| digit.to_digit(16).unwrap()).collect();
        digits.chunks_exact(2).map(|pair| (16 * pair[0] + pair[1]) as f32).collect()
    }

    #[test]
    fn every_byte_is_pillows() {
        let text = include_str!("../../../../tests/reference/pillow_resize.json");
        let fixture: Value = serde_json::from_str(text).unwrap();
        let size = |value: &Value| [0, 1].map(|axis| value[axis].as_u64().unwrap() as usize);
        let cases = fixture["cases"].as_array().unwrap();
        for case in cases {
            let ([height, width], [to_height, to_width]) = (size(&case["size"]), size(&case["to"]));
            let name = case["interpolation"].as_str().unwrap();
            let (_, interpolation) = Interpolation::NAMES.iter().find(|(known, _)| *known == name).unwrap();
            let resized = resize(&picture(height, width), to_height, to_width, *interpolation);
            assert_eq!(resized.planes[0], bytes(case["bytes"].as_str().unwrap()), "{height}×{width}: {case}");
        }
        assert!(cases.len() >= 20);
    }
}
