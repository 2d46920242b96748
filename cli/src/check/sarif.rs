//! `cnnc check --format sarif`: SARIF 2.1.0, the OASIS standard that code hosts and editors read.
//!
//! Every code that is told is a rule with its text; a diagnostic is a result at its first label, with the others and the way that
//! led there as related places. SARIF knows no guesses among fixes, so that they are told in a property of their own.

use super::told::{Labelled, Mend, Place, Told};
use cnnc_compiler::diagnostic::Code;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::io::{self, Write};

/// Writes the log of one run.
pub fn write(told: &[Told], output: &mut dyn Write) -> io::Result<()> {
    let codes: Vec<Code> =
        Code::ALL.iter().copied().filter(|code| told.iter().any(|one| one.code == code.name())).collect();
    let rules: Vec<Value> = codes.iter().map(|&code| rule(code)).collect();
    let results: Vec<Value> = told.iter().map(|one| result(one, &codes)).collect();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "cnnc", "version": env!("CARGO_PKG_VERSION"), "rules": rules } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    serde_json::to_writer_pretty(&mut *output, &log)?;
    writeln!(output)
}

fn rule(code: Code) -> Value {
    let text = code.explanation();
    json!({
        "id": code.name(),
        "shortDescription": { "text": code.title() },
        "help": { "text": text, "markdown": text },
    })
}

fn result(told: &Told, codes: &[Code]) -> Value {
    let others = told.labels.iter().skip(1).chain(&told.trace);
    let mut result = json!({
        "ruleId": told.code,
        "level": told.severity,
        "message": { "text": told.in_words() },
        "locations": [location(told)],
    });
    if let Some(index) = codes.iter().position(|code| code.name() == told.code) {
        result["ruleIndex"] = json!(index);
    }
    let mut related: Vec<Value> = others.map(related_place).collect();
    // A block that calls itself is called at one place again and again; the standard wants each place once.
    let mut seen = HashSet::new();
    related.retain(|place| seen.insert(place.to_string()));
    if !related.is_empty() {
        result["relatedLocations"] = json!(related);
    }
    let fixes: Vec<Value> = told.fixes.iter().map(|mend| fix(mend, told)).collect();
    if !fixes.is_empty() {
        result["fixes"] = json!(fixes);
    }
    result
}

fn location(told: &Told) -> Value {
    match told.labels.first() {
        Some(label) if !label.text.is_empty() => {
            json!({ "physicalLocation": physical(&label.place), "message": { "text": label.text } })
        }
        Some(label) => json!({ "physicalLocation": physical(&label.place) }),
        None => json!({ "physicalLocation": { "artifactLocation": artifact(&told.file) } }),
    }
}

fn related_place(label: &Labelled) -> Value {
    json!({ "physicalLocation": physical(&label.place), "message": { "text": label.text } })
}

fn physical(place: &Place) -> Value {
    json!({ "artifactLocation": artifact(&place.file), "region": region(place) })
}

fn region(place: &Place) -> Value {
    json!({
        "startLine": place.start.line,
        "startColumn": place.start.column,
        "endLine": place.end.line,
        "endColumn": place.end.column,
        "byteOffset": place.start.byte,
        "byteLength": place.end.byte - place.start.byte,
    })
}

fn artifact(file: &str) -> Value {
    json!({ "uri": uri(file) })
}

/// A path as a reference: relative as it was given, or of a file on this machine.
fn uri(path: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let plain = |byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    let path: String = path.bytes().map(plain).collect();
    if path.starts_with('/') { format!("file://{path}") } else { path }
}

/// A mend; its edits by file.
fn fix(mend: &Mend, told: &Told) -> Value {
    let mut files: Vec<&str> = mend.edits.iter().map(|edit| edit.place.file.as_str()).collect();
    files.dedup();
    let changes = files.iter().map(|&file| {
        let edits = mend.edits.iter().filter(|edit| edit.place.file == file);
        let replaced = edits.map(
            |edit| json!({ "deletedRegion": region(&edit.place), "insertedContent": { "text": edit.replacement } }),
        );
        json!({ "artifactLocation": artifact(file), "replacements": replaced.collect::<Vec<_>>() })
    });
    json!({
        "description": { "text": told.help.first().unwrap_or(&told.message) },
        "artifactChanges": changes.collect::<Vec<_>>(),
        "properties": { "applicability": mend.applicability },
    })
}

#[cfg(test)]
mod tests {
    use super::uri;

    #[test]
    fn paths_are_references() {
        assert_eq!(uri("models/a b%é.cnn"), "models/a%20b%25%C3%A9.cnn");
        assert_eq!(uri("/nets/a#1.cnn"), "file:///nets/a%231.cnn");
    }
}
