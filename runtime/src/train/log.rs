//! `log.jsonl`: a line of JSON for each epoch.

use super::history::{History, Record};
use crate::failure::{broken_file, file_failure};
use crate::{Result, files};
use serde_json::Value;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Read, Write};
use std::path::Path;

/// The log's name in a run's folder.
pub const LOG: &str = "log.jsonl";
/// The longest log that is read, in bytes.
const LONGEST: u64 = 1 << 28;

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

/// Reads a log: cnnc's own, or lines of JSON that have `epoch` and losses and accuracies under the same names, as other programs
/// write them.
///
/// # Errors
/// E601 when it cannot be read, E603 with the first line that is none of an epoch.
pub fn read(path: &Path) -> Result<History> {
    let mut text = String::new();
    let read = files::open(path)?.take(LONGEST + 1).read_to_string(&mut text);
    read.map_err(|error| file_failure("read", path, &error))?;
    if text.len() as u64 > LONGEST {
        return Err(broken_file(path, format!("is larger than {LONGEST} bytes, and no log of epochs")));
    }
    let record = |(number, line): (usize, &str)| {
        let record = serde_json::from_str(line).map(completed).and_then(serde_json::from_value::<Record>);
        record.map_err(|error| broken_file(path, format!("has no epoch in line {}: {error}", number + 1)))
    };
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let records = lines.map(record).collect::<Result<Vec<Record>>>()?;
    match records.is_empty() {
        true => Err(broken_file(path, "has no epochs")),
        false => Ok(History { records }),
    }
}

/// A line whose last members may be missing, as other programs write it: a loss that is not there is no number, the rest nothing.
fn completed(mut line: Value) -> Value {
    if let Some(members) = line.as_object_mut() {
        members.entry("val_loss").or_insert("NaN".into());
        for name in ["learning_rate", "seconds", "images_per_second"] {
            members.entry(name).or_insert(0.0.into());
        }
    }
    line
}

fn line(path: &Path, record: &Record) -> Result<String> {
    let text = serde_json::to_string(record).map_err(|error| file_failure("write", path, &error.into()))?;
    Ok(text + "\n")
}
