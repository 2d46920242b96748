//! The same curves in a terminal, in braille: each character is two dots by four.

use super::axis::Axis;
use super::curves::{Panel, Series, panels};
use crate::console::Console;
use cnnc_runtime::train::History;

/// Rows of a plot, and its most columns.
const ROWS: usize = 8;
const COLUMNS: usize = 60;

/// The colours of the lines, in order.
const COLOURS: [&str; 8] = ["34", "33", "32", "35", "36", "31", "37", "93"];
/// The dots of a character, of each line.
type Cell = [u8; COLOURS.len()];

/// Both panels; nothing when there are fewer than two epochs.
pub fn curves(history: &History, console: &Console<'_>) -> String {
    if history.records.len() < 2 {
        return String::new();
    }
    charts(&panels(history), &Axis::counting(history.records.len(), 5), console)
}

/// Panels over one axis, one below the other.
pub fn charts(panels: &[Panel], axis: &Axis, console: &Console<'_>) -> String {
    let chart = |(title, series): &Panel| format!("{}\n{}", console.bold(title), plot(series, axis, console));
    panels.iter().map(chart).collect()
}

/// One plot with its axis; each line's name stands at its end.
fn plot(series: &[Series], axis: &Axis, console: &Console<'_>) -> String {
    let values = Axis::over(series.iter().flat_map(Series::values), 4);
    let columns = console.width.saturating_sub(26).clamp(20, COLUMNS);
    let mut dots = vec![Cell::default(); columns * ROWS];
    let mut names = vec![String::new(); ROWS];
    for (number, series) in series.iter().enumerate() {
        let place = |&(epoch, value): &(f64, f64)| {
            let x = axis.share(epoch) * (2 * columns - 1) as f64;
            let y = (1.0 - values.share(value)) * (4 * ROWS - 1) as f64;
            [x.round() as i64, y.round() as i64]
        };
        for piece in series.pieces() {
            let places: Vec<[i64; 2]> = piece.iter().map(place).collect();
            let lone = [places[0]; 2];
            for pair in std::iter::once(lone.as_slice()).chain(places.windows(2)) {
                draw(&mut dots, columns, number % COLOURS.len(), pair[0], pair[1]);
            }
        }
        if let Some(end) = series.end().as_ref().map(place) {
            let row = (0..ROWS).min_by_key(|&row| {
                let taken = if names[row].is_empty() { 0 } else { 100 };
                (row as i64 - end[1] / 4).abs() + taken
            });
            names[row.unwrap_or(0)] = coloured(number, &series.name, console);
        }
    }
    let mut text = String::new();
    for (row, name) in names.iter().enumerate() {
        let label = label(&values, row);
        let cells = dots[row * columns..(row + 1) * columns].iter().map(|cell| glyph(cell, console));
        let line = format!("{label:>8} │{} {name}", cells.collect::<String>());
        text += &format!("{}\n", line.trim_end());
    }
    let [first, last] = [axis.low, axis.high].map(|end| axis.label(end));
    let width = columns - first.len();
    text + &format!("{:>8} └{}\n{:>10}{first}{last:>width$}\n", "", "─".repeat(columns), "")
}

/// The tick that stands at a row.
fn label(values: &Axis, row: usize) -> String {
    let row_of = |tick: f64| ((1.0 - values.share(tick)) * (4 * ROWS - 1) as f64).round() as usize / 4;
    values.ticks.iter().find(|&&tick| row_of(tick) == row).map_or_else(String::new, |&tick| values.label(tick))
}

/// Sets the dots of a straight line.
fn draw(dots: &mut [Cell], columns: usize, layer: usize, from: [i64; 2], to: [i64; 2]) {
    let steps = (to[0] - from[0]).abs().max((to[1] - from[1]).abs()).max(1);
    for step in 0..=steps {
        let at = |axis: usize| {
            from[axis] + ((to[axis] - from[axis]) * step + (to[axis] - from[axis]).signum() * steps / 2) / steps
        };
        let (x, y) = (at(0).max(0) as usize, at(1).max(0) as usize);
        let bit = match (x % 2, y % 4) {
            (0, 3) => 6,
            (1, 3) => 7,
            (0, row) => row,
            (_, row) => 3 + row,
        };
        if let Some(cell) = dots.get_mut(y / 4 * columns + x / 2) {
            cell[layer] |= 1 << bit;
        }
    }
}

/// A cell's character, in the colour of its first line.
fn glyph(cell: &Cell, console: &Console<'_>) -> String {
    let all = cell.iter().fold(0, |all, line| all | line);
    let Some(first) = cell.iter().position(|line| *line != 0) else { return " ".into() };
    let character = char::from_u32(0x2800 + u32::from(all)).unwrap_or(' ').to_string();
    coloured(first, &character, console)
}

fn coloured(number: usize, text: &str, console: &Console<'_>) -> String {
    match console.color {
        true => format!("\u{1b}[{}m{text}\u{1b}[0m", COLOURS[number % COLOURS.len()]),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cnnc_runtime::train::Record;

    #[test]
    fn a_falling_loss_falls_from_left_to_right() {
        let record = |epoch: usize| Record {
            epoch,
            train_loss: 2.0 - 0.2 * epoch as f64,
            train_accuracy: None,
            val_loss: 2.1 - 0.2 * epoch as f64,
            val_accuracy: Some(0.1 * epoch as f64),
            val_map: None,
            learning_rate: 0.1,
            seconds: 1.0,
            images_per_second: 1.0,
        };
        let history = History { records: (1..=9).map(record).collect() };
        let console = Console::plain(std::io::sink(), std::io::sink());
        let text = curves(&history, &console);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2 * (1 + ROWS + 2));
        // Where the dots of each row begin, from the highest row that has any.
        let starts = |rows: &[&str]| -> Vec<usize> {
            let start = |line: &&str| line.chars().skip(10).position(|character| character > '\u{2800}');
            rows.iter().filter_map(start).collect()
        };
        assert!(starts(&lines[1..=ROWS]).is_sorted(), "the loss falls\n{text}");
        assert!(starts(&lines[ROWS + 4..2 * ROWS + 4]).iter().rev().is_sorted(), "the accuracy rises\n{text}");
        assert!(text.contains("train") && text.contains("validation") && text.lines().all(|line| !line.ends_with(' ')));
        assert_eq!(curves(&History { records: vec![record(1)] }, &console), "");
    }
}
