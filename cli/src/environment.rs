//! The variables of the environment that cnnc follows, looked at once before a command does anything: one that cannot be followed
//! is never passed over in silence.
//!
//! `CNNC_INSTRUCTIONS` decides what is computed with, so a wrong one is an error. `CNNC_CUDA_PATH` is looked at by whoever opens
//! a GPU. `XDG_CACHE_HOME` and `COLUMNS` are other programs' too and decide no number: a note says what is done instead. Any
//! value of `NO_COLOR` is right, and `RUST_MIN_STACK` has no effect, since threads have stacks of their own size.

use crate::console::{Console, Outcome};
use cnnc_compiler::diagnostic::Code;
use cnnc_grammar::span::Files;
use cnnc_runtime::InstructionSet;
use std::ffi::OsStr;
use std::path::Path;

/// Says what cannot be followed.
pub fn check(console: &mut Console<'_>) -> Outcome {
    for note in notes(|name| std::env::var_os(name).filter(|value| !value.is_empty())) {
        console.remark(Code::E507, note);
    }
    InstructionSet::chosen().map(|_| ()).map_err(|failure| console.fail(&failure, &Files::default()))
}

/// What is passed over.
fn notes<V: AsRef<OsStr>>(variable: impl Fn(&str) -> Option<V>) -> Vec<String> {
    let mut notes = Vec::new();
    let shown = |value: &OsStr| value.display().to_string().escape_debug().to_string();
    let relative = variable("XDG_CACHE_HOME").filter(|value| !Path::new(value).is_absolute());
    if let Some(folder) = relative {
        let folder = shown(folder.as_ref());
        notes.push(format!(
            "XDG_CACHE_HOME is `{folder}`, which is no absolute path: `.cache` in the home folder is used"
        ));
    }
    let is_number = |value: &V| value.as_ref().to_str().is_some_and(|text| text.parse::<usize>().is_ok());
    if let Some(columns) = variable("COLUMNS").filter(|value| !is_number(value)) {
        let columns = shown(columns.as_ref());
        notes.push(format!("COLUMNS is `{columns}`, which is no number: the terminal's width is used"));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::notes;

    #[test]
    fn what_is_passed_over_is_said() {
        let of = |name: &'static str, value: &'static str| notes(move |asked| (asked == name).then_some(value));
        let none: [&str; 0] = [];
        assert_eq!(of("XDG_CACHE_HOME", "/var/cache"), none);
        assert_eq!(of("COLUMNS", "80"), none);
        assert!(
            of("XDG_CACHE_HOME", "ca\u{1b}che")[0]
                .starts_with("XDG_CACHE_HOME is `ca\\u{1b}che`, which is no absolute")
        );
        assert!(of("COLUMNS", "-1")[0].starts_with("COLUMNS is `-1`, which is no number"));
    }
}
