//! The zip archive that `torch.save` writes: where each entry's bytes lie.
//!
//! PyTorch stores its entries without compression, so that they can be read in place; of a compressed one no size in the file
//! bounds what it unpacks to, and it is refused. 64-bit sizes and archives whose sizes stand behind the data are read, since the
//! directory at the end has them in any case. Checksums are not compared, as PyTorch's own reader does not: `torch.save` can be
//! told to write none.

use crate::bytes::Bytes;
use crate::failure::{Failure, Result};
use std::collections::HashMap;

/// What the last record begins with, and its bytes without its comment.
const END: (&[u8], u64) = (b"PK\x05\x06", 22);
/// What leads to the last record with 64-bit sizes.
const LOCATOR: (&[u8], u64) = (b"PK\x06\x07", 20);
/// The last record with 64-bit sizes.
const END_64: (&[u8], u64) = (b"PK\x06\x06", 56);
/// An entry of the directory, without its name.
const ENTRY: (&[u8], usize) = (b"PK\x01\x02", 46);
/// What stands before an entry's data, without its name.
const LOCAL: (&[u8], u64) = (b"PK\x03\x04", 30);
/// No comment is longer.
const MOST_COMMENT: u64 = 65_535;
/// No directory is longer: a million entries.
const MOST_DIRECTORY: u64 = 1 << 27;

/// The entries of an archive.
pub struct Archive<'b> {
    bytes: &'b dyn Bytes,
    entries: HashMap<String, Entry>,
}

/// An entry as the directory has it.
#[derive(Clone, Copy, Debug)]
struct Entry {
    header: u64,
    size: u64,
    is_compressed: bool,
    is_encrypted: bool,
}

/// Where the bytes of an entry lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The first one's place.
    pub start: u64,
    /// How many there are.
    pub size: u64,
}

