//! A model's answer for people: the likeliest classes by name where the spec lists them, else the numbers, or what they come to.

use crate::console::Console;
use crate::numbers::{column_width, padded};
use crate::run::Printed;
use crate::values::{plain, values};
use cnnc_runtime::answer::{Likely, Scores, is_distribution, likeliest};
use cnnc_runtime::{Tensor, Weights};
use std::sync::Arc;

/// Classes shown of one answer.
const CLASSES: usize = 5;
/// Answers of a batch that are shown.
const ANSWERS: usize = 32;
/// Columns of the longest bar.
const BAR: usize = 30;
/// Values past which a tensor is only summed up.
const VALUES: usize = 200;

/// What the classes are that an answer has scores for.
#[derive(Clone, Copy)]
pub struct Classes<'m> {
    /// Their names.
    pub labels: &'m [String],
    /// What the scores are.
    pub scores: Scores,
}

impl<'m> Classes<'m> {
    /// Those of weights, where they have names.
    pub fn of(weights: &'m Weights) -> Option<Classes<'m>> {
        let (labels, scores) = (weights.labels(), weights.scores());
        (!labels.is_empty()).then_some(Classes { labels, scores })
    }

    /// The classes of a row, the likeliest first.
    pub fn likeliest(&self, row: &[f32]) -> Vec<Likely<'m>> {
        likeliest(row, self.labels, self.scores)
    }
}

/// All outputs.
///
/// # Errors
/// In words, where an output has no such part.
pub fn text(
    names: &[Arc<str>],
    answers: &[Tensor],
    known: Option<Classes<'_>>,
    part: Option<&Printed>,
    console: &Console<'_>,
) -> Result<String, String> {
    let mut text = String::new();
    for (name, answer) in names.iter().zip(answers) {
        text += &match (known, part) {
            (_, Some(part)) => {
                let head = format!("{} {:?}", console.bold(name), answer.shape());
                format!("{head}\n{}\n", plain(&part.of(answer).map_err(|reason| format!("{name}: {reason}"))?))
            }
            (Some(known), None) if answers.len() == 1 && is_of(answer, known) => classes(answer, known, console),
            _ => numbers(name, answer, console),
        };
    }
    Ok(text)
}

/// All outputs for one input in a line: its likeliest class, where it may have several those that are there, or what its numbers
/// come to.
pub fn line(names: &[Arc<str>], answers: &[Tensor], known: Option<Classes<'_>>, console: &Console<'_>) -> String {
    let parts = names.iter().zip(answers).map(|(name, answer)| match known {
        Some(known) if answers.len() == 1 && is_of(answer, known) => {
            answer.data().get(..known.labels.len()).map_or_else(String::new, |row| in_a_line(row, known))
        }
        _ => match answer.data() {
            [single] => format!("{} {single:.6}", console.bold(name)),
            _ => spread(name, answer, console),
        },
    });
    parts.collect::<Vec<String>>().join("; ")
}

/// Whether the answer has a number for each class.
fn is_of(answer: &Tensor, Classes { labels, .. }: Classes<'_>) -> bool {
    matches!(answer.shape(), [_, classes] if *classes == labels.len() && *classes > 0)
}

/// The likeliest class of a row with its chance, or all that are there.
fn in_a_line(row: &[f32], known: Classes<'_>) -> String {
    let one = |Likely { label, probability, .. }: &Likely<'_>, width| {
        format!("{}  {:>6.2} %", padded(label.unwrap_or_default(), width), 100.0 * probability)
    };
    let likely = known.likeliest(row);
    if !known.scores.are_of_each() {
        let width = column_width(known.labels.iter().map(String::as_str));
        return likely.first().map_or_else(String::new, |likely| one(likely, width));
    }
    let there: Vec<String> = likely.iter().filter(|likely| likely.is_there()).map(|likely| one(likely, 0)).collect();
    if there.is_empty() { "no class".into() } else { there.join(", ") }
}

/// The likeliest classes of one picture with bars, or a line for each of several.
fn classes(answer: &Tensor, known: Classes<'_>, console: &Console<'_>) -> String {
    let rows: Vec<&[f32]> = answer.data().chunks(known.labels.len()).collect();
    let width = column_width(known.labels.iter().map(String::as_str));
    if let [row] = rows.as_slice() {
        let top = known.likeliest(row);
        let shown = if known.scores.are_of_each() { top.iter().filter(|likely| likely.is_there()).count() } else { 0 };
        let lines = top.into_iter().take(CLASSES.max(shown)).enumerate().map(|(rank, likely)| {
            let bar = console.faint(&bar(likely.probability));
            let label = padded(likely.label.unwrap_or_default(), width);
            let is_answer = if known.scores.are_of_each() { likely.is_there() } else { rank == 0 };
            let label = if is_answer { console.bold(&label) } else { label };
            format!("{label}  {:>6.2} %  {bar}", 100.0 * likely.probability).trim_end().to_owned() + "\n"
        });
        return lines.collect::<String>() + &footnote(row, known.scores, console);
    }
    let mut text = String::new();
    for (number, row) in rows.iter().take(ANSWERS).enumerate() {
        text += &format!("{number:>4}  {}\n", in_a_line(row, known));
    }
    if rows.len() > ANSWERS {
        text += &format!("  … and {} more; --output writes them all\n", rows.len() - ANSWERS);
    }
    text + &rows.first().map(|row| footnote(row, known.scores, console)).unwrap_or_default()
}

