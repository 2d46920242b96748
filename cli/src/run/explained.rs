//! One number explained, as a person would work it out: the window and the kernel, the products and their sum, step by step.

use crate::console::Console;
use crate::numbers::counted;
use cnnc_compiler::explain::{Arithmetic, Operand, Step};
use cnnc_runtime::Explanation;
use std::fmt::Write;
use std::str::FromStr;

/// Terms that are written out one by one; of more, the sums by channel and the largest terms.
const TERMS: usize = 64;
/// Terms that are written out in full; of more, with five digits.
const FULL: usize = 16;
/// Terms of a line.
const OF_A_LINE: usize = 8;
/// The largest terms that are named of many.
const LARGEST: usize = 5;

/// An element of an inner value: `conv1[0, 4, 5]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    /// The path of a layer, block or group.
    pub path: String,
    /// Its place; a leading 0 for a batch of one may be left out.
    pub index: Vec<usize>,
}

impl FromStr for Element {
    type Err = String;

    fn from_str(text: &str) -> Result<Element, String> {
        let refused = || "expected a path and a place, such as '0[0, 4, 5]'".to_owned();
        let (path, rest) = text.trim().rsplit_once('[').ok_or_else(refused)?;
        let numbers = rest.strip_suffix(']').ok_or_else(refused)?;
        let index: Option<Vec<usize>> = numbers.split(',').map(|number| number.trim().parse().ok()).collect();
        let index = index.ok_or_else(|| format!("`[{numbers}]` is no place: whole numbers from 0, one an axis"))?;
        if path.is_empty() {
            return Err(refused());
        }
        Ok(Element { path: path.trim().to_owned(), index })
    }
}

/// The explanation as lines.
pub fn text(element: &Element, explanation: &Explanation, console: &Console<'_>) -> String {
    let inputs: Vec<String> = explanation.inputs.iter().map(|(name, shape)| format!("{name} {shape:?}")).collect();
    let head = format!("{} {:?}", console.bold(&explanation.layer), explanation.shape);
    let of = if inputs.is_empty() { String::new() } else { format!(" of {}", inputs.join(", ")) };
    let mut text = format!("{head}{of}\n");
    for step in &explanation.steps {
        text += &one(step, console);
    }
    let exact = explanation.steps.last().map_or(f64::NAN, |step| step.number);
    let computed = explanation.computed;
    let result = format!("{}{:?} = {}", element.path, element.index, short(exact));
    text += &console.bold(&result);
    let differs =
        computed != exact as f32 && computed.to_string() != short(exact) && !(computed.is_nan() && exact.is_nan());
    text += &if differs { format!("; the run gave {computed} in float32\n") } else { "\n".into() };
    text
}

