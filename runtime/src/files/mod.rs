//! Opening, locking and comparing files, with failures that name the file.
//!
//! What comes in is a path; what goes out is a regular file that is open, or whether two paths lead to one file. Nothing here
//! waits for a pipe that nobody writes to. Locks are `lock`, writing is `write`.

pub mod kinds;
mod lock;
#[cfg(test)]
mod tests;
pub mod write;

pub use lock::Lock;
use write::is_still;
pub use write::{write_and_keep, write_whole};

use crate::failure::{Result, failure, file_failure};
use cnnc_compiler::diagnostic::Code;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// Where this user's files are that can be made anew: `cnnc` in the cache directory; `None` when the user has none.
pub fn cache_folder() -> Option<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = folder("XDG_CACHE_HOME").or_else(|| folder("HOME").map(|home| home.join(".cache")))?;
    Some(cache.join("cnnc"))
}

/// Opens a regular file for reading; a folder, a pipe or a device is refused, since it may have no end.
///
/// # Errors
/// E601 when it is none, or cannot be opened.
pub fn open(path: &Path) -> Result<File> {
    let regular = |metadata: Metadata| match () {
        () if metadata.is_dir() => Err(file_failure("read", path, &io::ErrorKind::IsADirectory.into())),
        () if metadata.is_file() => Ok(()),
        () => Err(failure(Code::E601, format!("cannot read `{}`: it is no regular file", path.display()))),
    };
    let unreadable = |error| file_failure("read", path, &error);
    // Asked before, since opening alone makes some devices do something; and after, since another file may have come to be there.
    regular(fs::metadata(path).map_err(unreadable)?)?;
    let file = patient().read(true).open(path).map_err(unreadable)?;
    regular(file.metadata().map_err(unreadable)?)?;
    Ok(file)
}

/// Whether two paths lead to one file that is there: the same name, a link, or a second name of it.
pub fn is_same(one: &Path, other: &Path) -> bool {
    match (fs::metadata(one), fs::metadata(other)) {
        (Ok(first), Ok(second)) if cfg!(unix) => is_one(&first, &second),
        (Ok(_), Ok(_)) => fs::canonicalize(one).ok() == fs::canonicalize(other).ok(),
        _ => false,
    }
}

/// Whether two files are one; where the system does not number files, nobody can tell, and they are taken for one.
fn is_one(first: &Metadata, second: &Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        (first.dev(), first.ino()) == (second.dev(), second.ino())
    }
    #[cfg(not(unix))]
    {
        let _ = (first, second);
        true
    }
}

/// Options to open by that wait for nobody: a pipe without another end comes at once, or as a failure.
fn patient() -> OpenOptions {
    #[cfg(unix)]
    {
        let mut options = File::options();
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK | libc::O_NOCTTY);
        options
    }
    #[cfg(not(unix))]
    File::options()
}