fn footnote(row: &[f32], scores: Scores, console: &Console<'_>) -> String {
    let words = match scores {
        Scores::OfOne if is_distribution(row) => "probabilities: as the model gives them",
        Scores::OfEach => "each class by itself: the sigmoid of what the model gives; above 50 % it is there",
        Scores::ChancesOfEach => "each class by itself, as the model gives it; above 50 % it is there",
        _ => "probabilities: the softmax of what the model gives",
    };
    console.faint(&format!("({words})")) + "\n"
}

/// A bar in eighths of a column.
fn bar(share: f64) -> String {
    let eighths = (share * (8 * BAR) as f64).round() as usize;
    let part = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8];
    "█".repeat(eighths / 8) + part
}

/// The shape and the values where there are few, else the spread and the first ones.
fn numbers(name: &str, answer: &Tensor, console: &Console<'_>) -> String {
    let (data, spread) = (answer.data(), spread(name, answer, console));
    if data.is_empty() {
        return format!("{spread}\n");
    }
    if data.len() <= VALUES {
        return format!("{} {:?}\n{}\n", console.bold(name), answer.shape(), plain(answer));
    }
    let first = Tensor::new(&[8], data[..8].to_vec()).map(|tensor| values(&tensor)).unwrap_or_default();
    format!("{spread}\nfirst values {first}\n")
}

/// `output [1, 64, 7, 7]: min 0.000000, max 3.481250, mean 0.416602`
fn spread(name: &str, answer: &Tensor, console: &Console<'_>) -> String {
    let data = answer.data();
    let head = format!("{} {:?}", console.bold(name), answer.shape());
    if data.is_empty() {
        return head;
    }
    let (low, high) =
        data.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), &value| (low.min(value), high.max(value)));
    let mean = data.iter().map(|&value| f64::from(value)).sum::<f64>() / data.len() as f64;
    format!("{head}: min {low:.6}, max {high:.6}, mean {mean:.6}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown_as(scores: Scores, shape: &[usize], data: Vec<f32>, labels: &[&str]) -> String {
        let labels: Vec<String> = labels.iter().map(|&label| label.to_owned()).collect();
        let console = Console::plain(std::io::sink(), std::io::sink());
        let answer = Tensor::new(shape, data).expect("a tensor");
        let known = (!labels.is_empty()).then_some(Classes { labels: &labels, scores });
        text(&["output".into()], &[answer], known, None, &console).expect("all of it")
    }

    fn shown(shape: &[usize], data: Vec<f32>, labels: &[&str]) -> String {
        shown_as(Scores::OfOne, shape, data, labels)
    }

    #[test]
    fn the_likeliest_class_comes_first() {
        let text = shown(&[1, 3], vec![0.0, 3f32.ln(), 0.0], &["cat", "horse", "dog"]);
        let bar = "█".repeat(18);
        assert!(text.starts_with(&format!("horse   60.00 %  {bar}\ncat     20.00 %  ██████\n")), "{text}");
        assert!(text.ends_with("(probabilities: the softmax of what the model gives)\n"), "{text}");
    }

    #[test]
    fn probabilities_are_taken_as_they_are() {
        let text = shown(&[2, 2], vec![0.25, 0.75, 1.0, 0.0], &["a", "b"]);
        assert_eq!(text, "   0  b   75.00 %\n   1  a  100.00 %\n(probabilities: as the model gives them)\n");
    }

    #[test]
    fn of_several_classes_each_is_there_or_not() {
        let labels = &["cat", "dog", "owl"];
        let text = shown_as(Scores::OfEach, &[1, 3], vec![3f32.ln(), -20.0, 20.0], labels);
        assert!(text.starts_with("owl  100.00 %") && text.contains("\ncat   75.00 %"), "{text}");
        assert!(text.ends_with("sigmoid of what the model gives; above 50 % it is there)\n"), "{text}");
        let text = shown_as(Scores::ChancesOfEach, &[2, 3], vec![0.75, 0.9, 0.5, 0.0, 0.1, 0.2], labels);
        assert!(text.starts_with("   0  dog   90.00 %, cat   75.00 %\n   1  no class\n"), "{text}");
    }

    #[test]
    fn other_answers_are_numbers() {
        let text = shown(&[1, 1, 2, 2], vec![19.0, 25.0, 37.0, 43.0], &["a", "b"]);
        assert_eq!(text, "output [1, 1, 2, 2]\n[[19, 25],\n [37, 43]]\n");
        assert_eq!(shown(&[1, 300], vec![0.5; 300], &[]).lines().count(), 2);
    }

    #[test]
    fn numbers_that_are_none_do_no_harm() {
        assert!(shown(&[1, 2], vec![f32::NAN, f32::INFINITY], &["a", "b"]).contains("NaN"));
    }
}
