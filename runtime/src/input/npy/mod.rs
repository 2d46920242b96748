//! NumPy's `.npy`: one array with a short header that is a Python dictionary.
//!
//! The header is read by hand, in the grammar that NumPy reads it in, as far as an array of numbers needs it: a file that claims
//! a nested header, a huge shape or more data than it has is refused before anything is reserved for it.

use super::{Loaded, Wanted};
use crate::failure::{broken_file, file_failure, note};
use crate::{Error, Result, Tensor, available_memory_bytes, files};
use cnnc_compiler::diagnostic::Code;
use cnnc_compiler::element::ElementType;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

mod element;
mod header;

use element::Element;
use header::Header;

/// The longest header that is read; NumPy itself writes about a hundred bytes.
const LONGEST_HEADER: usize = 1 << 16;
/// Said of an array that is probably a picture.
const BYTES_AS_THEY_ARE: &str = "its bytes are taken as numbers from 0 to 255, without what the spec does to pictures";
/// Bytes that are read at a time.
const PIECE: usize = 1 << 16;

/// Reads an array that is what the network wants.
pub fn read(path: &Path, file: File, wanted: &Wanted) -> Result<Loaded> {
    let opened = Opened::new(path, file)?;
    let shape = &opened.header.shape;
    if !wanted.accepts(shape) {
        return Err(wrong_shape(path, wanted, shape));
    }
    if shape.contains(&0) {
        let mut empty = wanted.refuse(path, format_args!("an array of {shape:?}, which has no values"));
        empty.notes.push("a size that the spec leaves open is at least 1".into());
        return Err(empty);
    }
    let of_bytes = opened.header.descr.ends_with("u1") && shape.len() == 4;
    let tensor = opened.tensor(path)?;
    let notes = of_bytes.then(|| note(Code::E604, format!("`{}`: {BYTES_AS_THEY_ARE}", path.display())));
    Ok(Loaded { tensor, notes: notes.into_iter().collect() })
}

/// Reads an `.npy` array of any shape that has values.
///
/// # Errors
/// E601 when the file cannot be read, E603 when it is no such array.
pub fn read_any(path: &Path) -> Result<Tensor> {
    let opened = Opened::new(path, files::open(path)?)?;
    if opened.header.shape.contains(&0) {
        return Err(broken_file(path, format!("holds an array of {:?}, which has no values", opened.header.shape)));
    }
    opened.tensor(path)
}

/// A file whose header is read.
struct Opened {
    header: Header,
    reader: BufReader<File>,
    /// Bytes behind the header.
    available: u64,
}

impl Opened {
    fn new(path: &Path, file: File) -> Result<Opened> {
        let length = file.metadata().map_err(|error| file_failure("read", path, &error))?.len();
        let mut reader = BufReader::new(file);
        let (text, data_start) = header_text(path, &mut reader)?;
        let header = Header::parse(&text)
            .map_err(|reason| broken_file(path, format!("has a header that cannot be read: {reason}")))?;
        Ok(Opened { header, reader, available: length.saturating_sub(data_start) })
    }

    /// The values, once they are held against the file's length and the memory that is free.
    fn tensor(self, path: &Path) -> Result<Tensor> {
        let Opened { header, reader, available } = self;
        let shape = &header.shape;
        let Some(element) = Element::of(&header.descr) else {
            let types = "floats, integers and booleans are read";
            return Err(broken_file(path, format!("holds elements of type '{}'; {types}", header.descr)));
        };
        let elements = shape.iter().try_fold(1u64, |product, &size| product.checked_mul(size as u64));
        let bytes = elements.and_then(|elements| elements.checked_mul(element.size as u64));
        let Some(bytes) = bytes.filter(|&bytes| bytes <= available) else {
            return Err(broken_file(
                path,
                format!("says that it holds {shape:?}, and has only {available} bytes of data"),
            ));
        };
        let elements = bytes / element.size as u64;
        let memory = available_memory_bytes();
        let needed = ElementType::Float32.tensor_bytes(shape);
        if needed > memory {
            let needs = format!("{needed} bytes as float32, and {memory} bytes of memory are free");
            return Err(broken_file(path, format!("holds {shape:?}, {needs}")));
        }
        let values = values(path, reader, &header, &element, elements as usize)?;
        Tensor::new(shape, values).ok_or_else(|| broken_file(path, "was changed while it was read"))
    }
}

