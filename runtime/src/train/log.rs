//! `log.jsonl`: a line of JSON for each epoch.

use super::history::{History, Record};
use crate::failure::file_failure;
use crate::{Result, files};
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::Path;

/// The log's name in a run's folder.
pub const LOG: &str = "log.jsonl";

/// Makes the log say what a history says: a run that was killed may have logged an epoch that no checkpoint has.
///
/// # Errors
/// E601 when it cannot be written.
pub fn rewrite(folder: &Path, history: &History) -> Result<()> {
    let path = folder.join(LOG);
    let lines = history.records.iter().map(|record| line(&path, record)).collect::<Result<String>>()?;
    files::write_whole(&path, |writer| writer.write_all(lines.as_bytes()))
}

/// Adds the last epoch of a history; a log that was taken away is written anew.
///
/// # Errors
/// E601 when it cannot be written; no part of a line is left then.
pub fn append(folder: &Path, history: &History) -> Result<()> {
    let path = folder.join(LOG);
    let Some(record) = history.records.last() else { return Ok(()) };
    let line = line(&path, record)?;
    let mut file = match OpenOptions::new().append(true).open(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return rewrite(folder, history),
        file => file.map_err(|error| file_failure("write", &path, &error))?,
    };
    let before = file.metadata().map(|metadata| metadata.len());
    let written = file.write_all(line.as_bytes());
    if let (Err(_), Ok(before)) = (&written, before) {
        // A log that cannot be cut back is written anew when the run goes on.
        let _ = file.set_len(before);
    }
    written.map_err(|error| file_failure("write", &path, &error))
}

fn line(path: &Path, record: &Record) -> Result<String> {
    let text = serde_json::to_string(record).map_err(|error| file_failure("write", path, &error.into()))?;
    Ok(text + "\n")
}
