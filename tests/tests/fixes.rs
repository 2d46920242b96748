//! `cnnc check --fix` over all broken specs: a safe one becomes the network of its twin, guesses lose nothing and come to an end.

use cnnc_compiler::diagnostic::Applicability;
use cnnc_compiler::graph::print::print_shapes;
use cnnc_tests::{Ran, check, cnnc};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A copy of the cases, whose specs import others beside them.
fn copied() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    copy(Path::new("cases"), folder.path());
    folder
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder").map(|entry| entry.expect("an entry")) {
        let target = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).expect("a copy")),
        }
    }
}

/// The broken specs of a copy.
fn broken(folder: &TempDir) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(folder.path().join("broken")).expect("the specs").map(|entry| entry.expect("one").path());
    entries.filter(|path| path.extension().is_some_and(|ending| ending == "cnn")).collect()
}

#[test]
fn safe_changes_are_made_and_others_left() {
    let folder = copied();
    let mut mended = 0;
    for path in broken(&folder) {
        let name = path.to_string_lossy();
        let (before, text) = (check(&name), fs::read_to_string(&path).expect("the spec"));
        let is_safe =
            |fixes: &[cnnc_compiler::diagnostic::Fix]| fixes.iter().any(|fix| fix.applicability == Applicability::Safe);
        let Ran { code, errors, .. } = cnnc(&["check", "--fix", &name]);
        let after = check(&name);
        assert_eq!(code == 0, !after.has_errors(), "{errors}");
        assert!(!after.problems.iter().any(|problem| is_safe(&problem.fixes)), "{name} is not done\n{errors}");
        if !before.problems.iter().any(|problem| is_safe(&problem.fixes)) {
            assert_eq!(fs::read_to_string(&path).expect("the spec"), text, "{name} has nothing that is safe");
        } else if before.problems.iter().all(|problem| is_safe(&problem.fixes)) {
            let twin = check(&format!("cases/valid/{}", path.file_name().expect("a name").to_string_lossy()));
            let shapes = |networks: &[_]| networks.iter().map(print_shapes).collect::<Vec<_>>();
            assert_eq!(shapes(&after.networks), shapes(&twin.networks), "{name}");
            mended += 1;
        }
    }
    assert!(mended >= 10, "only {mended} specs are mended");
}

#[test]
fn guesses_come_to_an_end() {
    let folder = copied();
    let mut mended = 0;
    for path in broken(&folder) {
        let name = path.to_string_lossy();
        let before = check(&name);
        let shown = cnnc(&["check", "--fix=all", "--dry-run", &name]);
        let Ran { code, errors, .. } = cnnc(&["check", "--fix=all", &name]);
        let (after, text) = (check(&name), fs::read_to_string(&path).expect("the spec"));
        assert_eq!((shown.code, code), (code, u8::from(after.has_errors())), "{errors}");
        let errors_of = |problems: &[cnnc_compiler::diagnostic::Diagnostic]| {
            problems.iter().filter(|problem| problem.is_error()).count()
        };
        assert!(errors_of(&after.problems) <= errors_of(&before.problems), "{name} is worse:\n{text}\n{errors}");
        cnnc(&["check", "--fix=all", &name]);
        assert_eq!(fs::read_to_string(&path).expect("the spec"), text, "{name} was not done");
        mended += usize::from(before.has_errors() && code == 0);
    }
    assert!(mended >= 90, "only {mended} specs are mended");
}
