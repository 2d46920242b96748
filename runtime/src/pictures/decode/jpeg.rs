//! A JPEG file as far as its picture goes: from its first marker to the one that ends it.
//!
//! The decoder takes what is cut off for a picture with a grey rest, and reads whatever follows a picture into memory. So the
//! markers are walked first: what goes to the decoder ends with the picture's own end, and a file that has none is refused, as
//! Pillow refuses it.

use crate::Result;
use crate::failure::{broken_file, file_failure};
use std::io::{BufRead, ErrorKind, Read};
use std::path::Path;

/// What a byte of a file can hold at most: of a block of 8×8 pixels at least one bit is there.
pub const MOST_PIXELS_OF_A_BYTE: u64 = 8 * 64;
/// What a file may have beside its pixels: profiles, thumbnails, notes.
const MOST_METADATA_BYTES: u64 = 1 << 26;
/// More than four components can have of a pixel when every code has its longest form.
const MOST_BYTES_OF_A_PIXEL: u64 = 16;

/// The bytes of the picture, and its height and width.
///
/// # Errors
/// E601 when the file cannot be read; E603 when it ends before its picture does, has no size, or more bytes than a picture of its
/// size has.
pub fn read(path: &Path, file: impl BufRead) -> Result<(Vec<u8>, [usize; 2])> {
    let mut markers = Markers { file, bytes: Vec::new(), most: MOST_METADATA_BYTES };
    let walked = markers.walk();
    let length = markers.bytes.len();
    match walked {
        Ok(Some(size)) => Ok((markers.bytes, size)),
        Ok(None) => Err(broken_file(path, format!("is a JPEG picture without a size: it ends after {length} bytes"))),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Err(broken_file(
            path,
            format!("is a JPEG picture that is cut off: after {length} bytes its end has not come"),
        )),
        Err(error) if error.kind() == ErrorKind::FileTooLarge => Err(broken_file(
            path,
            format!("is a JPEG picture whose end has not come after {} bytes, the most for its size", markers.most),
        )),
        Err(error) => Err(file_failure("read", path, &error)),
    }
}

struct Markers<R> {
    file: R,
    bytes: Vec<u8>,
    /// Bytes past which nothing is read.
    most: u64,
}

impl<R: BufRead> Markers<R> {
    /// Reads up to the marker that ends the picture; height and width, where a frame says them.
    fn walk(&mut self) -> std::io::Result<Option<[usize; 2]>> {
        let mut size = None;
        loop {
            match self.marker()? {
                // Those that stand alone: a stuffed zero, TEM, the restarts, the picture's start.
                0x00 | 0x01 | 0xD0..=0xD8 => {}
                0xD9 => return Ok(size),
                0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => {
                    let start = self.segment()?;
                    if let Some(&[_, height_high, height, width_high, width]) = self.bytes[start..].first_chunk() {
                        let [height, width] = [[height_high, height], [width_high, width]].map(u16::from_be_bytes);
                        let pixels = u64::from(height) * u64::from(width);
                        self.most = self.most.max(MOST_METADATA_BYTES + MOST_BYTES_OF_A_PIXEL * pixels);
                        size = Some([height, width].map(usize::from));
                    }
                }
                _ => {
                    self.segment()?;
                }
            }
        }
    }

    /// The next marker's second byte; what lies before it is data of a scan.
    fn marker(&mut self) -> std::io::Result<u8> {
        self.take(|file, bytes| file.read_until(0xFF, bytes))?;
        if self.bytes.last() != Some(&0xFF) {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        loop {
            // Any number of 0xFF may stand before a marker.
            match self.exactly(1)? {
                at if self.bytes[at] == 0xFF => {}
                at => return Ok(self.bytes[at]),
            }
        }
    }

    /// Reads a segment that says its length; where its content begins.
    fn segment(&mut self) -> std::io::Result<usize> {
        let at = self.exactly(2)?;
        let length = u16::from_be_bytes([self.bytes[at], self.bytes[at + 1]]);
        self.exactly(u64::from(length.saturating_sub(2)))
    }

    /// Reads so many bytes; where they begin.
    fn exactly(&mut self, count: u64) -> std::io::Result<usize> {
        let at = self.bytes.len();
        let read = self.take(|file, bytes| file.take(count).read_to_end(bytes))?;
        if (read as u64) < count { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(at) }
    }

    /// Reads, up to the most that is read at all.
    fn take(
        &mut self,
        read: impl FnOnce(&mut std::io::Take<&mut R>, &mut Vec<u8>) -> std::io::Result<usize>,
    ) -> std::io::Result<usize> {
        let left = self.most.saturating_sub(self.bytes.len() as u64);
        let count = read(&mut self.file.by_ref().take(left + 1), &mut self.bytes)?;
        if self.bytes.len() as u64 > self.most { Err(ErrorKind::FileTooLarge.into()) } else { Ok(count) }
    }
}
