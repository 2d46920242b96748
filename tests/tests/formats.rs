//! What `cnnc check` writes for programs: one snapshot a format, and SARIF held to what its standard asks for.

use cnnc_tests::{Ran, cnnc};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

/// An error within blocks, with a fix, a warning, and one without a place.
const CASES: [&str; 4] = [
    "cases/broken/E302_inside_blocks.cnn",
    "cases/broken/E203_strides_of_keras.cnn",
    "cases/broken/E303_linear_over_an_image.cnn",
    "cases/broken/E219_nothing_in_it.cnn",
];

/// What is written of specs in a format.
fn written(format: &str, files: &[&str]) -> String {
    let Ran { code, output, errors } = cnnc(&[&["check", "--format", format], files].concat());
    assert_eq!((code, errors.as_str()), (1, ""), "{output}");
    output
}

/// All broken specs.
fn broken() -> Vec<String> {
    let entries = fs::read_dir("cases/broken").expect("the folder").map(|entry| entry.expect("an entry").path());
    let specs = entries.filter(|path| path.extension().is_some_and(|ending| ending == "cnn"));
    let mut specs: Vec<String> = specs.map(|path| path.to_string_lossy().into_owned()).collect();
    specs.sort();
    specs
}

#[test]
fn json() {
    insta::assert_snapshot!(written("json", &CASES));
}

#[test]
fn sarif() {
    insta::assert_snapshot!(written("sarif", &CASES));
}

#[test]
fn github() {
    insta::assert_snapshot!(written("github", &CASES));
}

#[test]
fn right_specs_are_told_by_their_models() {
    let Ran { code, output, .. } = cnnc(&["check", "--format", "json", "../models/lenet.cnn"]);
    let report: Value = serde_json::from_str(&output).expect("JSON");
    assert_eq!((code, &report["errors"], &report["diagnostics"]), (0, &Value::from(0), &Value::Array(Vec::new())));
    let lenet = report["models"].as_array().expect("models").last().expect("a model");
    assert_eq!((&lenet["model"], &lenet["params"]), (&Value::from("LeNet"), &Value::from(61_706)));
    let Ran { code, output, .. } = cnnc(&["check", "--format", "github", "../models/lenet.cnn"]);
    assert_eq!((code, output.as_str()), (0, ""));
}

#[test]
fn an_imported_file_is_told_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let put = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).expect("a file");
        path.to_string_lossy().into_owned()
    };
    put("blocks.cnn", "block B {\n    Rel\n}\nblock C { Conv2d(3 4) }\n");
    let net = |name| put(name, "import \"blocks.cnn\"\nmodel M { input [N, 3]; B }\n");
    let lines = written("github", &[&net("a.cnn"), &net("b.cnn")]);
    assert_eq!(lines.matches("::error").count(), 2, "{lines}");
    assert!(lines.contains("blocks.cnn,line=2,endLine=2,col=5,endColumn=8,title=E201"), "{lines}");
    let report: Value = serde_json::from_str(&written("json", &[&net("a.cnn"), &net("b.cnn")])).expect("JSON");
    // The unknown layer is reached by two ways, the comma is missing on none.
    assert_eq!(report["errors"], 3, "{report:#}");
}

/// The text between two lines and columns, which count from 1.
fn between(text: &str, region: &Value) -> String {
    let number = |key: &str| region[key].as_u64().expect("a number") as usize;
    let byte = |line: usize, column: usize| {
        let start: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
        let rest = &text[start..];
        start + rest.char_indices().nth(column - 1).map_or(rest.len(), |(byte, _)| byte)
    };
    text[byte(number("startLine"), number("startColumn"))..byte(number("endLine"), number("endColumn"))].to_owned()
}

#[test]
fn sarif_is_what_its_standard_asks_for() {
    let specs = broken();
    let log = written("sarif", &specs.iter().map(String::as_str).collect::<Vec<_>>());
    let log: Value = serde_json::from_str(&log).expect("JSON");
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    let results = run["results"].as_array().expect("results");
    assert!(results.len() > specs.len() && rules.len() > 40, "{} results of {} rules", results.len(), rules.len());
    let (mut regions, mut fixes) = (0, 0);
    for result in results {
        let rule = &rules[result["ruleIndex"].as_u64().expect("an index") as usize];
        assert_eq!(rule["id"], result["ruleId"]);
        assert!(rule["help"]["markdown"].as_str().is_some_and(|text| text.contains("## In PyTorch")), "{rule}");
        assert!(["error", "warning", "note"].iter().any(|level| result["level"] == *level), "{result}");
        let changes = result["fixes"].as_array().into_iter().flatten().flat_map(|fix| {
            fixes += 1;
            fix["artifactChanges"].as_array().expect("changes")
        });
        let deleted = changes.flat_map(|change| {
            let replacements = change["replacements"].as_array().expect("replacements");
            replacements.iter().map(|replacement| (&change["artifactLocation"], &replacement["deletedRegion"]))
        });
        let related: Vec<String> =
            result["relatedLocations"].as_array().into_iter().flatten().map(Value::to_string).collect();
        assert_eq!(BTreeSet::from_iter(&related).len(), related.len(), "a place twice: {result}");
        let places = [&result["locations"], &result["relatedLocations"]].into_iter().filter_map(Value::as_array);
        let places = places.flatten().map(|place| &place["physicalLocation"]);
        let placed = places.map(|place| (&place["artifactLocation"], &place["region"]));
        for (artifact, region) in placed.chain(deleted).filter(|(_, region)| !region.is_null()) {
            let text = fs::read_to_string(artifact["uri"].as_str().expect("a path")).expect("the file");
            let byte = region["byteOffset"].as_u64().expect("a number") as usize;
            let length = region["byteLength"].as_u64().expect("a number") as usize;
            assert_eq!(between(&text, region), text[byte..byte + length], "{result}");
            regions += 1;
        }
    }
    assert!(regions > 500 && fixes > 90, "{regions} regions, {fixes} fixes");
}

/// By the schema of SARIF 2.1.0, which is not ours to hand on: `.ci/run` fetches it and a validator, and says where they lie.
#[test]
#[allow(clippy::print_stderr, reason = "what is skipped must be seen")]
fn sarif_is_valid_by_its_schema() {
    let Some(schema) = std::env::var_os("CNNC_TEST_SARIF") else {
        eprintln!("skipped: CNNC_TEST_SARIF does not say where the schema of SARIF lies");
        return;
    };
    let python =
        std::env::var_os("VIRTUAL_ENV").map_or("python3".into(), |folder| Path::new(&folder).join("bin/python"));
    let specs = broken();
    let log = tempfile::NamedTempFile::new().expect("a file");
    let is_valid = |text: &str| {
        fs::write(log.path(), text).expect("written");
        let program = "import json, jsonschema, sys
log, schema = [json.load(open(path, encoding='utf-8')) for path in sys.argv[1:]]
jsonschema.validators.validator_for(schema)(schema, format_checker=jsonschema.FormatChecker()).validate(log)";
        let ran = Command::new(&python).args(["-c", program]).arg(log.path()).arg(&schema).output().expect("a Python");
        let said = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success() || said.contains("ValidationError"), "{said}");
        ran.status.success().then_some(()).ok_or(said.into_owned())
    };
    let text = written("sarif", &specs.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(is_valid(&text), Ok(()));
    // The schema is one that would notice.
    assert!(is_valid(&text.replacen("\"ruleIndex\": ", "\"ruleIndex\": -1", 1)).is_err());
    assert!(is_valid(&text.replacen("\"startLine\": ", "\"startLine\": 0, \"line\": ", 1)).is_err());
}
