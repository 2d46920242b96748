//! Pixels to the bytes of a PNG file.

use crate::Result;
use crate::failure::failure;
use cnnc_compiler::diagnostic::Code;

/// A PNG of `width` × `height` pixels of red, green and blue, a byte each, row by row.
///
/// # Errors
/// E604 when there are not as many bytes, or this build of cnnc-runtime lacks the feature `pictures`.
#[cfg(feature = "pictures")]
pub fn png(width: usize, height: usize, pixels: &[u8]) -> Result<Vec<u8>> {
    use image::codecs::png::PngEncoder;
    use image::{ExtendedColorType, ImageEncoder};
    let refused = |reason: String| failure(Code::E604, format!("{width}×{height} pixels make no PNG: {reason}"));
    let wanted = width.checked_mul(height).and_then(|pixels| pixels.checked_mul(3));
    if wanted != Some(pixels.len()) || pixels.is_empty() {
        return Err(refused(format!("there are {} bytes", pixels.len())));
    }
    let [columns, rows] = [width, height].map(|size| u32::try_from(size).unwrap_or(u32::MAX));
    let mut bytes = Vec::new();
    let written = PngEncoder::new(&mut bytes).write_image(pixels, columns, rows, ExtendedColorType::Rgb8);
    written.map_err(|error| refused(error.to_string()))?;
    Ok(bytes)
}

/// What stands in its place in a build without the feature `pictures`.
///
/// # Errors
/// E604, always.
#[cfg(not(feature = "pictures"))]
pub fn png(_width: usize, _height: usize, _pixels: &[u8]) -> Result<Vec<u8>> {
    let missing = failure(Code::E604, "a picture is to be written, and this build of cnnc-runtime writes none");
    Err(missing.help("build cnnc-runtime with its feature `pictures`"))
}

#[cfg(all(test, feature = "pictures"))]
mod tests {
    use super::png;
    use std::io::Cursor;
    use std::path::Path;

    #[test]
    fn what_is_written_is_read() {
        let pixels = [255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9, 1, 2, 3, 4, 5, 6];
        let bytes = png(3, 2, &pixels).unwrap();
        let picture = crate::pictures::decode(Path::new("it"), Cursor::new(bytes), false).unwrap();
        assert_eq!(picture, crate::pictures::Decoded::new([2, 3], 3, &pixels[..]).unwrap());
        assert!(png(3, 2, &pixels[1..]).is_err() && png(0, 0, &[]).is_err());
    }
}
