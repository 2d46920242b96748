//! IDX files of pictures, as MNIST has them: two zeros, the element type, the number of axes, a size each, and bytes.

use super::picture::Picture;
use super::{Loaded, Wanted, transform};
use crate::failure::broken_file;
use crate::{Failure, Result};
use std::io::{BufReader, Read};
use std::path::Path;

/// Reads the first pictures of a file: as many as the batch has, one when the spec leaves that open.
pub fn read(path: &Path, reader: impl Read, wanted: &Wanted) -> Result<Loaded> {
    let mut reader = BufReader::new(reader);
    let [count, height, width] = sizes(path, &mut reader, wanted)?;
    let batch = wanted.shape.first().copied().flatten().unwrap_or(1);
    if batch > count {
        return Err(wanted.refuse(path, format_args!("{count} pictures of {height}×{width}")));
    }
    let mut pictures = Vec::new();
    for number in 0..batch {
        let mut bytes = Vec::new();
        let read = reader.by_ref().take((height * width) as u64).read_to_end(&mut bytes);
        if read.is_err() || bytes.len() < height * width {
            return Err(broken_file(
                path,
                format!("is cut off: it says that it holds {count} pictures and ends in number {number}"),
            ));
        }
        pictures.push(Picture { height, width, planes: vec![bytes.into_iter().map(f32::from).collect()] });
    }
    transform::to_input(path, pictures, wanted)
}

/// Number, height and width of the pictures.
fn sizes(path: &Path, reader: &mut impl Read, wanted: &Wanted) -> Result<[usize; 3]> {
    let no_idx = |_| -> Failure { broken_file(path, "is no IDX file, or is cut off within its header") };
    let mut start = [0; 4];
    reader.read_exact(&mut start).map_err(no_idx)?;
    let [0, 0, kind, axes] = start else {
        return Err(broken_file(path, "is gzipped, and what is in it is no IDX file"));
    };
    if kind != 0x08 {
        return Err(broken_file(
            path,
            format!("is an IDX file of elements of type {kind:#04x}; bytes (0x08) are read"),
        ));
    }
    let mut sizes = Vec::new();
    for _ in 0..axes {
        let mut size = [0; 4];
        reader.read_exact(&mut size).map_err(no_idx)?;
        sizes.push(u32::from_be_bytes(size) as usize);
    }
    match sizes.as_slice() {
        &[count, height, width] if height > 0 && width > 0 && height * width <= super::picture::MOST_PIXELS => {
            Ok([count, height, width])
        }
        [count] => Err(wanted.refuse(path, format_args!("{count} labels"))),
        other => Err(wanted.refuse(path, format_args!("an IDX array of {other:?}"))),
    }
}
