//! What changes in a file, as people read it: a unified diff, coloured where there are colours.

use crate::console::{Console, Outcome};
use similar::{ChangeTag, TextDiff};

/// Lines that are shown around a change.
const AROUND: usize = 3;

/// Prints how a file's text becomes another one; nothing where it does not change.
pub fn print(name: &str, before: &str, after: &str, console: &mut Console<'_>) -> Outcome {
    let diff = TextDiff::from_lines(before, after);
    let mut hunks = diff.unified_diff().context_radius(AROUND).iter_hunks().peekable();
    if hunks.peek().is_none() {
        return Ok(());
    }
    let head = console.bold(&format!("--- {name}\n+++ {name}\n"));
    console.print(&head)?;
    for hunk in hunks {
        let place = console.faint(&hunk.header().to_string());
        console.print(&format!("{place}\n"))?;
        for change in hunk.iter_changes() {
            let line = change.value().strip_suffix('\n').unwrap_or(change.value());
            let line = format!("{}{line}", change.tag());
            let line = match change.tag() {
                ChangeTag::Equal => line,
                ChangeTag::Delete => console.red(&line),
                ChangeTag::Insert => console.green(&line),
            };
            let end = if change.missing_newline() { "\n\\ No newline at end of file\n" } else { "\n" };
            console.print(&format!("{line}{end}"))?;
        }
    }
    Ok(())
}
