//! NumPy's `.npy`: one array with a short header that is a Python dictionary.
//!
//! The header is read by hand, since it is three known keys: a file that claims a nested header, a huge shape or more data than it
//! has is refused before anything is reserved for it.

use super::{Loaded, Wanted};
use crate::failure::{broken_file, file_failure};
use crate::weights::from_half;
use crate::{Failure, Result, Tensor, files};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

/// The longest header that is read; NumPy itself writes about a hundred bytes.
const LONGEST_HEADER: usize = 1 << 16;

/// What the header says.
#[derive(Debug, PartialEq)]
struct Header {
    descr: String,
    fortran_order: bool,
    shape: Vec<usize>,
}

/// Reads an array that is what the network wants.
pub fn read(path: &Path, file: File, wanted: &Wanted) -> Result<Loaded> {
    let length = file.metadata().map_err(|error| file_failure("read", path, &error))?.len();
    let mut reader = BufReader::new(file);
    let (text, data_start) = header_text(path, &mut reader)?;
    let header =
        parse(&text).map_err(|reason| broken_file(path, format!("has a header that cannot be read: {reason}")))?;
    if !wanted.accepts(&header.shape) {
        return Err(wrong_shape(path, wanted, &header.shape));
    }
    let Some((size, convert)) = element(&header.descr) else {
        let types = "floats, integers and booleans are read";
        return Err(broken_file(path, format!("holds elements of type '{}'; {types}", header.descr)));
    };
    let elements = header.shape.iter().try_fold(1u64, |product, &size| product.checked_mul(size as u64));
    let available = length.saturating_sub(data_start);
    let Some(bytes) =
        elements.and_then(|elements| elements.checked_mul(size as u64)).filter(|&bytes| bytes <= available)
    else {
        let shape = &header.shape;
        return Err(broken_file(path, format!("says that it holds {shape:?}, and has only {available} bytes of data")));
    };
    let mut data = Vec::new();
    reader.take(bytes).read_to_end(&mut data).map_err(|error| file_failure("read", path, &error))?;
    let mut values: Vec<f32> = data.chunks_exact(size).map(convert).collect();
    if header.fortran_order {
        values = from_columns(&values, &header.shape);
    }
    let tensor =
        Tensor::new(&header.shape, values).ok_or_else(|| broken_file(path, "was changed while it was read"))?;
    Ok(Loaded { tensor, notes: Vec::new() })
}

