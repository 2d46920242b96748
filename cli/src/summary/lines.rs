//! Which rows of an outline a table shows: down to a depth, without what does nothing, and equal neighbours as one.

use cnnc_compiler::summary::{OutlineRow, Row};
use std::ops::Range;

/// Lines that fit a screen; a table opens groups as long as it has no more.
const SCREEN: usize = 40;

/// A line of the table: a row, or several neighbours that are alike.
#[derive(Debug, PartialEq, Eq)]
pub struct Line {
    /// The first row.
    pub first: usize,
    /// The last of those that are alike, which has the widest receptive field; `first` where it is one.
    pub last: usize,
    /// How many are alike.
    pub count: usize,
    /// Whether what stands in it follows in lines of its own.
    pub is_open: bool,
}

/// A row as it stands, beside all others.
pub fn flat(row: &Row) -> OutlineRow {
    OutlineRow {
        level: 1,
        path: row.path.clone(),
        layer: row.layer.clone(),
        is_group: false,
        is_identity: false,
        nodes: Vec::new(),
        cost: row.cost,
        output: row.output.clone(),
        receptive_field: row.receptive_field,
    }
}

/// The lines of a table. With a depth, all rows down to it; else as many levels as fit a screen, equal neighbours folded.
pub fn lines(rows: &[OutlineRow], depth: Option<usize>) -> Vec<Line> {
    if let Some(depth) = depth {
        return down_to(rows, depth, false);
    }
    let deepest = rows.iter().map(|row| row.level).max().unwrap_or(1);
    let levels = (2..=deepest).map(|depth| down_to(rows, depth, true));
    levels.take_while(|lines| lines.len() <= SCREEN).last().unwrap_or_else(|| down_to(rows, 1, true))
}

fn down_to(rows: &[OutlineRow], depth: usize, folds: bool) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        let is_model = row.level == 0;
        if row.level > depth || row.is_identity || is_model != (depth == 0) {
            continue;
        }
        let is_open = row.is_group && row.level < depth && inner(rows, index).any(|inner| !rows[inner].is_identity);
        match lines.last_mut() {
            Some(line) if folds && !line.is_open && !is_open && are_alike(&rows[line.last], row) => {
                (line.last, line.count) = (index, line.count + 1);
            }
            _ => lines.push(Line { first: index, last: index, count: 1, is_open }),
        }
    }
    lines
}

/// The rows in a group.
fn inner(rows: &[OutlineRow], group: usize) -> Range<usize> {
    let level = rows[group].level;
    let end = rows[group + 1..].iter().position(|row| row.level <= level);
    group + 1..end.map_or(rows.len(), |end| group + 1 + end)
}

/// Whether two groups beside each other are the same in all but their paths.
fn are_alike(one: &OutlineRow, other: &OutlineRow) -> bool {
    let same = (one.level, &one.layer, &one.output, one.cost) == (other.level, &other.layer, &other.output, other.cost);
    one.is_group && other.is_group && same && above(&one.path) == above(&other.path)
}

fn above(path: &str) -> &str {
    path.rsplit_once('.').map_or("", |(above, _)| above)
}

/// `layer3.1 … 35`, without what both paths share.
pub fn path(rows: &[OutlineRow], line: &Line) -> String {
    let (first, last) = (&rows[line.first].path, &rows[line.last].path);
    let indent = "  ".repeat(rows[line.first].level.saturating_sub(1));
    match line.count {
        1 => format!("{indent}{first}"),
        _ => format!("{indent}{first} … {}", last.rsplit('.').next().unwrap_or(last)),
    }
}

/// `Bottleneck`, `35 × Bottleneck`
pub fn layer(rows: &[OutlineRow], line: &Line) -> String {
    match line.count {
        1 => rows[line.first].layer.to_string(),
        count => format!("{count} × {}", rows[line.first].layer),
    }
}