fn one(step: &Step, console: &Console<'_>) -> String {
    let sum = short(step.number);
    match &step.arithmetic {
        Arithmetic::Products(products) => {
            let pair = products.first();
            let names =
                pair.map_or_else(String::new, |[left, right]| format!(" of {} and {}", name(left), name(right)));
            let head = format!("  {}{names}", counted(products.len(), "product"));
            let terms: Vec<Term<'_>> = products
                .iter()
                .map(|[left, right]| Term {
                    text: format!("{}·{}", written(left, products.len()), written(right, products.len())),
                    number: left.number * right.number,
                    at: left,
                })
                .collect();
            format!("{head}{}:\n{}", window(&terms), summed(&terms, &sum, console))
        }
        Arithmetic::Weighted(parts) => {
            let term = |(operand, share): &'_ (Operand, f64)| format!("{}·{}", short(*share), factor(operand));
            let terms: Vec<String> = parts.iter().map(term).collect();
            format!("  {} by their shares: {} = {sum}\n", counted(parts.len(), "element"), terms.join(" + "))
        }
        Arithmetic::Sum(operands) => {
            let terms = plain_terms(operands);
            format!(
                "  the sum of {}{}:\n{}",
                counted(operands.len(), "number"),
                window(&terms),
                summed(&terms, &sum, console)
            )
        }
        Arithmetic::Largest(operands) => {
            let terms = plain_terms(operands);
            format!(
                "  the largest of {}{}: {} = {sum}\n",
                counted(operands.len(), "number"),
                window(&terms),
                listed(operands)
            )
        }
        Arithmetic::Mean(operands, divisor) => {
            let terms = plain_terms(operands);
            let numbers: Vec<String> =
                operands.iter().take(TERMS).map(|operand| written(operand, operands.len())).collect();
            let more = if operands.len() > TERMS { " + …" } else { "" };
            let head = format!("  the mean of {}{}", counted(operands.len(), "number"), window(&terms));
            format!("{head}: ({}{more}) / {} = {sum}\n", numbers.join(" + "), short(*divisor))
        }
        Arithmetic::Softmax(operands) => {
            let head = format!("  Σ x·eˣ / Σ eˣ of {}", counted(operands.len(), "number"));
            format!("{head}: {} = {sum}\n", listed(operands))
        }
        Arithmetic::Expression(expression, operands) => {
            let named = |(number, operand): (usize, &Operand)| {
                let place = match &operand.from {
                    Some(_) => format!(" ({})", name_and_place(operand)),
                    None => String::new(),
                };
                format!("x{number} = {}{place}", value(operand))
            };
            let operands: Vec<String> = operands.iter().enumerate().map(named).collect();
            let with = if operands.is_empty() { String::new() } else { format!(" with {}", operands.join(", ")) };
            format!("  {expression}{with}: {sum}\n")
        }
        Arithmetic::Itself(operand) => format!("  it is {}\n", name_and_place(operand)),
    }
}

/// A term of a sum.
struct Term<'o> {
    text: String,
    number: f64,
    /// The element whose place says where the term is from.
    at: &'o Operand,
}

fn plain_terms(operands: &[Operand]) -> Vec<Term<'_>> {
    let term = |operand| Term { text: written(operand, operands.len()), number: operand.number, at: operand };
    operands.iter().map(term).collect()
}

