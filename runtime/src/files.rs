//! Opening and writing files, with failures that name the file.

use crate::failure::{Result, failure, file_failure};
use cnnc_compiler::diagnostic::Code;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

/// Where this user's files are that can be made anew: `cnnc` in the cache directory; `None` when the user has none.
pub fn cache_folder() -> Option<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = folder("XDG_CACHE_HOME").or_else(|| folder("HOME").map(|home| home.join(".cache")))?;
    Some(cache.join("cnnc"))
}

/// Opens a regular file for reading; a folder, a pipe or a device is refused, since it may have no end.
pub fn open(path: &Path) -> Result<File> {
    let metadata = fs::metadata(path).map_err(|error| file_failure("read", path, &error))?;
    if metadata.is_dir() {
        return Err(file_failure("read", path, &io::ErrorKind::IsADirectory.into()));
    }
    if !metadata.is_file() {
        return Err(failure(Code::E601, format!("cannot read `{}`: it is no regular file", path.display())));
    }
    File::open(path).map_err(|error| file_failure("read", path, &error))
}

/// Writes a file so that it is there whole or not at all: beside its place first, then moved.
///
/// # Errors
/// E601 when it cannot be written.
pub fn write_whole(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    write_and_keep(path, None, write)
}

/// As [`write_whole`]; once the new file is written, what was at its place gets the name `kept` in the same folder. No moment is without a
/// file under either name that was there before.
pub fn write_and_keep(
    path: &Path,
    kept: Option<&Path>,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<()> {
    let beside = beside(path);
    let written = write_and_move(&beside, path, kept, write);
    if written.is_err() {
        // What failed to be written may be there in part; that it cannot be removed either changes nothing.
        let _ = fs::remove_file(&beside);
    }
    written.map_err(|error| file_failure("write", path, &error))
}

/// Keeps what is at `path` under another name too; nothing happens when nothing is there.
fn keep_as(path: &Path, name: &Path) -> io::Result<()> {
    let beside = beside(name);
    let kept = match fs::hard_link(path, &beside) {
        Ok(()) => fs::rename(&beside, name),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        // A file system without hard links.
        Err(_) => fs::copy(path, &beside).and_then(|_| fs::rename(&beside, name)),
    };
    if kept.is_err() {
        let _ = fs::remove_file(&beside);
    }
    kept
}

/// Removes what writers that were killed left in a folder, as far as that is possible.
pub fn remove_remains(folder: &Path) {
    let is_remains = |name: &str| name.starts_with('.') && name.ends_with(".tmp");
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_str().is_some_and(is_remains) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn write_and_move(
    beside: &Path,
    path: &Path,
    kept: Option<&Path>,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    if path.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let mut writer = BufWriter::with_capacity(1 << 20, File::create_new(beside)?);
    write(&mut writer)?;
    let file = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()?;
    if let Some(kept) = kept {
        keep_as(path, kept)?;
    }
    fs::rename(beside, path)?;
    sync_folder(path)
}

/// Makes the system write down that a file has its name. A file system that cannot sync folders is none to wait for.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        synced => synced,
    }
}

/// A name in the same folder that no other writer has.
fn beside(path: &Path) -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.{number}.tmp", process::id()))
}

#[cfg(test)]
mod tests {
    use super::{open, remove_remains, write_and_keep, write_whole};
    use cnnc_compiler::diagnostic::Code;
    use std::fs;
    use std::io;

    #[test]
    fn a_file_is_written_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("answer");
        write_whole(&path, |writer| writer.write_all(b"old")).unwrap();
        let failed = write_whole(&path, |writer| {
            writer.write_all(b"new")?;
            Err(io::Error::other("the disk is full"))
        });
        let failure = failed.unwrap_err();
        assert_eq!(failure.code, Code::E601);
        assert!(failure.message.ends_with("the disk is full"), "{}", failure.message);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_is_kept_under_another_name() {
        let folder = tempfile::tempdir().unwrap();
        let (path, kept) = (folder.path().join("new"), folder.path().join("old"));
        let read = |path| fs::read_to_string(path).unwrap();
        for text in ["1", "2", "3"] {
            write_and_keep(&path, Some(&kept), |writer| writer.write_all(text.as_bytes())).unwrap();
            assert_eq!(kept.exists(), text != "1");
        }
        assert_eq!((read(&path), read(&kept)), ("3".into(), "2".into()));
        let full = write_and_keep(&path, Some(&kept), |_| Err(io::Error::other("the disk is full")));
        full.unwrap_err();
        fs::write(&path, "damaged").unwrap();
        assert_eq!(read(&kept), "2", "what could not be written moved nothing");
        fs::write(folder.path().join(".new.1.2.tmp"), "half").unwrap();
        remove_remains(folder.path());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn what_cannot_be_opened_is_named_with_the_reason() {
        let folder = tempfile::tempdir().unwrap();
        let message = |path: &std::path::Path| open(path).unwrap_err().message;
        assert!(message(folder.path()).ends_with("it is a folder"));
        assert!(message(&folder.path().join("none")).ends_with("there is no such file"));
        assert!(message(std::path::Path::new("/dev/zero")).ends_with("it is no regular file"));
        assert!(write_whole(folder.path(), |_| Ok(())).unwrap_err().message.ends_with("it is a folder"));
        assert!(write_whole(&folder.path().join("none/x"), |_| Ok(())).unwrap_err().message.contains("no such file"));
    }
}