/// The array's values, the last axis the fastest.
fn values(path: &Path, reader: impl Read, header: &Header, element: &Element, elements: usize) -> Result<Vec<f32>> {
    let mut values = vec![0.0; elements];
    let mut place = header.places();
    let mut reader = reader.take((elements * element.size) as u64);
    let mut piece = Vec::with_capacity(PIECE);
    loop {
        piece.clear();
        let read = reader.by_ref().take(PIECE as u64).read_to_end(&mut piece);
        if read.map_err(|error| file_failure("read", path, &error))? == 0 {
            break;
        }
        for bytes in piece.chunks_exact(element.size) {
            let value = (element.read)(bytes).ok_or_else(|| {
                broken_file(path, "holds a number that is too large for float32, which networks compute in")
            })?;
            // A file that is changed while it is read may have more than it said.
            if let Some(into) = values.get_mut(place()) {
                *into = value;
            }
        }
    }
    if reader.limit() > 0 {
        return Err(broken_file(path, "became shorter while it was read"));
    }
    Ok(values)
}

fn wrong_shape(path: &Path, wanted: &Wanted, shape: &[usize]) -> Error {
    let mut wrong = wanted.refuse(path, format_args!("an array of {shape:?}"));
    if shape.len() + 1 == wanted.shape.len()
        && wanted.shape[1..].iter().zip(shape).all(|(size, found)| size.is_none_or(|size| size == *found))
    {
        wrong.help.push("the batch axis is missing; in NumPy `x[None]` adds it".into());
    }
    if let (&[batch, height, width, channels @ 1..=4], [_, Some(wanted), ..]) = (shape, wanted.shape.as_slice())
        && *wanted == channels
    {
        wrong.notes.push(format!("its channels come last: [{batch}, {height}, {width}, {channels}]"));
        wrong.help.push("in NumPy `x.transpose(0, 3, 1, 2)` puts them second".into());
    }
    wrong
}

/// The header's text and where the data begin.
fn header_text(path: &Path, reader: &mut impl Read) -> Result<(String, u64)> {
    let too_short = |_| broken_file(path, "is cut off within its header");
    let mut start = [0; 8];
    reader.read_exact(&mut start).map_err(too_short)?;
    let (length, before) = match start[6] {
        1 => {
            let mut length = [0; 2];
            reader.read_exact(&mut length).map_err(too_short)?;
            (usize::from(u16::from_le_bytes(length)), 10)
        }
        2 | 3 => {
            let mut length = [0; 4];
            reader.read_exact(&mut length).map_err(too_short)?;
            (u32::from_le_bytes(length) as usize, 12)
        }
        version => {
            return Err(broken_file(path, format!("is of version {version} of the NumPy format; 1 to 3 are read")));
        }
    };
    if length > LONGEST_HEADER {
        return Err(broken_file(path, format!("has a header of {length} bytes, which no NumPy array has")));
    }
    let mut text = vec![0; length];
    reader.read_exact(&mut text).map_err(too_short)?;
    Ok((String::from_utf8_lossy(&text).into_owned(), (length + before) as u64))
}

/// Writes a tensor as an array of float32, or of uint64; the file is there whole or not at all.
///
/// # Errors
/// E601 when the file cannot be written.
pub fn save(path: &Path, tensor: &Tensor) -> Result<()> {
    let mut shape: String = tensor.shape().iter().map(|size| format!("{size}, ")).collect();
    if tensor.shape().len() != 1 {
        shape = shape.trim_end_matches(", ").into();
    }
    let descr = match tensor.element() {
        ElementType::Float32 | ElementType::Uint8(_) => "<f4",
        ElementType::Uint64 => "<u8",
    };
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({}), }}", shape.trim_end());
    // The data begin at a multiple of 64 bytes, after a line feed.
    let padding = (10 + header.len() + 1).next_multiple_of(64) - (10 + header.len() + 1);
    header.extend(std::iter::repeat_n(' ', padding).chain(['\n']));
    files::write_whole(path, |writer| {
        writer.write_all(b"\x93NUMPY\x01\x00")?;
        writer.write_all(&(header.len() as u16).to_le_bytes())?;
        writer.write_all(header.as_bytes())?;
        if let Some(counts) = tensor.counts() {
            return writer.write_all(&counts.iter().flat_map(|count| count.to_le_bytes()).collect::<Vec<u8>>());
        }
        tensor.data().chunks(1 << 16).try_for_each(|values| {
            writer.write_all(&values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>())
        })
    })
}
