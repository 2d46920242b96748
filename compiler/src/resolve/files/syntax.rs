//! Syntax errors as diagnostics: the parser's facts in words.

use super::foreign_line;
use crate::diagnostic::{Code, Diagnostic};
use cnnc_grammar::error::{SyntaxError, SyntaxErrorKind};
use cnnc_grammar::span::{Files, Span};

/// What the parser could not read, for people.
pub fn diagnostic(error: &SyntaxError, files: &Files) -> Diagnostic {
    let span = error.span;
    match &error.kind {
        SyntaxErrorKind::Unexpected { found, expected } => {
            foreign_line::of(files, span).unwrap_or_else(|| unexpected(found, expected, span))
        }
        SyntaxErrorKind::Mistaken { found, meant } => {
            let is_assignment = found == "=" || meant.starts_with("let ");
            let foreign = is_assignment.then(|| foreign_line::of_assignment(files, span)).flatten();
            foreign.unwrap_or_else(|| mistaken(found, meant, span))
        }
        SyntaxErrorKind::Unclosed { open } => {
            let close = closing(*open);
            Diagnostic::new(Code::E102, format!("this `{open}` is never closed"), span, "opened here")
                .help(format!("add the `{close}` that belongs to it"))
        }
        SyntaxErrorKind::Unopened { close } => {
            Diagnostic::new(Code::E102, format!("this `{close}` closes nothing"), span, "nothing is open here")
                .help("remove it, or look for a bracket that was closed too early")
        }
        SyntaxErrorKind::UnclosedString => {
            let line = "a string ends on its own line";
            Diagnostic::new(Code::E103, "this string is never closed", span, line).help("add the closing `\"`")
        }
        SyntaxErrorKind::TooDeep { limit } => {
            let message = format!("nested deeper than {limit} levels");
            Diagnostic::new(Code::E104, message, span, "too deep from here")
                .help("take a part out into a block, or name a value with `let`")
        }
        SyntaxErrorKind::NumberTooLarge { digits } => {
            let shown: String = digits.chars().take(30).collect();
            let dots = if shown.len() < digits.len() { "…" } else { "" };
            Diagnostic::new(Code::E105, format!("the number {shown}{dots} does not fit 64 bits"), span, "too large")
        }
        SyntaxErrorKind::ItemsAsArgument { arguments, items, others } => {
            let items = files.text(*items);
            let others: Vec<&str> = others.iter().map(|other| files.text(*other)).collect();
            let parentheses = if others.is_empty() { String::new() } else { format!("({})", others.join(", ")) };
            Diagnostic::new(Code::E101, "items in braces stand behind the call", span, "among the arguments")
                .help("braces behind a block's call are its last parameter that is a `layer`")
                .guess(*arguments, format!("{parentheses} {items}"))
        }
        SyntaxErrorKind::ChainedComparison => {
            Diagnostic::new(Code::E106, "comparisons cannot be chained", span, "compares the result of a comparison")
                .help("write `a < b and b < c`")
        }
        SyntaxErrorKind::NestedString => {
            Diagnostic::new(Code::E107, "a string cannot stand inside the braces of a string", span, "inside `{ }`")
                .help("name the value with `let` first, and write the name in the braces")
        }
        SyntaxErrorKind::TooManyTokens { limit } => {
            let message = format!("the file has more than {limit} words, numbers and signs");
            Diagnostic::new(Code::E108, message, span, "one past the limit").help(
                "a loop writes many layers in one line, and `labels` takes the name of a file with a label a line",
            )
        }
        SyntaxErrorKind::FileTooLarge { size_bytes, limit_bytes } => {
            let name = files.get(span.file).map_or("", |file| file.name.as_str());
            let message = format!("{name} is too large: {size_bytes} bytes, and at most {limit_bytes} are read");
            Diagnostic::new(Code::E108, message, Span { end: span.start, ..span }, "")
        }
    }
}

/// `found` and `expected` are words of the parser, ready to stand in a sentence.
fn unexpected(found: &str, expected: &[&'static str], span: Span) -> Diagnostic {
    let wanted = match expected {
        [] => return Diagnostic::new(Code::E101, format!("cannot read {found}"), span, "cannot be read"),
        [single] => (*single).to_owned(),
        [all @ .., last] => format!("{} or {last}", all.join(", ")),
    };
    Diagnostic::new(Code::E101, format!("expected {wanted}, found {found}"), span, format!("expected {wanted}"))
}

/// A slip whose mend is plain; `found` is source text, and so is `meant`.
fn mistaken(found: &str, meant: &str, span: Span) -> Diagnostic {
    let (message, label, help) = match meant.trim() {
        "" if meant.is_empty() => (
            format!("an invisible character stands here, {}", shown(found)),
            "invisible".to_owned(),
            "remove it".to_owned(),
        ),
        "" => (
            format!("expected a plain blank, found {}", shown(found)),
            "not a plain blank".to_owned(),
            "write a plain blank".to_owned(),
        ),
        meant => (
            format!("expected `{meant}`, found {}", shown(found)),
            format!("expected `{meant}`"),
            format!("write `{meant}`"),
        ),
    };
    Diagnostic::new(Code::E101, message, span, label).help(help).safe_fix(span, meant)
}

/// Source text in backticks; a character that shows nothing by its number.
fn shown(text: &str) -> String {
    let is_invisible =
        text.chars().all(|character| character.is_whitespace() || character.is_control() || is_formatting(character));
    match text.chars().next() {
        Some(first) if is_invisible => format!("U+{:04X}", u32::from(first)),
        _ if text.contains('`') => format!("\"{text}\""),
        _ => format!("`{text}`"),
    }
}

/// Whether a character only formats text: joiners, marks of direction, the byte order mark.
fn is_formatting(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{ad}')
}

fn closing(open: char) -> char {
    match open {
        '(' => ')',
        '[' => ']',
        _ => '}',
    }
}
