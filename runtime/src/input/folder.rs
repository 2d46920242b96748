//! A folder of pictures: those in it and in the folders in it, in the order of their names, each an input of its
//! own. What of other files lies there is counted and said; what file managers and archivers leave behind is not.

use crate::failure::{failure, file_failure, note};
use crate::files::kinds::{self, PictureKind};
use crate::{Result, files};
use cnnc_compiler::diagnostic::{Code, Diagnostic};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Folders inside each other that are gone into; more is a link that leads back.
const DEEPEST: usize = 32;
/// Files that are named of those that are left out.
const NAMED: usize = 3;

/// The pictures of a folder, and what was left out, as a note.
#[derive(Clone, Debug, Default)]
pub struct Folder {
    /// The pictures, by name.
    pub pictures: Vec<PathBuf>,
    /// What is no picture that is read.
    pub left_out: Option<Diagnostic>,
}

/// Lists the pictures of a folder; none is decoded.
///
/// # Errors
/// E601 when a folder cannot be read, E604 when there is no picture.
pub fn pictures_of(folder: &Path) -> Result<Folder> {
    let (mut pictures, mut others) = (Vec::new(), Vec::new());
    gather(folder, 0, &mut pictures, &mut others)?;
    if pictures.is_empty() {
        let mut empty = failure(Code::E604, format!("`{}` has no pictures", folder.display()));
        empty.notes.push("pictures are PNG, JPEG, WebP, GIF, BMP and TIFF files, in it or in folders in it".into());
        empty.notes.extend(left_out(&others));
        return Err(empty);
    }
    Ok(Folder { pictures, left_out: left_out(&others).map(|said| note(Code::E604, said)) })
}

fn gather(folder: &Path, depth: usize, pictures: &mut Vec<PathBuf>, others: &mut Vec<(PathBuf, String)>) -> Result<()> {
    let cannot_read = |error| file_failure("read", folder, &error);
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(cannot_read)? {
        let entry = entry.map_err(cannot_read)?;
        let name = entry.file_name();
        let is_rubbish = [&b"__MACOSX"[..], b"Thumbs.db", b"desktop.ini"].contains(&name.as_encoded_bytes());
        if !is_rubbish && !name.as_encoded_bytes().starts_with(b".") {
            paths.push(entry.path());
        }
    }
    paths.sort();
    for path in paths {
        match fs::metadata(&path) {
            Ok(kind) if kind.is_dir() && depth < DEEPEST => gather(&path, depth + 1, pictures, others)?,
            Ok(kind) if kind.is_file() => match other_kind(&path) {
                None => pictures.push(path),
                Some(kind) => others.push((path, kind)),
            },
            _ => others.push((path, "no file".into())),
        }
    }
    Ok(())
}

/// What a file is instead of a picture, by its first bytes.
fn other_kind(path: &Path) -> Option<String> {
    let mut start = Vec::new();
    let read = files::open(path).and_then(|file| {
        file.take(kinds::START as u64).read_to_end(&mut start).map_err(|error| file_failure("read", path, &error))
    });
    match (read, start.as_slice()) {
        (Err(_), _) => Some("cannot be read".into()),
        (Ok(_), start) if PictureKind::of(start).is_some() => None,
        (Ok(_), start) => Some(kinds::name(start).unwrap_or("of no known kind").into()),
    }
}

/// `2 files are left out: "notes.txt" (of no known kind), "a.avif" (an AVIF picture)`
fn left_out(others: &[(PathBuf, String)]) -> Option<String> {
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut named: Vec<String> =
        others.iter().take(NAMED).map(|(path, kind)| format!("`{}` ({kind})", name(path))).collect();
    if others.len() > NAMED {
        named.push(format!("and {} more", others.len() - NAMED));
    }
    let files = if others.len() == 1 { "1 file is".to_owned() } else { format!("{} files are", others.len()) };
    (!others.is_empty()).then(|| format!("{files} left out: {}", named.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::pictures_of;
    use cnnc_compiler::diagnostic::Code;
    use std::fs;

    #[test]
    fn pictures_are_told_by_their_first_bytes_and_others_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        };
        let none = pictures_of(folder.path()).unwrap_err();
        assert_eq!(none.code, Code::E604);
        let (png, jpeg) = (b"\x89PNG and so on", [0xFF, 0xD8, 0xFF, 0xE0]);
        put("b.png", png);
        put("a/inner.jfif", &jpeg);
        put("a.avif", b"\0\0\0\x20ftypavif");
        put("notes.txt", b"words");
        put(".hidden.png", png);
        put("__MACOSX/b.png", png);
        let listed = pictures_of(folder.path()).unwrap();
        let names: Vec<String> =
            listed.pictures.iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect();
        assert_eq!(names, ["inner.jfif", "b.png"]);
        let said = listed.left_out.unwrap().message;
        assert_eq!(said, "2 files are left out: `a.avif` (an AVIF picture), `notes.txt` (of no known kind)");
        assert_eq!(pictures_of(&folder.path().join("nothing")).unwrap_err().code, Code::E601);
    }
}
