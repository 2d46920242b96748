//! Pictures: PNG and JPEG to planes of numbers.

use super::{Loaded, Wanted, transform};
use crate::Result;
use crate::failure::broken_file;
use image::{DynamicImage, ImageError, ImageReader, Limits};
use std::io::{BufRead, Seek};
use std::path::Path;

/// The most pixels that a picture may have before and after resizing.
pub const MOST_PIXELS: usize = 1 << 27;

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

/// Reads a picture as an input.
pub fn read(path: &Path, file: impl BufRead + Seek, wanted: &Wanted) -> Result<Loaded> {
    let channels = wanted.shape.get(1).copied().flatten();
    let picture = decode(path, file, channels == Some(1))?;
    transform::to_input(path, vec![picture], wanted)
}

/// Decodes a PNG or JPEG picture, to one plane when `grey`; `path` is what messages call it.
pub fn decode(path: &Path, file: impl BufRead + Seek, grey: bool) -> Result<Picture> {
    let cannot_read = |error| crate::failure::file_failure("read", path, &error);
    let mut reader = ImageReader::new(file).with_guessed_format().map_err(cannot_read)?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(1 << 16);
    limits.max_image_height = Some(1 << 16);
    limits.max_alloc = Some(4 * MOST_PIXELS as u64);
    reader.limits(limits);
    let decoded = reader.decode().map_err(|error| match error {
        ImageError::IoError(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => cannot_read(error),
        ImageError::Limits(_) => broken_file(path, "is a picture too large to be an input"),
        other => broken_file(path, format!("is a picture that cannot be decoded: {other}")),
    })?;
    Ok(Picture::of(&decoded, grey))
}

/// The picture in one plane; colours are weighed as [`decode`] weighs them.
pub fn to_grey(picture: Picture) -> Picture {
    let [red, green, blue] = picture.planes.as_slice() else { return picture };
    let sum = |((red, green), blue): ((&f32, &f32), &f32)| grey_of([*red as u32, *green as u32, *blue as u32]);
    let plane = red.iter().zip(green).zip(blue).map(sum).collect();
    Picture { planes: vec![plane], ..picture }
}

/// `0.299 R + 0.587 G + 0.114 B` (ITU-R BT.601), as Pillow has it.
fn grey_of([red, green, blue]: [u32; 3]) -> f32 {
    ((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16) as f32
}

impl Picture {
    /// The planes of a decoded picture, without its alpha.
    fn of(decoded: &DynamicImage, grey: bool) -> Picture {
        let colours = decoded.to_rgb8();
        let (width, height) = (colours.width() as usize, colours.height() as usize);
        let planes = if grey {
            vec![colours.pixels().map(|pixel| grey_of(pixel.0.map(u32::from))).collect()]
        } else {
            (0..3).map(|channel| colours.pixels().map(|pixel| f32::from(pixel.0[channel])).collect()).collect()
        };
        Picture { height, width, planes }
    }
}
