//! Differences in a terminal.

use super::Answer;
use super::words::{
    MOST_FOLLOWING, difference, fates, loaded_bytes, loading, sentence, subject, tensor, totals, weighty,
};
use crate::console::{Console, Outcome};
use crate::numbers::{column_width, counted, padded, padded_before};
use cnnc_compiler::diff::{Change, ChangeKind, Fate};

/// Tensors that are listed.
const MOST_TENSORS: usize = 20;

/// Prints all of it.
pub fn print(answer: &Answer, console: &mut Console<'_>) -> Outcome {
    let [one, other] = &answer.sides;
    let title = format!("{} ({})  →  {} ({})", one.model, one.named, other.model, other.named);
    console.print(&format!(" {}\n\n", console.bold(&title)))?;
    let changes = &answer.difference.changes;
    if changes.is_empty() {
        console.print(" the same layers, names and connections\n")?;
    }
    let (shifted, told): (Vec<&Change>, Vec<&Change>) =
        changes.iter().partition(|change| change.kind == ChangeKind::Shifted);
    lines(&told, console)?;
    if let [first, ..] = shifted.as_slice() {
        let (_, names) = subject(first);
        let number = counted(shifted.len(), "item");
        console.print(&console.faint(&format!(" > {number} at another position, the first {names}\n")))?;
    }
    following(answer, console)?;
    console.print("\n")?;
    table(&totals(answer), console)?;
    tensors(answer, console)
}

/// A line a change, what was gained in green and what was lost in red.
fn lines(changes: &[&Change], console: &mut Console<'_>) -> Outcome {
    let subjects: Vec<(&str, String)> = changes.iter().map(|change| subject(change)).collect();
    let width = column_width(subjects.iter().map(|(_, names)| names.as_str()));
    for (change, (sign, names)) in changes.iter().zip(&subjects) {
        let line = format!(" {sign} {}  {}", padded(names, width), sentence(change));
        let line = match change.kind {
            ChangeKind::Added => console.green(&line),
            ChangeKind::Removed => console.red(&line),
            _ => line,
        };
        console.print(&format!("{line}\n"))?;
    }
    Ok(())
}

/// What gives or costs something else without having been changed.
fn following(answer: &Answer, console: &mut Console<'_>) -> Outcome {
    let (following, seeing) = weighty(&answer.difference.following);
    if answer.difference.following.is_empty() {
        return Ok(());
    }
    console.print(&format!("\n {}\n", console.bold("and so")))?;
    lines(following.get(..MOST_FOLLOWING).unwrap_or(&following), console)?;
    if let Some(more @ 1..) = following.len().checked_sub(MOST_FOLLOWING) {
        console.print(&console.faint(&format!(" = and {}\n", counted(more, "more layer"))))?;
    }
    if seeing > 0 {
        let verb = if seeing == 1 { "sees" } else { "see" };
        console
            .print(&console.faint(&format!(" = {} {verb} another part of the input\n", counted(seeing, "layer"))))?;
    }
    Ok(())
}

fn table(rows: &[[String; 4]], console: &mut Console<'_>) -> Outcome {
    let width = |column: usize| column_width(rows.iter().map(|row| row[column].as_str()));
    let (what, before, after) = (width(0), width(1).max("before".len()), width(2).max("after".len()));
    let head = format!(" {}  {}  {}", padded("", what), padded_before("before", before), padded_before("after", after));
    console.print(&format!("{}\n", console.bold(&head)))?;
    for [name, one, other, change] in rows {
        let line = format!(
            " {}  {}  {}  {change}",
            padded(name, what),
            padded_before(one, before),
            padded_before(other, after)
        );
        console.print(&format!("{}\n", line.trim_end()))?;
    }
    Ok(())
}

/// Which tensors still load.
fn tensors(answer: &Answer, console: &mut Console<'_>) -> Outcome {
    let tensors = &answer.difference.tensors;
    let head = console.bold("tensors");
    console.print(&format!("\n {head}  {}; {}\n", fates(tensors), loaded_bytes(tensors)))?;
    let told: Vec<_> = tensors.iter().filter(|tensor| tensor.fate != Fate::Kept).collect();
    for change in told.iter().take(MOST_TENSORS) {
        console.print(&format!("   {}  {}\n", padded(change.fate.word(), "reshaped".len()), tensor(change)))?;
    }
    if let Some(more @ 1..) = told.len().checked_sub(MOST_TENSORS) {
        console
            .print(&console.faint(&format!("   and {}\n", difference(0, more as u64).replace('+', "") + " more")))?;
    }
    match loading(answer) {
        Some(said) => console.print(&format!(" {said}\n")),
        None => Ok(()),
    }
}
