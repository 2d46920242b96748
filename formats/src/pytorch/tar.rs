//! The tar archive that PyTorch wrote before 0.1.10: where each member's bytes lie.

use crate::bytes::Bytes;
use crate::failure::{Failure, Result};
use crate::pytorch::zip::Extent;

/// A header is a block, and data begin with one.
const BLOCK: u64 = 512;
/// More members than these are no checkpoint.
const MOST_MEMBERS: usize = 1 << 16;

/// Whether a file begins as a tar archive: its first header's sum is what it says.
pub fn is_archive(first: &[u8]) -> bool {
    first
        .first_chunk::<{ BLOCK as usize }>()
        .is_some_and(|header| header.iter().any(|&byte| byte != 0) && sums_up(header))
}

/// Where the bytes of the regular members of these names lie; the last one of a name counts.
///
/// # Errors
/// When a header is damaged, a member leads out of the file, or one of the names is not there.
pub fn members<const COUNT: usize>(bytes: &dyn Bytes, names: [&str; COUNT]) -> Result<[Extent; COUNT]> {
    let mut found: [Option<Extent>; COUNT] = [None; COUNT];
    let mut place = 0;
    for _ in 0..MOST_MEMBERS {
        let mut header = [0; BLOCK as usize];
        if bytes.length().saturating_sub(place) < BLOCK {
            break;
        }
        bytes.read_at(place, &mut header)?;
        if header.iter().all(|&byte| byte == 0) {
            break;
        }
        let damaged = || Failure::broken(format!("is damaged: the header of a tar archive at byte {place} is none"));
        if !sums_up(&header) {
            return Err(damaged());
        }
        let size = number(header.get(124..136).unwrap_or_default()).ok_or_else(damaged)?;
        let start = place + BLOCK;
        if size > bytes.length().saturating_sub(start) {
            return Err(Failure::broken("is cut off: a member of a tar archive goes past its end"));
        }
        let is_regular = matches!(header.get(156), Some(b'0' | 0));
        let name = text(header.get(..100).unwrap_or_default());
        let name = name.strip_prefix("./").unwrap_or(&name);
        for (wanted, extent) in names.iter().zip(&mut found) {
            if is_regular && *wanted == name {
                *extent = Some(Extent { start, size });
            }
        }
        place = start + size.next_multiple_of(BLOCK);
    }
    let mut extents = [Extent { start: 0, size: 0 }; COUNT];
    for ((name, found), extent) in names.iter().zip(found).zip(&mut extents) {
        let missing = || Failure::broken(format!("is a tar archive without `{name}`, so no checkpoint of PyTorch"));
        *extent = found.ok_or_else(missing)?;
    }
    Ok(extents)
}

/// Whether the bytes of a header sum up to what it says; its own sum counts as blanks.
fn sums_up(header: &[u8; BLOCK as usize]) -> bool {
    let sum = |(place, &byte): (usize, &u8)| if (148..156).contains(&place) { 32 } else { u64::from(byte) };
    number(header.get(148..156).unwrap_or_default()) == Some(header.iter().enumerate().map(sum).sum())
}

/// A number in octal digits.
fn number(field: &[u8]) -> Option<u64> {
    let text = text(field);
    u64::from_str_radix(text.trim(), 8).ok()
}

/// The text of a field, up to its first zero.
fn text(field: &[u8]) -> String {
    let text = field.split(|&byte| byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(text).into_owned()
}
