//! The stream that PyTorch wrote from 0.1.10 to 1.5, and writes still when it is asked to: pickles one after the other, then the
//! numbers.
//!
//! A magic number, a version, what machine it was, what was saved, the names of the storages; then for each of them the number of
//! its elements, and these.

use super::pickle::{Heap, Id, Value, load};
use super::zip::Extent;
use crate::bytes::{Bytes, Stream};
use crate::failure::{Failure, Result};
use std::collections::HashMap;

/// The magic number as protocols from 2 on write it, behind what says the protocol.
const MAGIC: &[u8] = b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19";
/// As protocols 0 and 1 write it.
const MAGIC_TEXT: &[u8] = b"L119547037146038801333356L\n";
/// The version of the stream.
const VERSION: i64 = 1001;

/// Whether a file begins as such a stream.
pub fn is_stream(first: &[u8]) -> bool {
    let begins = |at: usize, with: &[u8]| first.get(at..).is_some_and(|rest| rest.starts_with(with));
    // Protocols from 4 on put the length of a frame before it.
    let is_binary = first.first() == Some(&0x80) && (begins(2, MAGIC) || (begins(2, b"\x95") && begins(11, MAGIC)));
    is_binary || begins(0, MAGIC_TEXT)
}

/// What was saved, and where the numbers of each storage lie.
///
/// # Errors
/// When it is damaged, cut off, or of another kind of machine.
pub fn read(bytes: &dyn Bytes, heap: &mut Heap) -> Result<(Id, HashMap<String, Extent>)> {
    let mut stream = Stream::new(bytes, "its pickle", 0, bytes.length())?;
    let given = HashMap::new();
    load(&mut stream, heap, &given)?;
    let version = load(&mut stream, heap, &given)?;
    match heap.get(version) {
        Value::Int(VERSION) => {}
        Value::Int(other) => return Err(Failure::broken(format!("is of version {other}, and {VERSION} is known"))),
        _ => return Err(stream.wrong("there is no version")),
    }
    let machine = load(&mut stream, heap, &given)?;
    if heap.entry(machine, "little_endian").is_some_and(|little| heap.get(little) == &Value::Bool(false)) {
        return Err(super::big_endian());
    }
    let root = load(&mut stream, heap, &given)?;
    let keys = load(&mut stream, heap, &given)?;
    let sizes: HashMap<String, u64> =
        heap.storages().iter().map(|storage| (storage.key.clone(), storage.element_bytes)).collect();
    let mut places = HashMap::new();
    for &key in heap.items(keys).ok_or_else(|| stream.wrong("there is no list of storages"))? {
        let name = heap.text(key).or_else(|| heap.count(key).map(|key| key.to_string()));
        let name = name.ok_or_else(|| stream.wrong("a storage has no name"))?;
        let size = sizes.get(&name).ok_or_else(|| stream.wrong(format!("nothing uses the storage `{name}`")))?;
        let extent = numbers(&mut stream, *size)?;
        if places.insert(name.clone(), extent).is_some() {
            return Err(stream.wrong(format!("two storages are `{name}`")));
        }
    }
    Ok((root, places))
}

/// Passes over the numbers of a storage, which stand behind how many they are: where they lie.
///
/// # Errors
/// When there are fewer.
pub fn numbers(stream: &mut Stream<'_>, element_bytes: u64) -> Result<Extent> {
    let count = u64::try_from(i64::from_le_bytes(stream.array()?)).ok();
    let size = count.and_then(|count| count.checked_mul(element_bytes));
    let size = size.ok_or_else(|| stream.wrong("a storage has an impossible size"))?;
    let extent = Extent { start: stream.place(), size };
    stream.skip(size)?;
    Ok(extent)
}
