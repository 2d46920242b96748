//! The broken specs: each names the errors that it expects and their places, has a twin that checks, and shows how its errors look.
//!
//! `cases/broken/E302_kernel_too_large.cnn` begins with `# error: E302 10:5`, a line for each error (without a place when the error has
//! none), and must give exactly these. `cases/valid/` holds the same spec without the fault. Where a diagnostic offers a change, the change is
//! made and must help.

use cnnc_compiler::diagnostic::{Diagnostic, Mend, RenderOptions, Renderer};
use cnnc_grammar::span::Files;
use cnnc_tests::{Edited, check, check_in, rendered};
use std::collections::BTreeSet;
use std::fs;

/// An error as a head comment states it: `E302 10:5`.
fn stated(text: &str) -> Vec<String> {
    text.lines().map_while(|line| line.strip_prefix("# error: ")).map(str::to_owned).collect()
}

/// An error as it was found, in the same words.
fn found(problem: &Diagnostic, files: &Files) -> String {
    let renderer = Renderer::new(files, RenderOptions { color: false, width: 100 });
    let Some(label) = problem.labels.first() else { return problem.code.to_string() };
    let (line, column) = renderer.position(label.span);
    format!("{} {line}:{column}", problem.code)
}

/// The names of the specs in a folder of the cases.
fn names(folder: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(format!("cases/{folder}")).expect("the folder");
    entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("a name")).collect()
}

#[test]
fn every_broken_spec_gives_its_errors() {
    insta::glob!("../cases/broken", "*.cnn", |path| {
        let name = path.file_name().expect("a name").to_string_lossy();
        let path = format!("cases/broken/{name}");
        let inspection = check(&path);
        let rendering = rendered(&inspection.problems, &inspection.files);
        let text = fs::read_to_string(&path).expect("the spec");
        let found: Vec<String> =
            inspection.problems.iter().map(|problem| self::found(problem, &inspection.files)).collect();
        assert_eq!(found, stated(&text), "{path} gives\n{rendering}");
        inspection.problems.iter().for_each(|problem| well_worded(problem, &path));
        insta::with_settings!({ omit_expression => true }, {
            insta::assert_snapshot!(format!("{text}{}\n{rendering}", "─".repeat(100)));
        });
    });
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
            let Some(mend) = &problem.mend else { continue };
            mends += 1;
            assert!(!problem.help.is_empty(), "{path}: a change that no help speaks of");
            let text = mended(mend, &inspection.files);
            let file = inspection.files.get(mend.span.file).expect("the file");
            let after = check_in(&path, &Edited { path: &file.name, text: &text });
            let left = rendered(&after.problems, &after.files);
            if let [_] = inspection.problems.as_slice() {
                assert!(after.problems.is_empty(), "{path}, mended to\n{text}\ngives\n{left}");
            } else {
                let same = |other: &&Diagnostic| (other.code, &other.message) == (problem.code, &problem.message);
                let (before, now) = (inspection.problems.iter().filter(same), after.problems.iter().filter(same));
                assert!(now.count() < before.count(), "{path}, mended to\n{text}\nstill gives\n{left}");
            }
        }
    }
    assert!(mends >= 15, "only {mends} changes are offered");
}

/// The text of the file with the change made.
fn mended(mend: &Mend, files: &Files) -> String {
    let mut text = files.get(mend.span.file).expect("the file").text.clone();
    text.replace_range(mend.span.start as usize..mend.span.end as usize, &mend.replacement);
    text
}

#[test]
fn every_twin_checks() {
    assert_eq!(names("broken"), names("valid"), "each broken spec has a valid twin, and the other way round");
    for name in names("valid") {
        let inspection = check(&format!("cases/valid/{name}"));
        assert!(inspection.problems.is_empty(), "{}", rendered(&inspection.problems, &inspection.files));
        assert!(!inspection.summaries.is_empty(), "{name} holds no model");
    }
}

#[test]
fn there_are_many_over_many_codes() {
    let codes: BTreeSet<String> = names("broken").iter().filter_map(|name| name.get(..4).map(str::to_owned)).collect();
    let codes = codes.iter().filter(|code| code.starts_with('E')).count();
    assert!(names("broken").len() >= 45 && codes >= 28, "{} specs over {codes} codes", names("broken").len());
}
