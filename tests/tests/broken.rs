//! The broken specs: each names the errors and warnings that it expects and their places, has a twin that checks without
//! any, and shows how they look.
//!
//! `cases/broken/E302_kernel_too_large.cnn` begins with `# error: E302 10:5`, a line for each error (without a place when
//! the error has none), warning (`# warning: E221 5:10`) or note, and must give exactly these. `cases/valid/` holds the same
//! spec without the fault. Where a diagnostic offers a change, the change is made and must help.

use cnnc_compiler::check::Checked;
use cnnc_compiler::diagnostic::{self, Applicability, Code, Diagnostic, Fix, RenderOptions, Renderer, Severity};
use cnnc_compiler::graph::print::print_shapes;
use cnnc_grammar::span::Files;
use cnnc_tests::{Edited, check, check_in, rendered};
use std::collections::BTreeSet;
use std::fs;

/// Errors, warnings and notes as head comments state them: `error: E302 10:5`.
fn stated(text: &str) -> Vec<String> {
    let comments = text.lines().map_while(|line| line.strip_prefix("# "));
    comments
        .take_while(|line| ["error: ", "warning: ", "note: "].iter().any(|severity| line.starts_with(severity)))
        .map(str::to_owned)
        .collect()
}

/// An error or a warning as it was found, in the same words.
fn found(problem: &Diagnostic, files: &Files) -> String {
    let severity = match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    };
    let renderer = Renderer::new(files, RenderOptions { color: false, width: 100 });
    let Some(label) = problem.labels.first() else { return format!("{severity}: {}", problem.code) };
    let (line, column) = renderer.position(label.span);
    format!("{severity}: {} {line}:{column}", problem.code)
}

/// The names of the specs in a folder of the cases.
fn names(folder: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(format!("cases/{folder}")).expect("the folder");
    entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("a name")).collect()
}

#[test]
fn every_broken_spec_gives_its_errors() {
    let mut wrong = String::new();
    insta::glob!("../cases/broken", "*.cnn", |path| {
        let name = path.file_name().expect("a name").to_string_lossy();
        let path = format!("cases/broken/{name}");
        let inspection = check(&path);
        let rendering = rendered(&inspection.problems, &inspection.files);
        let text = fs::read_to_string(&path).expect("the spec");
        let found: Vec<String> =
            inspection.problems.iter().map(|problem| self::found(problem, &inspection.files)).collect();
        if found != stated(&text) {
            wrong += &format!("{path} states {:?} and gives\n{rendering}\n", stated(&text));
            return;
        }
        inspection.problems.iter().for_each(|problem| well_worded(problem, &path));
        insta::with_settings!({ omit_expression => true }, {
            insta::assert_snapshot!(format!("{text}{}\n{rendering}", "─".repeat(100)));
        });
    });
    assert!(wrong.is_empty(), "{wrong}");
}

/// `INSTA_UPDATE=always` writes what is said into the page, as it does into snapshots.
#[test]
fn the_page_of_errors_shows_what_is_said() {
    const PAGE: &str = "../docs/errors.md";
    let page = fs::read_to_string(PAGE).expect("the page");
    let mut fresh = page.clone();
    let shown = page.split("```text\n").skip(1).filter_map(|rest| rest.split("```").next());
    let shown: Vec<&str> = shown.filter(|text| text.contains("┌─ ")).collect();
    assert!(shown.len() >= 15, "only {} mistakes are shown", shown.len());
    for text in shown {
        let name = text.split("┌─ ").nth(1).and_then(|rest| rest.split(':').next()).expect("a place");
        let inspection = check(&format!("cases/broken/{name}"));
        let said = rendered(&inspection.problems, &inspection.files).replace("cases/broken/", "");
        fresh = fresh.replace(text, &format!("{}\n", said.trim_end()));
    }
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        fs::write(PAGE, &fresh).expect("the page");
    }
    let first = page.lines().zip(fresh.lines()).find(|(page, fresh)| page != fresh);
    assert!(page == fresh, "docs/errors.md does not show what is said: {first:?}");
}

