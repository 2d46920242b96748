//! Pictures that a program holds to a network's input, as the spec says: raw pixels, or the bytes of files.

use super::{Wanted, pictures};
use crate::failure::{failure, fault};
use crate::pictures::{Decoded, check_size, decode};
use crate::{Model, Result, Tensor};
use cnnc_compiler::diagnostic::Code;
use cnnc_compiler::write_kernels::Bindings;
use std::io::Cursor;
use std::path::Path;

/// What messages call pictures that have no file.
const NAME: &str = "the pictures";

/// A picture in memory: rows of pixels from the top, each pixel red, green and blue, a byte each.
#[derive(Clone, Copy, Debug)]
pub struct Rgb8<'p> {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// `3 · width · height` bytes.
    pub pixels: &'p [u8],
}

/// How pictures become an input of a model: resized, cut, scaled and normalised as its `image(...)` says. Any number of pictures
/// makes a batch, where the spec leaves the batch open.
#[derive(Clone, Debug)]
pub struct Preprocess(Wanted);

impl Preprocess {
    /// For the input of that number.
    ///
    /// # Errors
    /// E604 when the model has no such input.
    pub fn of(model: &Model, input: usize) -> Result<Preprocess> {
        Ok(Preprocess(Wanted::new(model.port(input)?, &Bindings::new())))
    }

    /// A batch of pictures, `[N, 1 or 3, H, W]`; an input of one channel gets them in grey.
    ///
    /// # Errors
    /// E604 when a buffer does not have three bytes a pixel, the input takes no pictures or not as many, or they do not come to
    /// one size.
    pub fn rgb8(&self, pictures: &[Rgb8<'_>]) -> Result<Tensor> {
        self.batch(pictures.iter().map(of_buffer).collect::<Result<_>>()?)
    }

    /// A batch of pictures, from the bytes of their files.
    ///
    /// # Errors
    /// E603 when one is no such picture, and as [`Preprocess::rgb8`].
    pub fn encoded(&self, pictures: &[&[u8]]) -> Result<Tensor> {
        let grey = self.takes_grey();
        let decoded = pictures.iter().map(|bytes| decode(Path::new(NAME), Cursor::new(*bytes), grey));
        self.batch(decoded.collect::<Result<_>>()?)
    }

    fn takes_grey(&self) -> bool {
        self.0.shape.get(1).copied().flatten() == Some(1)
    }

    fn batch(&self, pictures: Vec<Decoded<'_>>) -> Result<Tensor> {
        if pictures.is_empty() {
            return Err(failure(Code::E604, "no picture is given, and a batch is one or more"));
        }
        pictures::to_input(Path::new(NAME), pictures, &self.0).map(|loaded| loaded.tensor)
    }
}

/// A buffer as a picture.
fn of_buffer<'p>(&Rgb8 { width, height, pixels }: &Rgb8<'p>) -> Result<Decoded<'p>> {
    check_size([height, width])
        .map_err(|reason| failure(Code::E604, format!("a picture cannot be an input: {reason}")))?;
    if pixels.len() != 3 * width * height {
        let message = format!(
            "a picture of {height}×{width} has {} bytes of red, green and blue, and {} are given",
            3 * width * height,
            pixels.len()
        );
        return Err(failure(Code::E604, message));
    }
    Decoded::new([height, width], 3, pixels).ok_or_else(|| fault("a buffer of another length than its picture's"))
}
