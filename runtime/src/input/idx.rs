//! Pictures of an IDX file as an input.

use super::{Loaded, Wanted, pictures};
use crate::Result;
use crate::failure::broken_file;
use crate::idx::Array;
use crate::pictures::{Decoded, check_size};
use std::fs::File;
use std::path::Path;

/// Reads the first pictures of a file: as many as the batch has, all when the spec leaves that open.
pub fn read(path: &Path, file: File, wanted: &Wanted) -> Result<Loaded> {
    let mut array = Array::open(path, file)?;
    let &[count, height, width] = array.sizes.as_slice() else {
        return Err(match array.sizes.as_slice() {
            [count] => wanted.refuse(path, format_args!("{count} labels")),
            other => wanted.refuse(path, format_args!("an IDX array of {other:?}")),
        });
    };
    let batch = wanted.shape.first().copied().flatten().unwrap_or(count);
    if batch > count || batch == 0 {
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
    let size = height * width;
    let most = array.most_bytes() / size as u64;
    if batch as u64 > most {
        return Err(cut_off(most as usize));
    }
    let mut batch_of_pictures = Vec::new();
    for number in 0..batch {
        let bytes = array.next(size).ok_or_else(|| cut_off(number))?;
        batch_of_pictures.push(Decoded::new([height, width], 1, bytes).ok_or_else(|| cut_off(number))?);
    }
    pictures::to_input(path, batch_of_pictures, wanted)
}
