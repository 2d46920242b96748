//! Differences as Markdown, for a comment in a review.

use super::Answer;
use super::words::{MOST_FOLLOWING, fates, loaded_bytes, loading, sentence, subject, tensor, totals, weighty};
use crate::numbers::counted;
use cnnc_compiler::diff::{Change, ChangeKind, Fate};

/// All of it: a table of totals, then the changes, the tensors folded away.
pub fn text(answer: &Answer) -> String {
    let [one, other] = &answer.sides;
    let mut text = format!("### {} → {}\n\n", code(&one.named), code(&other.named));
    text += "| | before | after | |\n|---|---:|---:|---|\n";
    for row in totals(answer) {
        text += &format!("| {} |\n", row.map(|cell| escaped(&cell)).join(" | "));
    }
    text += "\n";
    let (shifted, told): (Vec<&Change>, Vec<&Change>) =
        answer.difference.changes.iter().partition(|change| change.kind == ChangeKind::Shifted);
    if told.is_empty() && shifted.is_empty() {
        text += "The same layers, names and connections.\n";
    }
    told.iter().for_each(|change| text += &line(change));
    if let [first, ..] = shifted.as_slice() {
        let (_, names) = subject(first);
        text += &format!("- shifted: {}, the first {}\n", counted(shifted.len(), "item"), code(&names));
    }
    let (following, seeing) = weighty(&answer.difference.following);
    if !following.is_empty() {
        let number = counted(following.len(), "layer");
        text += &format!("\n<details><summary>{number} give or cost something else because of it</summary>\n\n");
        following.iter().take(MOST_FOLLOWING).for_each(|change| text += &line(change));
        if following.len() > MOST_FOLLOWING {
            text += &format!("- and {}\n", counted(following.len() - MOST_FOLLOWING, "more layer"));
        }
        text += "\n</details>\n";
    }
    if seeing > 0 {
        text += &format!("\nAnother part of the input is seen by {}.\n", counted(seeing, "layer"));
    }
    let tensors = &answer.difference.tensors;
    text += &format!("\n<details><summary>Tensors: {}; {}</summary>\n\n", fates(tensors), loaded_bytes(tensors));
    for change in tensors.iter().filter(|change| change.fate != Fate::Kept) {
        text += &format!("- {}: {}\n", change.fate.word(), code(&tensor(change)));
    }
    text += "\n</details>\n";
    loading(answer).map_or(text.clone(), |said| format!("{text}\n{}\n", escaped(&said)))
}

fn line(change: &Change) -> String {
    let (_, names) = subject(change);
    format!("- {}: {}: {}\n", change.kind.word(), code(&names), escaped(&sentence(change)))
}

/// A text as code; a backtick in it gets longer ones around.
fn code(text: &str) -> String {
    if text.contains('`') { format!("`` {text} ``") } else { format!("`{text}`") }
}

/// A text without what Markdown would take for its own.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        if matches!(character, '|' | '*' | '_' | '`' | '<' | '[' | ']' | '\\') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}
