//! Machine code on disk, by content: what was compiled once is not compiled again.
//!
//! A file holds all that its code depends on as text, then the code, then a checksum. It is taken only when that text
//! is the wanted one, letter for letter, so its name may be a short hash; a file that is torn, of another program or
//! of other text counts as absent and is written anew. Files are written beside their place and renamed. Past a total
//! size the oldest go.

use crate::random::fnv1a_of;
use crate::{Result, files};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What a file begins with.
const MAGIC: &[u8] = b"cnnc machine code 1\n";
/// Bytes of all files together.
const MOST_BYTES: u64 = 512 << 20;

/// Where machine code is kept: `cnnc/cuda` in the user's cache directory; `None` when the user has none.
pub fn folder() -> Option<PathBuf> {
    files::cache_folder().map(|folder| folder.join("cuda"))
}

/// The code of that text, if it is kept.
pub fn read(folder: &Path, text: &str) -> Option<Vec<u8>> {
    parse(&fs::read(path(folder, text)).ok()?, text)
}

/// Keeps the code of a text.
///
/// # Errors
/// E601 when it cannot be written.
pub fn keep(folder: &Path, text: &str, code: &[u8]) -> Result<()> {
    // A folder that cannot be made is told when the file cannot be written.
    let _ = fs::create_dir_all(folder);
    let content = content(text, code);
    files::write_whole(&path(folder, text), |writer| writer.write_all(&content))?;
    trim(folder, MOST_BYTES);
    Ok(())
}

fn path(folder: &Path, text: &str) -> PathBuf {
    folder.join(format!("{:016x}.cubin", fnv1a_of(text.as_bytes())))
}

fn content(text: &str, code: &[u8]) -> Vec<u8> {
    let mut content = MAGIC.to_vec();
    for part in [text.as_bytes(), code] {
        content.extend((part.len() as u64).to_le_bytes());
        content.extend(part);
    }
    let checksum = fnv1a_of(&content);
    content.extend(checksum.to_le_bytes());
    content
}

fn parse(content: &[u8], text: &str) -> Option<Vec<u8>> {
    let (body, checksum) = content.split_last_chunk::<8>()?;
    let (found, rest) = part(body.strip_prefix(MAGIC)?)?;
    let (code, rest) = part(rest)?;
    let whole = rest.is_empty() && fnv1a_of(body) == u64::from_le_bytes(*checksum);
    (whole && found == text.as_bytes()).then(|| code.to_vec())
}

/// A length, so many bytes, and the rest.
fn part(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)
}

/// Removes the oldest files until the rest are small enough, as far as that is possible.
fn trim(folder: &Path, most: u64) {
    let entry = |entry: fs::DirEntry| {
        let data = entry.metadata().ok()?;
        Some((data.modified().unwrap_or(SystemTime::UNIX_EPOCH), data.len(), entry.path()))
    };
    let mut files: Vec<_> = fs::read_dir(folder).into_iter().flatten().flatten().filter_map(entry).collect();
    files.retain(|(_, _, path)| path.extension().is_some_and(|ending| ending == "cubin"));
    files.sort();
    let mut total: u64 = files.iter().map(|(_, length, _)| length).sum();
    for (_, length, path) in files {
        if total <= most {
            return;
        }
        let _ = fs::remove_file(path);
        total -= length;
    }
}

#[cfg(test)]
mod tests {
    use super::{content, keep, parse, path, read, trim};
    use std::fs;

    #[test]
    fn what_was_kept_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let deeper = folder.path().join("a/b");
        assert_eq!(read(&deeper, "text"), None);
        keep(&deeper, "text", &[1, 2, 3]).unwrap();
        assert_eq!(read(&deeper, "text"), Some(vec![1, 2, 3]));
        assert_eq!(read(&deeper, "texu"), None);
        keep(&deeper, "text", &[]).unwrap();
        assert_eq!(read(&deeper, "text"), Some(Vec::new()));
    }

    #[test]
    fn a_torn_or_foreign_file_counts_as_none() {
        let whole = content("text", &[7; 40]);
        assert_eq!(parse(&whole, "text"), Some(vec![7; 40]));
        for length in 0..whole.len() {
            assert_eq!(parse(&whole[..length], "text"), None, "of {length} bytes");
        }
        for place in 0..whole.len() {
            let mut changed = whole.clone();
            changed[place] ^= 1;
            assert_eq!(parse(&changed, "text"), None, "byte {place}");
        }
        assert_eq!(parse(&[whole.as_slice(), &[0; 8]].concat(), "text"), None);
        assert_eq!(parse(&content("other", &[7; 40]), "text"), None, "another text under the same hash");
    }

    #[test]
    fn the_oldest_files_go_and_others_stay() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("mine.txt"), [0; 500]).unwrap();
        for text in ["1", "2", "3"] {
            keep(folder.path(), text, &[0; 100]).unwrap();
            let file = fs::File::options().append(true).open(path(folder.path(), text)).unwrap();
            let age = std::time::Duration::from_secs(100 - text.parse::<u64>().unwrap());
            file.set_modified(std::time::SystemTime::now() - age).unwrap();
        }
        trim(folder.path(), 350);
        let left = ["1", "2", "3"].map(|text| read(folder.path(), text).is_some());
        assert_eq!(left, [false, true, true]);
        assert!(folder.path().join("mine.txt").exists());
    }
}
