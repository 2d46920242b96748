//! The house: no snapshot that nothing refers to.

use std::fs;
use std::path::{Path, PathBuf};

/// All files of the workspace with that ending, build outputs left out.
fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        let name = entry.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if entry.is_dir() && name != "target" && !name.starts_with('.') {
            files(&entry, ending, found);
        } else if name.ends_with(ending) {
            found.push(entry);
        }
    }
}

/// A line `key: value` of a snapshot's head.
fn head<'a>(snapshot: &'a str, key: &str) -> Option<&'a str> {
    let head = snapshot.split("---\n").nth(1)?;
    head.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": ")).map(|value| value.trim_matches('"'))
}

#[test]
fn every_snapshot_is_referred_to() {
    let root = Path::new("..");
    let mut snapshots = Vec::new();
    files(root, ".snap", &mut snapshots);
    assert!(snapshots.len() > 100, "only {} snapshots were found", snapshots.len());
    for path in snapshots {
        let text = fs::read_to_string(&path).expect("a snapshot");
        let source = head(&text, "source").unwrap_or_default();
        let code = fs::read_to_string(root.join(source)).unwrap_or_default();
        // `module__path__name@input.snap`, or `…name-2.snap` for a second one of a test.
        let stem = path.file_name().unwrap_or_default().to_string_lossy().replace(".snap", "");
        let name = stem.split('@').next().unwrap_or_default().rsplit("__").next().unwrap_or_default();
        let numbered = name.rsplit_once('-').filter(|(_, number)| number.chars().all(|digit| digit.is_ascii_digit()));
        let name = numbered.map_or(name, |(name, _)| name);
        let named = code.contains(&format!("fn {name}(")) || code.contains(&format!("\"{name}\""));
        assert!(named, "{}: nothing called `{name}` in {source}", path.display());
        if let Some(input) = head(&text, "input_file") {
            assert!(root.join(input).exists(), "{}: its input {input} is gone", path.display());
        }
    }
}