impl<'b> Archive<'b> {
    /// Reads the directory of an archive.
    ///
    /// # Errors
    /// When it has none, or it leads out of the file.
    pub fn open(bytes: &'b dyn Bytes) -> Result<Archive<'b>> {
        let (start, size) = directory(bytes)?;
        if size > MOST_DIRECTORY {
            return Err(Failure::broken(format!("is damaged: its directory would be {size} bytes")));
        }
        if start.checked_add(size).is_none_or(|end| end > bytes.length()) {
            return Err(Failure::broken("is cut off, or damaged: its directory lies past its end"));
        }
        let mut directory = vec![0; size as usize];
        bytes.read_at(start, &mut directory)?;
        Ok(Archive { bytes, entries: entries(&directory)? })
    }

    /// The names of all entries, in no order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// Where the bytes of an entry lie; `None` when there is none of that name.
    ///
    /// # Errors
    /// When it is compressed or encrypted, or leads out of the file.
    pub fn extent(&self, name: &str) -> Result<Option<Extent>> {
        let Some(entry) = self.entries.get(name) else { return Ok(None) };
        if entry.is_compressed || entry.is_encrypted {
            let how = if entry.is_encrypted { "encrypted" } else { "compressed" };
            let help = "unpack it and store it anew: `torch.save(torch.load(\"x.pth\"), \"x.pth\")` in Python";
            return Err(Failure::broken(format!("has `{name}` {how}, which torch.save does not do")).help(help));
        }
        let wrong = || Failure::broken(format!("is damaged: its entry `{name}` leads out of it"));
        let mut header = [0; LOCAL.1 as usize];
        let end = entry.header.checked_add(LOCAL.1).filter(|&end| end <= self.bytes.length()).ok_or_else(wrong)?;
        self.bytes.read_at(entry.header, &mut header)?;
        if !header.starts_with(LOCAL.0) {
            return Err(Failure::broken(format!("is damaged: where its entry `{name}` should be there is none")));
        }
        let start = end + u64::from(short(&header, 26)) + u64::from(short(&header, 28));
        start.checked_add(entry.size).filter(|&end| end <= self.bytes.length()).ok_or_else(wrong)?;
        Ok(Some(Extent { start, size: entry.size }))
    }
}

/// Where the directory lies, and its bytes.
fn directory(bytes: &dyn Bytes) -> Result<(u64, u64)> {
    let length = bytes.length();
    let size = length.min(END.1 + MOST_COMMENT);
    let mut tail = vec![0; size as usize];
    bytes.read_at(length - size, &mut tail)?;
    let is_end = |place: &usize| {
        let record = tail.get(*place..).unwrap_or_default();
        record.starts_with(END.0) && record.len() as u64 == END.1 + u64::from(short(record, 20))
    };
    let last = (0..tail.len().saturating_sub(END.1 as usize - 1)).rev().find(is_end);
    let Some(last) = last else {
        return Err(Failure::broken(
            "is cut off: it begins as a zip archive and lacks its directory, which is its end",
        ));
    };
    let record = tail.get(last..).unwrap_or_default();
    let (size, start) = (u64::from(word(record, 12)), u64::from(word(record, 16)));
    let at = length - tail.len() as u64 + last as u64;
    let Some(locator) = at.checked_sub(LOCATOR.1) else { return Ok((start, size)) };
    let mut leads = [0; LOCATOR.1 as usize];
    bytes.read_at(locator, &mut leads)?;
    if !leads.starts_with(LOCATOR.0) {
        return Ok((start, size));
    }
    let wrong = || Failure::broken("is damaged: its directory of 64-bit sizes is not where it says");
    let place = long(&leads, 8);
    if place.checked_add(END_64.1).is_none_or(|end| end > locator) {
        return Err(wrong());
    }
    let mut record = [0; END_64.1 as usize];
    bytes.read_at(place, &mut record)?;
    if record.starts_with(END_64.0) { Ok((long(&record, 48), long(&record, 40))) } else { Err(wrong()) }
}

/// The entries of a directory by name.
fn entries(mut directory: &[u8]) -> Result<HashMap<String, Entry>> {
    let mut entries = HashMap::new();
    while directory.starts_with(ENTRY.0) {
        let wrong = || Failure::broken("is damaged: an entry of its directory is cut off");
        let (name, extra, comment) = (short(directory, 28), short(directory, 30), short(directory, 32));
        let rest = directory.get(ENTRY.1..).ok_or_else(wrong)?;
        let (text, rest) = rest.split_at_checked(name.into()).ok_or_else(wrong)?;
        let (extra, rest) = rest.split_at_checked(extra.into()).ok_or_else(wrong)?;
        let wide = sizes_64(extra);
        let [unpacked, packed, header] = [word(directory, 24), word(directory, 20), word(directory, 42)];
        let mut wide = wide.chunks_exact(8).map(|bytes| long(bytes, 0));
        let mut sized = |narrow: u32| match narrow {
            u32::MAX => wide.next().ok_or_else(wrong),
            narrow => Ok(narrow.into()),
        };
        let (size, packed) = (sized(unpacked)?, sized(packed)?);
        let entry = Entry {
            header: sized(header)?,
            size,
            is_compressed: short(directory, 10) != 0 || packed != size,
            is_encrypted: short(directory, 8) & 1 != 0,
        };
        let name = String::from_utf8_lossy(text).into_owned();
        if entries.insert(name.clone(), entry).is_some() {
            return Err(Failure::broken(format!("has two entries `{name}`: which one is meant nobody can tell")));
        }
        directory = rest.get(comment.into()..).ok_or_else(wrong)?;
    }
    Ok(entries)
}

/// The 64-bit sizes among an entry's extra fields.
fn sizes_64(mut extra: &[u8]) -> &[u8] {
    const SIZES: u16 = 1;
    while extra.len() >= 4 {
        let (kind, size) = (short(extra, 0), usize::from(short(extra, 2)));
        let field = extra.get(4..).unwrap_or_default();
        if kind == SIZES {
            return field.get(..size).unwrap_or_default();
        }
        extra = field.get(size..).unwrap_or_default();
    }
    &[]
}

/// The 16-bit number at a place; 0 where there is none.
fn short(bytes: &[u8], place: usize) -> u16 {
    bytes.get(place..).and_then(|bytes| bytes.first_chunk()).map_or(0, |bytes| u16::from_le_bytes(*bytes))
}

/// The 32-bit number at a place; 0 where there is none.
fn word(bytes: &[u8], place: usize) -> u32 {
    bytes.get(place..).and_then(|bytes| bytes.first_chunk()).map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

/// The 64-bit number at a place; 0 where there is none.
fn long(bytes: &[u8], place: usize) -> u64 {
    bytes.get(place..).and_then(|bytes| bytes.first_chunk()).map_or(0, |bytes| u64::from_le_bytes(*bytes))
}
