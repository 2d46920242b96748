//! What the workspace depends on keeps the rules of `deny.toml`: licences, sources, crates that may not be there or through some
//! alone; and a feature of the library that is left out takes its crates along.
//!
//! Cargo is asked for what the lock file resolves on this platform: crates of other systems are on no machine that only builds
//! here.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// The rules.
fn rules() -> toml::Table {
    std::fs::read_to_string("../deny.toml").expect("deny.toml").parse().expect("TOML")
}

/// The strings of a list; none where there is no list.
fn strings(list: Option<&toml::Value>) -> Vec<&str> {
    list.and_then(toml::Value::as_array).into_iter().flatten().map(|text| text.as_str().expect("a string")).collect()
}

/// The triple of the machine that the tests run on, as rustc names it.
fn host() -> String {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    let output = Command::new(rustc).arg("-vV").output().expect("rustc -vV");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().find_map(|line| line.strip_prefix("host: ")).expect("a host").to_owned()
}

/// What cargo knows of all packages, without asking anybody for more.
fn metadata() -> Value {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--offline", "--locked", "--format-version", "1", "--filter-platform", &host()])
        .output()
        .expect("cargo metadata");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let count = packages(&metadata).len();
    assert!(count > 50, "only {count} packages were found");
    metadata
}

fn packages(metadata: &Value) -> &[Value] {
    metadata["packages"].as_array().expect("a list")
}

/// Whether one of the alternatives that an SPDX expression offers is among those allowed; `/` is the old way to write `OR`.
fn allowed(expression: &str, licences: &[&str]) -> bool {
    let all = |part: &str| part.split(" AND ").all(|licence| alternatives(licence).any(|one| licences.contains(&one)));
    if expression.contains('(') { all(expression) } else { expression.replace('/', " OR ").split(" OR ").any(all) }
}

fn alternatives(part: &str) -> impl Iterator<Item = &str> {
    part.trim().trim_start_matches('(').trim_end_matches(')').split(" OR ").map(str::trim)
}

#[test]
fn every_dependency_has_a_licence_on_the_list() {
    let (rules, metadata) = (rules(), metadata());
    let licences = strings(rules["licenses"].get("allow"));
    let mut refused = BTreeMap::new();
    for package in packages(&metadata) {
        let licence = package["license"].as_str().unwrap_or("none stated");
        if !allowed(licence, &licences) {
            refused.insert(package["name"].to_string(), licence.to_owned());
        }
    }
    assert!(refused.is_empty(), "{refused:#?}");
}

#[test]
fn licence_expressions_are_understood() {
    let allowed = |expression| allowed(expression, &["MIT", "Apache-2.0", "Unicode-3.0"]);
    assert!(allowed("MIT") && allowed("MIT/Apache-2.0") && allowed("GPL-3.0 OR MIT"));
    assert!(allowed("(MIT OR Apache-2.0) AND Unicode-3.0"));
    assert!(!allowed("MPL-2.0") && !allowed("MIT AND GPL-3.0") && !allowed("none stated"));
}

#[test]
fn every_dependency_comes_from_the_one_registry() {
    let metadata = metadata();
    let sources: BTreeSet<&str> = packages(&metadata).iter().filter_map(|package| package["source"].as_str()).collect();
    assert_eq!(sources.len(), 1, "{sources:?}");
    assert!(sources.iter().all(|source| source.starts_with("registry+")), "{sources:?}");
    // What has no source is the workspace's own.
    let own = packages(&metadata).iter().filter(|package| package["source"].is_null()).count();
    assert_eq!(own, metadata["workspace_members"].as_array().expect("a list").len());
}

/// Every package's name with the names of those that depend on it.
fn dependents(metadata: &Value) -> BTreeMap<&str, BTreeSet<&str>> {
    let text = |value: &'_ Value| value.as_str().expect("a string").to_owned();
    let names: BTreeMap<String, &str> = packages(metadata)
        .iter()
        .map(|package| (text(&package["id"]), package["name"].as_str().expect("a name")))
        .collect();
    let mut dependents: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for node in metadata["resolve"]["nodes"].as_array().expect("a list") {
        let user = names[&text(&node["id"])];
        for dependency in node["dependencies"].as_array().expect("a list") {
            dependents.entry(names[&text(dependency)]).or_default().insert(user);
        }
    }
    dependents
}

#[test]
fn crates_on_the_list_of_bans_come_in_by_their_wrappers_alone() {
    let (rules, metadata) = (rules(), metadata());
    let dependents = dependents(&metadata);
    let bans = rules["bans"].get("deny").and_then(toml::Value::as_array).expect("a list");
    let mut wrong = Vec::new();
    for ban in bans {
        let name = ban["crate"].as_str().expect("a name");
        let reason = ban["reason"].as_str().expect("a reason");
        let date = reason.split(':').next().unwrap_or_default();
        assert!(date.len() == 10 && date.starts_with("20"), "{name}: the reason begins with no date: {reason}");
        let wrappers: BTreeSet<&str> = strings(ban.get("wrappers")).into_iter().collect();
        let users = dependents.get(name).cloned().unwrap_or_default();
        // An exception that nobody needs is one too many.
        if users != wrappers {
            wrong.push(format!("{name} ({reason}): used by {users:?}, and allowed for {wrappers:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The library's features, and the crates that are there for each alone.
const FEATURES: [(&str, &[&str]); 3] =
    [("cuda", &["cudarc", "libloading"]), ("train", &["serde_yaml", "saphyr-parser"]), ("pictures", &["image"])];

/// The crates that the library is built of on this platform, with these arguments.
fn built_of(arguments: &[&str]) -> BTreeSet<String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let output = Command::new(cargo)
        .args(["tree", "--offline", "--locked", "-p", "cnnc-runtime", "-e", "normal", "--target", &host()])
        .args(["--prefix", "none", "--format", "{p}"])
        .args(arguments)
        .output()
        .expect("cargo tree");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("text");
    let names: BTreeSet<String> = text.lines().filter_map(|line| Some(line.split_once(' ')?.0.to_owned())).collect();
    assert!(names.contains("safetensors"), "{names:?}");
    names
}

#[test]
fn a_feature_of_the_library_that_is_left_out_takes_its_crates_along() {
    for chosen in ["", "cuda", "train", "pictures"] {
        let built = built_of(&["--no-default-features", "--features", chosen]);
        for (feature, crates) in FEATURES {
            for name in crates {
                assert_eq!(built.contains(*name), feature == chosen, "{name} with the features `{chosen}`");
            }
        }
    }
    assert_eq!(built_of(&[]), built_of(&["--no-default-features", "--features", "cuda,train,pictures"]));
}
