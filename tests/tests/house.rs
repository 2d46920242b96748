//! The house: no snapshot that nothing refers to, no dependency under a licence that is not on the list.

use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Licences under which a dependency may be used in a program that is MIT OR Apache-2.0.
const LICENCES: [&str; 11] = [
    "MIT",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "Unlicense",
    "Unicode-3.0",
    "0BSD",
    "CC0-1.0",
];

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

/// The triple of the machine that the tests run on, as rustc names it.
fn host() -> String {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    let output = Command::new(rustc).arg("-vV").output().expect("rustc -vV");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().find_map(|line| line.strip_prefix("host: ")).expect("a host").to_owned()
}

#[test]
fn every_dependency_has_a_licence_on_the_list() {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    // Crates of other systems are in the lock file and on no machine: nothing that is built here downloads them.
    let output = Command::new(cargo)
        .args(["metadata", "--offline", "--locked", "--format-version", "1", "--filter-platform", &host()])
        .output()
        .expect("cargo metadata");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("a list");
    assert!(packages.len() > 50, "only {} packages were found", packages.len());
    let mut refused = BTreeMap::new();
    for package in packages {
        let licence = package["license"].as_str().unwrap_or("none stated");
        if !allowed(licence) {
            refused.insert(package["name"].to_string(), licence.to_owned());
        }
    }
    assert!(refused.is_empty(), "{refused:#?}");
}

/// Whether one of the alternatives that an SPDX expression offers is on the list; `/` is the old way to write `OR`.
fn allowed(expression: &str) -> bool {
    let all = |part: &str| part.split(" AND ").all(|licence| alternatives(licence).any(|one| LICENCES.contains(&one)));
    if expression.contains('(') { all(expression) } else { expression.replace('/', " OR ").split(" OR ").any(all) }
}

fn alternatives(part: &str) -> impl Iterator<Item = &str> {
    part.trim().trim_start_matches('(').trim_end_matches(')').split(" OR ").map(str::trim)
}

#[test]
fn licence_expressions_are_understood() {
    assert!(allowed("MIT") && allowed("MIT/Apache-2.0") && allowed("GPL-3.0 OR MIT"));
    assert!(allowed("(MIT OR Apache-2.0) AND Unicode-3.0"));
    assert!(!allowed("MPL-2.0") && !allowed("MIT AND GPL-3.0") && !allowed("none stated"));
}
