//! Writing a file so that it is there whole or not at all.
//!
//! What comes in is a path and what writes its content. Links are followed. A regular file is written beside its place, gets mode
//! and owner of the one before, and is renamed to it. What is no regular file, a pipe or a device, is written through; and so is
//! a file whose folder takes no other, which is the one case that can leave half of it. What a writer that was killed left is
//! removed by the next one of that file: a name that is no other program's, under which nobody holds a lock.

use super::lock::waited;
use super::{is_one, patient};
use crate::failure::{Result, file_failure};
use crate::random::fnv1a_of;
use std::fs::{self, File, Metadata, TryLockError};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a writer waits for another one of the same file.
const MOST_WAITED: Duration = Duration::from_secs(1);

/// Writes a file so that it is there whole or not at all, where it is a regular file or none yet.
///
/// # Errors
/// E601 when it cannot be written.
pub fn write_whole(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    write_and_keep(path, None, write)
}

/// As [`write_whole`]; once the new file is written, what was at its place gets the name `kept` in the same folder. No moment is
/// without a file under either name that was there before.
pub fn write_and_keep(
    path: &Path,
    kept: Option<&Path>,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<()> {
    let written = Target::of(path).and_then(|target| match target {
        Target::Replaced { place, before } => replace(&place, before.as_ref(), kept, write),
        Target::Through(file) => write_into(&file, write),
    });
    written.map_err(|error| file_failure("write", path, &error))
}

/// How what a path leads to is written.
enum Target {
    /// By another file in its place, which links led to; `before` is what there is.
    Replaced { place: PathBuf, before: Option<Metadata> },
    /// Itself.
    Through(File),
}

impl Target {
    fn of(path: &Path) -> io::Result<Target> {
        match fs::metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(Target::Replaced { place: followed(path)?, before: None });
            }
            Err(error) => return Err(error),
            Ok(there) if there.is_dir() => return Err(ErrorKind::IsADirectory.into()),
            Ok(_) => {}
        }
        // Who may not write a file may not replace it either.
        let file = File::options().write(true).open(path)?;
        let before = file.metadata()?;
        if !before.is_file() {
            return Ok(Target::Through(file));
        }
        let place = followed(path)?;
        // A name in /proc may lead to a file that has none.
        Ok(if is_still(&place, &file) {
            Target::Replaced { place, before: Some(before) }
        } else {
            Target::Through(file)
        })
    }
}

/// The place that links lead to, whether anything is there or not.
fn followed(path: &Path) -> io::Result<PathBuf> {
    const MOST_LINKS: usize = 40;
    let mut place = path.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::read_link(&place) {
            Ok(link) => place = place.parent().unwrap_or(Path::new("")).join(link),
            Err(_) => return Ok(place),
        }
    }
    Err(io::Error::other("its links lead in a circle"))
}

fn replace(
    place: &Path,
    before: Option<&Metadata>,
    kept: Option<&Path>,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let mut temporary = match Temporary::beside(place) {
        Ok(temporary) => temporary,
        // The folder takes no file, and the one that is there may be written. Where the disk is full it stays as it is.
        Err(error) if before.is_some() && kept.is_none() && error.kind() != ErrorKind::StorageFull => {
            return write_into(&File::options().write(true).open(place)?, write);
        }
        Err(error) => return Err(error),
    };
    if let Some(before) = before {
        resemble(&temporary.file, before);
    }
    write_into(&temporary.file, write)?;
    if let Some(kept) = kept {
        keep_as(place, kept)?;
    }
    match temporary.move_to(place) {
        // A file that is mounted there, or another user's in a folder where only owners rename.
        Err(error)
            if before.is_some() && matches!(error.kind(), ErrorKind::ResourceBusy | ErrorKind::PermissionDenied) =>
        {
            let mut whole = File::open(&temporary.path)?;
            write_into(&File::options().write(true).open(place)?, |writer| io::copy(&mut whole, writer).map(|_| ()))
        }
        renamed => renamed.and_then(|()| sync_folder(place)),
    }
}

/// Makes this all that a file holds, and waits until it is on the disk.
fn write_into(file: &File, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    if file.metadata()?.is_file() {
        file.set_len(0)?;
    }
    let mut writer = BufWriter::with_capacity(1 << 20, file);
    write(&mut writer)?;
    writer.flush()?;
    synced(file.sync_all())
}

/// Gives a file the mode and the owner of another, as far as this user and the file system can.
fn resemble(file: &File, before: &Metadata) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
        const READ_WRITE_EXECUTE: u32 = 0o777;
        let _ = fchown(file, Some(before.uid()), Some(before.gid()));
        let _ = file.set_permissions(fs::Permissions::from_mode(before.mode() & READ_WRITE_EXECUTE));
    }
    #[cfg(not(unix))]
    let _ = (file, before);
}

