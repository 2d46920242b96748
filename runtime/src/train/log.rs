//! `log.jsonl`: a line of JSON for each epoch.

use super::history::{History, Record};
use crate::failure::{failure, file_failure};
use crate::{Result, files};
use cnnc_compiler::diagnostic::Code;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

/// The log's name in a run's folder.
pub const LOG: &str = "log.jsonl";

/// Makes the log say what a history says: a run that was killed may have logged an epoch that no checkpoint has.
///
/// # Errors
/// E601 when it cannot be written.
pub fn rewrite(folder: &Path, history: &History) -> Result<()> {
    let lines = history.records.iter().map(line).collect::<Result<String>>()?;
    files::write_whole(&folder.join(LOG), |writer| writer.write_all(lines.as_bytes()))
}

/// Adds an epoch.
///
/// # Errors
/// E601 when it cannot be written.
pub fn append(folder: &Path, record: &Record) -> Result<()> {
    let path = folder.join(LOG);
    let line = line(record)?;
    let file = OpenOptions::new().append(true).create(true).open(&path);
    let written = file.and_then(|mut file| file.write_all(line.as_bytes()));
    written.map_err(|error| file_failure("write", &path, &error))
}

fn line(record: &Record) -> Result<String> {
    let text = serde_json::to_string(record).map_err(|error| failure(Code::E601, error.to_string()))?;
    Ok(text + "\n")
}
