//! Files of pictures to bytes: PNG, JPEG, WebP, GIF, BMP and TIFF, of several pictures the first. Built with the
//! feature `pictures`; else `no_decoder.rs` stands here.
//!
//! A few bytes may claim a picture of any size, so the size is held against what a picture may have, and against what the file's
//! bytes can hold at most, before a pixel is decoded. A decoder that panics is that file's error.

mod jpeg;

use super::{Decoded, check_size};
use crate::contained::decoded;
use crate::failure::{broken_file, fault, file_failure};
use crate::files::kinds::{self, PictureKind};
use crate::{Error, Result};
use image::codecs::{
    bmp::BmpDecoder, gif::GifDecoder, jpeg::JpegDecoder, png::PngDecoder, tiff::TiffDecoder, webp::WebPDecoder,
};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, Limits};
use std::io::{BufRead, Cursor, ErrorKind, Seek, SeekFrom};
use std::path::Path;

/// The kinds of files that are read as inputs.
pub const INPUTS: &str = "NumPy's .npy, pictures (PNG, JPEG, WebP, GIF, BMP, TIFF) and IDX files";
/// Said of a picture for an input of one channel.
const COLOURS_ARE_LEFT_OUT: &str = "its colours become grey, for the input has one channel";
/// Said of a picture that one could see through.
const ALPHA_IS_LEFT_OUT: &str = "its alpha is left out, and the colours under it count whole";
/// Deflate makes at most 1032 bytes of one, and in a byte are at most eight pixels.
const MOST_PIXELS_OF_A_PNG_BYTE: u64 = 1032 * 8;
/// The same of formats of which a few bytes may hold a picture of one colour, and the pixels that any file of them may have.
const MOST_PIXELS_OF_A_BYTE: u64 = 1 << 12;
const PIXELS_OF_ANY_FILE: u64 = 1 << 24;
/// What a picture may have beside its pixels: texts, profiles.
const MOST_METADATA_BYTES: u64 = 1 << 26;
/// Bytes of a pixel of four channels of 32 bits, read and made.
const MOST_BYTES_OF_A_PIXEL: u64 = 2 * 16;

/// Decodes a picture, upright, to grey when `grey`; `path` is what messages call it.
///
/// # Errors
/// E601 when the file cannot be read, E603 when it is no such picture, is cut off, or is larger than a picture may be.
pub fn decode(path: &Path, file: impl BufRead + Seek, grey: bool) -> Result<Decoded<'static>> {
    decode_noted(path, file, grey).map(|(picture, _)| picture)
}

/// As [`decode`], and what of the picture is left out.
///
/// # Errors
/// As [`decode`].
pub fn decode_noted(
    path: &Path,
    file: impl BufRead + Seek,
    grey: bool,
) -> Result<(Decoded<'static>, Vec<&'static str>)> {
    decoded(path, "is a picture that cannot be decoded", || {
        let image = by_kind(path, file)?;
        let color = image.color();
        let loses = [(grey && color.has_color(), COLOURS_ARE_LEFT_OUT), (color.has_alpha(), ALPHA_IS_LEFT_OUT)];
        let lost = loses.into_iter().filter(|(loses, _)| *loses).map(|(_, lost)| lost).collect();
        let decoded =
            bytes(image, grey).ok_or_else(|| fault("a decoder gave another number of pixels than it says"))?;
        Ok((decoded, lost))
    })
}

fn by_kind(path: &Path, mut file: impl BufRead + Seek) -> Result<DynamicImage> {
    let cannot_read = |error| file_failure("read", path, &error);
    let start = file.fill_buf().map_err(cannot_read)?;
    if start.is_empty() {
        return Err(broken_file(path, "is empty"));
    }
    let Some(kind) = PictureKind::of(start) else {
        let kind = kinds::name(start).map_or_else(String::new, |name| format!("; it begins as {name} does"));
        return Err(broken_file(path, format!("is no picture of a kind that is read{kind}")));
    };
    let claimed = claimed_length(kind, start);
    let length = file.seek(SeekFrom::End(0)).and_then(|length| file.rewind().map(|()| length)).map_err(cannot_read)?;
    if let Some(claimed) = claimed.filter(|&claimed| claimed > length) {
        return Err(broken_file(path, format!("is cut off: it says that it has {claimed} bytes, and has {length}")));
    }
    let undecodable = |error| undecodable(path, error);
    match kind {
        PictureKind::Png => png(path, file, length),
        PictureKind::Jpeg => {
            let (bytes, size) = jpeg::read(path, file)?;
            held_in(path, size, bytes.len() as u64, jpeg::MOST_PIXELS_OF_A_BYTE)?;
            pixels(path, JpegDecoder::new(Cursor::new(bytes)).map_err(undecodable)?)
        }
        PictureKind::WebP => bounded(path, length, WebPDecoder::new(file).map_err(undecodable)?),
        PictureKind::Gif => bounded(path, length, GifDecoder::new(file).map_err(undecodable)?),
        PictureKind::Bmp => bounded(path, length, BmpDecoder::new(file).map_err(undecodable)?),
        PictureKind::Tiff => bounded(path, length, TiffDecoder::new(file).map_err(undecodable)?),
    }
}

/// The length that the head of a file gives it, in the formats that have one there and whose decoders trust it.
fn claimed_length(kind: PictureKind, start: &[u8]) -> Option<u64> {
    let word = start.get(4..8)?.try_into().map(u32::from_le_bytes).ok()?;
    (kind == PictureKind::WebP).then(|| u64::from(word) + 8)
}

fn png(path: &Path, file: impl BufRead + Seek, length: u64) -> Result<DynamicImage> {
    let mut limits = Limits::default();
    limits.max_alloc = Some(MOST_METADATA_BYTES);
    let decoder = PngDecoder::with_limits(file, limits).map_err(|error| undecodable(path, error))?;
    let (width, height) = decoder.dimensions();
    held_in(path, [height as usize, width as usize], length, MOST_PIXELS_OF_A_PNG_BYTE)?;
    pixels(path, decoder)
}

/// The picture of a decoder that has read the head of a file of that length.
fn bounded(path: &Path, length: u64, mut decoder: impl ImageDecoder) -> Result<DynamicImage> {
    let (width, height) = decoder.dimensions();
    let count = u64::from(width) * u64::from(height);
    let most_of_a_byte = if count <= PIXELS_OF_ANY_FILE { count } else { MOST_PIXELS_OF_A_BYTE };
    held_in(path, [height as usize, width as usize], length, most_of_a_byte)?;
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MOST_METADATA_BYTES + MOST_BYTES_OF_A_PIXEL * count);
    decoder.set_limits(limits).map_err(|error| undecodable(path, error))?;
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

/// The bytes of a decoded picture, without its alpha.
fn bytes(decoded: DynamicImage, grey: bool) -> Option<Decoded<'static>> {
    let size = [decoded.height() as usize, decoded.width() as usize];
    match decoded {
        // Weighed, three equal numbers are that number.
        DynamicImage::ImageLuma8(pixels) if grey => Decoded::new(size, 1, pixels.into_raw()),
        colours => Decoded::new(size, 3, colours.into_rgb8().into_raw()).map(|colours| match grey {
            true => colours.grey(),
            false => colours,
        }),
    }
}

#[cfg(test)]
mod tests;
