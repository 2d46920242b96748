//! Pictures: what a network is shown comes in as bytes of files or as planes of numbers, and leaves as an input's
//! numbers.
//!
//! There is one order of operations, whoever asks ([`Conversion`]): grey where the input has one channel, then resizing,
//! cutting and what is random ([`transforms`]), then scaling and normalising by channel. Files that programs run on (`input/`)
//! and samples of data sets (`data/`) both go through it; they differ in how a picture that does not fit is told.

mod conversion;
#[cfg_attr(not(feature = "pictures"), path = "no_decoder.rs")]
mod decode;
mod decoded;
mod encode;
mod resize;
pub mod transforms;

pub(crate) use conversion::Conversion;
pub(crate) use decode::{INPUTS, decode, decode_noted};
pub use decoded::Decoded;
pub use encode::png;
pub use resize::Size;
pub(crate) use transforms::Misfit;
pub use transforms::Transform;

use crate::level::vectorised;

/// The most pixels that a picture may have, as it is decoded and after it is resized: 2²⁷, 1.6 GB as three planes.
pub(crate) const MOST_PIXELS: usize = 1 << 27;
/// The longest side that a picture may have.
const LONGEST_SIDE: usize = 1 << 16;

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
pub(crate) fn check_size([height, width]: [usize; 2]) -> std::result::Result<(), String> {
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

/// `0.299 R + 0.587 G + 0.114 B` (ITU-R BT.601), as Pillow has it.
fn grey_of([red, green, blue]: [u32; 3]) -> f32 {
    ((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16) as f32
}

/// Mean and deviation of pixels by channel; the last number serves all channels that have none.
struct Normalization<'n> {
    mean: &'n [f64],
    std: &'n [f64],
}

impl Normalization<'_> {
    /// Makes of each pixel `x` of that channel its number, `(x · factor / divisor − mean) / std`, in float64.
    fn apply(&self, channel: usize, scale: [f64; 2], plane: &mut [f32]) {
        let of = |numbers: &[f64], otherwise| numbers.get(channel).or(numbers.last()).copied().unwrap_or(otherwise);
        normalise(scale, [of(self.mean, 0.0), of(self.std, 1.0)], plane);
    }
}

vectorised! {
    fn normalise(scale: [f64; 2], numbers: [f64; 2], plane: &mut [f32]) {
        let ([factor, divisor], [mean, std]) = (scale, numbers);
        for pixel in plane {
            *pixel = ((f64::from(*pixel) * factor / divisor - mean) / std) as f32;
        }
    }
}