/// One sentence as rustc writes it: lower-case, without a full stop.
fn well_worded(problem: &Diagnostic, path: &str) {
    let message = &problem.message;
    let first_word = message.split(' ').next().unwrap_or_default();
    let first_is_name = first_word.chars().skip(1).any(|letter| letter.is_uppercase() || letter.is_ascii_digit());
    assert!(!message.starts_with(char::is_uppercase) || first_is_name, "{path}: {message}");
    assert!(!message.ends_with('.') && !message.contains('\n'), "{path}: {message}");
    assert!(problem.labels.iter().skip(1).all(|label| !label.text.is_empty()), "{path}: an empty label");
}

#[test]
fn every_offered_change_mends() {
    let mut mends = 0;
    for name in names("broken") {
        let path = format!("cases/broken/{name}");
        let inspection = check(&path);
        for problem in &inspection.problems {
            assert!(problem.fixes.is_empty() || !problem.help.is_empty(), "{path}: a change that no help speaks of");
            for fix in &problem.fixes {
                mends += 1;
                is_mended_by(fix, problem, &path, &inspection);
            }
        }
    }
    assert!(mends >= 90, "only {mends} changes are offered");
}

/// Holds that a change takes its problem away and brings no other; so it leaves nothing where it was the only one.
fn is_mended_by(fix: &Fix, problem: &Diagnostic, path: &str, inspection: &Checked) {
    let text = mended(fix, &inspection.files);
    let file = inspection.files.get(fix.edits[0].span.file).expect("the file");
    let after = check_in(path, &Edited { path: &file.name, text: &text });
    let left = rendered(&after.problems, &after.files);
    if let [_] = inspection.problems.as_slice() {
        assert!(after.problems.is_empty(), "{path}, mended to\n{text}\ngives\n{left}");
    } else {
        let same = |other: &&Diagnostic| (other.code, &other.message) == (problem.code, &problem.message);
        let (before, now) = (inspection.problems.iter().filter(same), after.problems.iter().filter(same));
        assert!(now.count() < before.count(), "{path}, mended to\n{text}\nstill gives\n{left}");
        let was_there = |now: &Diagnostic| {
            let mut before = inspection.problems.iter();
            before.any(|before| (before.code, &before.message) == (now.code, &now.message))
        };
        assert!(after.problems.iter().all(was_there), "{path}, mended to\n{text}\ngives other errors\n{left}");
    }
}

#[test]
fn every_safe_change_gives_the_network_of_the_twin() {
    let mut safe = 0;
    for name in names("broken") {
        let path = format!("cases/broken/{name}");
        let broken = check(&path);
        let [problem] = broken.problems.as_slice() else { continue };
        let Some(fix) = problem.fixes.first().filter(|fix| fix.applicability == Applicability::Safe) else { continue };
        safe += 1;
        let file = broken.files.get(fix.edits[0].span.file).expect("the file");
        let mended = check_in(&path, &Edited { path: &file.name, text: &mended(fix, &broken.files) });
        let twin = check(&format!("cases/valid/{name}"));
        let shapes = |checked: &Checked| checked.networks.iter().map(print_shapes).collect::<Vec<_>>();
        assert_eq!(shapes(&mended), shapes(&twin), "{path}: what the change makes is not what was meant");
    }
    assert!(safe >= 3, "only {safe} safe changes are offered");
}

/// The text of the file with the change made.
fn mended(fix: &Fix, files: &Files) -> String {
    diagnostic::mended(files, &[fix]).into_values().next().expect("a change")
}

#[test]
fn every_twin_checks() {
    assert_eq!(names("broken"), names("valid"), "each broken spec has a valid twin, and the other way round");
    for name in names("valid") {
        let inspection = check(&format!("cases/valid/{name}"));
        assert!(inspection.problems.is_empty(), "{}", rendered(&inspection.problems, &inspection.files));
        assert!(!inspection.networks.is_empty(), "{name} holds no model");
    }
}

/// A file too large (E108) is no case that is kept; what comes after shapes is no fault of a spec alone.
#[test]
fn every_code_of_a_spec_has_a_broken_one() {
    let shown: BTreeSet<String> = names("broken").iter().filter_map(|name| name.get(..4).map(str::to_owned)).collect();
    let codes = Code::ALL.iter().map(|code| code.name()).filter(|name| *name < "E4" && *name != "E108");
    let without: Vec<&str> = codes.filter(|name| !shown.contains(*name)).collect();
    assert!(without.is_empty(), "no broken spec shows {without:?}");
}
