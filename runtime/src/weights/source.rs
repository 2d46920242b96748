//! Where the bytes of weights come from: a file that stays open, or bytes in memory.
//!
//! Bytes are read into memory of their own and never mapped: what others do to the file meanwhile (cut it short, write into it)
//! is an error that names it. A file that is replaced by another of its name does no harm, since the one that was opened is
//! read on.

use crate::failure::{Error, Result, broken_file, failure, file_failure};
use crate::files;
use cnnc_compiler::diagnostic::Code;
use cnnc_formats::bytes::Bytes;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Where bytes are read from.
pub trait Source: Send + Sync {
    /// What messages call it.
    fn path(&self) -> &Path;

    /// How many bytes there are.
    fn length(&self) -> u64;

    /// Fills `into` with the bytes from there on.
    ///
    /// # Errors
    /// E601 and E603 when they cannot be had.
    fn read(&self, start: u64, into: &mut [u8]) -> Result<()>;
}

/// A file that is open, and what it was when it was opened.
pub struct StoredFile {
    path: PathBuf,
    file: File,
    length: u64,
    modified: Option<SystemTime>,
}

impl StoredFile {
    /// Opens a file.
    ///
    /// # Errors
    /// E601 when it cannot be read, or is no regular file.
    pub fn open(path: &Path) -> Result<StoredFile> {
        let file = files::open(path)?;
        let metadata = file.metadata().map_err(|error| file_failure("read", path, &error))?;
        Ok(StoredFile { path: path.to_owned(), file, length: metadata.len(), modified: metadata.modified().ok() })
    }

    /// What has changed since the file was opened, in words.
    fn change(&self) -> io::Result<Option<String>> {
        let now: fs::Metadata = self.file.metadata()?;
        if now.len() != self.length {
            return Ok(Some(format!("it had {} bytes and has {}", self.length, now.len())));
        }
        Ok((now.modified().ok() != self.modified).then(|| "somebody wrote to it".to_owned()))
    }
}

impl Source for StoredFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn length(&self) -> u64 {
        self.length
    }

    fn read(&self, start: u64, into: &mut [u8]) -> Result<()> {
        let read = read_at(&self.file, start, into);
        match self.change() {
            Ok(Some(change)) => {
                let message = format!("`{}` was changed while it was read: {change}", self.path.display());
                Err(failure(Code::E603, message).help("run again once nothing writes to it"))
            }
            Ok(None) => read.map_err(|error| file_failure("read", &self.path, &error)),
            Err(error) => Err(file_failure("read", &self.path, &error)),
        }
    }
}

/// Fills `into` with the bytes of a file from there on; other threads may read it at the same time.
fn read_at(file: &File, start: u64, into: &mut [u8]) -> io::Result<()> {
    #[cfg(unix)]
    return std::os::unix::fs::FileExt::read_exact_at(file, into, start);
    #[cfg(not(unix))]
    {
        use std::io::{Read, Seek, SeekFrom};
        // The place in a file belongs to all who read it.
        static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());
        let _one = ONE_AT_A_TIME.lock();
        let mut file = file;
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(into)
    }
}

/// Bytes in memory, and what messages call them.
pub struct StoredBytes<'b> {
    /// What messages call them.
    pub path: &'b Path,
    /// The bytes.
    pub bytes: &'b [u8],
}

impl Source for StoredBytes<'_> {
    fn path(&self) -> &Path {
        self.path
    }

    fn length(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read(&self, start: u64, into: &mut [u8]) -> Result<()> {
        let from = usize::try_from(start).ok().and_then(|start| self.bytes.get(start..)?.get(..into.len()));
        let from = from.ok_or_else(|| broken_file(self.path, "is cut off"))?;
        into.copy_from_slice(from);
        Ok(())
    }
}

/// A source as readers of other programs' files see it: its error goes along inside theirs.
pub struct Foreign<'s>(pub &'s dyn Source);

impl Bytes for Foreign<'_> {
    fn length(&self) -> u64 {
        self.0.length()
    }

    fn read_at(&self, start: u64, into: &mut [u8]) -> io::Result<()> {
        self.0.read(start, into).map_err(io::Error::other)
    }
}

/// The error that went along, or what became of it.
pub fn of_foreign(path: &Path, error: io::Error) -> Error {
    match error.downcast::<Error>() {
        Ok(error) => error,
        Err(error) => file_failure("read", path, &error),
    }
}
