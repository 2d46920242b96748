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

/// Reads a picture.
pub fn read(path: &Path, file: impl BufRead + Seek, wanted: &Wanted) -> Result<Loaded> {
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
    let channels = wanted.shape.get(1).copied().flatten();
    transform::to_input(path, vec![Picture::of(&decoded, channels == Some(1))], wanted)
}

impl Picture {
    /// The planes of a decoded picture, without its alpha. Grey is `0.299 R + 0.587 G + 0.114 B` (ITU-R BT.601), as Pillow has it.
    fn of(decoded: &DynamicImage, grey: bool) -> Picture {
        let colours = decoded.to_rgb8();
        let (width, height) = (colours.width() as usize, colours.height() as usize);
        let planes = if grey {
            let sum = |pixel: &image::Rgb<u8>| {
                let [red, green, blue] = pixel.0.map(u32::from);
                ((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16) as f32
            };
            vec![colours.pixels().map(sum).collect()]
        } else {
            (0..3).map(|channel| colours.pixels().map(|pixel| f32::from(pixel.0[channel])).collect()).collect()
        };
        Picture { height, width, planes }
    }
}
