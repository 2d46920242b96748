//! Lines of Python, PyTorch and Keras, told from what cannot be read: what such a line means here, and where that is one text,
//! the edit that writes it.
//!
//! The parser knows only where reading stopped. Here the whole line is looked at, by one rule after another; the first that knows
//! it says what to write.

mod item;
mod statement;

use crate::diagnostic::{Code, Diagnostic};
use cnnc_grammar::span::{Files, Span};
use std::ops::Range;

/// What a foreign line is.
struct Told {
    /// The sentence.
    message: &'static str,
    /// What is written here, in words where it is no text.
    help: String,
    /// The line as it is written here.
    line: Option<String>,
}

/// What a line means that reading stopped in; `None` where it is no foreign one.
pub(super) fn of(files: &Files, at: Span) -> Option<Diagnostic> {
    told(files, at, RULES)
}

/// The same of an assignment, which may also be a `let` that lacks its word.
pub(super) fn of_assignment(files: &Files, at: Span) -> Option<Diagnostic> {
    told(files, at, &[item::sequential, item::joined, item::python_item])
}

fn told(files: &Files, at: Span, rules: &[fn(&str) -> Option<Told>]) -> Option<Diagnostic> {
    let text = &files.get(at.file)?.text;
    let begin = text.get(..at.start as usize)?.rfind('\n').map_or(0, |end| end + 1);
    let line = text.get(begin..)?.lines().next()?.split('#').next()?;
    let statement = statement(line, at.start as usize - begin);
    let line = line.get(statement.clone())?;
    let start = begin + statement.start + line.len() - line.trim_start().len();
    let line = line.trim();
    let span = Span { start: start as u32, end: (start + line.len()) as u32, ..at };
    let told = rules.iter().find_map(|rule| rule(line))?;
    let diagnostic = Diagnostic::new(Code::E101, told.message, span, "cannot be read").help(told.help);
    Some(match told.line {
        Some(mended) => diagnostic.guess(span, mended),
        None => diagnostic,
    })
}

/// The statement of a line that a place lies in: others may stand before it and behind it, parted by `;` and by braces. The brace
/// that follows a head is part of it.
fn statement(line: &str, place: usize) -> Range<usize> {
    let mut quote = None;
    let (mut start, mut end) = (0, line.len());
    for (at, letter) in line.char_indices() {
        match (quote, letter) {
            (Some(open), _) => quote = quote.filter(|_| letter != open),
            (None, '"' | '\'') => quote = Some(letter),
            (None, '{' | '}' | ';') if at < place => start = at + 1,
            (None, '{' | '}' | ';') => {
                end = if letter == '{' { at + 1 } else { at };
                break;
            }
            _ => {}
        }
    }
    start..end
}

const RULES: &[fn(&str) -> Option<Told>] = &[
    statement::comma,
    statement::import,
    statement::class,
    statement::function,
    statement::capital,
    statement::colon_for_brace,
    statement::parameter_without_a_type,
    statement::shape_in_parentheses,
    statement::left_out,
    statement::appended,
    statement::looped,
    item::formatted_name,
    item::sequential,
    item::joined,
    item::ternary,
    item::arrow,
    item::dotted_label,
    item::python_item,
    item::added,
];

/// A line that stands here in another form.
fn written(message: &'static str, line: String) -> Option<Told> {
    Some(Told { message, help: format!("write `{line}`"), line: Some(line) })
}

/// A line that has no one text here.
fn in_words(message: &'static str, help: &str) -> Option<Told> {
    Some(Told { message, help: help.to_owned(), line: None })
}

fn is_name(text: &str) -> bool {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') && text.chars().all(is_part)
}

/// The first word, and what follows it.
fn first_word(line: &str) -> (&str, &str) {
    let end = line.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').unwrap_or(line.len());
    line.split_at(end)
}

/// The parts of a list, parted by the commas outside of brackets.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0i32, 0);
    for (at, letter) in text.char_indices() {
        match letter {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(text.get(start..at).unwrap_or(""));
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text.get(start..).unwrap_or(""));
    parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect()
}
