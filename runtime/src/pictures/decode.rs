//! PNG and JPEG files to planes of numbers. Built with the feature `pictures`; else `no_decoder.rs` stands here.
//!
//! A few bytes may claim a picture of any size, so the size is held against what a picture may have, and against what the file's
//! bytes can hold at most, before a pixel is decoded. A decoder that panics is that file's error.

mod jpeg;

use super::{Picture, check_size, grey_of};
use crate::contained::decoded;
use crate::failure::{broken_file, file_failure};
use crate::files::kinds;
use crate::{Error, Result};
use image::codecs::{jpeg::JpegDecoder, png::PngDecoder};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, Limits};
use std::io::{BufRead, Cursor, ErrorKind, Seek, SeekFrom};
use std::path::Path;

/// The kinds of files that are read as inputs.
pub const INPUTS: &str = "NumPy's .npy, pictures (PNG, JPEG) and IDX files";
/// Said of a picture for an input of one channel.
const COLOURS_ARE_LEFT_OUT: &str = "its colours become grey, for the input has one channel";
/// Said of a picture that one could see through.
const ALPHA_IS_LEFT_OUT: &str = "its alpha is left out, and the colours under it count whole";
/// Deflate makes at most 1032 bytes of one, and in a byte are at most eight pixels.
const MOST_PIXELS_OF_A_PNG_BYTE: u64 = 1032 * 8;
/// What a PNG may have beside its pixels: texts, profiles.
const MOST_METADATA_BYTES: u64 = 1 << 26;

/// Decodes a PNG or JPEG picture, upright, to one plane when `grey`; `path` is what messages call it.
///
/// # Errors
/// E601 when the file cannot be read, E603 when it is no such picture, is cut off, or is larger than a picture may be.
pub fn decode(path: &Path, file: impl BufRead + Seek, grey: bool) -> Result<Picture> {
    decode_noted(path, file, grey).map(|(picture, _)| picture)
}

/// As [`decode`], and what of the picture is left out.
///
/// # Errors
/// As [`decode`].
pub fn decode_noted(path: &Path, file: impl BufRead + Seek, grey: bool) -> Result<(Picture, Vec<&'static str>)> {
    decoded(path, "is a picture that cannot be decoded", || {
        let image = by_kind(path, file)?;
        let color = image.color();
        let loses = [(grey && color.has_color(), COLOURS_ARE_LEFT_OUT), (color.has_alpha(), ALPHA_IS_LEFT_OUT)];
        let lost = loses.into_iter().filter(|(loses, _)| *loses).map(|(_, lost)| lost).collect();
        Ok((Picture::of(image, grey), lost))
    })
}

fn by_kind(path: &Path, mut file: impl BufRead + Seek) -> Result<DynamicImage> {
    let cannot_read = |error| file_failure("read", path, &error);
    let start = file.fill_buf().map_err(cannot_read)?;
    match start {
        [] => Err(broken_file(path, "is empty")),
        [0x89, b'P', b'N', b'G', ..] => png(path, file),
        [0xFF, 0xD8, 0xFF, ..] => {
            let (bytes, size) = jpeg::read(path, file)?;
            held_in(path, size, bytes.len() as u64, jpeg::MOST_PIXELS_OF_A_BYTE)?;
            let decoder = JpegDecoder::new(Cursor::new(bytes)).map_err(|error| undecodable(path, error))?;
            pixels(path, decoder)
        }
        start => {
            let kind = kinds::name(start).map_or_else(String::new, |name| format!("; it begins as {name} does"));
            Err(broken_file(path, format!("is neither a PNG nor a JPEG picture{kind}")))
        }
    }
}

fn png(path: &Path, mut file: impl BufRead + Seek) -> Result<DynamicImage> {
    let length = file.seek(SeekFrom::End(0)).and_then(|length| file.rewind().map(|()| length));
    let length = length.map_err(|error| file_failure("read", path, &error))?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(MOST_METADATA_BYTES);
    let decoder = PngDecoder::with_limits(file, limits).map_err(|error| undecodable(path, error))?;
    let (width, height) = decoder.dimensions();
    held_in(path, [height as usize, width as usize], length, MOST_PIXELS_OF_A_PNG_BYTE)?;
    pixels(path, decoder)
}

/// Holds a size that a file claims against what a picture may have, and against what so many bytes can hold.
fn held_in(path: &Path, size: [usize; 2], bytes: u64, most_of_a_byte: u64) -> Result<()> {
    check_size(size).map_err(|reason| broken_file(path, format!("is a picture too large to be an input: {reason}")))?;
    let (pixels, most) = ((size[0] * size[1]) as u64, bytes.saturating_mul(most_of_a_byte));
    if pixels > most {
        let [height, width] = size;
        return Err(broken_file(
            path,
            format!(
                "is cut off: it says that it has {height}×{width}, {pixels} pixels, and its {bytes} bytes hold at most {most}"
            ),
        ));
    }
    Ok(())
}

/// The picture upright: turned as its EXIF data say that it was taken.
fn pixels(path: &Path, mut decoder: impl ImageDecoder) -> Result<DynamicImage> {
    // Data that cannot be read say nothing of how the picture stands.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut image = DynamicImage::from_decoder(decoder).map_err(|error| undecodable(path, error))?;
    image.apply_orientation(orientation);
    Ok(image)
}

fn undecodable(path: &Path, error: ImageError) -> Error {
    match error {
        ImageError::IoError(error) if error.kind() != ErrorKind::UnexpectedEof => file_failure("read", path, &error),
        ImageError::IoError(_) => broken_file(path, "is a picture that cannot be decoded: it is cut off"),
        other => broken_file(path, format!("is a picture that cannot be decoded: {}", other.to_string().trim_end())),
    }
}

impl Picture {
    /// The planes of a decoded picture, without its alpha.
    fn of(decoded: DynamicImage, grey: bool) -> Picture {
        let (width, height) = (decoded.width() as usize, decoded.height() as usize);
        let planes = match (decoded, grey) {
            // Weighed, three equal numbers are that number.
            (DynamicImage::ImageLuma8(pixels), true) => vec![pixels.iter().map(|&pixel| f32::from(pixel)).collect()],
            (decoded, true) => {
                vec![decoded.into_rgb8().pixels().map(|pixel| grey_of(pixel.0.map(u32::from))).collect()]
            }
            (decoded, false) => {
                let colours = decoded.into_rgb8();
                (0..3).map(|channel| colours.pixels().map(|pixel| f32::from(pixel.0[channel])).collect()).collect()
            }
        };
        Picture { height, width, planes }
    }
}
