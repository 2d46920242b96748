//! IDX files, as MNIST has them: two zeros, the element type, the number of axes, a size each, and bytes; plain or gzipped.
//!
//! The sizes in the header bound what is read, and are held against what the file can hold before anything is read.

use super::picture::Picture;
use super::{Loaded, Wanted, check_size, kinds, transform};
use crate::failure::{broken_file, file_failure};
use crate::{Error, Result};
use flate2::bufread::MultiGzDecoder;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// Deflate makes at most so many bytes of one.
const MOST_OF_A_PACKED_BYTE: u64 = 1032;

/// An array of bytes whose header is read.
pub struct Array {
    /// A size an axis, one to four of them.
    pub sizes: Vec<usize>,
    /// What follows the header.
    pub bytes: Box<dyn Read>,
    /// How many bytes follow it.
    pub length: Length,
}

/// What is known of a number of bytes before they are read.
#[derive(Clone, Copy)]
pub enum Length {
    /// There are so many.
    Exactly(u64),
    /// They are packed, and at most so many.
    AtMost(u64),
}

impl Length {
    /// The most that there can be.
    pub fn most(self) -> u64 {
        match self {
            Length::Exactly(bytes) | Length::AtMost(bytes) => bytes,
        }
    }
}

impl Array {
    /// Reads the header; whether the file is gzipped, its first bytes say.
    ///
    /// # Errors
    /// E601 when it cannot be read, E603 when it is no IDX file of bytes.
    pub fn open(path: &Path, file: File) -> Result<Array> {
        let cannot_read = |error| file_failure("read", path, &error);
        let length = file.metadata().map_err(cannot_read)?.len();
        let mut file = BufReader::new(file);
        let is_packed = file.fill_buf().map_err(cannot_read)?.starts_with(&[0x1F, 0x8B]);
        let mut bytes: Box<dyn Read> = match is_packed {
            true => Box::new(BufReader::new(MultiGzDecoder::new(file))),
            false => Box::new(file),
        };
        let sizes = header(path, &mut bytes, is_packed)?;
        let head = 4 + 4 * sizes.len() as u64;
        let length = match is_packed {
            true => Length::AtMost(length.saturating_mul(MOST_OF_A_PACKED_BYTE).saturating_sub(head)),
            false => Length::Exactly(length.saturating_sub(head)),
        };
        Ok(Array { sizes, bytes, length })
    }
}

/// The sizes of an array of bytes.
fn header(path: &Path, reader: &mut impl Read, is_packed: bool) -> Result<Vec<usize>> {
    let content = if is_packed { "is gzipped, and what is in it" } else { "" };
    let short = |_| -> Error {
        broken_file(path, format!("{content} is no IDX file, or is cut off within its header").trim_start())
    };
    let mut start = [0; 4];
    reader.read_exact(&mut start).map_err(short)?;
    let wrong = match start {
        [0, 0, 0x08, 1..=4] => None,
        [0, 0, 0x08, axes] => Some(format!("is an IDX file of {axes} axes; up to 4 are read")),
        [0, 0, kind @ 0x09..=0x0E, _] => {
            Some(format!("is no IDX file of bytes: its type is {kind:#04x}, and 0x08 is read"))
        }
        start => {
            let kind = kinds::name(&start).map_or_else(String::new, |name| format!(" as {name} does"));
            Some(format!("is no IDX file: it begins with {start:02x?}{kind}"))
        }
    };
    if let Some(wrong) = wrong {
        return Err(broken_file(path, format!("{content} {wrong}").trim_start()));
    }
    let mut sizes = vec![0; usize::from(start[3])];
    for into in &mut sizes {
        let mut size = [0; 4];
        reader.read_exact(&mut size).map_err(short)?;
        *into = u32::from_be_bytes(size) as usize;
    }
    Ok(sizes)
}

/// Reads the first pictures of a file: as many as the batch has, one when the spec leaves that open.
pub fn read(path: &Path, file: File, wanted: &Wanted) -> Result<Loaded> {
    let mut array = Array::open(path, file)?;
    let &[count, height, width] = array.sizes.as_slice() else {
        return Err(match array.sizes.as_slice() {
            [count] => wanted.refuse(path, format_args!("{count} labels")),
            other => wanted.refuse(path, format_args!("an IDX array of {other:?}")),
        });
    };
    let batch = wanted.shape.first().copied().flatten().unwrap_or(1);
    if batch > count {
        return Err(wanted.refuse(path, format_args!("{count} pictures of {height}×{width}")));
    }
    if let Err(reason) = check_size([height, width]) {
        let mut refused = wanted.refuse(path, format_args!("an IDX array of {:?}", array.sizes));
        refused.notes.push(reason);
        return Err(refused);
    }
    let cut_off = |number: usize| {
        let says = format!("is cut off: it says that it holds {count} pictures and ends in number {number}");
        broken_file(path, says)
    };
    let size = (height * width) as u64;
    if size.saturating_mul(batch as u64) > array.length.most() {
        return Err(cut_off((array.length.most() / size) as usize));
    }
    let mut pictures = Vec::new();
    for number in 0..batch {
        let mut bytes = Vec::new();
        let read = array.bytes.by_ref().take(size).read_to_end(&mut bytes);
        if read.is_err() || (bytes.len() as u64) < size {
            return Err(cut_off(number));
        }
        pictures.push(Picture { height, width, planes: vec![bytes.into_iter().map(f32::from).collect()] });
    }
    transform::to_input(path, pictures, wanted)
}