/// Keeps what is at a place under another name too; nothing happens when nothing is there.
fn keep_as(place: &Path, kept: &Path) -> io::Result<()> {
    loop {
        let held = match File::open(place) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            held => held?,
        };
        if cfg!(unix) && is_still(kept, &held) {
            // A writer was killed right before its last step. Renaming would do nothing to two names of one file.
            remove_remains(kept);
            return Ok(());
        }
        // Nobody is to take the second name for one that was left, and another writer may keep the same file at the same time.
        let _ = waited(MOST_WAITED, || held.try_lock_shared());
        let Ok((name, ())) = unused(kept, |name| fs::hard_link(place, name)) else {
            // A file system without hard links.
            let mut copy = Temporary::beside(kept)?;
            write_into(&copy.file, |writer| io::copy(&mut &held, writer).map(|_| ()))?;
            return copy.move_to(kept);
        };
        if is_still(&name, &held) {
            let renamed = fs::rename(&name, kept);
            // Where another writer has kept the same file meanwhile, renaming did nothing, or it has taken the name away.
            let is_kept = is_still(kept, &held);
            if is_still(&name, &held) {
                let _ = fs::remove_file(&name);
            }
            return if is_kept { Ok(()) } else { renamed };
        }
        // Another writer replaced it meanwhile, and holds the new one a moment longer.
        remove_if_left(&name, MOST_WAITED);
    }
}

/// A file on its way to its place: locked as long as it is written, and removed unless it was moved.
struct Temporary {
    path: PathBuf,
    file: File,
    is_moved: bool,
}

impl Temporary {
    fn beside(place: &Path) -> io::Result<Temporary> {
        let (path, file) = unused(place, |name| {
            let file = File::create_new(name)?;
            // Between these two another writer may take it for one that was left, and removes it then.
            let is_ours = !matches!(file.try_lock(), Err(TryLockError::WouldBlock)) && is_still(name, &file);
            if is_ours { Ok(file) } else { Err(ErrorKind::AlreadyExists.into()) }
        })?;
        Ok(Temporary { path, file, is_moved: false })
    }

    fn move_to(&mut self, place: &Path) -> io::Result<()> {
        fs::rename(&self.path, place)?;
        self.is_moved = true;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.is_moved {
            // That it cannot be removed changes nothing.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The names that writers of a file take beside it, each the first that no other has.
fn names(place: &Path) -> io::Result<impl Iterator<Item = PathBuf>> {
    const MOST_WRITERS: usize = 1000;
    let hash = fnv1a_of(place.file_name().ok_or(ErrorKind::InvalidInput)?.as_encoded_bytes());
    Ok((0..MOST_WRITERS).map(move |number| place.with_file_name(format!(".cnnc-{hash:016x}.{number}.tmp"))))
}

/// Makes something under a name that no other writer of the same file has.
fn unused<T>(place: &Path, make: impl Fn(&Path) -> io::Result<T>) -> io::Result<(PathBuf, T)> {
    remove_remains(place);
    for name in names(place)? {
        match make(&name) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            made => return made.map(|made| (name, made)),
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}

/// Removes what writers of a file that were killed left, as far as that is possible: of that many at a time.
pub fn remove_remains(place: &Path) {
    const MOST_AT_A_TIME: usize = 8;
    names(place).into_iter().flatten().take(MOST_AT_A_TIME).for_each(|name| remove_if_left(&name, Duration::ZERO));
}

/// Removes a temporary file that no writer holds, or none after so long.
fn remove_if_left(name: &Path, patience: Duration) {
    let Ok(file) = patient().read(true).open(name) else { return };
    let is_left = || waited(patience, || file.try_lock()).is_ok() && is_still(name, &file);
    if file.metadata().is_ok_and(|there| there.is_file()) && is_left() {
        let _ = fs::remove_file(name);
    }
}

/// Whether a name is that of an open file, and no link to it.
pub fn is_still(name: &Path, file: &File) -> bool {
    let there = fs::symlink_metadata(name).and_then(|there| Ok(is_one(&there, &file.metadata()?)));
    there.unwrap_or(false)
}

/// Makes the system write down that a file has its name.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match File::open(folder) {
        // A folder in which one may write and not look.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(()),
        folder => synced(folder?.sync_all()),
    }
}

/// What cannot be synced, such as a pipe or some file systems' folders, is nothing to wait for.
fn synced(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
        synced => synced,
    }
}