fn wrong_shape(path: &Path, wanted: &Wanted, shape: &[usize]) -> Failure {
    let mut wrong = wanted.refuse(path, format_args!("an array of {shape:?}"));
    if shape.len() + 1 == wanted.shape.len()
        && wanted.shape[1..].iter().zip(shape).all(|(size, found)| size.is_none_or(|size| size == *found))
    {
        wrong.help.push("the batch axis is missing; in NumPy `x[None]` adds it".into());
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

/// `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }`, keys in any order.
fn parse(text: &str) -> std::result::Result<Header, String> {
    let value = |key: &str| -> std::result::Result<&str, String> {
        let quoted = [format!("'{key}'"), format!("\"{key}\"")];
        let after = quoted.iter().find_map(|quoted| text.split_once(quoted.as_str())).map(|(_, after)| after);
        let after = after.and_then(|after| after.trim_start().strip_prefix(':'));
        after.map(str::trim_start).ok_or(format!("it has no '{key}'"))
    };
    let descr = value("descr")?;
    let quote = descr.chars().next().filter(|quote| matches!(quote, '\'' | '"')).ok_or("its elements are records")?;
    let descr = descr[1..].split_once(quote).ok_or("its type has no end")?.0.to_string();
    let fortran_order = match value("fortran_order")? {
        text if text.starts_with("True") => true,
        text if text.starts_with("False") => false,
        _ => return Err("'fortran_order' is neither True nor False".into()),
    };
    let shape =
        value("shape")?.strip_prefix('(').and_then(|text| text.split_once(')')).ok_or("its shape is no tuple")?.0;
    let sizes = shape.split(',').map(str::trim).filter(|size| !size.is_empty());
    let shape = sizes
        .map(|size| size.parse().map_err(|_| format!("`{size}` is no size")))
        .collect::<std::result::Result<_, _>>()?;
    Ok(Header { descr, fortran_order, shape })
}

/// One element as float32.
type Convert = fn(&[u8]) -> f32;

/// The size in bytes of an element of a type, and how it is read.
fn element(descr: &str) -> Option<(usize, Convert)> {
    /// The bytes of one number, the least first.
    fn bytes<const SIZE: usize>(element: &[u8]) -> [u8; SIZE] {
        element.try_into().unwrap_or([0; SIZE])
    }
    /// As [`bytes`], of one that has its greatest first.
    fn turned<const SIZE: usize>(element: &[u8]) -> [u8; SIZE] {
        let mut bytes = bytes::<SIZE>(element);
        bytes.reverse();
        bytes
    }
    macro_rules! number {
        ($kind:ty, $order:ident) => {
            (size_of::<$kind>(), (|element| <$kind>::from_le_bytes($order(element)) as f32) as Convert)
        };
    }
    Some(match descr {
        "<f4" | "=f4" => number!(f32, bytes),
        ">f4" => number!(f32, turned),
        "<f8" | "=f8" => number!(f64, bytes),
        ">f8" => number!(f64, turned),
        "<f2" | "=f2" => (2, |element| from_half(u16::from_le_bytes(bytes(element)))),
        ">f2" => (2, |element| from_half(u16::from_be_bytes(bytes(element)))),
        "|u1" | "<u1" | "|b1" => number!(u8, bytes),
        "|i1" | "<i1" => number!(i8, bytes),
        "<i2" => number!(i16, bytes),
        ">i2" => number!(i16, turned),
        "<u2" => number!(u16, bytes),
        ">u2" => number!(u16, turned),
        "<i4" => number!(i32, bytes),
        ">i4" => number!(i32, turned),
        "<u4" => number!(u32, bytes),
        ">u4" => number!(u32, turned),
        "<i8" => number!(i64, bytes),
        ">i8" => number!(i64, turned),
        "<u8" => number!(u64, bytes),
        ">u8" => number!(u64, turned),
        _ => return None,
    })
}

/// An array whose first axis is the fastest, as one whose last is.
fn from_columns(values: &[f32], shape: &[usize]) -> Vec<f32> {
    let mut strides = vec![1; shape.len()];
    for axis in 1..shape.len() {
        strides[axis] = strides[axis - 1] * shape[axis - 1];
    }
    let place = |mut index: usize| {
        let axes = shape.iter().zip(&strides).rev();
        axes.map(|(&size, &stride)| {
            let at = index % size;
            index /= size;
            at * stride
        })
        .sum::<usize>()
    };
    (0..values.len()).map(|index| values[place(index)]).collect()
}

/// Writes a tensor as a float32 array; the file is there whole or not at all.
///
/// # Errors
/// E601 when the file cannot be written.
pub fn save(path: &Path, tensor: &Tensor) -> Result<()> {
    let mut shape: String = tensor.shape().iter().map(|size| format!("{size}, ")).collect();
    if tensor.shape().len() != 1 {
        shape = shape.trim_end_matches(", ").into();
    }
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}), }}", shape.trim_end());
    // The data begin at a multiple of 64 bytes, after a line feed.
    let padding = (10 + header.len() + 1).next_multiple_of(64) - (10 + header.len() + 1);
    header.extend(std::iter::repeat_n(' ', padding).chain(['\n']));
    files::write_whole(path, |writer| {
        writer.write_all(b"\x93NUMPY\x01\x00")?;
        writer.write_all(&(header.len() as u16).to_le_bytes())?;
        writer.write_all(header.as_bytes())?;
        tensor.data().chunks(1 << 16).try_for_each(|values| {
            writer.write_all(&values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{Header, element, from_columns, parse};

    #[test]
    fn headers_are_read_in_any_order() {
        let header = Header { descr: "<f4".into(), fortran_order: false, shape: vec![2, 3] };
        assert_eq!(parse("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }").unwrap(), header);
        assert_eq!(parse("{ 'shape':(2,3),\"fortran_order\":False, 'descr':\"<f4\" }").unwrap(), header);
        assert_eq!(parse("{'descr': '|u1', 'fortran_order': True, 'shape': ()}").unwrap().shape, [0usize; 0]);
        for broken in [
            "",
            "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}",
            "{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (2, -3)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (2",
            "{'descr': '",
        ] {
            assert!(parse(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn elements_of_every_kind_are_read() {
        let read = |descr: &str, bytes: &[u8]| {
            let (size, convert) = element(descr).unwrap();
            assert_eq!(size, bytes.len());
            convert(bytes)
        };
        assert_eq!(read("<f8", &1.5f64.to_le_bytes()), 1.5);
        assert_eq!(read(">f4", &1.5f32.to_be_bytes()), 1.5);
        assert_eq!(read("<f2", &[0x00, 0x3E]), 1.5);
        assert_eq!(read("|u1", &[255]), 255.0);
        assert_eq!(read("|i1", &[255]), -1.0);
        assert_eq!(read(">i8", &(-3i64).to_be_bytes()), -3.0);
        assert!(element("<U8").is_none() && element("<c8").is_none());
    }

    #[test]
    fn columns_are_turned_into_rows() {
        assert_eq!(from_columns(&[1.0, 4.0, 2.0, 5.0, 3.0, 6.0], &[2, 3]), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    }
}
