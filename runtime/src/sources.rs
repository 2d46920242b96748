//! Specs from the disk. Regular files alone are read: a pipe without a writer would never end.

use crate::failure::{Result, failure};
use crate::files::open;
use cnnc_compiler::diagnostic::Code;
use cnnc_compiler::resolve::Sources;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

/// The files of this machine. A file is named as it was reached: an import relative to its importer, without `.` and `..`
/// where they cancel out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

/// No spec is larger; a file that goes on past it is not read further.
const LARGEST_FILE_BYTES: u64 = 64 << 20;

impl Sources for Disk {
    fn read(&self, path: &str, importer: Option<&str>) -> std::result::Result<(String, String), String> {
        let beside = importer.and_then(|importer| Path::new(importer).parent()).unwrap_or(Path::new(""));
        let path = tidied(&beside.join(path));
        let text = text_of(&path)?;
        Ok((path.to_string_lossy().into_owned(), text))
    }
}

/// The name that a spec on the disk has: its path, which must be text, since imports and messages name it.
///
/// # Errors
/// E601 for a path that is not UTF-8.
pub fn spec_name(path: &Path) -> Result<&str> {
    path.to_str().ok_or_else(|| {
        let message = format!("cannot read `{}`: its path is not UTF-8 text", path.display());
        failure(Code::E601, message).help("rename the file or the folder, or read it by a symbolic link")
    })
}

/// The path with `a/../` and `./` taken out.
fn tidied(path: &Path) -> PathBuf {
    let mut tidy = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(tidy.components().next_back(), Some(Component::Normal(_))) => {
                tidy.pop();
            }
            other => tidy.push(other),
        }
    }
    tidy
}

/// The file's text, or why there is none.
fn text_of(path: &Path) -> std::result::Result<String, String> {
    let mut bytes = Vec::new();
    let file = open(path).map_err(|failure| {
        let place = format!("cannot read `{}`: ", path.display());
        failure.message.strip_prefix(&place).unwrap_or(&failure.message).to_owned()
    })?;
    file.take(LARGEST_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > LARGEST_FILE_BYTES {
        return Err(format!("it is larger than {} MB", LARGEST_FILE_BYTES >> 20));
    }
    String::from_utf8(bytes).map_err(|error| {
        let bytes = error.as_bytes();
        let line = bytes.iter().take(error.utf8_error().valid_up_to()).filter(|&&byte| byte == b'\n').count() + 1;
        format!("it is not UTF-8 text (line {line})")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_found_beside_their_importer_under_one_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let main = folder.path().join("nets/main.cnn");
        std::fs::create_dir_all(main.parent().expect("a parent")).expect("a folder");
        std::fs::write(folder.path().join("blocks.cnn"), "block A { }").expect("a file");
        let read = |path: &str| Disk.read(path, main.to_str());
        let (name, text) = read("../blocks.cnn").expect("the file");
        assert_eq!(text, "block A { }");
        assert_eq!(name, read(".././blocks.cnn").expect("the file").0);
        assert_eq!(Path::new(&name), folder.path().join("blocks.cnn"));
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let folder = tempfile::tempdir().expect("a folder");
        let noise = folder.path().join("noise.cnn");
        std::fs::write(&noise, b"model\n\xff\xfe").expect("a file");
        assert_eq!(Disk.read("no such", None), Err("there is no such file".into()));
        assert_eq!(Disk.read(&folder.path().to_string_lossy(), None), Err("it is a folder".into()));
        assert_eq!(Disk.read(&noise.to_string_lossy(), None), Err("it is not UTF-8 text (line 2)".into()));
    }
}