/// `, rows 4 to 6, columns 5 to 7`: where the elements lie.
fn window(terms: &[Term<'_>]) -> String {
    let known: Vec<&[usize]> =
        terms.iter().filter(|term| term.at.from.is_some()).map(|term| term.at.index.as_slice()).collect();
    let Some(first) = known.first() else { return String::new() };
    let names: &[&str] = match first.len() {
        4 => &["", "channels", "rows", "columns"],
        3 => &["", "channels", "places"],
        _ => return String::new(),
    };
    let mut text = String::new();
    for (axis, name) in names.iter().enumerate().skip(1) {
        let places = known.iter().filter_map(|index| index.get(axis));
        let (Some(low), Some(high)) = (places.clone().min(), places.max()) else { continue };
        let one = name.strip_suffix('s').unwrap_or(name);
        let _ = if low == high { write!(text, ", {one} {low}") } else { write!(text, ", {name} {low} to {high}") };
    }
    text
}

/// The terms in lines, and their sum.
fn summed(terms: &[Term<'_>], sum: &str, console: &Console<'_>) -> String {
    if terms.len() > TERMS {
        return by_channel(terms, sum, console);
    }
    let mut lines: Vec<Vec<&str>> = Vec::new();
    let mut before: Option<&[usize]> = None;
    for term in terms {
        let row = term.at.index.split_last().map(|(_, row)| row);
        let is_new = row != before || lines.last().is_none_or(|line| line.len() == OF_A_LINE);
        if is_new || lines.is_empty() {
            lines.push(Vec::new());
        }
        before = row;
        if let Some(line) = lines.last_mut() {
            line.push(&term.text);
        }
    }
    let lines: Vec<String> = lines.iter().map(|line| line.join(" + ")).collect();
    if lines.iter().map(|line| line.len()).sum::<usize>() <= 90 {
        return format!("    {} = {sum}\n", lines.join(" + "));
    }
    format!("    {}\n    = {sum}\n", lines.join("\n  + "))
}

fn by_channel(terms: &[Term<'_>], sum: &str, console: &Console<'_>) -> String {
    let mut sums: Vec<(usize, f64, usize)> = Vec::new();
    for term in terms {
        let channel = term.at.index.get(1).copied().unwrap_or(0);
        match sums.last_mut().filter(|(last, ..)| *last == channel) {
            Some((_, sum, count)) => {
                *sum += term.number;
                *count += 1;
            }
            None => sums.push((channel, term.number, 1)),
        }
    }
    let mut text = String::new();
    if (2..=TERMS).contains(&sums.len()) && sums.len() < terms.len() {
        let parts: Vec<String> = sums.iter().map(|(channel, sum, _)| format!("{channel}: {}", short(*sum))).collect();
        let lines: Vec<String> = parts.chunks(OF_A_LINE).map(|line| line.join("  ")).collect();
        let _ = writeln!(text, "    sums by channel\n      {}", lines.join("\n      "));
    }
    let mut largest: Vec<&Term<'_>> = terms.iter().collect();
    largest.sort_by(|a, b| b.number.abs().total_cmp(&a.number.abs()));
    for term in largest.iter().take(LARGEST) {
        let place = console.faint(&name_and_place(term.at));
        let _ = writeln!(text, "    {} = {}  {place}", term.text, short(term.number));
    }
    let _ = writeln!(text, "    and {} more = {sum}", terms.len() - largest.len().min(LARGEST));
    text
}

fn listed(operands: &[Operand]) -> String {
    let numbers: Vec<String> = operands.iter().take(TERMS).map(value).collect();
    numbers.join(", ") + if operands.len() > TERMS { ", …" } else { "" }
}

fn name(operand: &Operand) -> String {
    operand.from.as_deref().unwrap_or("what was computed").to_owned()
}

/// `0.weight[0, 0, 1, 1]`
fn name_and_place(operand: &Operand) -> String {
    match &operand.from {
        Some(name) => format!("{name}{:?}", operand.index),
        None => "computed".into(),
    }
}

/// A number as a factor: a negative one in parentheses.
fn factor(operand: &Operand) -> String {
    let text = value(operand);
    if text.starts_with('-') { format!("({text})") } else { text }
}

/// A number as a factor, shorter where it is one of many.
fn written(operand: &Operand, of: usize) -> String {
    if of <= FULL {
        return factor(operand);
    }
    let text = digits(operand.number, 5);
    if text.starts_with('-') { format!("({text})") } else { text }
}

/// A known number in full, as float32 says it; a computed one shortened.
fn value(operand: &Operand) -> String {
    match operand.from {
        Some(_) => (operand.number as f32).to_string(),
        None => short(operand.number),
    }
}

/// A number with at most seven digits.
fn short(number: f64) -> String {
    digits(number, 7)
}

/// A number with at most so many digits, without zeros behind them.
fn digits(number: f64, count: usize) -> String {
    if number.fract() == 0.0 && number.abs() < 1e9 {
        return format!("{number:.0}");
    }
    let text = format!("{number:.*e}", count.saturating_sub(1));
    let rounded: f64 = text.parse().unwrap_or(number);
    if (1e-4..1e9).contains(&rounded.abs()) { rounded.to_string() } else { format!("{rounded:e}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_and_a_place() {
        let element = |text: &str| text.parse::<Element>();
        assert_eq!(element("3[0, 4, 5]"), Ok(Element { path: "3".into(), index: vec![0, 4, 5] }));
        assert_eq!(element("block 1.conv[0]"), Ok(Element { path: "block 1.conv".into(), index: vec![0] }));
        assert!(
            element("3").is_err() && element("[0]").is_err() && element("3[x]").is_err() && element("3[-1]").is_err()
        );
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!((short(19.0), short(0.1 + 0.2), short(1.0 / 3.0)), ("19".into(), "0.3".into(), "0.3333333".into()));
        assert_eq!((short(1e-7), short(-2.5), short(f64::NAN)), ("1e-7".into(), "-2.5".into(), "NaN".into()));
    }
}
