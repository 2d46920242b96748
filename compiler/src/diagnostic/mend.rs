//! Fixes made: diagnostics come in, and the texts of the files with those changes that can be made at once go out.

use super::{Applicability, Diagnostic, Fix};
use cnnc_grammar::span::{FileId, Files, Span};
use std::collections::BTreeMap;

/// Of each diagnostic its likeliest fix of that applicability, in the order of the diagnostics; one whose places another one
/// changes already is left out.
pub fn compatible(problems: &[Diagnostic], applicability: Applicability) -> Vec<&Fix> {
    let mut chosen: Vec<&Fix> = Vec::new();
    for problem in problems {
        let Some(fix) = problem.fixes.iter().find(|fix| fix.applicability == applicability) else { continue };
        if chosen.iter().all(|other| !meet(other, fix)) {
            chosen.push(fix);
        }
    }
    chosen
}

/// Whether a place of one is a place of the other too; of two insertions at one place it is open which comes first.
fn meet(one: &Fix, other: &Fix) -> bool {
    let touches = |one: Span, other: Span| {
        one.file == other.file && (one.start == other.start || one.start < other.end && other.start < one.end)
    };
    one.edits.iter().any(|edit| other.edits.iter().any(|changed| touches(edit.span, changed.span)))
}

/// The texts of the files that fixes change, which do not meet.
pub fn mended(files: &Files, fixes: &[&Fix]) -> BTreeMap<FileId, String> {
    let mut edits: Vec<_> = fixes.iter().flat_map(|fix| &fix.edits).collect();
    edits.sort_by_key(|edit| (edit.span.file, edit.span.start));
    let mut texts = BTreeMap::new();
    // From the end on, so that places stay.
    for edit in edits.into_iter().rev() {
        let Some(file) = files.get(edit.span.file) else { continue };
        let text = texts.entry(edit.span.file).or_insert_with(|| file.text.clone());
        let range = edit.span.start as usize..edit.span.end as usize;
        if text.get(range.clone()).is_some() {
            text.replace_range(range, &edit.replacement);
        }
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Code;

    #[test]
    fn fixes_that_meet_are_made_one_after_another() {
        let mut files = Files::default();
        let file = files.add("a.cnn", "one two three");
        let at = |start, end| Span { file, start, end };
        let problem = || Diagnostic::without_place(Code::E101, "");
        let problems = [
            problem().safe_fix(at(8, 13), "3"),
            problem().guess(at(0, 3), "0").safe_fix(at(0, 3), "1"),
            problem().safe_fix(at(0, 7), "12"),
            problem().safe_fix(at(13, 13), "!"),
            problem().safe_fix(at(13, 13), "?"),
            problem().guess(at(4, 7), "2"),
        ];
        let safe = compatible(&problems, Applicability::Safe);
        assert_eq!(mended(&files, &safe), BTreeMap::from([(file, "1 two 3!".to_owned())]));
        let guesses = compatible(&problems, Applicability::Guess);
        assert_eq!(mended(&files, &guesses), BTreeMap::from([(file, "0 2 three".to_owned())]));
    }
}
