//! IDX files, as MNIST has them: two zeros, the element type, the number of axes, a size each, and bytes; plain or gzipped.
//!
//! A file comes in, sizes and bytes go out: the first pictures as an input (`input/idx.rs`), all of them as a data set
//! (`data/idx.rs`). The sizes in the header bound what is read, and are held against what the file can hold before anything is.

use crate::failure::{broken_file, file_failure};
use crate::files::kinds;
use crate::{Error, Result, available_memory_bytes};
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
    bytes: Box<dyn Read>,
    /// Bytes that follow it, where the file is not packed; else the most that can.
    length: u64,
    is_packed: bool,
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
        let length = if is_packed { length.saturating_mul(MOST_OF_A_PACKED_BYTE) } else { length };
        Ok(Array { sizes, bytes, length: length.saturating_sub(head), is_packed })
    }

    /// The most bytes that can follow the header.
    pub fn most_bytes(&self) -> u64 {
        self.length
    }

    /// The next so many elements; `None` when the file ends before.
    pub fn next(&mut self, count: usize) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        let read = self.bytes.by_ref().take(count as u64).read_to_end(&mut bytes);
        (read.is_ok() && bytes.len() == count).then_some(bytes)
    }

    /// Elements, as the sizes say; refused when they are more than memory or the file can hold.
    fn elements(&self, path: &Path) -> Result<u64> {
        let sizes = &self.sizes;
        let elements = sizes.iter().try_fold(1u64, |product, &size| product.checked_mul(size as u64));
        let available = available_memory_bytes();
        match elements {
            Some(elements) if elements > self.length => {
                let most = if self.is_packed { "at most " } else { "" };
                Err(broken_file(
                    path,
                    format!("says that it holds {sizes:?}, {elements} bytes, and has {most}{}", self.length),
                ))
            }
            Some(elements) if elements <= available => Ok(elements),
            _ => Err(broken_file(
                path,
                format!("says that it holds {sizes:?} bytes, and {available} bytes of memory are free"),
            )),
        }
    }

    /// All elements.
    ///
    /// # Errors
    /// E603 when they are more than memory or the file can hold, or the file does not end with them.
    pub fn all(mut self, path: &Path) -> Result<Vec<u8>> {
        let (elements, sizes) = (self.elements(path)?, &self.sizes);
        let mut bytes = Vec::new();
        if let Err(error) = self.bytes.by_ref().take(elements + 1).read_to_end(&mut bytes) {
            return Err(broken_file(path, format!("cannot be read after {} bytes: {error}", bytes.len())));
        }
        if bytes.len() as u64 != elements {
            let found = match bytes.len() as u64 > elements {
                true if self.is_packed => "more".to_owned(),
                true => self.length.to_string(),
                false => bytes.len().to_string(),
            };
            return Err(broken_file(path, format!("says that it holds {sizes:?}, {elements} bytes, and has {found}")));
        }
        Ok(bytes)
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
