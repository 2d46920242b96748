//! Pictures as planes of numbers, wherever they come from, and what sizes they may have.

use super::{Loaded, Wanted, decode, transform};
use crate::Result;
use std::io::{BufRead, Seek};
use std::path::Path;

/// The most pixels that a picture may have, as it is decoded and after it is resized: 2²⁷, 1.6 GB as three planes.
pub const MOST_PIXELS: usize = 1 << 27;
/// The longest side that a picture may have.
pub const LONGEST_SIDE: usize = 1 << 16;
/// A picture as planes of numbers in 0..=255: grey, or red, green and blue.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// One or three planes, rows of `width` numbers.
    pub planes: Vec<Vec<f32>>,
}

/// Holds a size against what a picture may have; the arithmetic where it has more.
pub fn check_size([height, width]: [usize; 2]) -> std::result::Result<(), String> {
    let pixels = height as u128 * width as u128;
    if pixels == 0 {
        return Err(format!("{height}×{width} is no pixel"));
    }
    if pixels > MOST_PIXELS as u128 {
        return Err(format!("{height}×{width} is {pixels} pixels, and a picture may have {MOST_PIXELS}"));
    }
    if height.max(width) > LONGEST_SIDE {
        return Err(format!(
            "a side of a picture may have {LONGEST_SIDE} pixels, and of {height}×{width} one has more"
        ));
    }
    Ok(())
}

/// Reads a picture as an input.
pub fn read(path: &Path, file: impl BufRead + Seek, wanted: &Wanted) -> Result<Loaded> {
    let channels = wanted.shape.get(1).copied().flatten();
    let picture = decode(path, file, channels == Some(1))?;
    transform::to_input(path, vec![picture], wanted)
}

/// The picture in one plane; colours are weighed as [`decode`] weighs them.
pub fn to_grey(picture: Picture) -> Picture {
    let [red, green, blue] = picture.planes.as_slice() else { return picture };
    let sum = |((red, green), blue): ((&f32, &f32), &f32)| grey_of([*red as u32, *green as u32, *blue as u32]);
    let plane = red.iter().zip(green).zip(blue).map(sum).collect();
    Picture { planes: vec![plane], ..picture }
}

/// `0.299 R + 0.587 G + 0.114 B` (ITU-R BT.601), as Pillow has it.
pub fn grey_of([red, green, blue]: [u32; 3]) -> f32 {
    ((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16) as f32
}
