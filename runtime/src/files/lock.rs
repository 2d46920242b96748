//! A file that one process has at a time.
//!
//! The lock is the system's: it goes with the process that holds it, however that ends, so that a file which a killed one left
//! locks nobody out. Where a file system has no locks, nobody is kept out either, and [`Lock::hindrance`] says why.

use super::{is_still, patient};
use crate::failure::{Result, failure, file_failure};
use cnnc_compiler::diagnostic::Code;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A file that is locked until this is dropped or the process ends.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    file: File,
    hindrance: Option<String>,
    /// Whether the file goes with the lock.
    pub is_passing: bool,
}

impl Lock {
    /// Takes the lock, waiting at most that long; `None` when somebody else has it still. The file is made where it is not there.
    ///
    /// # Errors
    /// E601 when the file cannot be made or opened, or is no regular one.
    pub fn take(path: &Path, patience: Duration) -> Result<Option<Lock>> {
        loop {
            // For reading too, since a pipe that is opened for writing alone has no reader.
            let file = patient().read(true).write(true).create(true).truncate(false).open(path);
            let file = file.map_err(|error| file_failure("lock", path, &error))?;
            if fs::symlink_metadata(path).is_ok_and(|there| !there.is_file()) {
                return Err(failure(Code::E601, format!("cannot lock `{}`: it is no regular file", path.display())));
            }
            let hindrance = match waited(patience, || file.try_lock()) {
                Ok(()) => None,
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => Some(error.to_string()),
            };
            let lock = Lock { path: path.to_owned(), file, hindrance, is_passing: false };
            // Who held it may have removed it in between.
            if lock.is_held() {
                return Ok(Some(lock));
            }
        }
    }

    /// Why it keeps nobody out, where the file system has no locks.
    pub fn hindrance(&self) -> Option<&str> {
        self.hindrance.as_deref()
    }

    /// Whether the file is still at its place: one that was removed keeps nobody out.
    pub fn is_held(&self) -> bool {
        is_still(&self.path, &self.file)
    }
}

impl Drop for Lock {
    /// While the lock is held, so that nobody's but its own file is removed.
    fn drop(&mut self) {
        if self.is_passing && self.hindrance().is_none() && self.is_held() {
            // A file that stays is locked by nobody.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Tries to lock until that succeeds or so long has passed.
pub(super) fn waited(
    patience: Duration,
    lock: impl Fn() -> std::result::Result<(), TryLockError>,
) -> std::result::Result<(), TryLockError> {
    const PAUSE: Duration = Duration::from_millis(5);
    let start = Instant::now();
    loop {
        match lock() {
            Err(TryLockError::WouldBlock) if start.elapsed() < patience => sleep(PAUSE),
            done => return done,
        }
    }
}
