//! Which class is taken for which: a matrix as SVG and for the terminal. Rows are what a picture is, columns what it is taken
//! for.

use super::svg::{escaped, picture, text};
use crate::console::Console;
use cnnc_runtime::train::Evaluation;
use std::fmt::Write;

/// Classes past which a terminal shows no matrix.
const MOST_IN_TERMINAL: usize = 20;
/// Classes past which cells have no numbers.
const MOST_WITH_NUMBERS: usize = 30;

/// The share of a class's pictures that are taken for another.
fn share(evaluation: &Evaluation, label: usize, answer: usize) -> f64 {
    let row: u64 = (0..evaluation.classes).map(|answer| evaluation.count(label, answer)).sum();
    evaluation.count(label, answer) as f64 / row.max(1) as f64
}

/// The picture.
pub fn svg(name: &str, evaluation: &Evaluation, names: &[String]) -> String {
    let classes = evaluation.classes;
    let cell = (640.0 / classes as f64).clamp(6.0, 48.0);
    let longest = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).min(18) as f64;
    let room = 30.0 + 7.0 * longest;
    let side = cell * classes as f64;
    let (width, height) = (room + side + 24.0, room + side + 40.0);
    let mut body = String::new();
    text(&mut body, [room, 22.0], "ink title", "start", "taken for");
    text(&mut body, [room - 12.0, room - 8.0], "faint", "end", "is");
    for (label, name) in names.iter().enumerate().take(classes) {
        let middle = cell * (label as f64 + 0.5);
        let short: String = name.chars().take(18).collect();
        if cell >= 10.0 {
            text(&mut body, [room - 8.0, room + middle + 4.0], "faint", "end", &short);
            let (x, y) = (room + middle + 4.0, room - 8.0);
            let _ = writeln!(
                body,
                "<text class=\"faint\" x=\"{x:.1}\" y=\"{y:.1}\" transform=\"rotate(-60 {x:.1} {y:.1})\">{}</text>",
                escaped(&short)
            );
        }
        for answer in 0..classes {
            square(&mut body, evaluation, [label, answer], [room, cell]);
        }
    }
    let foot = format!("accuracy {:.2} % of {} pictures", 100.0 * evaluation.accuracy(), evaluation.seen);
    text(&mut body, [room, height - 14.0], "ink", "start", &foot);
    picture(width, height, &format!("confusion of {name}"), &body)
}

/// One cell: the darker, the larger its share of the row.
fn square(body: &mut String, evaluation: &Evaluation, [label, answer]: [usize; 2], [room, cell]: [f64; 2]) {
    let share = share(evaluation, label, answer);
    let (x, y) = (room + cell * answer as f64, room + cell * label as f64);
    let _ = writeln!(
        body,
        "<rect class=\"cell\" fill-opacity=\"{:.3}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>",
        0.04 + 0.96 * share,
        cell - 1.0,
        cell - 1.0
    );
    let count = evaluation.count(label, answer);
    if count > 0 && evaluation.classes <= MOST_WITH_NUMBERS && cell >= 20.0 {
        let class = if share > 0.5 { "on" } else { "ink" };
        text(body, [x + cell / 2.0, y + cell / 2.0 + 4.0], class, "middle", &count.to_string());
    }
}

/// The matrix for a terminal; nothing for many classes.
pub fn text_of(evaluation: &Evaluation, names: &[String], console: &Console<'_>) -> String {
    let classes = evaluation.classes;
    let largest = evaluation.largest_count();
    let column = largest.to_string().len().max(2) + 1;
    let label_width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).min(18);
    if classes > MOST_IN_TERMINAL || label_width + 4 + column * classes > console.width {
        return String::new();
    }
    let numbers: String = (0..classes).map(|class| format!("{class:>column$}")).collect();
    let mut text = format!("{:label_width$}    {}\n", "", console.faint(&numbers));
    for (label, name) in names.iter().enumerate().take(classes) {
        let name: String = name.chars().take(18).collect();
        let cells: String =
            (0..classes).map(|answer| cell_text(evaluation, [label, answer], column, console)).collect();
        text += &format!("{name:<label_width$} {label:>2} {cells}\n");
    }
    text
}

fn cell_text(evaluation: &Evaluation, [label, answer]: [usize; 2], column: usize, console: &Console<'_>) -> String {
    let count = evaluation.count(label, answer);
    let shown = if count == 0 { "·".to_owned() } else { count.to_string() };
    let shown = format!("{shown:>column$}");
    match (label == answer, share(evaluation, label, answer) >= 0.05) {
        (true, _) => console.bold(&shown),
        (false, true) => shown,
        (false, false) => console.faint(&shown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cnnc_compiler::training::Loss;

    fn evaluation() -> (Evaluation, Vec<String>) {
        let mut evaluation = Evaluation::new(2);
        let scores = [1.0, 0.0, 1.0, 0.0, 0.0, 1.0];
        evaluation.add(&scores, &[0, 1, 1], &Loss::cross_entropy(0.0)).expect("labels that are classes");
        (evaluation, vec!["cat".into(), "<dog>".into()])
    }

    #[test]
    fn rows_are_what_it_is() {
        let (evaluation, names) = evaluation();
        let console = Console::plain(std::io::sink(), std::io::sink());
        let text = text_of(&evaluation, &names, &console);
        assert_eq!(text, "           0  1\ncat    0   1  ·\n<dog>  1   1  1\n");
    }

    #[test]
    fn the_picture_has_a_cell_for_each_pair() {
        let (evaluation, names) = evaluation();
        let svg = svg("Net", &evaluation, &names);
        assert_eq!(svg.matches("class=\"cell\"").count(), 4);
        assert!(svg.contains("&lt;dog&gt;") && svg.contains("accuracy 66.67 % of 3 pictures"), "{svg}");
    }
}
