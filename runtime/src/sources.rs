//! Specs from the disk. Regular files alone are read: a pipe without a writer would never end.

use crate::failure::{Result, failure};
use crate::files::{kinds, open};
use cnnc_compiler::diagnostic::{Code, nearest};
use cnnc_compiler::resolve::{Sources, tidied};
use std::io::Read;
use std::path::{Path, PathBuf};

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

    fn meant(&self, path: &str, importer: &str) -> Option<String> {
        let home = Path::new(importer).parent()?;
        let folder = Path::new(path).parent().unwrap_or(Path::new(""));
        // Where it was looked for, beside the importer, above it, and in the folders of these.
        let mut specs = specs_of(home, folder);
        specs.extend(specs_near(home));
        specs.retain(|spec| tidied(&home.join(spec)) != tidied(Path::new(importer)));
        let name = |path: &str| Path::new(path).file_name().map(|name| name.to_string_lossy().to_lowercase());
        let same = specs.iter().find(|spec| name(spec) == name(path) || name(spec) == name(&format!("{path}.cnn")));
        same.cloned().or_else(|| nearest(path, specs.iter().map(String::as_str)).map(str::to_owned))
    }

    fn importable(&self, importer: &str) -> Vec<String> {
        let mut specs = Path::new(importer).parent().map(specs_near).unwrap_or_default();
        specs.sort_unstable();
        specs.dedup();
        specs
    }
}

/// The specs beside a folder's files, above it, and in the folders of these.
fn specs_near(home: &Path) -> Vec<String> {
    let mut specs = Vec::new();
    for near in [Path::new(""), Path::new("..")] {
        specs.extend(specs_of(home, near));
        specs.extend(folders_of(home, near).iter().flat_map(|inner| specs_of(home, inner)));
    }
    specs
}

/// Entries of a folder that are looked at for what may have been meant.
const MOST_ENTRIES: usize = 1000;

/// The specs of a folder, which is relative to that one, in the order of their names, as an import there would write them.
fn specs_of(home: &Path, folder: &Path) -> Vec<String> {
    let is_spec = |path: &Path| path.extension().is_some_and(|ending| ending == "cnn");
    let specs = entries(home, folder).into_iter().filter(|path| is_spec(path));
    specs.filter_map(|path| Some(path.to_str()?.replace('\\', "/"))).collect()
}

/// The folders of a folder, in the same way.
fn folders_of(home: &Path, folder: &Path) -> Vec<PathBuf> {
    entries(home, folder).into_iter().filter(|path| home.join(path).is_dir()).collect()
}

fn entries(home: &Path, folder: &Path) -> Vec<PathBuf> {
    let place = home.join(folder);
    let place = if place.as_os_str().is_empty() { Path::new(".") } else { &place };
    let names =
        std::fs::read_dir(place).into_iter().flatten().take(MOST_ENTRIES).flatten().map(|entry| entry.file_name());
    let mut names: Vec<PathBuf> = names.map(|name| folder.join(name)).collect();
    names.sort();
    names
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
        if let Some(kind) = kinds::name(bytes) {
            return format!("it is {kind}, and no text");
        }
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
    fn a_spec_that_may_have_been_meant_is_found_nearby() {
        let folder = tempfile::tempdir().expect("a folder");
        let main = folder.path().join("nets/main.cnn");
        for path in ["nets/main.cnn", "parts/blocks.cnn", "nets/heads.cnn"] {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            std::fs::write(path, "block A { }").expect("a file");
        }
        let meant = |path: &str| Disk.meant(path, main.to_str().expect("text"));
        assert_eq!(meant("head.cnn").as_deref(), Some("heads.cnn"));
        assert_eq!(meant("heads").as_deref(), Some("heads.cnn"));
        assert_eq!(meant("blocks.cnn").as_deref(), Some("../parts/blocks.cnn"));
        assert_eq!(meant("../part/blocks.cnn").as_deref(), Some("../parts/blocks.cnn"));
        assert_eq!((meant("other.cnn"), meant("/no/such/folder/at/all.cnn")), (None, None));
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
