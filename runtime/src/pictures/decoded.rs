//! A picture as files and programs have it: bytes, pixel after pixel. The first transform reads them, so that of a large picture
//! no more becomes numbers than is wanted.

use super::{Picture, grey_of};
use std::borrow::Cow;

/// Rows of pixels from the top, each one grey byte, or red, green and blue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded<'b> {
    size: [usize; 2],
    channels: usize,
    bytes: Cow<'b, [u8]>,
}

/// Where a part of a picture begins, from top and left, and its height and width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub start: [usize; 2],
    pub size: [usize; 2],
}

impl<'b> Decoded<'b> {
    /// Of one or three bytes a pixel; `None` where there are not as many as height, width and channels say.
    pub fn new(size: [usize; 2], channels: usize, bytes: impl Into<Cow<'b, [u8]>>) -> Option<Decoded<'b>> {
        let bytes = bytes.into();
        let count = size[0].checked_mul(size[1])?.checked_mul(channels)?;
        (matches!(channels, 1 | 3) && bytes.len() == count).then_some(Decoded { size, channels, bytes })
    }

    /// Of one or three planes that lie one after another.
    pub(crate) fn of_planes(size: [usize; 2], planes: &'b [u8]) -> Decoded<'b> {
        let pixels = size[0] * size[1];
        match planes.len() / pixels.max(1) {
            3 => {
                let [red, green, blue] = [0, 1, 2].map(|plane| planes[plane * pixels..(plane + 1) * pixels].iter());
                let bytes = red.zip(green).zip(blue).flat_map(|((&red, &green), &blue)| [red, green, blue]);
                Decoded { size, channels: 3, bytes: bytes.collect() }
            }
            _ => Decoded { size, channels: 1, bytes: planes.into() },
        }
    }

    /// Those of a picture whose numbers are bytes; `None` where one is none.
    pub(crate) fn of_picture(picture: &Picture) -> Option<Decoded<'static>> {
        let channels = picture.planes.len();
        let mut bytes = vec![0; channels * picture.height * picture.width];
        for (channel, plane) in picture.planes.iter().enumerate() {
            for (into, &number) in bytes.iter_mut().skip(channel).step_by(channels).zip(plane) {
                *into = number as u8;
                if f32::from(*into) != number {
                    return None;
                }
            }
        }
        Decoded::new([picture.height, picture.width], channels, bytes)
    }

    /// Height and width.
    pub fn size(&self) -> [usize; 2] {
        self.size
    }

    /// How many bytes a pixel has: 1 or 3.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// All of it.
    pub(crate) fn whole(&self) -> Part {
        Part { start: [0; 2], size: self.size }
    }

    /// The picture with one byte a pixel; colours are weighed as Pillow weighs them.
    pub(crate) fn grey(self) -> Decoded<'b> {
        match self.channels {
            1 => self,
            _ => {
                let pixels = self.bytes.as_chunks().0.iter();
                let bytes = pixels.map(|pixel: &[u8; 3]| grey_of(pixel.map(u32::from)) as u8).collect();
                Decoded { channels: 1, bytes, ..self }
            }
        }
    }

    /// The rows of a part, which is in it.
    pub(crate) fn rows(&self, Part { start: [top, left], size: [height, width] }: Part) -> impl Iterator<Item = &[u8]> {
        let (row, from, to) = (self.size[1] * self.channels, left * self.channels, (left + width) * self.channels);
        self.bytes.chunks_exact(row.max(1)).skip(top).take(height).map(move |row| &row[from..to])
    }

    /// A part of it as planes of numbers.
    pub(crate) fn part(&self, part: Part) -> Picture {
        let plane = |channel: usize| {
            let row = |row| <[u8]>::iter(row).skip(channel).step_by(self.channels).map(|&byte| f32::from(byte));
            let mut plane = Vec::with_capacity(part.size[0] * part.size[1]);
            self.rows(part).for_each(|bytes| plane.extend(row(bytes)));
            plane
        };
        Picture { height: part.size[0], width: part.size[1], planes: (0..self.channels).map(plane).collect() }
    }
}

impl From<Decoded<'_>> for Picture {
    fn from(decoded: Decoded<'_>) -> Picture {
        decoded.part(decoded.whole())
    }
}
