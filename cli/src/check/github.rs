//! `cnnc check --format github`: a workflow command a line, which GitHub shows beside the lines of a change.

use super::told::Told;
use std::collections::HashSet;

/// A line for each that is told; what differs only in the calls that led there is one line.
///
/// `::error file=models/lenet.cnn,line=9,col=5,…::the kernel is larger than its padded input`
pub fn commands(told: &[Told]) -> String {
    let mut said = HashSet::new();
    told.iter().map(command).filter(|command| said.insert(command.clone())).collect()
}

fn command(told: &Told) -> String {
    let level = if told.severity == "note" { "notice" } else { told.severity };
    let mut properties = vec![("file", told.file.clone())];
    if let Some(label) = told.labels.first() {
        let (start, end) = (&label.place.start, &label.place.end);
        properties.extend([("line", start.line.to_string()), ("endLine", end.line.to_string())]);
        // Columns are taken within one line alone.
        if start.line == end.line {
            properties.extend([("col", start.column.to_string()), ("endColumn", end.column.to_string())]);
        }
    }
    properties.push(("title", format!("{} {}", told.code, told.labels.first().map_or("", |label| &label.text))));
    let properties = properties.iter().map(|(key, value)| format!("{key}={}", property(value.trim_end())));
    format!("::{level} {}::{}\n", properties.collect::<Vec<_>>().join(","), message(&told.in_words()))
}

fn message(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}
